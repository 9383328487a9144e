package ring

import (
	"github.com/ringcast/ringcast/codec/layout"
)

// A subscriber that comes first makes a ring of the default shape. A publisher
// that asks for another replaces it, as long as nobody has ever written it:
//
//	build the successor, with a name of its own
//	seal the old ring: no claim can succeed on it from here on
//	old header: READY -> RETIRED, with the successor's id
//	enter each ACTIVE reader of the old ring into the successor, cursor 0
//	rename the successor over the old ring
//
// A reader that became ACTIVE while this ran looks at the header after its
// compare-and-swap: either the replacer saw it, or it sees RETIRED; then it
// follows, and finds itself entered or joins as a newcomer.
//
// A replacer may die or be stopped between any two of these. Whoever finds the
// name on a retired ring for too long takes the first one's successor its own
// name away, so that its rename fails whenever it comes, and then does the same
// with a successor of its own; the swap of the header says who of several does.

// retired reports whether another ring took this one's place.
func (r *Ring) retired() bool {
	return r.state.Load()&layout.StateMask == layout.SegmentStateRetired // pairs(seal)
}

// seal makes sure that nobody ever claims a position here. False: the ring was
// written, or is owned, and stays.
func (r *Ring) seal() bool {
	if r.shape.Kind == Exclusive {
		return r.sealOwner()
	}
	return r.claims[0].CompareAndSwap(0, uint64(sealWord)) || r.sealed() // pairs(seal)
}

// sealOwner takes the ownership from nobody or from the dead, for nobody.
// Every owner is another generation, so nobody published between load and swap.
func (r *Ring) sealOwner() bool {
	w := r.ctl.owner.Load() // pairs(exclusive)
	holder := uint32(w)
	if holder == layout.OwnerSealed {
		return true
	}
	if holder != 0 && r.host.Alive(uint16(holder-1)) {
		return false
	}
	at("seal owner")
	if r.ctl.tail.Load() != 0 {
		return false
	}
	at("seal owner swap")
	return r.ctl.owner.CompareAndSwap(w, (w>>32+1)<<32|layout.OwnerSealed) || r.sealed() // pairs(seal)
}

var sealWord = makeWord(sealLap, 0, stateHole)

// sealed reports whether somebody sealed the ring.
func (r *Ring) sealed() bool {
	if r.shape.Kind == Exclusive {
		return uint32(r.ctl.owner.Load()) == layout.OwnerSealed // pairs(seal)
	}
	return word(r.claims[0].Load()) == sealWord // pairs(seal)
}

// written reports whether a position was ever claimed.
func (r *Ring) written() bool {
	if r.shape.Kind == Exclusive {
		return r.ctl.tail.Load() != 0
	}
	w := word(r.claims[0].Load())
	return w != 0 && w.lap() != sealLap
}

// adoptReaders enters the old ring's readers into this one, which nobody else
// has seen yet.
func (r *Ring) adoptReaders(old *Ring) {
	for i := range old.used() {
		from, to := &old.entries[i], &r.entries[i]
		w := entryWord(from.state.Load()) // pairs(entry)
		if w.state() != entryActive {
			continue
		}
		mode := from.mode.Load()
		if mode == layout.EntryModeMember || w.participant() == nobody && !r.gated() {
			continue // members join anew; a latest ring has no groups
		}
		if w.participant() == nobody {
			to.group.Store(from.group.Load())
			to.joined.Store(adopted)
		} else if !r.gated() {
			mode = modeLatest
		}
		to.mode.Store(mode)
		to.blocked.Store(blockedWord(w, 0))
		to.blockedAt.Store(uint64(r.now()))
		to.state.Store(uint64(w))
		r.raiseHigh(uint64(i) + 1)
	}
}

// Follow moves a reader whose ring was retired to the ring that took its place.
// A reader that the replacer entered there misses nothing. Any other begins with
// the first message, too, as far as it is still there, and is told what is not:
// it may have become ACTIVE in a ring that was just being replaced in its turn.
func (rd *Reader) Follow(next *Ring) error {
	if rd.end == ErrClosed {
		return ErrClosed
	}
	was := rd.mine
	if was != 0 {
		rd.ring.leave(rd.index, was) // its producers, if there are any, need not wait for us
	}
	rd.asm.reset()
	rd.writing = rd.writing[:0]
	rd.ring, rd.end, rd.mine, rd.swift = next, nil, 0, 0
	if !next.gated() {
		rd.mode = modeLatest
	}
	at("follow")
	if was != 0 && next.entries[rd.index].is(was) {
		rd.begin(was, 0) // if it was put out meanwhile, Next says what it missed from 0 on
		return nil
	}
	rd.cursor, rd.stored, rd.lease, rd.replay = 0, 0, 0, 0
	if err := rd.enter(); err != nil {
		rd.end = err // the caller may unmap next: nothing of it is touched again
		return err
	}
	rd.cursor, rd.emptyAt = 0, 0
	return nil
}

// is reports whether the entry is still the one that had this state word, whatever
// has become of its state.
func (e *entry) is(was entryWord) bool {
	w := entryWord(e.state.Load()) // pairs(entry)
	return w.state() != entryFree && w.with(entryFree) == was.with(entryFree)
}

// leaveHeirs frees the entry of a reader that has left r for good in the rings
// that took r's place: a replacer may have entered it there. Who finds r not
// retired after the leave need not look: no replacer finds it ACTIVE any more.
func (r *Ring) leaveHeirs(i int, mine entryWord) {
	for r.heir != nil && r.retired() { // pairs(seal)
		next, err := r.heir()
		if err != nil {
			return // nobody has the name, or nobody can open it
		}
		next.leave(i, mine)
		r = next.Ring
		defer next.Close()
	}
}
