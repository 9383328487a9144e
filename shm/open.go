//go:build linux

package shm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"golang.org/x/sys/unix"
)

// Patience of an opener with who is just removing or replacing a segment: both
// take microseconds, unless he was stopped.
const (
	// removePatience is for a remover, whose lock nobody can get past.
	removePatience = 200 * time.Millisecond
	// retiredPatience is for a replacer, whose work others can finish.
	retiredPatience = 20 * time.Millisecond
)

// errChanging says that the name is about to lead elsewhere: look again.
var errChanging = fmt.Errorf("it is being removed: %w", ErrInUse)

// errOtherBoot says that a segment of another boot has users. Several openers
// that are about to remove it are users, too, for an instant.
var errOtherBoot = fmt.Errorf("made under another boot id of a kernel that uses it now "+
	"(two machines can't share a directory): %w", ErrInUse)

// Open maps a segment that is there, of that kind, and holds its usage lock.
//
// Errors: [NotOursError], [VersionError] and [DamagedError] say that the file
// can't be used; [RetiredError] that it was given up while others still use it;
// [ErrInUse] that a remover holds it for very long, or that it is of another
// boot and in use; [fs.ErrNotExist] and [fs.ErrPermission] are the system's. A
// segment that nobody uses any more, retired or of an earlier boot of the
// machine, is removed on the way, and does not exist.
//
// Open reads the header once, with read(2), and goes by that copy for ever.
func Open(path string, kind uint32, writable bool) (*Segment, error) {
	start := time.Now()
	for {
		s, err := openOnce(path, kind, writable)
		if time.Since(start) >= patienceWith(err) {
			return s, err
		}
		time.Sleep(time.Millisecond)
	}
}

// patienceWith is how long the error may go away by itself.
func patienceWith(err error) time.Duration {
	var retired *RetiredError
	switch {
	case errors.Is(err, errChanging), errors.Is(err, errOtherBoot):
		return removePatience
	case errors.As(err, &retired):
		return retiredPatience
	}
	return 0
}

func openOnce(path string, kind uint32, writable bool) (*Segment, error) {
	fd, size, err := openFile(path, writable)
	if err != nil {
		return nil, err
	}
	s := &Segment{path: path, fd: fd, writable: writable}
	if err = s.check(size, kind); err == nil {
		err = s.refill()
	}
	if err == nil {
		err = s.attach()
	}
	if err != nil {
		closeFD(fd)
		return nil, err
	}
	return s, nil
}

