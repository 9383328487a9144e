//go:build linux

package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Open file description locks: they belong to the description, not to the
// process, so two domains opened in one process exclude each other, and they go
// with the last descriptor of the description, so with the process at the latest.

// lockExclusive takes the byte for the description alone, without waiting. It
// returns false if another description holds it in any way. A shared lock of
// the same description becomes the exclusive one.
func lockExclusive(fd int, at int64) (bool, error) { return setLock(fd, at, unix.F_WRLCK) }

// lockShared takes the byte together with other sharers, without waiting.
func lockShared(fd int, at int64) (bool, error) { return setLock(fd, at, unix.F_RDLCK) }

// unlock gives the byte up. There is nothing to be done about an error.
func unlock(fd int, at int64) { _, _ = setLock(fd, at, unix.F_UNLCK) }

func setLock(fd int, at int64, kind int16) (bool, error) {
	l := unix.Flock_t{Type: kind, Whence: unix.SEEK_SET, Start: at, Len: 1}
	for {
		err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &l)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, fmt.Errorf("lock byte %#x: %w", at, err)
		}
	}
}

// lockHeld reports whether another description holds the byte for itself alone.
// A shared lock does not count: who may only read the file can take one, and
// must not make the dead look alive.
func lockHeld(fd int, at int64) (bool, error) {
	l := unix.Flock_t{Type: unix.F_RDLCK, Whence: unix.SEEK_SET, Start: at, Len: 1}
	for {
		err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &l)
		if err == nil {
			return l.Type != unix.F_UNLCK, nil
		}
		if !errors.Is(err, unix.EINTR) {
			return false, fmt.Errorf("query byte %#x: %w", at, err)
		}
	}
}

// reopen makes a new description of the file behind fd, whatever its name leads to by now.
func reopen(fd, flags int) (int, error) {
	return openRetry(procPath(fd), flags|unix.O_CLOEXEC)
}

// procPath names the file of a descriptor of this process.
func procPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// openRetry opens a path; a signal that came in between is not the caller's concern.
func openRetry(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, flags, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// closeFD closes a descriptor; its locks go with it if it was the last of its description.
func closeFD(fd int) {
	if fd >= 0 {
		_ = unix.Close(fd)
	}
}

// leadsTo reports whether the path, not followed if it is a link, names the file behind fd.
func leadsTo(path string, fd int) (bool, error) {
	var named, held unix.Stat_t
	if err := unix.Fstat(fd, &held); err != nil {
		return false, os.NewSyscallError("fstat", err)
	}
	if err := unix.Lstat(path, &named); err != nil {
		if errors.Is(err, unix.ENOENT) {
			return false, nil
		}
		return false, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	return named.Dev == held.Dev && named.Ino == held.Ino, nil
}
