package ring

import "github.com/ringcast/ringcast/codec/layout"

// Next ends the message before, as Done does, and fills m with the next that is
// free. m's bytes are the member's own and valid until the next call. It never
// blocks, and makes no system call unless somebody dead or stopped stands in the
// way; it allocates nothing.
//
// Errors: ErrEmpty; *LaggedError, *AbandonedError and *DamagedError, after which
// taking goes on; ErrRetired and ErrClosed, after which it does not.
func (mb *Member) Next(m *Message) error {
	mb.Done()
	h, err := mb.Take(m)
	mb.current = h
	return err
}

// Done ends the message that Next has handed out, if there is one. It is the way to
// say that it was handled before the next one is asked for, or before Close.
func (mb *Member) Done() {
	if mb.current.row != nil {
		_ = mb.current.Done()
	}
}

// Take is Next for several messages in hand at once: it ends none, and the message
// is valid until its Hand is Done. The bytes belong to the hand. Errors as Next's, and
// ErrHandsFull.
func (mb *Member) Take(m *Message) (Hand, error) {
	if mb.end != nil {
		return Hand{}, mb.end
	}
	mb.acknowledge()
	if err := mb.news(); err != nil {
		return Hand{}, err
	}
	if len(mb.hands) < mb.wanted {
		mb.holdRows()
	}
	h := mb.freeHand()
	if h == nil {
		return Hand{}, ErrHandsFull
	}
	return mb.find(m, h)
}

// full reports whether the hand holds a message.
func (mb *Member) full(h *hand) bool {
	return handWord(mb.group.rows[h.row].position.Load()).state() == handConfirmed // pairs(hand)
}

// freeHand finds a hand without a message; nil: there is none.
func (mb *Member) freeHand() *hand {
	for i := range mb.hands {
		if !mb.full(&mb.hands[i]) {
			return &mb.hands[i]
		}
	}
	return nil
}

// rescan is how many takes a member makes before it looks from the gate up again.
const rescan = 64

// find looks for a position that is free, from the cursor up to a ring's length
// behind the gate, and takes it.
func (mb *Member) find(m *Message, h *hand) (Hand, error) {
	g := mb.group
	gate := g.gateAt()
	if mb.takes++; mb.next-gate > g.ring.capacity() || mb.takes%rescan == 0 {
		mb.next = gate // also where the gate has overtaken us
	}
	// Also while there is enough to take: producers wait at the gate.
	if got, done, err := mb.steal(m, h, gate); done {
		return got, err
	}
	for p := mb.next; p-gate < g.ring.capacity(); p++ {
		w := takeWord(g.take(p).Load()) // pairs(take)
		if w.lap() >= g.ring.lap(p) {
			continue
		}
		mb.next = p
		verdict, mark := mb.eyes.pollCopy(p)
		if verdict == nothing {
			return mb.idle(m, h)
		}
		if got, done, err := mb.settle(m, h, p, w, verdict, mark); done {
			return got, err
		}
	}
	mb.next = gate + g.ring.capacity() // all that may be taken is
	return mb.idle(m, h)
}

// settle does with position p what the look at it says. done: there is something to
// hand out or to tell.
func (mb *Member) settle(m *Message, h *hand, p uint64, w takeWord, v verdict, mark uint64) (got Hand, done bool, err error) {
	switch v {
	case use:
		return mb.own(m, h, p, w, mark)
	case step:
		mb.stepOver(p, w)
		return Hand{}, false, nil
	case overrun:
		mb.lag(mb.group.catchUp(mb.ring.capacity())) // who brought the group back was stopped for long
		if mb.stepOver(p, w) {
			mb.lag(p, 1)
		}
		return Hand{}, false, nil
	case sealed:
		return Hand{}, true, ErrRetired
	}
	mb.end = ErrRetired
	return Hand{}, true, mb.ring.spoiled(p, "claim word of another lap or state")
}

// stepOver settles a position without a message, and reports whether it was us.
func (mb *Member) stepOver(p uint64, w takeWord) bool {
	at("step over")
	return mb.group.take(p).CompareAndSwap(uint64(w), uint64(makeTakeWord(mb.ring.lap(p), 0, takeDone))) // pairs(take)
}

