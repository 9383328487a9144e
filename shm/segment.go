//go:build linux

package shm

import (
	"sync/atomic"

	"github.com/ringcast/ringcast/codec/layout"
)

// A Segment is one mapped file, or a piece of heap that plays one in tests.
//
// Its methods may be called by several goroutines; Close and Remove end its
// use, and the caller sees to it that nobody touches the mapping after Close:
// what a Segment lends ([Segment.Bytes], words within) is not counted.
type Segment struct {
	// Immutable after open.
	path     string
	fd       int // -1: heap
	data     []byte
	header   header // the private copy: the one in the mapping may change under us
	state    *atomic.Uint64
	writable bool

	closed atomic.Bool
}

// Bytes returns the whole mapping, header included, until Close. Writing to a
// read-only one is a fault.
func (s *Segment) Bytes() []byte { return s.data }

// ID returns the segment's id: random, 60 bits, never 0.
func (s *Segment) ID() uint64 { return s.header.id }

// Kind returns what the segment is: a layout.SegmentKind.
func (s *Segment) Kind() uint32 { return s.header.kind }

// Path returns the name under which the segment was made or opened; empty on the heap.
func (s *Segment) Path() string { return s.path }

// FixedSize returns the end of the bytes that never change, as checked at open.
func (s *Segment) FixedSize() int { return int(s.header.fixedSize) }

// Writable reports whether the mapping may be written.
func (s *Segment) Writable() bool { return s.writable }

// CreatedNs returns when the segment was made, in nanoseconds of the wall clock, for show.
func (s *Segment) CreatedNs() uint64 { return s.header.createdNs }

// State returns the segment's state, a layout.SegmentState, and the id of the
// segment that replaces it, if there is one. One atomic load.
func (s *Segment) State() (state uint8, successor uint64) {
	w := s.state.Load() // pairs(ready): what the maker wrote before is visible.
	return uint8(w & layout.StateMask), w >> layout.StateBits
}

// SetReady declares a segment made by [Build] finished. It returns false if
// the segment is ready or retired already.
func (s *Segment) SetReady() bool {
	// pairs(ready): everything written to the mapping so far comes before.
	return s.writable && s.state.CompareAndSwap(layout.SegmentStateBuilding, layout.SegmentStateReady)
}

// Retire declares the segment replaced by the one of that id, or damaged where
// the successor is 0. It returns false if the segment was not READY. A full fence.
func (s *Segment) Retire(successor uint64) bool {
	const ready = layout.SegmentStateReady
	return s.writable && s.state.CompareAndSwap(ready, successor<<layout.StateBits|layout.SegmentStateRetired)
}

// Close unmaps the segment and gives up its locks; the file stays. A second
// Close does nothing.
func (s *Segment) Close() error {
	if s.closed.Swap(true) || s.fd < 0 {
		return nil
	}
	err := unmap(s.data)
	closeFD(s.fd)
	return err
}
