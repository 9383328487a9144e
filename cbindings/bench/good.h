/* What all programs of the C library here do with an error: they say what it was and end. Behind ringcast.h. */
#ifndef RINGCAST_BENCH_GOOD_H
#define RINGCAST_BENCH_GOOD_H

_Noreturn static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, rc_error_detail());
	exit(1);
}

static void good(int result, const char *what)
{
	if (result != RC_OK)
		fail(what);
}

#endif
