/* Programs that call many names: what is kept open of them is bounded, and what is in use stays. */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>

#include "check.h"

/* Names in all, those that a domain keeps, and the mappings of one: control, slots and group. */
enum { NAMES = 1000, KEPT = 256, MAPPINGS = 3 };

/* A small queue, since each name has its own. */
static rc_service *serve(rc_domain *d, const char *name)
{
	rc_service_config config = {.queue = 64, .slot_size = 64};
	rc_service *s;
	WANT(RC_OK, rc_service_open(d, name, &config, &s));
	return s;
}

/* One request, answered in this thread. */
static void call(rc_domain *caller, const char *name, rc_service *s)
{
	rc_ask ask = {.timeout = LONG};
	rc_reply r = {0};
	rc_future *f;
	rc_task *t;
	WANT(RC_OK, rc_request_start(caller, name, name, strlen(name), &ask, &f));
	WANT(RC_OK, rc_service_wait(s, LONG, &t));
	WANT(RC_OK, rc_task_reply(t, t->data, t->size));
	WANT(RC_OK, rc_future_wait(f, LONG, &r));
	CHECK(r.size == strlen(name) && memcmp(r.data, name, r.size) == 0);
	rc_future_close(f);
	rc_reply_clear(&r);
}

/* Serves a name for one request. */
static void call_once(rc_domain *caller, rc_domain *server, const char *name)
{
	rc_service *s = serve(server, name);
	call(caller, name, s);
	rc_service_close(s);
}

static void call_names(rc_domain *caller, rc_domain *server, int first, int end)
{
	char name[32];
	for (int i = first; i < end; i++) {
		(void)snprintf(name, sizeof name, "order.%d", i);
		call_once(caller, server, name);
	}
}

/* Mappings of files of this process whose path has the text: those of callers, since who makes a file maps it before it has its name. */
static int mapped(const char *text)
{
	char line[8192];
	int n = 0;
	FILE *f = fopen("/proc/self/maps", "r");
	CHECK(f != NULL);
	while (fgets(line, sizeof line, f) != NULL)
		n += strstr(line, text) != NULL;
	(void)fclose(f);
	return n;
}

static int count_files(const char *path)
{
	int n = 0;
	DIR *all = opendir(path);
	CHECK(all != NULL);
	while (readdir(all) != NULL)
		n++;
	(void)closedir(all);
	return n;
}

static void open_two(rc_domain **caller, rc_domain **server)
{
	WANT(RC_OK, rc_domain_open(NULL, caller));
	WANT(RC_OK, rc_domain_open(NULL, server));
}

static void close_two(rc_domain *caller, rc_domain *server)
{
	char services[5000];
	(void)snprintf(services, sizeof services, "%s/services", rc_domain_directory(caller));
	WANT(RC_OK, rc_domain_close(server));
	WANT(RC_OK, rc_domain_close(caller));
	CHECK(mapped("/services/") == 0);
	CHECK(count_files(services) == 2); /* itself and its parent */
}

/* More rings than a process may usually have files: who forgets nothing does not come to the end. */
static void names_without_end(void)
{
	rc_domain *caller, *server;
	open_two(&caller, &server);
	call_names(caller, server, 0, NAMES - 2 * KEPT);
	int files = count_files("/proc/self/fd");
	call_names(caller, server, NAMES - 2 * KEPT, NAMES);
	CHECK(mapped("/services/") <= MAPPINGS * KEPT);
	CHECK(count_files("/proc/self/fd") <= files);
	CHECK(mapped("/services/order.0.") == 0);
	CHECK(mapped("/services/order.999.") == MAPPINGS); /* the last that were called stay */
	CHECK(mapped("/services/order.760.") == MAPPINGS);
	close_two(caller, server);
}

