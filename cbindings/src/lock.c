/* Open file description locks of one byte: segment.md, 3. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>

#include "segment.h"

int rci_lock(int fd, uint64_t byte, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
	int result;
	do
		result = fcntl(fd, F_OFD_SETLK, &lock);
	while (result != 0 && errno == EINTR);
	if (result == 0)
		return 1;
	return errno == EAGAIN || errno == EACCES ? 0 : -1;
}

int rci_lock_shared(int fd, uint64_t byte) { return rci_lock(fd, byte, F_RDLCK); }
int rci_lock_exclusive(int fd, uint64_t byte) { return rci_lock(fd, byte, F_WRLCK); }
int rci_unlock(int fd, uint64_t byte) { return rci_lock(fd, byte, F_UNLCK); }

bool rci_locked(int fd, uint64_t byte)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
	int result;
	do
		result = fcntl(fd, F_OFD_GETLK, &lock);
	while (result != 0 && errno == EINTR);
	return result != 0 || lock.l_type != F_UNLCK;
}
