/* The word on which a participant sleeps: segment.md, 7. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "domain.h"

/* This thread has woken somebody, or slept, since it was asked last. */
static _Thread_local bool beside_a_waking;

bool rci_beside_a_waking(void)
{
	bool was = beside_a_waking;
	beside_a_waking = false;
	return was;
}

static void futex_wake_all(uint32_t *word)
{
	if (syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0) > 0)
		beside_a_waking = true;
}

void rci_ring_bell(const rc_domain *d, uint32_t index)
{
	struct rc_participant_record *r = rci_record(d, index);
	if (r == NULL)
		return;
	(void)add_seq(&r->doorbell, 1); /* pairs(doorbell) */
	if (load_seq(&r->sleeping) != 0)
		futex_wake_all(&r->doorbell);
}

uint32_t rci_bell(const rc_domain *d) { return load_seq(&rci_record(d, d->index)->doorbell); }

/* `sleeping` stays 1 from before the first thread sleeps until the last is awake. */
static void count_sleeper(rc_domain *d, struct rc_participant_record *r, int by)
{
	(void)pthread_mutex_lock(&d->sleep_mutex);
	unsigned before = d->sleepers;
	d->sleepers = by > 0 ? before + 1 : before - 1;
	if (before == 0 || d->sleepers == 0)
		store_seq(&r->sleeping, d->sleepers != 0); /* pairs(doorbell) */
	(void)pthread_mutex_unlock(&d->sleep_mutex);
}

void rci_sleep_on_bell(rc_domain *d, uint32_t seen, uint64_t ns)
{
	struct rc_participant_record *r = rci_record(d, d->index);
	struct timespec t = {(time_t)(ns / UINT64_C(1000000000)), (long)(ns % UINT64_C(1000000000))};
	count_sleeper(d, r, 1);
	(void)syscall(SYS_futex, &r->doorbell, FUTEX_WAIT, seen, &t, NULL, 0); /* whatever ends it: look again */
	count_sleeper(d, r, -1);
	beside_a_waking = true;
}
