/* Counters: one row a label. */
#define _GNU_SOURCE
#include "check.h"

static void label_is_one_counter(void)
{
	rc_domain *domain;
	uint64_t *counter, *again;
	char label[RC_COUNTER_LABEL_SIZE + 2];
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_counter_open(domain, "test.one: of one", &counter));
	rc_counter_add(counter, 3);
	for (int i = 0; i < 2 * RC_COUNTER_ROW_COUNT; i++) {
		WANT(RC_OK, rc_counter_open(domain, "test.one: of one", &again));
		CHECK(again == counter);
	}
	memset(label, 'x', sizeof label);
	label[RC_COUNTER_LABEL_SIZE] = 0; /* as long as may be */
	for (int i = 1; i < RC_COUNTER_ROW_COUNT; i++) {
		(void)snprintf(label, 9, "%08u", (unsigned)i % 100000000u);
		label[8] = 'x';
		WANT(RC_OK, rc_counter_open(domain, label, &again));
		CHECK(again != counter && *again == 0);
	}
	WANT(RC_ERROR_TOO_LARGE, rc_counter_open(domain, "test.another: of none", &again));
	WANT(RC_OK, rc_counter_open(domain, label, &again));
	CHECK(*counter == 3);
	WANT(RC_OK, rc_domain_close(domain));
}

int main(void)
{
	int failures = 0;
	RUN(label_is_one_counter);
	return failures;
}
