package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// A group is one mapping of a queue group's words, over a ring. It is safe for
// concurrent use; its Members are not.
//
// A position goes from hand to hand by its take word:
//
//	(earlier lap) ──take──▶ TAKEN ──start──▶ STARTED      the gate passes
//	      └────────────────step over──────▶ DONE          the gate passes
//
// TAKEN may be stolen; STARTED never is. A message is in its taker's hand from
// STARTED on, whatever becomes of the slot, until the row's hand is ended.
type group struct {
	// Immutable after attachGroup and settle.
	ring  *Ring
	entry int // of the group, whose cursor is the gate

	// Shared with everybody who maps the group.
	head  *groupHead
	taken []atomic.Uint64
	rows  []handRow
}

// nobody is the participant that a group's own entry names: it belongs to no process.
const nobody = noIndex

// rowCount is how many messages a group may have in hand at once, over all members.
const rowCount = 1024

// groupFixedSize is the part of a group's file that never changes.
const groupFixedSize = layout.SegmentHeaderSize + layout.GroupHeaderGateOffset

const takenStart = layout.SegmentHeaderSize + layout.GroupHeaderSize

func (s Shape) rowsStart() int { return (takenStart + 8*s.Slots + 127) &^ 127 }
func (s Shape) groupSize() int { return s.rowsStart() + rowCount*layout.InHandRowSize }

// putGroup writes the fixed header of a new group.
func putGroup(span []byte, s Shape, ringID uint64) {
	g, le := span[layout.SegmentHeaderSize:], binary.LittleEndian
	le.PutUint64(g[layout.GroupHeaderRingIdOffset:], ringID)
	le.PutUint32(g[layout.GroupHeaderTakenStartOffset:], takenStart)
	le.PutUint32(g[layout.GroupHeaderRowsStartOffset:], uint32(s.rowsStart()))
	le.PutUint32(g[layout.GroupHeaderRowCountOffset:], rowCount)
}

// attachGroup checks the header of a mapped group of the ring. What is in it is
// looked at once.
func attachGroup(r *Ring, span []byte, ringID uint64) (*group, error) {
	if len(span) < takenStart || !aligned(span) {
		return nil, fmt.Errorf("group of %d bytes: want at least %d, on a cache line", len(span), takenStart)
	}
	h, le := span[layout.SegmentHeaderSize:], binary.LittleEndian
	for _, f := range []struct {
		name       string
		have, want uint64
	}{
		{"ring", le.Uint64(h[layout.GroupHeaderRingIdOffset:]), ringID},
		{"taken start", uint64(le.Uint32(h[layout.GroupHeaderTakenStartOffset:])), takenStart},
		{"rows start", uint64(le.Uint32(h[layout.GroupHeaderRowsStartOffset:])), uint64(r.shape.rowsStart())},
		{"row count", uint64(le.Uint32(h[layout.GroupHeaderRowCountOffset:])), rowCount},
		{"size", uint64(len(span)), uint64(r.shape.groupSize())},
	} {
		if f.have != f.want {
			return nil, fmt.Errorf("group's %s is %#x: want %#x", f.name, f.have, f.want)
		}
	}
	return &group{
		ring:  r,
		entry: -1,
		head:  groupHeadAt(span),
		taken: wordsAt(span, takenStart, r.shape.Slots),
		rows:  handRowsAt(span, r.shape.rowsStart(), rowCount),
	}, nil
}

// take is the take word of position p.
func (g *group) take(p uint64) *atomic.Uint64 { return &g.taken[p&g.ring.mask] }

// gateAt is the first position that is neither started nor stepped over, as far as
// anybody has looked: producers are held a ring's length behind it.
func (g *group) gateAt() uint64 { return g.ring.entries[g.entry].cursor.Load() } // pairs(cursor)

// state is the group's entry's.
func (g *group) state() entryWord { return entryWord(g.ring.entries[g.entry].state.Load()) } // pairs(entry)

// nameHash is what a group's entry says of the name.
func nameHash(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return h.Sum32()
}

// maxGroupName leaves room for the longest ring's name in a file name.
const maxGroupName = 32

// validGroupName says whether a name can be a group's: one token of a ring's name.
func validGroupName(name string) error {
	if name == "" || len(name) > maxGroupName {
		return shm.Invalid("group name %q: want 1 to %d bytes", name, maxGroupName)
	}
	for _, c := range []byte(name) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return shm.Invalid("group name %q: want only A-Z a-z 0-9 _ -", name)
		}
	}
	return nil
}

// adopted is what a replacer leaves in "joined" of a group's entry that it carried
// over: no group's file names it yet.
const adopted = ^uint64(0)

// settleTries bounds settle where words are scribbled over.
const settleTries = 1000

// settle finds the entry whose cursor is the group's gate, or makes it, at the tail
// or, for who comes from a retired ring, at the beginning. Several may do so at
// once; whoever finds an entry half made finishes it.
func (g *group) settle(hash uint32, fromStart bool) error {
	for range settleTries {
		at("settle")
		named := g.head.gate.Load()
		if g.finishEntry(named) {
			return nil
		}
		if i, w, ok := g.ring.adoptedGroup(hash); ok {
			if g.head.gate.CompareAndSwap(named, placeOf(i, w)) {
				g.ring.entries[i].joined.Store(0)
			}
			continue
		}
		if err := g.makeEntry(named, hash, fromStart); err != nil {
			return err
		}
	}
	return g.ring.damage(0, "group's entry changes without end")
}

// placeOf names an entry in a group's header.
func placeOf(i int, w entryWord) uint64 { return uint64(w.generation())<<32 | uint64(i+1) }

