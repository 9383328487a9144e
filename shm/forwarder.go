//go:build linux

package shm

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"golang.org/x/sys/unix"
)

// Session returns the number of the last incarnation of this node's forwarder;
// 0 if there was none. It only grows. One atomic load.
func (d *Domain) Session() uint64 { return d.session().Load() }

// ForwarderBell returns the doorbell of this node's forwarder, if one has taken
// its seat and not left it or been freed: it may be dead ([Domain.ForwarderAlive]).
// Two atomic loads.
func (d *Domain) ForwarderBell() (*Doorbell, bool) {
	index, generation, ok := d.forwarderRecord()
	if g, live := d.State(index); !ok || !live || g != generation {
		return nil, false
	}
	return d.Bell(index), true
}

// Forwarder returns the address of this node's forwarder, if one has taken its seat and not
// left it or been freed: it may be dead ([Domain.ForwarderAlive]). Two atomic loads.
func (d *Domain) Forwarder() (Address, bool) {
	index, generation, ok := d.forwarderRecord()
	if g, live := d.State(index); !ok || !live || g != generation {
		return Address{}, false
	}
	node, epoch := d.Node()
	return Address{Node: node, Epoch: epoch, Index: index, Generation: generation}, true
}

// ForwarderAlive reports whether this node has a living forwarder: whether a
// process holds the lock of its seat. A system call.
func (d *Domain) ForwarderAlive() bool {
	held, err := lockHeld(d.node.fd, layout.LockByteForwarder)
	return held || err != nil
}

// forwarderRecord takes the forwarder's word apart: generation:32 | index + 1.
func (d *Domain) forwarderRecord() (index uint16, generation uint32, ok bool) {
	w := d.forwarder().Load()
	number := uint32(w)
	if number == 0 || number > uint32(d.table.count) {
		return 0, 0, false
	}
	return uint16(number - 1), uint32(w >> 32), true
}

// A ForwarderSeat is held by the one forwarder of a node. It writes the
// directory and the rows that must outlive it. It must not be used by more than
// one goroutine at a time, but for Session, WriteDirectory and Close.
type ForwarderSeat struct {
	domain      *Domain
	participant *Participant
	lock        int // description that holds the seat's lock
	self        uint64
	seg         *Segment

	cursors rowTable[uint64]
	streams rowTable[streamKey]
	peers   rowTable[peerKey]

	mu      sync.Mutex // the directory's one writer
	session uint64     // guarded by mu
	closed  bool       // guarded by mu
}

// ClaimForwarder takes the seat of this node's forwarder for a participant of
// this domain, and begins a new session: higher than all before, and than the
// wall clock in milliseconds where that has not been set back. What the last
// forwarder left is there to be read. If the seat is held the error is a
// [ForwarderRunningError]. It never waits.
func (d *Domain) ClaimForwarder(p *Participant) (*ForwarderSeat, error) {
	if d.readOnly {
		return nil, fmt.Errorf("claim forwarder: %w", ErrReadOnly)
	}
	lock, err := reopen(d.node.fd, unix.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("claim forwarder: %w", err)
	}
	s := &ForwarderSeat{domain: d, participant: p, lock: lock}
	if err = s.sit(p); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *ForwarderSeat) sit(p *Participant) error {
	d := s.domain
	ok, err := lockExclusive(s.lock, layout.LockByteForwarder)
	if err != nil {
		return fmt.Errorf("claim forwarder: %w", err)
	}
	if !ok {
		return d.forwarderRunning()
	}
	if s.seg, err = d.openForwarderSegment(); err != nil {
		return fmt.Errorf("claim forwarder: %w", err)
	}
	if err = s.readRows(); err != nil {
		return fmt.Errorf("claim forwarder: %w", err)
	}
	if d.area.version.Load()%2 != 0 { // the last one died writing: better nothing than half of it
		_ = d.area.write(nil)
	}
	s.session = max(d.session().Load()+1, uint64(time.Now().UnixMilli()))
	d.session().Store(s.session)
	s.self = uint64(p.generation)<<32 | uint64(p.index) + 1
	d.forwarder().Store(s.self)
	return nil
}

func (d *Domain) forwarderRunning() error {
	e := &ForwarderRunningError{Dir: d.dir}
	if index, _, ok := d.forwarderRecord(); ok {
		e.Index, e.PID = index, d.table.record(index).pid().Load()
	}
	return e
}

// Session returns the number of this incarnation.
func (s *ForwarderSeat) Session() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session
}

// WriteDirectory replaces what this node's participants read of the other
// nodes. [ErrTooLarge] if the area has no room; the old one stays then. It
// never waits for readers.
func (s *ForwarderSeat) WriteDirectory(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("write directory: %w", ErrClosed)
	}
	if err := s.domain.area.write(b); err != nil {
		return err
	}
	s.participant.touchBell() // for those who watch
	return nil
}

// Close leaves the seat. What was written stays. A second Close does nothing.
func (s *ForwarderSeat) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.self != 0 {
		s.domain.forwarder().CompareAndSwap(s.self, 0)
	}
	if s.seg != nil {
		errs = append(errs, s.seg.Close())
	}
	closeFD(s.lock) // last: the next one reads what was written
	return errors.Join(errs...)
}