// own takes position p, whose take word was w: free, or taken by somebody who has
// not started it. Only the start decides: whoever swaps TAKEN for STARTED has it.
func (mb *Member) own(m *Message, h *hand, p uint64, w takeWord, mark uint64) (got Hand, done bool, err error) {
	g := mb.group
	word, lap := g.take(p), mb.ring.lap(p)
	taken := makeTakeWord(lap, uint16(h.row), takeTaken)
	at("take")
	if !word.CompareAndSwap(uint64(w), uint64(taken)) { // pairs(take)
		return Hand{}, false, nil
	}
	var v view
	at("copy")
	mb.eyes.copied = h.buf
	handBegins(&h.buf[0])
	reason := mb.eyes.copyOut(p, &v)
	recheckFence()
	if !mb.eyes.unchanged(p, mark) { // the group was put out meanwhile
		if mb.stepOver(p, taken) {
			mb.lag(p, 1)
		}
		return Hand{}, false, nil
	}
	if reason != "" || !v.whole() {
		err := mb.refuse(p, taken, &v, reason)
		return Hand{}, err != nil, err // nil: another has settled it, or there is nothing to tell
	}
	row := &g.rows[h.row]
	row.describeMessage(&v)
	storeRelease(&row.control, uint64(newControlWord(p))) // pairs(control): before the hand
	hand := makeHandWord(p, handUnconfirmed)
	at("hand")
	row.position.Store(uint64(hand)) // pairs(hand): before STARTED
	at("start")
	if !word.CompareAndSwap(uint64(taken), uint64(taken&^15|takeStarted)) { // pairs(take)
		return Hand{}, false, nil // stolen, or given up by a jump: the copy goes
	}
	hand = hand.with(handConfirmed)
	at("confirm")
	row.position.Store(uint64(hand)) // pairs(hand): before the gate passes
	v.message(m, p, v.payload, mb.eyes.tag)
	mb.started(p)
	return Hand{row, hand, &h.buf[0]}, true, nil
}

// started moves on behind position p, and now and then the gate.
func (mb *Member) started(p uint64) {
	mb.next = p + 1
	if p+1-mb.group.gateAt() >= max(1, min(16, mb.ring.capacity()/16)) {
		mb.group.pass()
	}
}

// refuse settles a position whose message cannot be handed out: its bounds lie
// outside the slot, or it is a fragment, of before the group came. Of a message in
// fragments the first counts as missed.
func (mb *Member) refuse(p uint64, taken takeWord, v *view, reason string) error {
	if !mb.stepOver(p, taken) {
		return nil
	}
	if reason != "" {
		mb.next = p + 1
		return mb.ring.damage(p, reason)
	}
	if v.body.flags&layout.MessageFlagBegin != 0 {
		mb.lag(p, 1)
	}
	return nil
}

// idle is reached when there is nothing that is free. It moves the gate, and steals
// from a taker that has stood there for too long, or is dead.
func (mb *Member) idle(m *Message, h *hand) (Hand, error) {
	mb.group.pass()
	if mb.lost > 0 {
		return Hand{}, mb.tellLag()
	}
	if got, done, err := mb.steal(m, h, mb.group.gateAt()); done {
		return got, err
	}
	if mb.ring.retired() && mb.finished() {
		return Hand{}, ErrRetired
	}
	return Hand{}, ErrEmpty
}

// steal takes position p, at the gate, from a taker that has stood there for too
// long, or is dead.
func (mb *Member) steal(m *Message, h *hand, p uint64) (got Hand, done bool, err error) {
	w := takeWord(mb.group.take(p).Load()) // pairs(take)
	if !mb.mayTakeFrom(p, w) {
		return Hand{}, false, nil
	}
	mb.suspect = 0
	verdict, mark := mb.eyes.pollCopy(p)
	if verdict != use {
		verdict = overrun // it was there once
	}
	got, done, err = mb.settle(m, h, p, w, verdict, mark)
	mb.group.pass()
	return got, done, err
}

// finished reports whether nothing of a retired ring is left to the group.
func (mb *Member) finished() bool {
	p := mb.group.gateAt()
	w := takeWord(mb.group.take(p).Load()) // pairs(take)
	return w.lap() < mb.ring.lap(p) && mb.eyes.poll(p) == nothing
}

// mayTakeFrom reports whether position p, at the gate, is taken by somebody who has
// had his time to start it, or is dead. The time is counted from our first look.
func (mb *Member) mayTakeFrom(p uint64, w takeWord) bool {
	if w.lap() != mb.ring.lap(p) || w.state() != takeTaken {
		mb.suspect = 0
		return false
	}
	if int(w.row()) >= len(mb.group.rows) {
		return true // nobody's
	}
	now := mb.ring.now()
	if mb.suspect != w || mb.suspAt != p {
		mb.suspect, mb.suspAt, mb.gone = w, p, false
		mb.watch.start(now)
		mb.inquiry.start()
		return false
	}
	waited := mb.watch.step(now)
	if mb.gone || waited >= mb.ring.shape.CommitDeadline {
		return true
	}
	if mb.inquiry.due(waited) { // the answer is kept: whoever asked may only have wanted to wake
		owner := entryWord(mb.group.rows[w.row()].state.Load()) // pairs(row)
		mb.gone = owner.state() != rowHeld || !mb.ring.host.Alive(owner.participant())
	}
	return mb.gone
}