// openFile opens a regular file and nothing else: no link is followed, and a
// FIFO or device is neither waited for nor touched.
func openFile(path string, writable bool) (int, int64, error) {
	flags := unix.O_RDONLY
	if writable {
		flags = unix.O_RDWR
	}
	fd, err := openRetry(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC)
	if what := notRegular(err); what != "" {
		return -1, 0, &NotOursError{Path: path, Found: what, Wanted: "a regular file"}
	}
	if err != nil {
		return -1, 0, refused("open segment", path, accessOf(writable), err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		closeFD(fd)
		return -1, 0, fmt.Errorf("open segment %q: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		closeFD(fd)
		return -1, 0, &NotOursError{Path: path, Found: fileType(st.Mode), Wanted: "a regular file"}
	}
	return fd, st.Size, nil
}

// accessOf is what opening a segment needs of its file.
func accessOf(writable bool) uint32 {
	if writable {
		return unix.R_OK | unix.W_OK
	}
	return unix.R_OK
}

// notRegular names what open(2) refused to open for its type.
func notRegular(err error) string {
	switch {
	case errors.Is(err, unix.ELOOP):
		return "a symbolic link"
	case errors.Is(err, unix.EISDIR):
		return "a directory"
	case errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return "a socket or device"
	}
	return ""
}

func fileType(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFIFO:
		return "a FIFO"
	case unix.S_IFLNK:
		return "a symbolic link"
	}
	return "a socket or device"
}

// refill gives a segment with holes, such as a sparse copy, the pages that it
// lacks: a page that can't be had when it is touched is a SIGBUS.
func (s *Segment) refill() error {
	var st unix.Stat_t
	if err := unix.Fstat(s.fd, &st); err != nil {
		return fmt.Errorf("open segment %q: %w", s.path, err)
	}
	if !s.writable || st.Blocks*512 >= st.Size {
		return nil
	}
	return reserve(s.fd, &Spec{Path: s.path, Size: int(s.header.size)})
}

// check reads the header and the fixed bytes and keeps the copy of the header.
func (s *Segment) check(size int64, kind uint32) error {
	fixed := make([]byte, layout.SegmentHeaderSize)
	n, err := preadFull(s.fd, fixed, 0)
	if err != nil {
		return fmt.Errorf("read segment %q: %w", s.path, err)
	}
	if err := checkIdentity(s.path, fixed[:n]); err != nil {
		return err
	}
	s.header = decodeHeader(fixed)
	if err := s.header.checkSizes(s.path, size); err != nil {
		return err
	}
	fixed = append(fixed, make([]byte, int(s.header.fixedSize)-len(fixed))...)
	if n, err = preadFull(s.fd, fixed[layout.SegmentHeaderSize:], layout.SegmentHeaderSize); err != nil {
		return fmt.Errorf("read segment %q: %w", s.path, err)
	}
	return s.header.checkContent(s.path, fixed[:layout.SegmentHeaderSize+n], kind)
}

// attach takes the usage lock, then maps, then looks whether the segment was
// given up before the lock was there. On error the caller closes the file.
func (s *Segment) attach() error {
	step("use")
	ok, err := lockShared(s.fd, layout.LockByteUsage)
	if err != nil {
		return fmt.Errorf("use segment %q: %w", s.path, err)
	}
	if !ok {
		return fmt.Errorf("open segment %q: %w", s.path, errChanging) // a remover holds it
	}
	prot := unix.PROT_READ
	if s.writable {
		prot |= unix.PROT_WRITE
	}
	s.data, err = mapFile(s.fd, int(s.header.size), prot)
	if err != nil {
		return explain("map segment", s.path, 0, int(s.header.size), err)
	}
	s.state = word64(s.data, layout.SegmentHeaderStateOffset)
	if err := s.usable(); err != nil {
		_ = unmap(s.data)
		return err
	}
	return nil
}

// usable looks at the state under the usage lock. What was given up is removed
// by whoever meets it, if nobody uses it; then the caller looks again.
func (s *Segment) usable() error {
	state, successor := s.State()
	switch {
	case state == layout.SegmentStateRetired:
		if s.writable && s.remove() == nil {
			return fmt.Errorf("open segment %q: %w", s.path, errChanging)
		}
		return &RetiredError{Path: s.path, Successor: successor}
	case otherBoot(s.header.bootHash, bootHash()):
		return s.dropOtherBoot()
	case state == layout.SegmentStateBuilding:
		return &DamagedError{Path: s.path, Found: "state BUILDING", Wanted: "READY before it has a name"}
	case state != layout.SegmentStateReady:
		return &DamagedError{Path: s.path, Found: fmt.Sprintf("state %d", state), Wanted: "READY or RETIRED"}
	}
	return nil
}

// otherBoot compares two hashes of boot ids. Who does not know the boot can't
// tell: a segment is not taken from its users for want of a file in /proc.
func otherBoot(theirs, ours uint64) bool { return theirs != 0 && ours != 0 && theirs != ours }

// dropOtherBoot removes a segment of another boot. It returns errChanging when
// the caller is to look again.
func (s *Segment) dropOtherBoot() error {
	if !s.writable {
		return fmt.Errorf("open segment %q: of an earlier boot: %w", s.path, fs.ErrNotExist)
	}
	if s.remove() == nil {
		return fmt.Errorf("open segment %q: %w", s.path, errChanging)
	}
	return fmt.Errorf("open segment %q: %w", s.path, errOtherBoot)
}

// ReadID returns the id of the segment that a name leads to. It is not used meanwhile: nobody who would
// remove it is kept from that. Errors: [NotOursError], [VersionError] and [DamagedError], as far as the
// header's first line tells, and those of the system. It never waits.
func ReadID(path string) (uint64, error) {
	fd, _, err := openFile(path, false)
	if err != nil {
		return 0, err
	}
	defer closeFD(fd)
	var b [layout.SegmentHeaderSize]byte
	n, err := preadFull(fd, b[:], 0)
	if err != nil {
		return 0, fmt.Errorf("read segment %q: %w", path, err)
	}
	if err := checkIdentity(path, b[:n]); err != nil {
		return 0, err
	}
	h := decodeHeader(b[:])
	return h.id, nil
}

// preadFull reads until b is full or the file ends.
func preadFull(fd int, b []byte, off int64) (int, error) {
	n := 0
	for n < len(b) {
		m, err := unix.Pread(fd, b[n:], off+int64(n))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return n, err
		case m == 0:
			return n, nil
		}
		n += m
	}
	return n, nil
}

var _ io.Closer = (*Segment)(nil)
