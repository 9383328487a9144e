//go:build linux

package shm

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/ringcast/ringcast/codec/layout"
	"golang.org/x/sys/unix"
)

// Remove ends the caller's use of the segment and removes its file if nobody
// else uses it; otherwise the error is [ErrInUse], and the last user to leave
// removes it. Only Close may follow. It never waits.
//
// The rule, the same for every remover: take the usage lock for oneself; if the
// name leads elsewhere by now, let go; otherwise set RETIRED and unlink while
// the lock is held. So whoever gets a shared lock later finds RETIRED, and
// nobody unlinks what somebody else has just made.
func (s *Segment) Remove() error {
	if s.fd < 0 {
		return fmt.Errorf("remove heap segment: %w", fs.ErrInvalid)
	}
	if !s.writable {
		return fmt.Errorf("remove segment %q: %w", s.path, ErrReadOnly)
	}
	return s.remove()
}

// remove gives up the shared lock first: two users who leave at once would
// otherwise each find the other's, and both stay.
func (s *Segment) remove() error {
	step("give up")
	unlock(s.fd, layout.LockByteUsage)
	return removeFile(s.path, s.fd, func() { s.retireAny() })
}

// retireAny sets RETIRED and keeps a successor that is named already.
func (s *Segment) retireAny() {
	for {
		w := s.state.Load()
		if w&layout.StateMask == layout.SegmentStateRetired {
			return
		}
		if s.state.CompareAndSwap(w, layout.SegmentStateRetired) {
			return
		}
	}
}

// removeFile unlinks path by the remover's rule: fd is open for writing and
// bears no lock; before runs under the lock when the name still leads to it.
// Anything else is left alone: ErrInUse if a user holds it, nil if the name is
// gone or another's.
func removeFile(path string, fd int, before func()) error {
	step("remove")
	ok, err := lockExclusive(fd, layout.LockByteUsage)
	if err != nil {
		return fmt.Errorf("remove %q: %w", path, err)
	}
	if !ok {
		return fmt.Errorf("remove %q: %w", path, ErrInUse)
	}
	defer unlock(fd, layout.LockByteUsage)
	same, err := leadsTo(path, fd)
	if err != nil || !same {
		return err
	}
	step("retire")
	before()
	step("unlink")
	// A bell goes without this lock where the next owner of its index clears what was left.
	if err := unix.Unlink(path); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove: %w", &fs.PathError{Op: "unlink", Path: path, Err: err})
	}
	return nil
}

// removeAbandoned removes a file beside the segments (a bell, a large info)
// whose owner held its usage lock and is gone. It never waits. A file that is
// gone or in use is left alone without an error.
func removeAbandoned(path string) error {
	fd, err := openRetry(path, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove: %w", &fs.PathError{Op: "open", Path: path, Err: err})
	}
	defer closeFD(fd)
	if err := removeFile(path, fd, func() {}); err != nil && !errors.Is(err, ErrInUse) {
		return err
	}
	return nil
}
