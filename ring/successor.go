//go:build linux

package ring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
	"golang.org/x/sys/unix"
)

// successorPath is the name of a ring that is to take the name path.ctl.
func successorPath(path string, id uint64) string {
	return fmt.Sprintf("%s.ctl.%0*x", path, idDigits, id)
}

// buildSuccessor makes a ring under the name of a successor. Only its maker and
// those who take that name away look for it there.
func (f *File) buildSuccessor(s Shape, o FileOptions) (*File, error) {
	return buildSuccessor(f.path, f.host, s, o)
}

func buildSuccessor(path string, host Host, s Shape, o FileOptions) (*File, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("ring %q: %w", path, err)
	}
	next, err := build(path, newID(), host, s, o)
	if err != nil {
		return nil, err
	}
	next.ctl.SetReady()
	if err := next.ctl.Link(); err != nil {
		next.discard()
		return nil, err
	}
	return next, nil
}

// takeName gives the successor its predecessor's name and closes it: it is
// opened by that name, like any other. errAgain: another took its name away.
func (f *File) takeName(path string) error {
	at("take name")
	err := os.Rename(f.ctl.Path(), path+".ctl")
	if err != nil {
		f.discard()
		if errors.Is(err, fs.ErrNotExist) {
			return errAgain
		}
		return fmt.Errorf("replace ring: %w", err)
	}
	return errors.Join(f.ctl.Close(), f.dat.Close())
}

// discard throws away a ring that never got its name.
func (f *File) discard() {
	_ = os.Remove(f.dat.Path())
	_ = os.Remove(successorPath(f.path, f.ctl.ID()))
	_ = f.dat.Close()
	_ = f.ctl.Close()
}

// reshape replaces a ring that was never written by one of another shape. It
// returns errAgain when the name is to be opened again, by us or others, and a
// ShapeError when the ring was written, or belongs to a living producer.
func (f *File) reshape(want Shape, o FileOptions) error {
	if f.written() {
		return fmt.Errorf("ring %q: %w", f.path, &ShapeError{Have: f.shape, Want: want})
	}
	if err := o.inherit(f.dat.Path()); err != nil {
		return err
	}
	next, err := f.buildSuccessor(want, o)
	if err != nil {
		return err
	}
	at("seal")
	if !f.seal() {
		next.discard()
		return fmt.Errorf("ring %q: %w", f.path, &ShapeError{Have: f.shape, Want: want})
	}
	at("retire")
	if !f.ctl.Retire(next.ctl.ID()) { // pairs(seal)
		next.discard()
		return errAgain
	}
	at("adopt")
	next.adoptReaders(f.Ring)
	if err := next.takeName(f.path); err != nil {
		return err
	}
	at("remove old")
	_ = os.Remove(f.dat.Path()) // mappings of it live on
	f.wakeReaders()             // they follow
	return errAgain
}

// inherit takes the rights of the ring's slots for those of the ring in its place,
// where no others are asked for, and refuses who may not write them: a reader must
// not make a ring that is his. A ring whose slots are gone leaves no rights.
func (o *FileOptions) inherit(dat string) error {
	have, err := shm.RightsOf(dat)
	if err == nil {
		err = shm.CheckWritable(dat)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("replace ring: %w", err)
	}
	have.Owner = o.Rights.Owner // whoever makes it, unless he asks
	have.Mode = orElse(o.Rights.Mode, have.Mode)
	have.Group = orElse(o.Rights.Group, have.Group)
	o.Rights = have
	return nil
}

// finishRetired replaces a ring that was retired, is still in use, and has its
// name still: it was damaged, or its replacer died or was stopped. errAgain says
// that the name is to be opened again.
func finishRetired(path string, host Host, o FileOptions) error {
	old, err := openControl(path+".ctl", host)
	if err != nil {
		return err
	}
	defer old.close()
	if !old.use() {
		return errAgain // a remover has it
	}
	w := old.state.Load()
	if w&layout.StateMask != layout.SegmentStateRetired || !old.named() {
		return errAgain
	}
	if id := w >> layout.StateBits; id != 0 {
		if err := os.Remove(successorPath(path, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("replace ring: %w", err)
		}
		if !old.named() { // after the removal: from here on that successor never gets the name
			return errAgain
		}
	}
	if err := o.inherit(dataPath(path, old.dataID)); err != nil {
		return err
	}
	next, err := buildSuccessor(path, host, old.shape.overlay(o.Shape), o)
	if err != nil {
		return err
	}
	at("finish")
	// pairs(seal): of several who finish, one goes on.
	if !old.state.CompareAndSwap(w, next.ctl.ID()<<layout.StateBits|layout.SegmentStateRetired) {
		next.discard()
		return errAgain
	}
	at("finish adopt")
	if !old.written() {
		next.adoptReaders(old.Ring)
	}
	if err := next.takeName(path); err != nil {
		return err
	}
	_ = os.Remove(dataPath(path, old.dataID))
	old.wakeReaders()
	old.wakeProducers()
	return errAgain
}

// A controlFile is a ring's control file looked at from outside: without its
// slots, without a lock, and though it may be retired, which shm.Open refuses.
type controlFile struct {
	*Ring
	path string
	fd   int
	data []byte
}

// openControl maps a control file that shm.Open has checked before.
func openControl(path string, host Host) (*controlFile, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil, errAgain
	}
	if err != nil {
		return nil, fmt.Errorf("open ring's words: %w", &fs.PathError{Op: "open", Path: path, Err: err})
	}
	o := &controlFile{path: path, fd: fd}
	if err := o.attach(host); err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

// use takes the usage lock, as other users have it: nobody removes the file
// meanwhile. False: a remover has it.
func (o *controlFile) use() bool {
	lock := unix.Flock_t{Type: unix.F_RDLCK, Start: layout.LockByteUsage, Len: 1}
	return unix.FcntlFlock(uintptr(o.fd), unix.F_OFD_SETLK, &lock) == nil
}

func (o *controlFile) attach(host Host) error {
	var st unix.Stat_t
	err := unix.Fstat(o.fd, &st)
	if err == nil && st.Size < fixedSize {
		return &shm.DamagedError{Path: o.path, Found: fmt.Sprintf("%d bytes", st.Size), Wanted: "a ring"}
	}
	if err == nil {
		o.data, err = unix.Mmap(o.fd, 0, int(st.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		return fmt.Errorf("map ring %q: %w", o.path, err)
	}
	o.Ring, err = attachControl(o.data, host)
	if err != nil {
		return &shm.DamagedError{Path: o.path, Found: err.Error(), Wanted: "a ring"}
	}
	return nil
}

// named reports whether the name still leads here.
func (o *controlFile) named() bool {
	var named, held unix.Stat_t
	return unix.Fstat(o.fd, &held) == nil && unix.Lstat(o.path, &named) == nil &&
		named.Dev == held.Dev && named.Ino == held.Ino
}

func (o *controlFile) close() {
	if o.data != nil {
		_ = unix.Munmap(o.data)
	}
	_ = unix.Close(o.fd)
}

// openHeir opens the ring that has the name, for a reader that leaves it. It makes
// none where there is none, but finishes a replacement that is under way for long.
func openHeir(path string, host Host) (*File, error) {
	for start := time.Now(); ; {
		f, err := openExisting(path, host)
		var retired *shm.RetiredError
		if errors.As(err, &retired) {
			err = finishRetired(path, host, FileOptions{})
		}
		if err == nil || !retryable(err) || time.Since(start) > openPatience {
			return f, err
		}
		time.Sleep(100 * time.Microsecond)
	}
}
