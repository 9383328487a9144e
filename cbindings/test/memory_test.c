/* Memory settings: what the kernel has mapped of a topic, as /proc/self/smaps says. */
#define _GNU_SOURCE
#include <glob.h>
#include <sys/stat.h>

#include "pair.h"

/* The mappings of one file, in kB: their size, how much of that is there, and in huge pages. */
struct seen {
	long size, resident, huge;
};

/* The inode of the one file in a folder of the domain that has slots; 0: there is none. Its maker's mapping does not bear its name. */
static unsigned long slots_in(const char *folder)
{
	char pattern[300];
	glob_t found;
	struct stat st = {0};
	(void)snprintf(pattern, sizeof pattern, "%s/default/%s/*.dat", test_directory, folder);
	if (glob(pattern, 0, NULL, &found) == 0)
		CHECK(found.gl_pathc == 1 && stat(found.gl_pathv[0], &st) == 0);
	globfree(&found);
	return (unsigned long)st.st_ino;
}

static struct seen look(const char *folder)
{
	struct seen seen = {0, 0, 0};
	unsigned long ours = slots_in(folder), inode = 0;
	char line[512];
	FILE *f = fopen("/proc/self/smaps", "re");
	CHECK(f != NULL);
	while (ours != 0 && fgets(line, sizeof line, f) != NULL) {
		const char *colon = strchr(line, ':');
		if (line[0] < 'A' || line[0] > 'Z') {
			inode = 0;
			(void)sscanf(line, "%*s %*s %*s %*s %lu", &inode);
		} else if (inode == ours && colon != NULL) {
			long kb = strtol(colon + 1, NULL, 10);
			seen.size += strncmp(line, "Size:", 5) == 0 ? kb : 0;
			seen.resident += strncmp(line, "Rss:", 4) == 0 ? kb : 0;
			seen.huge += strncmp(line, "ShmemPmdMapped:", 15) == 0 ? kb : 0;
		}
	}
	(void)fclose(f);
	return seen;
}

static rc_domain *open_with(const char *memory)
{
	rc_config config = {.memory = memory};
	rc_domain *domain;
	WANT(RC_OK, rc_domain_open(&config, &domain));
	return domain;
}

/* What is mapped of a new topic's slots. */
static struct seen topic_with(const char *memory, const rc_publisher_config *config)
{
	rc_domain *domain = open_with(memory);
	rc_publisher *p;
	WANT(RC_OK, rc_publisher_open(domain, "t", config, &p));
	struct seen seen = look("topics");
	rc_publisher_close(p);
	WANT(RC_OK, rc_domain_close(domain));
	return seen;
}

static void prefault_maps_every_page(void)
{
	(void)unsetenv("RINGCAST_MEMORY");
	struct seen plain = topic_with(NULL, NULL), all = topic_with("prefault", NULL);
	CHECK(plain.size > 2048 && plain.resident < plain.size / 2);
	CHECK(all.size == plain.size && all.resident == all.size);
}

static void environment_is_heard(void)
{
	CHECK(setenv("RINGCAST_MEMORY", "prefault", 1) == 0);
	struct seen said = topic_with(NULL, NULL), empty = topic_with("", NULL), other = topic_with("numa=local", NULL);
	CHECK(said.resident == said.size && empty.resident == empty.size);
	CHECK(other.resident < other.size / 2); /* who says something is not asked what the environment says */
	CHECK(setenv("RINGCAST_MEMORY", "slow", 1) == 0);
	rc_domain *domain;
	WANT(RC_ERROR_INVALID, rc_domain_open(NULL, &domain));
	CHECK(strstr(rc_error_detail(), "RINGCAST_MEMORY") != NULL && strstr(rc_error_detail(), "\"slow\"") != NULL);
	(void)unsetenv("RINGCAST_MEMORY");
}

/* A subscription reads through a mapping of its own, and goes on in the ring that a publisher puts in the place of the first. */
static void reader_has_its_pages(void)
{
	rc_domain *domain = open_with("prefault"), *other = open_with(NULL);
	rc_subscription *s;
	rc_publisher *p;
	rc_received r;
	rc_publisher_config config = {.slots = 4096};
	WANT(RC_OK, rc_subscription_open(domain, "t", NULL, &s));
	struct seen first = look("topics");
	CHECK(first.size > 2048 && first.resident == first.size);
	WANT(RC_OK, rc_publisher_open(other, "t", &config, &p));
	WANT(RC_NOTHING, rc_subscription_poll(s, &r));
	struct seen both = look("topics"); /* the reader's, and the publisher's, which is not prefaulted */
	CHECK(both.size > 2 * 8192 && both.resident >= both.size / 2 && both.resident < both.size * 3 / 4);
	rc_publisher_close(p);
	rc_subscription_close(s);
	WANT(RC_OK, rc_domain_close(other));
	WANT(RC_OK, rc_domain_close(domain));
}

