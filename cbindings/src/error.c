/* Codes and texts of errors. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

static _Thread_local char detail[768];

#ifdef RCI_TSAN
uint64_t rci_fence_word;
#endif

int rci_fail(int code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)vsnprintf(detail, sizeof detail, format, args);
	va_end(args);
	return code;
}

static int code_of(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
	case EROFS:
		return RC_ERROR_PERMISSION;
	case ENOENT:
		return RC_ERROR_NOT_FOUND;
	case ENOSPC:
	case EDQUOT:
		return RC_ERROR_NO_SPACE;
	case ENOMEM:
		return RC_ERROR_NO_MEMORY;
	default:
		return RC_ERROR_SYSTEM;
	}
}

/* refuser cuts a path off behind the directory on it that may not be searched, if there is one. */
static void refuser(char *path)
{
	for (char *end = strchr(path + 1, '/'); end != NULL; end = strchr(end + 1, '/')) {
		*end = '\0';
		if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
			return;
		*end = '/';
	}
}

/* fail_access tells what refuses a path, whose it is, and who asked: its directory, where it is to be made. */
static int fail_access(const char *what, const char *path, const char *message)
{
	char refuses[PATH_MAX];
	struct stat s;
	(void)snprintf(refuses, sizeof refuses, "%s", path);
	refuser(refuses);
	if (stat(refuses, &s) != 0) {
		char *end = strrchr(refuses, '/');
		end[end == refuses ? 1 : 0] = '\0';
		if (stat(refuses, &s) != 0)
			return rci_fail(RC_ERROR_PERMISSION, "%s %s: %s", what, path, message);
	}
	return rci_fail(RC_ERROR_PERMISSION, "%s %s: %s: %s is %u:%u %04o, and you are user %u, group %u: become a member of its group, ask its owner for a chmod, "
		"or name another directory (RINGCAST_SHM_DIR)", what, path, message, refuses, s.st_uid, s.st_gid, s.st_mode & 07777u, geteuid(), getegid());
}

int rci_fail_system(const char *what, const char *path)
{
	int error = errno;
	char text[128];
	const char *message = strerror_r(error, text, sizeof text);
	if (error == EACCES && path[0] == '/')
		return fail_access(what, path, message);
	return rci_fail(code_of(error), "%s %s: %s", what, path, message);
}

const char *rc_error_detail(void) { return detail; }

const char *rc_error_text(int code)
{
	switch (code) {
	case RC_OK: return "done";
	case RC_NOTHING: return "nothing there";
	case RC_FULL: return "no room: the slowest reliable subscription is a ring behind";
	case RC_TIMED_OUT: return "the time is up";
	case RC_END: return "nothing more will come";
	case RC_ERROR_INVALID: return "argument out of range";
	case RC_ERROR_NAME: return "not a name";
	case RC_ERROR_SYSTEM: return "system call failed";
	case RC_ERROR_PERMISSION: return "no rights: ask the owner of the directory, or choose another with RINGCAST_SHM_DIR";
	case RC_ERROR_NO_SPACE: return "no space on the file system of the segments";
	case RC_ERROR_NO_MEMORY: return "no memory";
	case RC_ERROR_NOT_FOUND: return "not there";
	case RC_ERROR_NOT_OURS: return "not a file of Ringcast";
	case RC_ERROR_OTHER_VERSION: return "another version of Ringcast uses this directory: end it, or use another directory";
	case RC_ERROR_DAMAGED: return "damaged";
	case RC_ERROR_IN_USE: return "in use by somebody who does not let go";
	case RC_ERROR_DOMAIN_FULL: return "no participant record is free";
	case RC_ERROR_READERS_FULL: return "no reader entry of the ring is free";
	case RC_ERROR_SHAPE: return "the topic was written in another shape";
	case RC_ERROR_NOT_EXCLUSIVE: return "another publisher owns the exclusive topic";
	case RC_ERROR_TOO_LARGE: return "message too large for the topic's shape";
	case RC_ERROR_FENCED: return "the claim was held too long and was taken: nothing was sent";
	case RC_ERROR_STALLED: return "every slot is held by somebody who does not move";
	case RC_ERROR_BUSY: return "busy: a claim or a handle is open";
	case RC_ERROR_BUFFER: return "the message does not fit into the buffer";
	case RC_ERROR_FORKED: return "the handle belongs to the parent process: open one in the child";
	case RC_ERROR_UNSUPPORTED: return "not built yet";
	case RC_ERROR_MODE: return "a topic of mode latest has no queue groups";
	case RC_ERROR_GROUP_FULL: return "the queue group has as many members as it can have";
	case RC_ERROR_NO_SERVICE: return "no instance answers to the name: the request did not run";
	case RC_ERROR_OVERLOADED: return "a queue is full: the request did not run";
	case RC_ERROR_INSTANCE_DIED: return "whoever had the request in hand is gone: nobody knows whether it ran";
	case RC_ERROR_GONE: return "the address is nobody's any more";
	case RC_ERROR_NO_INBOX: return "the participant reads no inbox";
	case RC_ERROR_NODE_DOWN: return "there is no way to the node";
	case RC_ERROR_NO_REPLY: return "the handler ended without an answer";
	case RC_ERROR_REPLY_TOO_LARGE: return "the answer does not fit the asker's inbox";
	case RC_ERROR_ONE_REPLY: return "the asker takes one answer";
	case RC_ERROR_NOT_ADDRESSED: return "the message is no request";
	case RC_ERROR_REPLY: return "the handler answered with an error";
	case RC_ERROR_CANCELED: return "given up";
	case RC_ERROR_NAME_KIND: return "the name is of another kind here: choose another name, or end all who use it";
	default: return "unknown code";
	}
}
