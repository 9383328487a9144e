package ring

import "sync/atomic"

// Recover takes back what a dead participant held in this ring: its claims, the
// exclusive ownership, its entries. Anyone may call it, several at once, at any
// time; it needs no lock. Only after it has been called for every ring may the
// participant's record be given to somebody else.
//
// Each word is loaded, then the kernel is asked whether its owner lives, then
// exactly that word is replaced; if it has changed meanwhile, all of it again,
// until the word no longer names the dead. It returns false, having stopped at
// once, when the participant turns out to be alive.
func (r *Ring) Recover(dead uint16) bool {
	for i := range r.claims {
		if !r.recoverClaim(&r.claims[i], dead) {
			return false
		}
	}
	if !r.recoverOwner(dead) {
		return false
	}
	for i := range r.used() {
		if !r.recoverEntry(i, dead) {
			return false
		}
	}
	r.wakeReaders()
	r.wakeProducers()
	return true
}

// recoverClaim frees one claim word.
func (r *Ring) recoverClaim(a *atomic.Uint64, dead uint16) bool {
	for {
		at("recover")
		w := word(a.Load())
		if w.owner() != dead || w.state() != stateWriting && w.state() != stateQuarantined {
			return true
		}
		if r.host.Alive(dead) {
			return false
		}
		at("recover claim")
		if a.CompareAndSwap(uint64(w), uint64(makeWord(w.lap(), 0, stateHole))) {
			r.ctl.recovered.Add(1)
			r.wakeReaders()
		}
	}
}

// recoverOwner frees an exclusive ring.
func (r *Ring) recoverOwner(dead uint16) bool {
	for {
		at("recover owner")
		w := r.ctl.owner.Load() // pairs(exclusive)
		if uint32(w) != uint32(dead)+1 {
			return true
		}
		if r.host.Alive(dead) {
			return false
		}
		if r.ctl.owner.CompareAndSwap(w, w>>32<<32) { // pairs(exclusive)
			r.ctl.recovered.Add(1)
		}
	}
}

// recoverEntry frees one entry, whatever state its owner or an evictor left it in.
func (r *Ring) recoverEntry(i int, dead uint16) bool {
	for {
		w := entryWord(r.entries[i].state.Load()) // pairs(entry)
		if w.state() == entryFree || w.participant() != dead {
			return true
		}
		if r.host.Alive(dead) {
			return false
		}
		at("recover entry")
		if r.entries[i].state.CompareAndSwap(uint64(w), uint64(makeEntryWord(w.generation(), 0, entryFree))) {
			r.ctl.recovered.Add(1)
			r.wakeProducers()
		}
	}
}
