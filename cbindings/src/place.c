/* Where a domain lies, and the rights of what is made there: segment.md, 1. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segment.h"

#define SHARED_BASE "/dev/shm/ringcast"
#define ADVICE "choose a directory that you may write with RINGCAST_SHM_DIR"

static const char *const subdirectories[] = {"topics", "services", "inbox", "live", "counters"};
#define SUBDIRECTORIES (sizeof subdirectories / sizeof *subdirectories)

static bool in_group(gid_t gid)
{
	gid_t groups[1024];
	int n = getgroups((int)(sizeof groups / sizeof *groups), groups);
	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return getegid() == gid;
}

/* The base that the user's rights choose, where nobody named one. */
static void base_by_rule(struct place *place)
{
	gid_t gid = 0;
	bool exists = rci_find_group("ringcast", &gid);
	place->by_rule = true;
	place->shared = geteuid() == 0 || (exists && in_group(gid));
	if (!place->shared) {
		(void)snprintf(place->base, sizeof place->base, SHARED_BASE "-%u", (unsigned)geteuid());
		return;
	}
	(void)snprintf(place->base, sizeof place->base, "%s", SHARED_BASE);
	if (!exists)
		return;
	place->members = gid;
	if (place->make.group == KEEP)
		place->make.group = gid;
}

static int named_base(struct place *place, const char *named)
{
	char *real = realpath(named, NULL); /* who named it may have named a link */
	char current[RCI_PATH] = "";
	if (real == NULL && named[0] != '/' && getcwd(current, sizeof current - 1) == NULL)
		return rci_fail_system("find", named);
	int n = real != NULL ? snprintf(place->base, sizeof place->base, "%s", real)
		: snprintf(place->base, sizeof place->base, "%s%s%s", current, current[0] ? "/" : "", named);
	free(real);
	return n < RCI_PATH - 512 ? RC_OK : rci_fail(RC_ERROR_INVALID, "base directory: path of %d bytes", n);
}

int rci_place(const rc_config *config, struct place *place)
{
	const char *named = config->dir;
	memset(place, 0, sizeof *place);
	place->members = KEEP;
	int result = rci_grant_asked("config", config->owner, config->group, config->mode, &place->asked);
	if (result != RC_OK)
		return result;
	place->make = place->asked;
	if (named == NULL || *named == 0)
		named = getenv("RINGCAST_SHM_DIR");
	if (named != NULL && *named != 0)
		result = named_base(place, named);
	else
		base_by_rule(place);
	if (place->make.mode == 0)
		place->make.mode = place->make.group != KEEP ? 0660 : 0600;
	return result;
}

/* A base by rule that a stranger made is refused: anybody may write /dev/shm. */
static int check_base(const struct place *place)
{
	struct stat st;
	if (!place->by_rule)
		return RC_OK;
	if (lstat(place->base, &st) != 0)
		return rci_fail_system("look at", place->base);
	bool ours = st.st_uid == geteuid() ||
		(place->shared && (st.st_uid == 0 || (place->members != KEEP && st.st_gid == place->members)));
	if (S_ISDIR(st.st_mode) && ours && (st.st_mode & 0002) == 0)
		return RC_OK;
	return rci_fail(RC_ERROR_PERMISSION, "base directory %s: owner %u, mode %o: not a directory of user %u alone: " ADVICE,
		place->base, (unsigned)st.st_uid, (unsigned)st.st_mode, (unsigned)geteuid());
}

static void remove_fresh(const char *fresh, bool subs)
{
	char path[RCI_PATH];
	for (size_t i = 0; subs && i < SUBDIRECTORIES; i++)
		if (snprintf(path, sizeof path, "%s/%s", fresh, subdirectories[i]) < RCI_PATH)
			(void)rmdir(path);
	(void)rmdir(fresh);
}

static int fill_fresh(const struct grant *grant, const char *fresh, const char *path, bool subs)
{
	char sub[RCI_PATH];
	for (size_t i = 0; subs && i < SUBDIRECTORIES; i++) {
		if (snprintf(sub, sizeof sub, "%s/%s", fresh, subdirectories[i]) >= RCI_PATH)
			return rci_fail(RC_ERROR_INVALID, "make %s: path too long", path);
		if (mkdir(sub, 0700) != 0)
			return rci_fail_system("make", sub);
		int result = rci_grant_directory(grant, sub, path);
		if (result != RC_OK)
			return result;
	}
	return rci_grant_directory(grant, fresh, path);
}

