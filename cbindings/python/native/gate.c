/* One thread at a time, and the clock of its waits. */
#include <pthread.h>
#include <time.h>

#include "native.h"

static unsigned generation; /* of forks */

static void forked(void) { generation++; }

int rcpy_gate_install(void) { return pthread_atfork(NULL, NULL, forked) == 0 ? 0 : -1; }

unsigned rcpy_generation(void) { return generation; }

bool rcpy_gate_occupied(const struct gate *g) { return g->inside != 0 && g->generation == generation; }

int rcpy_gate_check(const struct gate *g, const char *what)
{
	if (!rcpy_gate_occupied(g))
		return 0;
	char text[160];
	(void)PyOS_snprintf(text, sizeof text, "this %s is in a call of %s", what,
		g->inside == PyThread_get_thread_ident() ? "this thread, which a signal has interrupted" : "another thread");
	(void)rcpy_fail_detail(RCPY_THREAD, text);
	return -1;
}

void rcpy_gate_enter(struct gate *g)
{
	g->inside = PyThread_get_thread_ident();
	g->generation = generation;
}

void rcpy_gate_leave(struct gate *g) { g->inside = 0; }

bool rcpy_gate_drain(const struct gate *g)
{
	const struct timespec pause = {0, 500000};
	while (rcpy_gate_occupied(g)) {
		if (g->inside == PyThread_get_thread_ident())
			return false;
		Py_BEGIN_ALLOW_THREADS
		(void)nanosleep(&pause, NULL);
		Py_END_ALLOW_THREADS
	}
	return true;
}

int64_t rcpy_now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t rcpy_deadline(int64_t timeout)
{
	int64_t now = rcpy_now();
	return timeout < 0 || timeout > INT64_MAX - now ? INT64_MAX : now + timeout;
}

int64_t rcpy_slice(int64_t deadline)
{
	int64_t rest = deadline - rcpy_now();
	return rest < 0 ? 0 : rest < RCPY_SLICE ? rest : RCPY_SLICE;
}
