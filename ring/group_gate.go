package ring

import "github.com/ringcast/ringcast/codec/layout"

// confirm makes good what the taker of position p may not have come to: a STARTED
// word says that the row has the position in hand. Nobody lets the gate pass such a
// word before that: later only the row tells of it.
func (g *group) confirm(w takeWord, p uint64) {
	if int(w.row()) >= len(g.rows) {
		return
	}
	h := &g.rows[w.row()].position
	open := makeHandWord(p, handUnconfirmed)
	if handWord(h.Load()) == open { // pairs(hand)
		at("help confirm")
		h.CompareAndSwap(uint64(open), uint64(open.with(handConfirmed))) // pairs(hand)
	}
}

// pass moves the gate over everything that was started or stepped over, in one
// swap, and reports whether it moved. Anyone may do it: members, producers that
// wait for room, cleaners. It neither blocks nor makes a system call unless
// somebody sleeps.
func (g *group) pass() bool {
	r := g.ring
	cursor := &r.entries[g.entry].cursor
	at("gate")
	from := cursor.Load() // pairs(cursor)
	to := from
	for to-from < r.capacity() {
		w := takeWord(g.take(to).Load()) // pairs(take)
		if !w.settled(r.lap(to)) {
			break
		}
		if w.lap() == r.lap(to) && w.state() == takeStarted {
			g.confirm(w, to)
		}
		to++
	}
	if to == from {
		return false
	}
	at("pass")
	if cursor.CompareAndSwap(from, to) { // pairs(cursor)
		g.forgive()
		if r.ctl.tail.Load() <= to+r.capacity()/2 {
			r.wakeProducers()
		}
	}
	return true
}

// forgive begins the stall budget anew: a group that is only slower than its
// producers holds them back, which is what a queue is for. One that stands is put out.
func (g *group) forgive() {
	e := &g.ring.entries[g.entry]
	if b, none := e.blocked.Load(), blockedWord(g.state(), 0); b != none {
		e.blocked.CompareAndSwap(b, none)
	}
}

// comeBack makes the group gate again, if it was put out or left. It goes on where
// it stood, or in the middle of what the ring still has, and returns how many
// positions from first on nobody of the group will see. Those that were started
// before are not among them.
func (g *group) comeBack() (first, missed uint64) {
	r, e, w := g.ring, &g.ring.entries[g.entry], g.state()
	if w.state() == entryEvicting {
		r.finishEviction(g.entry, w)
		w = w.with(entryEvicted)
	}
	if w.state() != entryEvicted && w.state() != entryLeaving {
		return 0, 0
	}
	at("come back")
	first, missed = g.catchUp(r.capacity() / 2)
	e.blocked.Store(blockedWord(w, 0))
	e.blockedAt.Store(uint64(r.now()))
	at("active again")
	e.state.CompareAndSwap(uint64(w), uint64(w.with(entryActive))) // pairs(entry)
	return first, missed
}

// catchUp moves the gate to so many positions before the tail, if it stands before
// that, and returns how many from first on nobody of the group will see.
func (g *group) catchUp(keep uint64) (first, missed uint64) {
	r, cursor := g.ring, &g.ring.entries[g.entry].cursor
	gate, t := cursor.Load(), r.ctl.tail.Load() // pairs(cursor), pairs(tail)
	goal := t - min(t, keep)
	if goal <= gate {
		return 0, 0
	}
	missed = g.jump(gate, goal)
	at("jump gate")
	for c := gate; c < goal && !cursor.CompareAndSwap(c, goal); { // pairs(cursor)
		c = cursor.Load() // pairs(cursor): somebody has passed some; all before the goal is stamped
	}
	return gate, missed
}

// jump stamps the take words of all positions from gate up to goal that nobody has
// started, and returns how many those are: one pass over the words, however far it
// goes. Each is counted by whoever stamped it, so that several who jump at once
// count it once.
func (g *group) jump(gate, goal uint64) (missed uint64) {
	for slot := range uint64(len(g.taken)) {
		missed += g.jumpSlot(slot, g.ring.lapBelow(slot, gate), g.ring.lapBelow(slot, goal))
	}
	return missed
}

// jumpSlot stamps one word: laps up to floor lie before the gate, those up to lap
// are given up.
func (g *group) jumpSlot(slot, floor, lap uint64) uint64 {
	if lap <= floor {
		return 0
	}
	for range settleTries {
		at("jump")
		w := takeWord(g.taken[slot].Load()) // pairs(take)
		if w.state() == takeStarted && w.lap() > 0 && w.lap() <= lap {
			g.confirm(w, (w.lap()-1)<<g.ring.shift|slot)
		}
		if w.settled(lap) {
			return 0
		}
		at("stamp take")
		if !g.taken[slot].CompareAndSwap(uint64(w), uint64(makeTakeWord(lap, 0, takeDone))) { // pairs(take)
			continue
		}
		started := w.lap()
		if w.state() == takeTaken && started > 0 {
			started-- // it was not
		}
		return lap - min(lap, max(floor, started))
	}
	return 0 // words change without end
}

// memberOf reports whether an entry in use is a member's of the group with that entry.
func (r *Ring) memberOf(i, group int) bool {
	e := &r.entries[i]
	return entryWord(e.state.Load()).state() != entryFree && e.mode.Load() == layout.EntryModeMember && // pairs(entry)
		e.group.Load() == uint32(group+1)
}

// ringGroup rings the bells of a group's members.
func (r *Ring) ringGroup(group int) {
	for i := range r.used() {
		if r.memberOf(i, group) {
			r.ring(entryWord(r.entries[i].state.Load()).participant()) // pairs(entry)
		}
	}
}

// readByGroup reports whether a queue group reads the ring now.
func (r *Ring) readByGroup() bool {
	for i := range r.used() {
		w := entryWord(r.entries[i].state.Load()) // pairs(entry)
		if w.gates() && w.participant() == nobody {
			return true
		}
	}
	return false
}

// passGroup moves the gate of the group with that entry, for a producer that is
// held back by it.
func (r *Ring) passGroup(i int) bool {
	if r.groupOf == nil {
		return false
	}
	g := r.groupOf(i)
	return g != nil && g.pass()
}
