/* Rights of topics and domains: exactly what is asked for, whatever the umask. */
#define _GNU_SOURCE
#include <glob.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

/* The one file of the topic that ends so. */
static struct stat file_of(const char *topic, const char *suffix)
{
	char pattern[256];
	glob_t found;
	struct stat st;
	(void)snprintf(pattern, sizeof pattern, "%s/default/topics/%s%s", test_directory, topic, suffix);
	CHECK(glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc == 1 && stat(found.gl_pathv[0], &st) == 0);
	globfree(&found);
	return st;
}

static void want_modes(const char *topic, mode_t control, mode_t data)
{
	mode_t have[2] = {file_of(topic, ".ctl").st_mode & 0777, file_of(topic, ".*.dat").st_mode & 0777};
	if (have[0] != control || have[1] != data)
		FAIL("%s: %04o and %04o, want %04o and %04o", topic, (unsigned)have[0], (unsigned)have[1], (unsigned)control, (unsigned)data);
}

static rc_domain *open_with_mode(uint32_t mode)
{
	rc_config config = {.mode = mode};
	rc_domain *domain;
	CHECK(chmod(test_directory, 0755) == 0); /* or the domain would be for nobody */
	WANT(RC_OK, rc_domain_open(&config, &domain));
	return domain;
}

static void modes_are_exact(void)
{
	mode_t old = umask(0777);
	rc_domain *domain = open_with_mode(0660);
	rc_publisher *p[3];
	rc_publisher_config alone = {.file_mode = 0600}, read = {.file_mode = 0640};
	WANT(RC_OK, rc_publisher_open(domain, "plain", NULL, &p[0]));
	WANT(RC_OK, rc_publisher_open(domain, "alone", &alone, &p[1]));
	WANT(RC_OK, rc_publisher_open(domain, "read", &read, &p[2]));
	(void)umask(old);
	want_modes("plain", 0660, 0660);
	want_modes("alone", 0600, 0600);
	want_modes("read", 0660, 0640); /* readers have entries in the control file */
	for (int i = 0; i < 3; i++)
		rc_publisher_close(p[i]);
	WANT(RC_OK, rc_domain_close(domain));
}

static void written_topic_keeps_its_rights(void)
{
	rc_domain *domain = open_with_mode(0660);
	rc_publisher *first, *second;
	rc_subscription *subscription;
	rc_publisher_config read = {.file_mode = 0640}, all = {.file_mode = 0660};
	WANT(RC_OK, rc_subscription_open(domain, "t", NULL, &subscription));
	want_modes("t", 0660, 0660);
	WANT(RC_OK, rc_publisher_open(domain, "t", &read, &first)); /* nobody wrote it: it is replaced */
	want_modes("t", 0660, 0640);
	rc_publisher_config shape = {.slots = 64};
	WANT(RC_OK, rc_publisher_open(domain, "t", &shape, &second)); /* asks for no rights: mode and group stay */
	want_modes("t", 0660, 0640);
	WANT(RC_OK, rc_publisher_publish(second, "x", 1, 0));
	rc_publisher_close(second);
	WANT(RC_ERROR_PERMISSION, rc_publisher_open(domain, "t", &all, &second));
	WANT(RC_OK, rc_publisher_open(domain, "t", &read, &second));
	rc_publisher_close(second);
	WANT(RC_OK, rc_publisher_open(domain, "t", NULL, &second));
	rc_received r;
	WANT(RC_OK, rc_subscription_wait(subscription, SECOND, &r));
	CHECK(r.type == RC_TYPE_MESSAGE && r.sequence == 1);
	rc_publisher_close(first);
	rc_publisher_close(second);
	rc_subscription_close(subscription);
	WANT(RC_OK, rc_domain_close(domain));
}

static void nonsense_is_refused(void)
{
	rc_domain *domain = open_with_mode(0);
	rc_publisher *p;
	const uint32_t bad[] = {0755, 0440, 0620, 01640, 0666 + 01000};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		rc_publisher_config config = {.file_mode = bad[i]};
		WANT(RC_ERROR_INVALID, rc_publisher_open(domain, "t", &config, &p));
	}
	rc_publisher_config owner = {.owner = "no such user"}, group = {.group = "no such group"};
	WANT(RC_ERROR_INVALID, rc_publisher_open(domain, "t", &owner, &p));
	WANT(RC_ERROR_INVALID, rc_publisher_open(domain, "t", &group, &p));
	WANT(RC_OK, rc_domain_close(domain));
}

