package ring

import (
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// A span is a range of positions, to exclusive.
type span struct{ from, to uint64 }

// A gate is what one producer knows of the ring's readers: how far it may go
// without looking at them again, and which slots are still lent to readers that
// were put out. It is owned by its producer.
type gate struct {
	limit uint64 // positions below it may be claimed
	pins  []span // leases of evicted readers

	// While the ring is full.
	blocked  stopwatch
	inquiry  inquiry
	waiting  bool
	pinCheck time.Duration // when the owners of pins were last asked for

	claimCheck time.Duration // when the owners of quarantined claims were last asked for
	claimNext  uint64        // the slot, modulo the capacity, that is looked at then

	// The writer that the hindmost readers wait for, and how long we have seen it.
	excuse      claimSeen
	excuseWatch stopwatch
}

// refresh reads the readers' cursors again.
//
// T is loaded before the scan: a reader that joins behind the scan starts at a
// tail that is at least T, so no slot it will read is given away.
func (r *Ring) refresh(g *gate) {
	at("scan")
	T := r.ctl.tail.Load() // pairs(tail)
	if r.shape.Kind == Exclusive {
		r.ctl.tail.Store(T) // a full fence: who joins after the scan sees all that we have begun
	}
	lowest := T
	g.pins = g.pins[:0]
	for i := range r.used() {
		e := &r.entries[i]
		at("scan entry")
		w := entryWord(e.state.Load()) // pairs(entry): before the cursor and the lease
		switch w.state() {
		case entryActive, entryEvicting:
			if m := e.mode.Load(); m == layout.EntryModeReliable || m == layout.EntryModeGroup {
				at("scan cursor")
				lowest = min(lowest, e.cursor.Load()) // pairs(cursor)
			}
		case entryEvicted:
			at("scan lease")
			s := span{e.cursor.Load(), e.leaseEnd.Load()} // pairs(lease)
			if s.to > s.from && s.to-s.from <= r.capacity() {
				g.pins = append(g.pins, s)
			}
		}
	}
	g.limit = lowest + r.capacity()
}

// used is the number of entries that were ever in use, at most all of them.
func (r *Ring) used() int {
	return int(min(r.ctl.entryHigh.Load(), uint64(len(r.entries))))
}

// pinned reports whether position t's slot is lent to a reader that was put out.
func (g *gate) pinned(t, capacity uint64) bool {
	for _, s := range g.pins {
		// the only position in the span, if any, that lies in t's slot
		p := s.from + (t-s.from)%capacity
		if t >= s.from && p < s.to && p != t {
			return true
		}
	}
	return false
}

// room reports whether positions up to and with t may be claimed, looking at the
// readers only when it must.
func (r *Ring) room(g *gate, t uint64) bool {
	if t < g.limit {
		g.waiting = false // also where a look for more room than this found it
		return true
	}
	if !r.gated() {
		g.limit = ^uint64(0) // nobody ever waits here, and nobody lends
		return true
	}
	r.refresh(g)
	if t < g.limit {
		g.waiting = false
		return true
	}
	return false
}

// blame is called by a producer that finds no room for position t: it charges
// the readers that hold it back, wakes them, puts out those whose budget is used
// up, and frees the entries of the dead. It never waits.
func (r *Ring) blame(g *gate, t uint64) {
	now := r.now()
	if !g.waiting {
		g.waiting = true
		g.blocked.start(now)
		g.inquiry.start()
		return
	}
	last := g.blocked.last
	due := g.inquiry.due(g.blocked.step(now))
	excused := r.excused(g, now)
	for i := range r.used() {
		e := &r.entries[i]
		w := entryWord(e.state.Load()) // pairs(entry)
		grouped := w.participant() == nobody
		if !w.gates() || !grouped && e.mode.Load() != layout.EntryModeReliable || e.cursor.Load()+r.capacity() > t {
			continue
		}
		switch {
		case grouped && r.passGroup(i):
		case due && !grouped && r.freeIfDead(i, w):
		case w.state() == entryEvicting:
			r.finishEviction(i, w)
		case (!excused || e.cursor.Load() != g.excuse.position) && r.charge(e, w, last, now) > r.shape.StallBudget:
			r.evict(i, w)
		case due: // a waker that died between mask and bell must not cost it its budget
			r.rouse(i, w)
		}
	}
}

// rouse rings who reads by entry i.
func (r *Ring) rouse(i int, w entryWord) {
	if w.participant() == nobody {
		r.ringGroup(i)
		return
	}
	r.ring(w.participant())
}

// excused reports whether the hindmost readers stand before a writer that is within
// its commit deadline: then it is the writer that holds us back, and not they. Only
// the lowest cursor has an excuse, so that two of them never renew each other's.
func (r *Ring) excused(g *gate, now time.Duration) bool {
	if r.shape.Kind == Exclusive {
		return false // we are the writer
	}
	c := g.limit - r.capacity()
	at("excuse")
	w := word(r.claim(c).Load()) // pairs(claim)
	if w.lap() != r.lap(c) || w.state() != stateWriting {
		return false
	}
	if seen := (claimSeen{c, w}); g.excuse != seen {
		g.excuse = seen
		g.excuseWatch.start(now)
	}
	return g.excuseWatch.step(now) < r.shape.CommitDeadline
}

// The budget refills by 100 ms a second.
const refillDivisor = 10

// charge adds the producer's own waiting time since its last step to the entry,
// once however many producers wait, and returns what the reader has used up. w is
// the reader's state word: where another has the entry by now, nothing is charged.
func (r *Ring) charge(e *entry, w entryWord, last, now time.Duration) time.Duration {
	mark := time.Duration(e.blockedAt.Load())
	mine := mark < now && e.blockedAt.CompareAndSwap(uint64(mark), uint64(now))
	for {
		at("blocked")
		old := e.blocked.Load()
		if old>>layout.BlockedBits != blockedWord(w, 0)>>layout.BlockedBits {
			return 0
		}
		spent := time.Duration(old & (1<<layout.BlockedBits - 1))
		if !mine {
			return spent // another producer counts this step
		}
		if idle := last - mark; idle > 0 {
			spent = max(0, spent-idle/refillDivisor)
		}
		spent += min(now-max(mark, last), maxStep)
		at("charge")
		if e.blocked.CompareAndSwap(old, blockedWord(w, spent)) {
			return spent
		}
	}
}

// blockedWord is what a reader's stall budget has been used up by: nanoseconds, and
// above them the low bits of the reader's generation. A producer that is stopped
// between its look and its charge never charges the entry's next reader.
func blockedWord(w entryWord, spent time.Duration) uint64 {
	return uint64(w.generation())<<layout.BlockedBits | uint64(min(spent, 1<<layout.BlockedBits-1))
}

// evict puts a reader out: it stops gating, its lease stays pinned. Readers make
// a full fence between lease_end and the look at their state (pairs(lease)), so
// the evictor needs none of its own beyond its compare-and-swap.
func (r *Ring) evict(i int, w entryWord) {
	at("evicting")
	if r.entries[i].state.CompareAndSwap(uint64(w), uint64(w.with(entryEvicting))) {
		r.finishEviction(i, w.with(entryEvicting))
	}
}

// finishEviction takes the second step, whoever took the first.
func (r *Ring) finishEviction(i int, w entryWord) {
	at("evicted")
	if !r.entries[i].state.CompareAndSwap(uint64(w), uint64(w.with(entryEvicted))) { // pairs(entry)
		return
	}
	r.ctl.evicted.Add(1)
	r.rouse(i, w)
	r.wakeProducers()
}

// freeIfDead frees an entry whose participant the kernel declares dead. The word
// was loaded before the question is asked, and exactly that word is replaced. A
// group's entry names nobody, of whom nobody asks.
func (r *Ring) freeIfDead(i int, w entryWord) bool {
	if w.participant() == nobody || r.host.Alive(w.participant()) {
		return false
	}
	at("free dead")
	if r.entries[i].state.CompareAndSwap(uint64(w), uint64(makeEntryWord(w.generation(), 0, entryFree))) {
		r.wakeProducers()
	}
	return true
}

// mostReclaimed is how many slots are looked at where one was quarantined, besides that one.
const mostReclaimed = 64

// reclaim takes quarantined claims of the dead back, that of t and those of the slots behind where it looked last, and says
// whether there were any. It looks at most every 5 ms: with few slots as few dead are enough to hold all of them, and who
// recovers a participant may come late. It looks on round the ring, and not at t alone, since a living one's claims may
// lie first on every lap, and the dead's behind them.
func (r *Ring) reclaim(g *gate, t uint64) bool {
	now := r.now()
	if now-g.claimCheck < nextInquiry {
		return false
	}
	g.claimCheck = now
	living := -1
	taken := r.reclaimOne(t, &living)
	for range min(r.capacity(), mostReclaimed) {
		taken = r.reclaimOne(g.claimNext, &living) || taken
		g.claimNext++
	}
	return taken
}

// reclaimOne looks at one slot. A large message has many claims: its living owner is asked for once.
func (r *Ring) reclaimOne(position uint64, living *int) bool {
	a := r.claim(position)
	at("reclaim")
	w := word(a.Load()) // pairs(claim)
	if w.state() != stateQuarantined || int(w.owner()) == *living {
		return false
	}
	if !r.recoverClaim(a, w.owner()) {
		*living = int(w.owner())
		return false
	}
	return true
}

// unpinDead frees the entries of evicted readers that have died, at most every
// 5 ms.
func (r *Ring) unpinDead(g *gate) {
	now := r.now()
	if now-g.pinCheck < nextInquiry {
		return
	}
	g.pinCheck = now
	for i := range r.used() {
		if w := entryWord(r.entries[i].state.Load()); w.state() == entryEvicted {
			r.freeIfDead(i, w)
		}
	}
}
