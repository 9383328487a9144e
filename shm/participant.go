//go:build linux

package shm

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
	"golang.org/x/sys/unix"
)

// Interest is one thing that a participant reads or writes.
type Interest = table.Interest

// Service is one name that a participant answers to.
type Service = table.Service

// Info is what a participant says of itself; others read it with
// [Domain.Participants].
type Info struct {
	Name      string
	Version   string
	Language  uint8 // layout.Language; 0 is Go here
	Interests []Interest
	Services  []Service
}

// A Participant is this process's place in a domain. Its methods may be called
// by several goroutines.
type Participant struct {
	// Immutable after Join.
	domain     *Domain
	index      uint16
	generation uint32
	record     record
	bell       *Doorbell
	lock       int // description that holds the lock byte

	mu       sync.Mutex
	fifo     int      // the bell, held open; guarded by mu
	info     int      // the file of a large info, or -1; guarded by mu
	counters *Segment // its counters, if it has any; guarded by mu
	closed   bool     // guarded by mu
}

// Join takes part in the domain: it takes a free record and its lock, hangs up
// the bell, and only then sets the record LIVE. If no record is free the error
// is [ErrTooManyParticipants]; those of the dead have to be recovered first.
func (d *Domain) Join(info Info) (*Participant, error) {
	if d.readOnly {
		return nil, fmt.Errorf("join domain %q: %w", d.name, ErrReadOnly)
	}
	p, err := d.join(info)
	if err != nil {
		return nil, fmt.Errorf("join domain %q: %w", d.name, err)
	}
	step("joined")
	d.changed()
	p.touchBell()
	return p, nil
}

// touchBell tells watchers of the directory of bells that a record is LIVE now, or says
// something new.
func (p *Participant) touchBell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.touchBellLocked()
}

func (p *Participant) touchBellLocked() {
	if p.fifo >= 0 {
		_ = unix.Fchmod(p.fifo, uint32(p.domain.place.grant.file)) // the mode that it has: nothing but an event
	}
}

func (d *Domain) join(info Info) (*Participant, error) {
	lock, err := reopen(d.parts.fd, unix.O_RDWR)
	if err != nil {
		return nil, refused("open lock of", d.parts.Path(), unix.R_OK|unix.W_OK, err)
	}
	p := &Participant{domain: d, lock: lock, fifo: -1, info: -1}
	err = ErrTooManyParticipants
	for i := 0; i < d.table.count && errors.Is(err, ErrTooManyParticipants); i++ {
		err = p.take(uint16(i), &info)
	}
	if err != nil {
		p.release()
		return nil, err
	}
	if !d.addJoined(p) {
		return nil, errors.Join(ErrClosed, p.Close())
	}
	return p, nil
}

// take tries one index; ErrTooManyParticipants says to try the next. The lock
// comes first, so a record that is LIVE has always had its lock: LIVE with a
// free lock is dead, and nothing else. A record that is not FREE is not even
// locked: the lock of a dead one's byte would make him look alive.
func (p *Participant) take(index uint16, info *Info) error {
	r := p.domain.table.record(index)
	if _, state := splitState(r.state().Load()); state != layout.ParticipantStateFree {
		return ErrTooManyParticipants
	}
	at := layout.LockByteParticipant + int64(index)
	step("take")
	ok, err := lockExclusive(p.lock, at)
	if err != nil || !ok {
		return errors.Join(err, ErrTooManyParticipants)
	}
	step("taken")
	word := r.state().Load() // again: it may have come and gone before the lock
	generation, state := splitState(word)
	if state != layout.ParticipantStateFree {
		unlock(p.lock, at)
		return ErrTooManyParticipants
	}
	p.index, p.generation, p.record, p.bell = index, generation, r, p.domain.Bell(index)
	if err := p.settle(info); err != nil {
		return errors.Join(err, p.takeDown())
	}
	step("live")
	// pairs(live): all that settle wrote comes before.
	if !r.state().CompareAndSwap(word, stateWord(generation, layout.ParticipantStateLive)) {
		return fmt.Errorf("record %d: state changed under its lock", index)
	}
	return nil
}

// settle prepares the record, which is FREE and ours by the lock.
func (p *Participant) settle(info *Info) (err error) {
	if p.fifo, err = p.domain.hangBell(p.index); err != nil {
		return err
	}
	if err = p.domain.clear(p.index, false); err != nil { // of one that died before it was LIVE, or while it left
		return err
	}
	language := uint32(info.Language)
	if language == layout.LanguageUnknown {
		language = layout.LanguageGo
	}
	p.record.sleeping().Store(0)
	p.record.pid().Store(uint32(os.Getpid()))
	p.record.uid().Store(uint32(os.Geteuid()))
	p.record.started().Store(uint64(time.Now().UnixNano()))
	p.record.traits().Store(language)
	return p.writeInfo(info)
}

// Index returns the participant's index on this node.
func (p *Participant) Index() uint16 { return p.index }

// Generation returns the generation of its record: another for each use of the index.
func (p *Participant) Generation() uint32 { return p.generation }

// Address returns the participant's address in the domain.
func (p *Participant) Address() Address {
	return Address{Node: p.domain.nodeID, Epoch: p.domain.epoch, Generation: p.generation, Index: p.index}
}

// Doorbell returns the doorbell on which this participant sleeps.
func (p *Participant) Doorbell() *Doorbell { return p.bell }

// Domain returns the domain that the participant joined.
func (p *Participant) Domain() *Domain { return p.domain }

// SetInfo replaces what the participant says of itself, and tells the
// forwarder. The language stays that of Join. System calls where the info is
// too large for the record; [ErrTooLarge] beyond 1 MiB.
func (p *Participant) SetInfo(info Info) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("set info: %w", ErrClosed)
	}
	if err := p.writeInfo(&info); err != nil {
		return fmt.Errorf("set info: %w", err)
	}
	p.domain.changed()
	p.touchBellLocked()
	return nil
}

// SetInbox says whether the participant has an inbox.
func (p *Participant) SetInbox(has bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	traits := p.record.traits().Load() &^ inboxTrait
	if has {
		traits |= inboxTrait
	}
	p.record.traits().Store(traits)
	p.domain.changed()
}

// Close leaves the domain: what the participant left beside the segments goes,
// its record becomes FREE under the next generation, its lock ends. What it
// has in rings must be given back before. A second Close does nothing.
func (p *Participant) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.domain.dropJoined(p)
	step("leave")
	err := p.takeDown()
	step("left")
	live := stateWord(p.generation, layout.ParticipantStateLive)
	free := stateWord(nextGeneration(p.generation), layout.ParticipantStateFree)
	p.record.markLeft(p.generation)
	step("marked")
	p.record.state().CompareAndSwap(live, free) // pairs(ending); lost only to a scribbler
	p.domain.changed()
	step("unlock")
	p.release()
	return err
}

// takeDown gives up the participant's own files and removes them. The lock byte
// is still held.
func (p *Participant) takeDown() error {
	if p.counters != nil {
		_ = p.counters.Close()
	}
	closeFD(p.fifo)
	closeFD(p.info)
	p.fifo, p.info = -1, -1
	return p.domain.clear(p.index, true)
}

// release closes what the participant holds; its lock ends with it.
func (p *Participant) release() {
	closeFD(p.fifo)
	closeFD(p.info)
	closeFD(p.lock)
	p.fifo, p.info, p.lock = -1, -1, -1
}
