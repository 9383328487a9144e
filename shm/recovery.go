//go:build linux

package shm

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/ringcast/ringcast/codec/layout"
	"golang.org/x/sys/unix"
)

// Free ends the recovery of a dead participant: it takes away his bell, large
// info and counters, marks that he died, then makes the record {g, LIVE} FREE under the next
// generation. Everything that names him in rings must be gone before: from
// here on the index may be somebody else's. If he lives the error is
// [ErrAlive]; if the record went on already, all is well. Any number of
// processes may do it at once.
func (d *Domain) Free(index uint16, generation uint32) error {
	if d.readOnly {
		return fmt.Errorf("free participant %d: %w", index, ErrReadOnly)
	}
	if g, live := d.State(index); !live || g != generation {
		return nil
	}
	step("free asks")
	if d.Alive(index) {
		if g, live := d.State(index); !live || g != generation {
			return nil // who holds the lock is the next one
		}
		return fmt.Errorf("free participant %d: %w", index, ErrAlive)
	}
	step("free files")
	if err := d.takeDown(index); err != nil {
		return fmt.Errorf("free participant %d: %w", index, err)
	}
	if !d.table.record(index).markDied(generation) {
		return nil // he left, or somebody else was faster
	}
	live := stateWord(generation, layout.ParticipantStateLive)
	free := stateWord(nextGeneration(generation), layout.ParticipantStateFree)
	step("free record")
	// pairs(ending): the mark comes before.
	if d.table.record(index).state().CompareAndSwap(live, free) {
		step("freed")
		d.changed()
	}
	return nil
}

// takeDown removes what a participant has beside the segments, if its owner is
// gone: the files of a living one are locked.
func (d *Domain) takeDown(index uint16) error {
	for _, path := range []string{d.bellPath(index), d.infoPath(index), d.newInfoPath(index), d.countersPath(index)} {
		if err := removeAbandoned(path); err != nil {
			return err
		}
	}
	return nil
}

// clear removes what an index has beside the segments, whoever still looks at it
// and whose rights it has: the caller holds the lock byte, so there is no other
// owner. A joiner that has hung its bell up already keeps it.
func (d *Domain) clear(index uint16, bell bool) error {
	paths := []string{d.infoPath(index), d.newInfoPath(index), d.countersPath(index)}
	if bell {
		paths = append(paths, d.bellPath(index))
	}
	var errs []error
	for _, path := range paths {
		if err := unix.Unlink(path); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("remove: %w", &fs.PathError{Op: "unlink", Path: path, Err: err}))
		}
	}
	return errors.Join(errs...)
}

// LockCleaner takes the lock that keeps two processes from recovering the same
// participants. It saves work and guards nothing: recovery is right without it,
// and a cleaner that is stopped stops nobody. It returns false if another
// has it; otherwise the caller calls release. System calls; it never waits.
func (d *Domain) LockCleaner() (release func(), ok bool) {
	if d.readOnly {
		return nil, false
	}
	fd, err := reopen(d.parts.fd, unix.O_RDWR)
	if err != nil {
		return nil, false
	}
	if ok, err = lockExclusive(fd, layout.LockByteCleaner); !ok || err != nil {
		closeFD(fd)
		return nil, false
	}
	return func() { closeFD(fd) }, true
}