static void inboxes_and_services_too(void)
{
	rc_domain *domain = open_with("prefault");
	rc_service *service;
	rc_subscription *inbox;
	WANT(RC_OK, rc_service_open(domain, "answers", NULL, &service));
	WANT(RC_OK, rc_inbox_open(domain, &inbox));
	struct seen of = look("services"), in = look("inbox");
	CHECK(of.size > 512 && of.resident == of.size);
	CHECK(in.size > 128 && in.resident == in.size);
	rc_subscription_close(inbox);
	rc_service_close(service);
	WANT(RC_OK, rc_domain_close(domain));
}

/* What this machine can't do is an error that says so. */
static void huge_pages_or_an_error(void)
{
	rc_domain *domain = open_with("huge,prefault");
	rc_publisher *p;
	rc_publisher_config config = {.slots = 2048};
	int result = rc_publisher_open(domain, "t", &config, &p);
	if (result == RC_OK) {
		struct seen seen = look("topics");
		CHECK(seen.huge == 4096 && seen.resident == seen.size);
		rc_publisher_close(p);
	} else {
		printf("# %s\n", rc_error_detail());
		CHECK(result == RC_ERROR_SYSTEM && strstr(rc_error_detail(), "memory setting huge") != NULL);
		CHECK(look("topics").size == 0); /* nothing stays open */
	}
	WANT(RC_OK, rc_domain_close(domain));
}

/* Whether the kernel says that pages of a mapping lie by a policy. */
static bool has_policy(const char *policy)
{
	char line[1024];
	bool found = false;
	FILE *f = fopen("/proc/self/numa_maps", "re");
	CHECK(f != NULL);
	while (fgets(line, sizeof line, f) != NULL)
		found |= strstr(line, policy) != NULL;
	(void)fclose(f);
	return found;
}

static void lies(const char *memory, const char *policy)
{
	rc_domain *domain = open_with(memory);
	rc_publisher *p;
	WANT(RC_OK, rc_publisher_open(domain, "t", NULL, &p));
	CHECK(has_policy(policy));
	rc_publisher_close(p);
	WANT(RC_OK, rc_domain_close(domain));
	CHECK(!has_policy(policy));
}

/* Of nodes, the first of any machine; a kernel without has none, and says so. */
static void nodes_are_those_that_are(void)
{
	static const char *const bad[] = {"numa=63", "numa=x", "numa=0+", "numa=+0", "numa=0-1", "numa=18446744073709551616"};
	bool kernel = access("/sys/devices/system/node/has_memory", R_OK) == 0;
	rc_domain *domain;
	if (kernel) {
		lies("numa=interleave", " interleave:0");
		lies("numa=0", " bind:0");
		lies("numa=0+0,prefault", " bind:0");
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		rc_config config = {.memory = bad[i]};
		WANT(RC_ERROR_INVALID, rc_domain_open(&config, &domain));
		CHECK(strstr(rc_error_detail(), kernel ? "want local, interleave, or some of 0" : "no NUMA nodes") != NULL);
	}
}

static void unknown_settings_are_refused(void)
{
	static const char *const bad[] = {"fast", "prefault,", "prefault huge", "huge=1", "numa", "numa=", "prefault,numa=", "prefaul", "prefaults", ",prefault,,huge,x"};
	rc_domain *domain;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		rc_config config = {.memory = bad[i]};
		int want = strcmp(bad[i], "prefault,") == 0 ? RC_OK : RC_ERROR_INVALID;
		WANT(want, rc_domain_open(&config, &domain));
		if (want == RC_OK)
			WANT(RC_OK, rc_domain_close(domain));
		else
			CHECK(strstr(rc_error_detail(), "config: memory setting") != NULL && strstr(rc_error_detail(), "want prefault, huge, numa=local") != NULL);
	}
	rc_config config = {.reserved0 = 1};
	WANT(RC_ERROR_INVALID, rc_domain_open(&config, &domain));
}

int main(void)
{
	int failures = 0;
	RUN(prefault_maps_every_page);
	RUN(environment_is_heard);
	RUN(reader_has_its_pages);
	RUN(inboxes_and_services_too);
	RUN(huge_pages_or_an_error);
	RUN(nodes_are_those_that_are);
	RUN(unknown_settings_are_refused);
	return failures;
}
