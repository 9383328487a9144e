/* Clocks, and the stopwatches of those who wait for others. */
#define _GNU_SOURCE
#include <errno.h>
#include <time.h>

#include "base.h"

static uint64_t read_clock(clockid_t id)
{
	struct timespec t;
	(void)clock_gettime(id, &t); /* cannot fail with these clocks */
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

uint64_t rci_now(void) { return read_clock(CLOCK_MONOTONIC); }
uint64_t rci_wall(void) { return read_clock(CLOCK_REALTIME); }

void rci_sleep(uint64_t ns)
{
	struct timespec t = {(time_t)(ns / UINT64_C(1000000000)), (long)(ns % UINT64_C(1000000000))};
	while (nanosleep(&t, &t) != 0 && errno == EINTR) {
	}
}

void rci_watch_start(struct stopwatch *watch, uint64_t now)
{
	watch->last = now;
	watch->elapsed = 0;
	watch->next_inquiry = RCI_FIRST_INQUIRY;
}

uint64_t rci_watch_step(struct stopwatch *watch, uint64_t now)
{
	uint64_t step = now > watch->last ? now - watch->last : 0;
	watch->elapsed += step < RCI_MAX_STEP ? step : RCI_MAX_STEP;
	watch->last = now;
	return watch->elapsed;
}

bool rci_watch_inquire(struct stopwatch *watch)
{
	if (watch->elapsed < watch->next_inquiry)
		return false;
	watch->next_inquiry = watch->elapsed + RCI_NEXT_INQUIRY;
	return true;
}