// finishEntry reports whether the named entry is the group's. Its maker may have
// stopped before the last step; recovery may have freed it before that.
func (g *group) finishEntry(named uint64) bool {
	i := int(uint32(named)) - 1
	if i < 0 || i >= len(g.ring.entries) {
		return false
	}
	e := &g.ring.entries[i]
	for range settleTries {
		w := entryWord(e.state.Load()) // pairs(entry)
		if w.generation() != uint32(named>>32) || w.state() == entryFree {
			return false
		}
		if w.state() != entryJoining {
			return g.settleOn(i, w)
		}
		at("finish entry")
		out := makeEntryWord(w.generation(), nobody, entryLeaving) // until a member brings it back
		e.state.CompareAndSwap(uint64(w), uint64(out))             // pairs(entry): if not we, then another did it, or recovery
	}
	return false
}

// settleOn takes entry i for the group's if it is one.
func (g *group) settleOn(i int, w entryWord) bool {
	if w.participant() != nobody {
		return false
	}
	g.entry = i
	return true
}

// adoptedGroup finds the entry that a replacer carried over for a group of that name.
func (r *Ring) adoptedGroup(hash uint32) (int, entryWord, bool) {
	for i := range r.used() {
		e := &r.entries[i]
		w := entryWord(e.state.Load()) // pairs(entry)
		if w.state() != entryFree && w.participant() == nobody && e.group.Load() == hash && e.joined.Load() == adopted {
			return i, w, true
		}
	}
	return 0, 0, false
}

// makeEntry makes a free entry the group's. Until the last step it bears our own
// name, so that recovery frees it if we die.
func (g *group) makeEntry(named uint64, hash uint32, fromStart bool) error {
	r := g.ring
	i, mine, err := r.reserve()
	if err != nil && r.freeDead() {
		i, mine, err = r.reserve()
	}
	if err != nil {
		return err
	}
	e := &r.entries[i]
	e.mode.Store(layout.EntryModeGroup)
	e.group.Store(hash)
	e.missed.Store(0)
	e.blocked.Store(blockedWord(mine, 0))
	e.joined.Store(0)
	e.leaseEnd.Store(0) // lends nothing: what is put out pins nothing
	start := r.ctl.tail.Load()
	if fromStart {
		start = 0
	}
	e.cursor.Store(start)
	at("name entry")
	if !g.head.gate.CompareAndSwap(named, placeOf(i, mine)) { // another was faster
		e.state.CompareAndSwap(uint64(mine), uint64(makeEntryWord(mine.generation(), 0, entryFree))) // pairs(entry)
	}
	return nil // the next look finishes it
}

// reserve takes a free entry as JOINING.
func (r *Ring) reserve() (int, entryWord, error) {
	for i := range r.entries {
		w := entryWord(r.entries[i].state.Load())
		if w.state() != entryFree {
			continue
		}
		r.raiseHigh(uint64(i) + 1)
		mine := makeEntryWord(nextGeneration(w), r.host.Index(), entryJoining)
		at("reserve")
		if r.entries[i].state.CompareAndSwap(uint64(w), uint64(mine)) { // pairs(entry)
			return i, mine, nil
		}
	}
	return 0, 0, ErrTooManyReaders
}

// Errors of groups.
var (
	// ErrHandsFull means that the member has as many messages in hand as it asked
	// for when it joined.
	ErrHandsFull = errors.New("all hands of the member are full")
	// ErrTooManyHands means that the group's in-hand table has no free row.
	ErrTooManyHands = errors.New("group's in-hand table is full")
	// ErrInHand means that a member cannot follow to another ring before the
	// messages in its hands are done.
	ErrInHand = errors.New("member has messages in hand")
	// ErrNotInHand means that a message was ended before.
	ErrNotInHand = errors.New("message is not in hand")
)

// An AbandonedError reports a message of which nobody knows whether it was handled:
// its taker had it in hand and died, or left the group without ending it. It is an
// event in the stream; reading goes on. Each is told to one member; if that one dies
// before its next call it is told again, and Taker with Position tells the two apart.
type AbandonedError struct {
	Taker    shm.Address // who had it in hand
	Source   shm.Address // whose message it is
	Sequence uint64      // of its source
	Position uint64
}

func (e *AbandonedError) Error() string {
	return fmt.Sprintf("message %d of %v, at position %d, was in the hand of %v, which is gone",
		e.Sequence, e.Source, e.Position, e.Taker)
}

// describe writes down whose message the row is about to have in hand.
func (r *handRow) describe(source shm.Address, sequence uint64) {
	var b [24]byte
	source.Put(b[:])
	binary.LittleEndian.PutUint64(b[16:], sequence)
	copyShared(r.message(), b[:], true)
}

// setTaker writes down whose row it is.
func (r *handRow) setTaker(a shm.Address) {
	var b [16]byte
	a.Put(b[:])
	copyShared(r.owner(), b[:], true)
}

// report is what the row says of its message.
func (r *handRow) report(position uint64) *AbandonedError {
	var message [24]byte
	var owner [16]byte
	copyShared(message[:], r.message(), false)
	copyShared(owner[:], r.owner(), false)
	return &AbandonedError{
		Taker:    shm.ReadAddress(owner[:]),
		Source:   shm.ReadAddress(message[:]),
		Sequence: binary.LittleEndian.Uint64(message[16:]),
		Position: position,
	}
}

// lapBelow is the lap of the last position of a slot that lies before x; 0: none does.
func (r *Ring) lapBelow(slot, x uint64) uint64 {
	return (x + r.mask - slot) >> bits.TrailingZeros64(r.capacity())
}

// deadCheck is how often a member asks for the takers of what is in hand.
const deadCheck = 100 * time.Millisecond
