/* Tests: each is a function; a failed check ends it. A program prints one line a test. */
#ifndef RC_TEST_CHECK_H
#define RC_TEST_CHECK_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "place.h"
#include "ringcast.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
/* Waits for what is sure to come: no test of that depends on how fast the machine is. */
#define LONG (60 * SECOND)

static jmp_buf test_end;
static struct test_place test_place;
#define test_directory test_place.path

#define FAIL(...) (printf("# %s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), printf("\n"), longjmp(test_end, 1))
#define CHECK(condition) do { if (!(condition)) FAIL("%s", #condition); } while (0)
/* Checks a code, and shows the detail of another one. */
#define WANT(code, call) do { int want_ = (code), got_ = (call); \
	if (got_ != want_) FAIL("%s: %d (%s), want %d", #call, got_, got_ < 0 ? rc_error_detail() : rc_error_text(got_), want_); } while (0)

/* Each test has a base directory of its own. */
static inline void test_base(void)
{
	if (!place_make(&test_place) || setenv("RINGCAST_SHM_DIR", test_directory, 1) != 0)
		abort();
}

static inline rc_domain *open_domain(void)
{
	rc_domain *d;
	WANT(RC_OK, rc_domain_open(NULL, &d));
	return d;
}

static inline int run_test(const char *name, void (*test)(void))
{
	const char *suite = getenv("RC_TEST_SUITE"); /* tells the same test in another build apart */
	test_base();
	int failed = setjmp(test_end);
	if (failed == 0)
		test();
#if defined(RC_NO_INLINE)
	const char *form = "calls/";
#elif RC_INLINE_VERSION != 1
	const char *form = "other/";
#else
	const char *form = "";
#endif
	printf("%sok %s/%s%s%s\n", failed ? "not " : "", suite != NULL ? suite : "c", form, name, failed ? ": see above" : "");
	(void)fflush(stdout);
	place_end(&test_place);
	return failed;
}

#define RUN(name) (failures |= run_test(#name, name))

#endif
