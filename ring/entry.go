package ring

import (
	"math/rand/v2"

	"github.com/ringcast/ringcast/codec/layout"
)

// enter takes a free entry and joins at the tail, whose position it returns.
// Entries of the dead are freed if there is no other.
func (r *Ring) enter(mode uint32) (int, entryWord, uint64, error) {
	i, mine, t, err := r.tryEnter(mode)
	if err != nil && r.freeDead() {
		return r.tryEnter(mode)
	}
	return i, mine, t, err
}

// freeDead frees the entries of dead participants and reports whether there were any.
func (r *Ring) freeDead() bool {
	any := false
	for i := range r.used() {
		w := entryWord(r.entries[i].state.Load()) // pairs(entry)
		any = w.state() != entryFree && r.freeIfDead(i, w) || any
	}
	return any
}

// nextGeneration follows that of a free entry. The first is random: after a
// replacement a reader knows its entry by the whole word (Follow), and must not
// take another reader of the same participant for itself.
func nextGeneration(free entryWord) uint32 {
	if free == 0 {
		return rand.Uint32() | 1
	}
	return free.generation() + 1
}

// tryEnter is one look at all entries.
//
// The cursor is stored once while JOINING and again after ACTIVE is visible: a
// producer whose scan came before ACTIVE had loaded its tail before the scan, so
// what it gives away lies before our second tail.
func (r *Ring) tryEnter(mode uint32) (int, entryWord, uint64, error) {
	for i := range r.entries {
		e := &r.entries[i]
		w := entryWord(e.state.Load())
		if w.state() != entryFree {
			continue
		}
		r.raiseHigh(uint64(i) + 1)
		mine := makeEntryWord(nextGeneration(w), r.host.Index(), entryJoining)
		at("joining")
		if !e.state.CompareAndSwap(uint64(w), uint64(mine)) { // pairs(entry)
			continue
		}
		e.mode.Store(mode)
		e.group.Store(0)
		e.missed.Store(0)
		e.blocked.Store(blockedWord(mine, 0))
		e.blockedAt.Store(uint64(r.now()))
		t := r.ctl.tail.Load() // pairs(tail)
		at("join cursor")
		e.cursor.Store(t)
		e.leaseEnd.Store(t)
		at("active")
		if !e.state.CompareAndSwap(uint64(mine), uint64(mine.with(entryActive))) { // pairs(entry)
			continue // recovery took us for dead: our lock is gone
		}
		at("join tail")
		t = r.ctl.tail.Load() // pairs(tail)
		at("join cursor again")
		e.cursor.Store(t) // pairs(cursor)
		e.leaseEnd.Store(t)
		e.joined.Store(t)
		return i, mine.with(entryActive), t, nil
	}
	return 0, 0, 0, ErrTooManyReaders
}

// raiseHigh makes scans reach entry high-1, before it can gate.
func (r *Ring) raiseHigh(high uint64) {
	for {
		old := r.ctl.entryHigh.Load()
		if old >= high || r.ctl.entryHigh.CompareAndSwap(old, high) {
			return
		}
	}
}

// leave frees our entry, whatever an evictor has made of it. The reader must
// have made its last access to the slots.
func (r *Ring) leave(i int, mine entryWord) {
	e := &r.entries[i]
	for {
		w := entryWord(e.state.Load())
		if w.generation() != mine.generation() || w.participant() != mine.participant() {
			return
		}
		at("leave")
		if e.state.CompareAndSwap(uint64(w), uint64(makeEntryWord(w.generation(), 0, entryFree))) { // pairs(entry)
			r.wakeProducers()
			return
		}
	}
}

// readerModes maps a reader's way of reading to the entry's.
const (
	modeReliable = layout.EntryModeReliable
	modeLatest   = layout.EntryModeLatest
)
