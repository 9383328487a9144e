/* Rights of what is made in a domain: segment.md, 1. */
#define _GNU_SOURCE
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segment.h"

static bool number(const char *text, uint32_t *id)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	*id = (uint32_t)n;
	return *text >= '0' && *text <= '9' && *end == 0 && n < KEEP;
}

bool rci_find_group(const char *name, gid_t *gid)
{
	struct group group, *found = NULL;
	char buffer[16384];
	if (getgrnam_r(name, &group, buffer, sizeof buffer, &found) == 0 && found != NULL) {
		*gid = group.gr_gid;
		return true;
	}
	return number(name, gid);
}

static bool find_user(const char *name, uid_t *uid)
{
	struct passwd user, *found = NULL;
	char buffer[16384];
	if (getpwnam_r(name, &user, buffer, sizeof buffer, &found) == 0 && found != NULL) {
		*uid = user.pw_uid;
		return true;
	}
	return number(name, uid);
}

static bool mode_makes_sense(uint32_t mode)
{
	return mode == 0 || ((mode & ~0666u) == 0 && (mode & 0600) == 0600 && (mode & 0022 & ~((mode & 0044) >> 1)) == 0);
}

int rci_grant_asked(const char *who, const char *owner, const char *group, uint32_t mode, struct grant *grant)
{
	*grant = (struct grant){mode, KEEP, KEEP};
	if (!mode_makes_sense(mode))
		return rci_fail(RC_ERROR_INVALID, "%s: mode %04o: want 0600 (the owner alone), 0660 (the group takes part) or 0640 (the group reads), for example", who, (unsigned)mode);
	if (owner != NULL && *owner != 0 && !find_user(owner, &grant->owner))
		return rci_fail(RC_ERROR_INVALID, "%s: owner \"%s\": there is no such user: want a name or a number", who, owner);
	if (group != NULL && *group != 0 && !rci_find_group(group, &grant->group))
		return rci_fail(RC_ERROR_INVALID, "%s: group \"%s\": there is no such group: make it (as root: groupadd %s), or name one of yours", who, group, group);
	return RC_OK;
}

struct grant rci_grant_over(struct grant given, struct grant asked)
{
	if (asked.mode != 0)
		given.mode = asked.mode;
	if (asked.owner != KEEP)
		given.owner = asked.owner;
	if (asked.group != KEEP)
		given.group = asked.group;
	return given;
}

struct grant rci_grant_of(const struct stat *directory)
{
	struct grant grant = {(directory->st_mode & 0666) | 0600, KEEP, KEEP};
	if ((directory->st_mode & S_ISGID) != 0)
		grant.group = directory->st_gid;
	if (geteuid() == 0 && directory->st_uid != 0)
		grant.owner = directory->st_uid; /* who looks into another's domain as root leaves nothing that shuts him out */
	return grant;
}

int rci_grant_in(const char *file, struct grant *grant)
{
	char directory[RCI_PATH];
	struct stat st;
	const char *slash = strrchr(file, '/');
	(void)snprintf(directory, sizeof directory, "%.*s", slash != NULL ? (int)(slash - file) : 1, file);
	if (stat(directory, &st) != 0)
		return rci_fail_system("look at", directory);
	*grant = rci_grant_of(&st);
	return RC_OK;
}

int rci_grant_apply(const struct grant *grant, int fd, const char *path)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return rci_fail_system("look at", path);
	uid_t owner = grant->owner == st.st_uid ? KEEP : grant->owner;
	gid_t group = grant->group == st.st_gid ? KEEP : grant->group;
	if ((owner != KEEP || group != KEEP) && fchown(fd, owner, group) != 0)
		return rci_fail_system("give away", path);
	return fchmod(fd, grant->mode) == 0 ? RC_OK : rci_fail_system("set the mode of", path);
}

int rci_grant_directory(const struct grant *grant, const char *directory, const char *path)
{
	mode_t mode = grant->mode | ((grant->mode & 0444) >> 2) | (grant->group != KEEP ? S_ISGID : 0);
	if ((grant->owner != KEEP || grant->group != KEEP) && chown(directory, grant->owner, grant->group) != 0)
		return rci_fail_system("give away", path);
	return chmod(directory, mode) == 0 ? RC_OK : rci_fail_system("set the mode of", path);
}

int rci_grant_compare(const struct grant *asked, const struct stat *have, mode_t mode, const char *path)
{
	if ((asked->mode == 0 || asked->mode == mode) && (asked->owner == KEEP || asked->owner == have->st_uid) && (asked->group == KEEP || asked->group == have->st_gid))
		return RC_OK;
	return rci_fail(RC_ERROR_PERMISSION, "%s: it is %u:%u %04o already: ask for no rights to take it as it is, or end all who use it and remove it",
		path, (unsigned)have->st_uid, (unsigned)have->st_gid, (unsigned)mode);
}
