/* What stays of the dead: writers, readers, parents; and what a child is told of its parent's handles. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "pair.h"
#include "subscription.h"

static uint64_t now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* A child that claims, and is killed there. */
static void killed_writer_is_stepped_over(void)
{
	struct pair p = open_pair("killed", NULL, NULL);
	rc_received r;
	for (int round = 0; round < 3; round++) {
		int ready[2];
		CHECK(pipe(ready) == 0);
		pid_t child = fork();
		if (child == 0) {
			rc_domain *domain;
			rc_publisher *publisher;
			rc_claim claim;
			bool good = rc_domain_open(NULL, &domain) == RC_OK && rc_publisher_open(domain, "killed", NULL, &publisher) == RC_OK &&
				rc_publisher_claim(publisher, 8, SECOND, &claim) == RC_OK;
			(void)!write(ready[1], good ? "y" : "n", 1);
			for (;;)
				(void)pause();
		}
		char answer = 'n';
		CHECK(child > 0 && read(ready[0], &answer, 1) == 1);
		(void)kill(child, SIGKILL);
		(void)waitpid(child, NULL, 0);
		(void)close(ready[0]);
		(void)close(ready[1]);
		CHECK(answer == 'y');
		WANT(RC_OK, rc_publisher_publish(p.publisher, &round, sizeof round, SECOND));
		uint64_t start = now_ns();
		WANT(RC_OK, rc_subscription_wait(p.subscription, 10 * SECOND, &r));
		CHECK(r.sequence == (uint64_t)round + 1);
		printf("# a dead writer cost %.1f ms\n", (double)(now_ns() - start) / 1e6);
	}
	close_pair(&p);
}

/* A killed reader does not hold its producers up. */
static void killed_reader_frees_the_ring(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	rc_publisher_config config = {.slots = 64, .slot_size = 64};
	int ready[2];
	char answer = 'n';
	CHECK(pipe(ready) == 0);
	pid_t child = fork();
	if (child == 0) {
		rc_domain *own;
		rc_subscription *subscription;
		bool good = rc_domain_open(NULL, &own) == RC_OK && rc_subscription_open(own, "r", NULL, &subscription) == RC_OK;
		(void)!write(ready[1], good ? "y" : "n", 1);
		for (;;)
			(void)pause();
	}
	bool came = child > 0 && read(ready[0], &answer, 1) == 1 && answer == 'y';
	int opened = rc_domain_open(NULL, &domain);
	if (opened == RC_OK)
		opened = rc_publisher_open(domain, "r", &config, &publisher);
	for (int i = 0; opened == RC_OK && i < 64; i++)
		opened = rc_publisher_publish(publisher, &i, sizeof i, 0);
	int full = opened == RC_OK ? rc_publisher_publish(publisher, "x", 1, 0) : -100;
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	CHECK(came);
	WANT(RC_OK, opened);
	WANT(RC_FULL, full);
	WANT(RC_OK, rc_publisher_publish(publisher, "x", 1, 10 * SECOND));
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain));
}

static void forked_child_is_told(void)
{
	struct pair p = open_pair("fork", NULL, NULL);
	rc_received r;
	pid_t child = fork();
	if (child == 0) {
		rc_domain *own;
		bool good = rc_publisher_publish(p.publisher, "x", 1, 0) == RC_ERROR_FORKED && rc_subscription_poll(p.subscription, &r) == RC_ERROR_FORKED;
		rc_publisher_close(p.publisher);
		rc_subscription_close(p.subscription);
		good = good && rc_domain_close(p.domain) == RC_OK && rc_domain_open(NULL, &own) == RC_OK && rc_domain_close(own) == RC_OK;
		_exit(good ? 0 : 1);
	}
	int status = 1;
	CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, 0));
	WANT(RC_OK, rc_subscription_poll(p.subscription, &r));
	close_pair(&p);
}

/* The death of a parent is seen though a child of it lives on. */
static void parent_dies_child_lives(void)
{
	int ready[2];
	pid_t pids[2] = {0, 0};
	CHECK(pipe(ready) == 0);
	pid_t parent = fork();
	if (parent == 0) {
		rc_domain *domain;
		rc_publisher *publisher;
		rc_claim claim;
		if (rc_domain_open(NULL, &domain) != RC_OK || rc_publisher_open(domain, "orphan", NULL, &publisher) != RC_OK || rc_publisher_claim(publisher, 1, 0, &claim) != RC_OK)
			_exit(1);
		pid_t mine[2] = {getpid(), 0};
		if (fork() == 0) { /* it tells of both when it has let go of what it inherited */
			mine[1] = getpid();
			(void)!write(ready[1], mine, sizeof mine);
		}
		for (;;)
			(void)pause();
	}
	ssize_t n = read(ready[0], pids, sizeof pids);
	(void)kill(parent, SIGKILL);
	(void)waitpid(parent, NULL, 0);
	rc_domain *domain;
	int result = rc_domain_open(NULL, &domain); /* recovers the dead */
	struct rc_address address = {0};
	if (result == RC_OK)
		result = rc_domain_address(domain, &address);
	(void)kill(pids[1], SIGKILL);
	CHECK(n == (ssize_t)sizeof pids);
	WANT(RC_OK, result);
	CHECK(address.index == 0 && address.generation == 2);
	WANT(RC_OK, rc_domain_close(domain));
}

/* From here on the kernel kills this process when it registers for membarrier(2). */
static bool die_registering(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = sizeof code / sizeof *code, .filter = code};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/* The kernel may take seconds to register a process, and does not let it die meanwhile: it must not own a ring then. */
static void registers_before_it_owns(void)
{
	rc_publisher_config config = {.kind = RC_RING_KIND_EXCLUSIVE};
	rc_subscription *subscription;
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		rc_domain *own;
		rc_publisher *publisher;
		bool good = rc_domain_open(NULL, &own) == RC_OK && die_registering();
		_exit(good && rc_publisher_open(own, "x", &config, &publisher) == RC_OK ? 0 : 1);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	bool has = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) > 0;
	CHECK(has ? WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS : WIFEXITED(status) && WEXITSTATUS(status) == 0);
	rc_domain *domain = open_domain();
	WANT(RC_OK, rc_subscription_open(domain, "x", NULL, &subscription));
	uint64_t owner = subscription->first->ring->control->owner; /* also what recovery has freed bears a generation */
	rc_subscription_close(subscription);
	WANT(RC_OK, rc_domain_close(domain));
	CHECK(!has || owner == 0);
}

/* What an aborted run left is removed by the next, and nothing of one that lives. */
static void aborted_run_is_cleared_away(void)
{
	int ends[2];
	struct test_place mine, left;
	CHECK(pipe(ends) == 0 && place_make(&mine));
	pid_t child = fork();
	if (child == 0) {
		struct test_place own;
		if (!place_make(&own))
			_exit(1);
		(void)!write(ends[1], &own, sizeof own);
		(void)kill(getpid(), SIGKILL);
	}
	CHECK(child > 0 && read(ends[0], &left, sizeof left) == sizeof left && waitpid(child, NULL, 0) == child);
	place_sweep();
	bool gone = access(left.path, F_OK) != 0, kept = access(mine.path, F_OK) == 0;
	place_end(&mine);
	CHECK(gone && kept && access(test_directory, F_OK) == 0);
}

int main(void)
{
	int failures = 0;
	RUN(killed_writer_is_stepped_over);
	RUN(killed_reader_frees_the_ring);
	RUN(forked_child_is_told);
	RUN(parent_dies_child_lives);
	RUN(registers_before_it_owns);
	RUN(aborted_run_is_cleared_away);
	return failures;
}
