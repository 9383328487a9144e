//go:build linux

package shm

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/ringcast/ringcast/codec/layout"
	"golang.org/x/sys/unix"
)

// The bell of a participant is the FIFO live/INDEX. It holds it open for
// reading and writing, so a watcher that has it open for reading is told POLLHUP
// by the kernel when the participant goes, however it goes, in much less than a
// millisecond. A FIFO that has no writer when it is opened never says POLLHUP:
// a watcher reads once, and end of file tells that it came too late.
//
// The owner holds a shared usage lock on the FIFO, as on a segment, and it gets
// its name when the lock is there; so whoever tidies up after the dead does not
// take the bell of the next owner; but for one who stands between his look and the unlink while another
// frees the index and the next owner joins. Then that owner's death is known by the lock byte alone.
//
// It is touched once more when the record is LIVE, so that watchers of the
// directory look at the table then.
//
// A bell only makes deaths known soon. The lock byte is the truth.

func (d *Domain) bellPath(index uint16) string {
	return d.path("live", strconv.Itoa(int(index)))
}

// hangBell makes the FIFO of an index, whose lock byte the caller holds, in
// place of one that a predecessor left. It stays open in the descriptor.
func (d *Domain) hangBell(index uint16) (int, error) {
	path := d.bellPath(index)
	fresh := d.path("live", "."+strconv.Itoa(int(index))) // of a joiner that died here
	if err := unix.Unlink(fresh); err != nil && !errors.Is(err, unix.ENOENT) {
		return -1, refused("hang bell in", filepath.Dir(path), unix.W_OK|unix.X_OK, err)
	}
	if err := unix.Mkfifo(fresh, 0o600); err != nil {
		return -1, refused("hang bell in", filepath.Dir(path), unix.W_OK|unix.X_OK, err)
	}
	step("bell made")
	fd, err := d.openBell(fresh)
	if err == nil {
		step("hang bell")
		if err = unix.Rename(fresh, path); err == nil {
			return fd, nil
		}
	}
	closeFD(fd)
	_ = unix.Unlink(fresh)
	return -1, fmt.Errorf("hang bell %q: %w", path, err)
}

// openBell opens the owner's side, with its rights and its lock.
func (d *Domain) openBell(path string) (int, error) {
	if err := unmask(path); err != nil {
		return -1, err
	}
	fd, err := openRetry(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC)
	if err != nil {
		return -1, err
	}
	if err = d.place.grant.apply(fd, path); err == nil {
		_, err = lockShared(fd, layout.LockByteUsage)
	}
	if err != nil {
		closeFD(fd)
		return -1, err
	}
	return fd, nil
}

// unmask gives a file just made its owner's rights, which the umask may have taken:
// not even he could open it.
func unmask(path string) error {
	fd, err := openRetry(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC)
	if err != nil {
		return err
	}
	defer closeFD(fd)
	return unix.Chmod(procPath(fd), 0o600)
}

// listen opens the watcher's side of a bell. It returns false if the bell is
// missing, or has no owner any more.
func (d *Domain) listen(index uint16) (int, bool) {
	fd, err := openRetry(d.bellPath(index), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC)
	if err != nil {
		return -1, false
	}
	var b [1]byte
	_, err = unix.Read(fd, b[:])
	if errors.Is(err, unix.EAGAIN) { // open for writing somewhere: POLLHUP will come
		return fd, true
	}
	closeFD(fd)
	return -1, false
}