/* A domain for others below a base that lets nobody through. */
static void unreachable_domain_is_refused(void)
{
	rc_config config = {.mode = 0666};
	rc_domain *domain;
	CHECK(chmod(test_directory, 0700) == 0);
	WANT(RC_ERROR_PERMISSION, rc_domain_open(&config, &domain));
	CHECK(strstr(rc_error_detail(), "chmod o+x") != NULL);
}

/* As user and group 12345: subscribes, and may not publish. */
static int as_member(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	rc_subscription *subscription;
	gid_t gid = 12345;
	if (setgroups(1, &gid) != 0 || setgid(gid) != 0 || setuid(12345) != 0)
		return 1;
	if (rc_domain_open(NULL, &domain) != RC_OK || rc_subscription_open(domain, "t", NULL, &subscription) != RC_OK) {
		printf("# %s\n", rc_error_detail());
		return 2;
	}
	if (rc_publisher_open(domain, "t", NULL, &publisher) != RC_ERROR_PERMISSION)
		return 3;
	rc_subscription_close(subscription);
	return rc_domain_close(domain) == RC_OK ? 0 : 4;
}

/* Root gives a topic to another group, whose members subscribe to what one user publishes;
 * nobody else gives anything away. */
static void topic_of_others(void)
{
	rc_publisher_config config = {.owner = "0", .group = "12345", .file_mode = 0640};
	rc_publisher *publisher;
	if (geteuid() != 0) {
		rc_domain *own = open_with_mode(0);
		WANT(RC_ERROR_PERMISSION, rc_publisher_open(own, "t", &config, &publisher));
		WANT(RC_OK, rc_domain_close(own));
		return;
	}
	rc_config shared = {.mode = 0660, .group = "12345"};
	rc_domain *domain;
	CHECK(chmod(test_directory, 0755) == 0);
	WANT(RC_OK, rc_domain_open(&shared, &domain));
	WANT(RC_OK, rc_publisher_open(domain, "t", &config, &publisher));
	want_modes("t", 0660, 0640);
	CHECK(file_of("t", ".*.dat").st_gid == 12345 && file_of("t", ".ctl").st_gid == 12345);
	(void)fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		_exit(as_member());
	int status = -1;
	(void)waitpid(child, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		FAIL("the member of the group ended with %d", status);
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain));
}

/* As somebody whom the domain's directory does not let in. */
static int as_stranger(const char *path)
{
	rc_domain *domain;
	char want[400];
	gid_t gid = 12345;
	struct stat s;
	if (geteuid() != 0 ? chmod(path, 0) != 0 : setgroups(1, &gid) != 0 || setgid(gid) != 0 || setuid(12345) != 0)
		return 1;
	if (stat(path, &s) != 0 || rc_domain_open(NULL, &domain) != RC_ERROR_PERMISSION)
		return 2;
	(void)snprintf(want, sizeof want, ": %s is %u:%u %04o, and you are user %u, group %u: ", path, s.st_uid, s.st_gid, s.st_mode & 07777u, geteuid(), getegid());
	if (strstr(rc_error_detail(), want) == NULL) {
		printf("# %s\n# does not say %s\n", rc_error_detail(), want);
		(void)fflush(stdout);
		return 3;
	}
	return 0;
}

/* Who has no rights is told which directory refuses, whose it is, and who he is. */
static void stranger_is_told_who_refuses(void)
{
	char path[300];
	rc_domain *domain = open_with_mode(0);
	(void)snprintf(path, sizeof path, "%s/default", test_directory);
	(void)fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		_exit(as_stranger(path));
	int status = -1;
	(void)waitpid(child, &status, 0);
	CHECK(chmod(path, 0700) == 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		FAIL("the stranger ended with %d", status);
	WANT(RC_OK, rc_domain_close(domain));
}

int main(void)
{
	int failures = 0;
	RUN(modes_are_exact);
	RUN(written_topic_keeps_its_rights);
	RUN(nonsense_is_refused);
	RUN(unreachable_domain_is_refused);
	RUN(topic_of_others);
	RUN(stranger_is_told_who_refuses);
	return failures;
}
