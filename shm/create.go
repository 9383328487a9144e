//go:build linux

package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"path/filepath"

	"github.com/ringcast/ringcast/codec/layout"
	"golang.org/x/sys/unix"
)

// A Spec says what segment to make.
type Spec struct {
	Path      string       // its name; the directory must be there
	Kind      uint32       // layout.SegmentKind
	Size      int          // bytes of the file, at least FixedSize
	ID        uint64       // 0: random
	FixedSize int          // end of the bytes that never change after Fill; 0: the header alone
	Rights    Rights       // of the file; zero fields: as the directory has them
	Shared    bool         // who may read it may write it, too, as far as the directory lets him write
	Memory    Memory       // on which NUMA nodes its pages are taken; the rest is for Settle
	Fill      func([]byte) // writes what follows the header into the zeroed mapping; may be nil
}

// Create makes a segment that nobody can see half done: it is built without a
// name, its pages reserved, its content filled in, its state set to READY, and
// only then linked to its path. If the path is taken the error is
// [fs.ErrExist], and the caller opens what is there. A full file system is a
// [NoSpaceError], now and never a SIGBUS later. The segment is mapped for
// writing and its usage lock is held.
func Create(spec Spec) (*Segment, error) {
	s, err := Build(spec)
	if err != nil {
		return nil, err
	}
	s.SetReady()
	if err := s.Link(); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// Build makes a segment as [Create] does, but leaves it BUILDING and without a
// name: for a successor that is filled from its predecessor. The caller ends
// with SetReady, then Link; a process that dies before leaves nothing.
func Build(spec Spec) (*Segment, error) {
	if err := spec.complete(); err != nil {
		return nil, err
	}
	fd, err := unnamedFile(&spec)
	if err != nil {
		return nil, err
	}
	data, err := mapReserved(&spec, fd)
	if err != nil {
		closeFD(fd)
		return nil, err
	}
	if _, err := lockShared(fd, layout.LockByteUsage); err != nil {
		_ = unmap(data)
		closeFD(fd)
		return nil, fmt.Errorf("use segment %q: %w", spec.Path, err)
	}
	return fill(&spec, fd, data), nil
}

// mapReserved maps the file, then takes its pages: where they lie is said of a
// mapping, and only of pages that are still to be taken.
func mapReserved(spec *Spec, fd int) ([]byte, error) {
	data, err := mapFile(fd, spec.Size, unix.PROT_READ|unix.PROT_WRITE)
	if err != nil {
		return nil, explain("map segment", spec.Path, 0, spec.Size, err)
	}
	mode, mask, err := spec.Memory.policy()
	if err == nil && mode != policyNone {
		if err = bindNodes(data, mode, mask); err != nil {
			err = fmt.Errorf("%w numa=%s: segment %q: %w", ErrMemory, spec.Memory.NUMA, spec.Path, err)
		}
	}
	if err == nil {
		step("reserve")
		err = reserve(fd, spec)
	}
	if err != nil {
		_ = unmap(data)
		return nil, err
	}
	return data, nil
}

// NewHeapSegment makes a segment of heap memory, READY, for tests under the
// race detector, which does not see mappings. It has no file: Link and Remove fail.
func NewHeapSegment(spec Spec) (*Segment, error) {
	if err := spec.complete(); err != nil {
		return nil, err
	}
	s := fill(&spec, -1, alignedBytes(spec.Size))
	s.path = ""
	s.SetReady()
	return s, nil
}

// Link gives the segment its name. If the name is taken the error is
// [fs.ErrExist] and the segment stays without one.
func (s *Segment) Link() error {
	if s.fd < 0 {
		return fmt.Errorf("link heap segment: %w", fs.ErrInvalid)
	}
	step("link")
	err := unix.Linkat(unix.AT_FDCWD, procPath(s.fd), unix.AT_FDCWD, s.path, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		if errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("link segment: %w", &fs.PathError{Op: "linkat", Path: s.path, Err: err})
		}
		return explain("name segment", s.path, unix.W_OK, int(s.header.size), err)
	}
	return nil
}

// complete checks the spec and fills in its defaults. A wrong one is a mistake
// of the program.
func (spec *Spec) complete() error {
	if spec.FixedSize == 0 {
		spec.FixedSize = layout.SegmentHeaderSize
	}
	if spec.FixedSize < layout.SegmentHeaderSize || spec.FixedSize > maxFixedSize || spec.FixedSize > spec.Size {
		return fmt.Errorf("make segment %q: fixed size %d of %d: %w", spec.Path, spec.FixedSize, spec.Size, fs.ErrInvalid)
	}
	if spec.ID == 0 {
		spec.ID = random64()>>(64-layout.SegmentIDBits) | 1
	}
	if bits.Len64(spec.ID) > layout.SegmentIDBits {
		return fmt.Errorf("make segment %q: id %#x: %w", spec.Path, spec.ID, fs.ErrInvalid)
	}
	return nil
}

// fill writes header and content. The checksum follows the content that it covers.
func fill(spec *Spec, fd int, data []byte) *Segment {
	h := newHeader(spec)
	h.encode(data)
	if spec.Fill != nil {
		spec.Fill(data)
	}
	h.checksum = checksumOf(data[:h.fixedSize])
	h.encode(data)
	return &Segment{
		path: spec.Path, fd: fd, data: data, header: h, writable: true,
		state: word64(data, layout.SegmentHeaderStateOffset),
	}
}

// unnamedFile makes the file of a segment, without pages and without a name.
func unnamedFile(spec *Spec) (int, error) {
	g, err := spec.grant()
	if err != nil {
		return -1, err
	}
	dir := filepath.Dir(spec.Path)
	fd, err := openMode(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR):
		return -1, fmt.Errorf("make segment %q: the file system can't hold unnamed files (O_TMPFILE); use a tmpfs: %w", spec.Path, err)
	case errors.Is(err, unix.ENOSPC):
		return -1, noSpace(spec.Path, spec.Size)
	case err != nil:
		return -1, refused("make segment in", dir, unix.W_OK|unix.X_OK, err)
	}
	if err := g.apply(fd, spec.Path); err != nil {
		closeFD(fd)
		return -1, err
	}
	return fd, nil
}

// grant is what the file gets: what is asked for, over what the directory gives.
func (spec *Spec) grant() (grant, error) {
	asked, err := spec.Rights.resolve()
	if err != nil {
		return asked, fmt.Errorf("make segment %q: %w", spec.Path, err)
	}
	dir := filepath.Dir(spec.Path)
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return asked, refused("make segment in", dir, 0, err)
	}
	given := grantOf(&st)
	g := given.over(asked)
	if spec.Shared {
		g.file |= g.file & 0o444 >> 1 & given.file
	}
	return g, nil
}

// reserve takes all pages of the file now.
func reserve(fd int, spec *Spec) error {
	if err := fitsMemory(spec); err != nil {
		return err
	}
	for {
		err := unix.Fallocate(fd, 0, 0, int64(spec.Size))
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EINTR):
			return explain("make segment", spec.Path, 0, spec.Size, err)
		}
	}
}

func openMode(path string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Open(path, flags, mode)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}
