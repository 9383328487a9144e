package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	scratchPrefix = "ringcast-bench-" // of the names of runs' directories; a number follows
	heldName      = "held"            // the file in one that the run's processes lock
)

// A scratch is the private directory of one run. The processes of the run share a kernel lock on
// a file in it, so that what a killed run left differs from what is in use.
type scratch struct {
	dir  string
	held *os.File // locked; whoever inherits it holds the lock, too
}

// newScratch removes what killed runs left in base and makes a directory there.
func newScratch(base string) (*scratch, error) {
	sweep(base)
	dir, err := os.MkdirTemp(base, scratchPrefix)
	if err != nil {
		return nil, fmt.Errorf("private directory, where a run puts its rings: %w", err)
	}
	s := &scratch{dir: dir}
	if s.held, err = hold(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("private directory: %w", err), os.RemoveAll(dir))
	}
	return s, nil
}

// hold makes the file that is locked. It gets its name when the lock is there, so nobody finds it free.
func hold(dir string) (*os.File, error) {
	path := filepath.Join(dir, heldName)
	f, err := os.OpenFile(path+".new", os.O_RDONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err = unix.Flock(int(f.Fd()), unix.LOCK_EX); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// sweep removes the directories of runs of which no process lives. It leaves alone what has no
// file to lock, which is just being made, and what belongs to others.
func sweep(base string) {
	found, _ := filepath.Glob(filepath.Join(base, scratchPrefix+"[0-9]*", heldName))
	for _, path := range found {
		f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = os.RemoveAll(filepath.Dir(path))
		}
		_ = f.Close()
	}
}

// remove ends the directory. The run's processes have ended.
func (s *scratch) remove() error {
	return errors.Join(os.RemoveAll(s.dir), s.held.Close())
}