static void names_that_nobody_serves(void)
{
	rc_domain *caller, *server;
	char name[32];
	rc_reply r = {0};
	open_two(&caller, &server);
	rc_service *s = serve(server, "here");
	call(caller, "here", s);
	CHECK(mapped("/services/here.") == MAPPINGS);
	for (int i = 0; i < NAMES; i++) {
		(void)snprintf(name, sizeof name, "nobody.%d", i);
		WANT(RC_ERROR_NO_SERVICE, rc_request(caller, name, "x", 1, NULL, &r));
		WANT(RC_ERROR_NO_SERVICE, rc_send_service(caller, name, "x", 1));
	}
	CHECK(mapped("/services/here.") == 0);
	call(caller, "here", s);
	rc_service_close(s);
	close_two(caller, server);
}

/* What has a request open is not forgotten: who gives it up takes it back from where it lies. */
static void a_name_in_use_stays(void)
{
	rc_domain *caller, *server;
	rc_future *taken, *waits;
	rc_reply r = {0};
	rc_task *t, *none;
	open_two(&caller, &server);
	rc_service *s = serve(server, "slow");
	rc_ask ask = {.timeout = LONG};
	WANT(RC_OK, rc_request_start(caller, "slow", "1", 1, &ask, &taken));
	WANT(RC_OK, rc_request_start(caller, "slow", "2", 1, &ask, &waits));
	WANT(RC_OK, rc_service_wait(s, LONG, &t));
	call_names(caller, server, 0, KEPT + 50);
	CHECK(mapped("/services/slow.") == MAPPINGS);
	WANT(RC_OK, rc_task_wanted(t));
	WANT(RC_OK, rc_future_cancel(taken));
	WANT(RC_OK, rc_future_cancel(waits));
	WANT(RC_ERROR_CANCELED, rc_task_wanted(t));
	rc_task_drop(t);
	WANT(RC_NOTHING, rc_service_poll(s, &none)); /* it was taken back */
	WANT(RC_ERROR_CANCELED, rc_future_wait(waits, 0, &r));
	rc_future_close(taken);
	rc_future_close(waits);
	call_names(caller, server, KEPT + 50, KEPT + 51);
	CHECK(mapped("/services/slow.") == 0); /* and forgotten when it is not in use any more */
	call(caller, "slow", s);
	rc_service_close(s);
	close_two(caller, server);
}

/* A name that is called now and then is not the one to be forgotten. */
static void the_last_called_stay(void)
{
	rc_domain *caller, *server;
	open_two(&caller, &server);
	rc_service *s = serve(server, "often");
	for (int i = 0; i < 2 * KEPT; i += 64) {
		call(caller, "often", s);
		CHECK(mapped("/services/often.") == MAPPINGS);
		call_names(caller, server, i, i + 64);
		CHECK(mapped("/services/often.") == MAPPINGS);
	}
	rc_service_close(s);
	close_two(caller, server);
}

struct crowd {
	rc_domain *domain;
	int first;
};

static void *call_strangers(void *argument)
{
	const struct crowd *c = argument;
	char name[32];
	rc_reply r = {0};
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof name, "stranger.%d", (c->first + i) % NAMES);
		if (rc_request(c->domain, name, "x", 1, NULL, &r) != RC_ERROR_NO_SERVICE || rc_send_service(c->domain, name, "x", 1) != RC_ERROR_NO_SERVICE)
			return "a stranger was found";
	}
	return NULL;
}

/* Threads call, and forget, the same names. */
static void threads_forget(void)
{
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	struct crowd crowd[THREADS];
	rc_domain *caller, *server;
	open_two(&caller, &server);
	for (int i = 0; i < THREADS; i++) {
		crowd[i] = (struct crowd){caller, i * 7};
		CHECK(pthread_create(&threads[i], NULL, call_strangers, &crowd[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++) {
		void *wrong = "";
		CHECK(pthread_join(threads[i], &wrong) == 0);
		if (wrong != NULL)
			FAIL("%s", (const char *)wrong);
	}
	close_two(caller, server);
}

int main(void)
{
	int failures = 0;
	RUN(names_without_end);
	RUN(names_that_nobody_serves);
	RUN(a_name_in_use_stays);
	RUN(the_last_called_stay);
	RUN(threads_forget);
	return failures;
}