/* Makes a directory unless it is there. It gets its name when its rights are set, so
 * that nobody finds it without them. */
static int make_directory(const struct grant *grant, const char *path, bool subs)
{
	struct stat st;
	char fresh[RCI_PATH];
	if (lstat(path, &st) == 0)
		return S_ISDIR(st.st_mode) ? RC_OK : rci_fail(RC_ERROR_NOT_OURS, "%s: not a directory: move it out of the way, or " ADVICE, path);
	if (errno != ENOENT)
		return rci_fail_system("look at", path);
	const char *name = strrchr(path, '/') + 1;
	if (snprintf(fresh, sizeof fresh, "%.*s.%s.new-XXXXXX", (int)(name - path), path, name) >= RCI_PATH)
		return rci_fail(RC_ERROR_INVALID, "make %s: path too long", path);
	if (mkdtemp(fresh) == NULL)
		return rci_fail_system("make", path);
	(void)chmod(fresh, 0700); /* the umask may have taken that, too */
	int result = fill_fresh(grant, fresh, path, subs);
	if (result == RC_OK && renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return RC_OK;
	if (result == RC_OK && errno != EEXIST)
		result = rci_fail_system("make", path);
	remove_fresh(fresh, subs);
	return result;
}

/* Makes the directories above the base that are missing, with its rights. */
static int make_parents(const struct place *place, const struct grant *grant)
{
	char path[RCI_PATH];
	struct stat st;
	(void)snprintf(path, sizeof path, "%s", place->base);
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (stat(path, &st) != 0 && errno == ENOENT) {
			int result = make_directory(grant, path, false);
			if (result != RC_OK)
				return result;
		}
		*slash = '/';
	}
	return RC_OK;
}

/* Makes the base with its parents. It is not for strangers to write, whatever the rights of
 * the domain: there may be others in it. The one by rule for a group is for all its members. */
static int make_base(const struct place *place)
{
	struct grant above = place->make;
	above.mode &= ~(mode_t)0002;
	if (place->members != KEEP) {
		above.mode = 0660;
		above.group = place->members;
	}
	int result = make_parents(place, &above);
	if (result == RC_OK)
		result = make_directory(&above, place->base, false);
	return result == RC_OK ? check_base(place) : result;
}

/* Refuses rights that the base would make void, if they were asked for: whom the domain is for
 * must be able to get there. */
static int check_reachable(const struct place *place, const char *directory, const struct stat *domain)
{
	const struct grant *asked = &place->asked;
	struct stat base;
	if (asked->mode == 0 && asked->owner == KEEP && asked->group == KEEP)
		return RC_OK;
	if (stat(place->base, &base) != 0)
		return rci_fail_system("look at", place->base);
	bool open = (base.st_mode & 0001) != 0;
	bool group = (domain->st_mode & 0010) == 0 || open || (base.st_gid == domain->st_gid && (base.st_mode & 0010) != 0);
	if (group && ((domain->st_mode & 0001) == 0 || open))
		return RC_OK;
	return rci_fail(RC_ERROR_PERMISSION, "%s is for others (%u:%u %04o), but its base %s is %u:%u %04o and does not let them through: chmod o+x %s, or " ADVICE,
		directory, (unsigned)domain->st_uid, (unsigned)domain->st_gid, (unsigned)domain->st_mode & 0777,
		place->base, (unsigned)base.st_uid, (unsigned)base.st_gid, (unsigned)base.st_mode & 0777, place->base);
}

int rci_make_domain(const struct place *place, const char *directory)
{
	char path[RCI_PATH];
	struct stat st;
	int result = make_base(place);
	if (result == RC_OK)
		result = make_directory(&place->make, directory, true);
	if (result != RC_OK)
		return result;
	if (lstat(directory, &st) != 0)
		return rci_fail_system("look at", directory);
	struct grant have = rci_grant_of(&st);
	result = rci_grant_compare(&place->asked, &st, have.mode, directory);
	if (result == RC_OK)
		result = check_reachable(place, directory, &st);
	for (size_t i = 0; result == RC_OK && i < SUBDIRECTORIES; i++) {
		(void)snprintf(path, sizeof path, "%.*s/%s", RCI_PATH - 16, directory, subdirectories[i]);
		result = make_directory(&have, path, false); /* somebody may have removed one */
	}
	return result;
}
