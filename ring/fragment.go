package ring

import "github.com/ringcast/ringcast/codec/layout"

// publishFragments writes a message larger than a slot. All its positions, not
// necessarily adjacent, are claimed before the first byte is written: two large writers
// cannot block each other half way. They are committed while the rest is written, so that
// the commit deadline counts for a run of them and not for the whole message: a message
// that takes its writer longer than that would be taken from it each time it tries.
func (p *Producer) publishFragments(payload []byte, m *Meta) error {
	r := p.ring
	if m.Block != nil { // addressed messages are read in one slot
		return &TooLargeError{Size: len(payload), Limit: r.shape.Payload - layout.AddressBlockSize,
			Slots: r.shape.Slots, Payload: (len(payload) + layout.AddressBlockSize + 63) &^ 63}
	}
	if len(payload) > r.shape.Limit() {
		return r.tooLarge(len(payload))
	}
	if r.readByGroup() { // its members have no use for parts of a message
		return &TooLargeError{Size: len(payload), Limit: r.shape.Payload, Slots: r.shape.Slots,
			Payload: (len(payload) + 63) &^ 63, Group: true}
	}
	room := r.shape.Payload
	need := (len(payload) + room - 1) / room
	if err := p.claimMany(need); err != nil {
		return err
	}
	for from, run := 0, fragmentRun(room); from < need; from += run {
		p.writeFragments(payload, m, from, min(from+run, need))
		if err := p.commitFragments(from, min(from+run, need)); err != nil {
			return err
		}
	}
	p.sent(m)
	return nil
}

// committedTogether is how many bytes of a message are written before they are
// committed: little enough that a writer who works is not seen before one position for
// the commit deadline, slow as his machine may be, and enough that readers at his heels,
// who note all claims in front of them each time they have to wait, do so seldom.
const committedTogether = 64 << 10

// fragmentRun is how many fragments are committed together.
func fragmentRun(room int) int { return max(1, committedTogether/room) }

// writeFragments fills the slots of the fragments from one on to another, exclusive.
func (p *Producer) writeFragments(payload []byte, m *Meta, from, to int) {
	room, last := p.ring.shape.Payload, len(p.positions)-1
	for i, t := range p.positions[from:to] {
		i += from
		var flags uint16
		if i == 0 {
			flags |= layout.MessageFlagBegin
		}
		if i == last {
			flags |= layout.MessageFlagEnd
		}
		at("fragment")
		p.fill(t, m, len(payload), flags, uint16(i), payload[i*room:min((i+1)*room, len(payload))])
	}
}

// commitFragments commits the claims from one on to another, or as many as there are
// before one that was taken. That one spoils the message: all behind it become holes, and
// a reader drops the part it has at the next Begin of this handle.
func (p *Producer) commitFragments(from, to int) error {
	for i := from; i < to; i++ {
		if err := p.finish(p.positions[i], stateReady); err != nil {
			p.abortFrom(i + 1)
			return err
		}
	}
	return nil
}

// claimMany claims n positions into p.positions, or none.
func (p *Producer) claimMany(n int) error {
	p.positions = p.positions[:0]
	if !p.roomFor(n) {
		return ErrFull
	}
	for range n {
		t, err := p.claim()
		if err == ErrFull && p.cameRound() {
			err = ErrStalled
		}
		if err != nil {
			p.abortFrom(0)
			return err
		}
		p.positions = append(p.positions, t)
	}
	return nil
}

// cameRound reports whether our own first claim is what is in the way: all other slots are held by who does not move. The
// readers make no room for that, and whoever waited for them alone would try again at once, and again.
func (p *Producer) cameRound() bool {
	return len(p.positions) > 0 && p.ring.ctl.tail.Load()-p.positions[0] >= p.ring.capacity()
}

// roomFor looks whether n positions from the tail on are free of readers, before
// any is claimed: holes of a vain try would cost the readers as much as messages.
func (p *Producer) roomFor(n int) bool {
	last := p.ring.ctl.tail.Load() + uint64(n) - 1
	if p.ring.room(&p.gate, last) {
		return true
	}
	p.ring.blame(&p.gate, last)
	return false
}

// abortFrom turns the claims from i on into holes. One that was fenced is let go
// of by the same call.
func (p *Producer) abortFrom(i int) {
	for _, t := range p.positions[i:] {
		_ = p.finish(t, stateHole)
	}
	p.positions = p.positions[:0]
}
