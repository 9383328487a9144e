package ring

import "github.com/ringcast/ringcast/codec/layout"

// enter takes a free entry and joins at the tail.
//
// The cursor is stored once while JOINING and again after ACTIVE is visible: a
// producer whose scan came before ACTIVE had loaded its tail before the scan, so
// what it gives away lies before our second tail.
func (r *Ring) enter(mode uint32) (int, entryWord, error) {
	for i := range r.entries {
		e := &r.entries[i]
		w := entryWord(e.state.Load())
		if w.state() != entryFree {
			continue
		}
		r.raiseHigh(uint64(i) + 1)
		mine := makeEntryWord(w.generation()+1, r.host.Index(), entryJoining)
		if !e.state.CompareAndSwap(uint64(w), uint64(mine)) { // pairs(entry)
			continue
		}
		e.mode.Store(mode)
		e.group.Store(0)
		e.missed.Store(0)
		e.blocked.Store(0)
		e.blockedAt.Store(uint64(r.now()))
		t := r.ctl.tail.Load() // pairs(tail)
		e.cursor.Store(t)
		e.leaseEnd.Store(t)
		if !e.state.CompareAndSwap(uint64(mine), uint64(mine.with(entryActive))) { // pairs(entry)
			continue // recovery took us for dead: our lock is gone
		}
		t = r.ctl.tail.Load() // pairs(tail)
		e.cursor.Store(t)     // pairs(cursor)
		e.leaseEnd.Store(t)
		e.joined.Store(t)
		return i, mine.with(entryActive), nil
	}
	return 0, 0, ErrTooManyReaders
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
