package ring

import "github.com/ringcast/ringcast/codec/layout"

// publishFragments writes a message larger than a slot. All its positions, not
// necessarily adjacent, are claimed before the first byte is written: a message
// in the ring is whole or holes, and two large writers cannot block each other
// half way.
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
	for i, t := range p.positions {
		var flags uint16
		if i == 0 {
			flags |= layout.MessageFlagBegin
		}
		if i == need-1 {
			flags |= layout.MessageFlagEnd
		}
		p.fill(t, m, len(payload), flags, uint16(i), payload[i*room:min((i+1)*room, len(payload))])
	}
	if err := p.commitFragments(); err != nil {
		return err
	}
	p.sent(m)
	return nil
}

// commitFragments commits all claims, or as many as there are before one that was
// taken. That one spoils the message: the rest become holes, and a reader drops
// the part it has at the next Begin of this handle.
func (p *Producer) commitFragments() error {
	for i, t := range p.positions {
		if err := p.finish(t, stateReady); err != nil {
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
		if err != nil {
			p.abortFrom(0)
			return err
		}
		p.positions = append(p.positions, t)
	}
	return nil
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
