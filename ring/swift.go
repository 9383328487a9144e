package ring

import "github.com/ringcast/ringcast/codec/layout"

// The short way of an exclusive ring's producer: a message of our own in one slot,
// where there is room, no other claim is open, and no slot is pinned. All that is
// private to the producer is in one comparison, p.next < p.swift.

// mayHurry says how far the short way goes, now that no claim is open.
func (p *Producer) mayHurry() {
	p.swift = 0
	if p.open == 0 && len(p.gate.pins) == 0 {
		p.swift = p.gate.limit
	}
}

// owns reports whether the ring is still ours to write.
func (p *Producer) owns() bool {
	return p.ring.ctl.owner.Load() == p.ownership && !p.ring.retired()
}

// publishSwift is claim, fill and finish.
func (p *Producer) publishSwift(t uint64, payload []byte, m *Meta) {
	at("begin swift")
	p.lookForward(t)
	p.ring.put(t, t+1, p.headOf(m, layout.SlotHeaderSize, len(payload)), payload)
	p.tell()
	p.sent(m)
}

// claimSwift claims position t.
func (p *Producer) claimSwift(t uint64) Claim {
	at("begin lent")
	p.lookForward(t)
	p.open, p.oldest, p.swift = 1, t, 0
	storeBefore(&p.ring.ctl.tail, t+1) // pairs(tail): before any byte of the slot
	return Claim{producer: p, ring: p.ring, position: t, first: layout.SlotHeaderSize}
}

// commitSwift commits the only open claim, position t, whose payload is written.
func (p *Producer) commitSwift(t uint64, start, length int, m *Meta) {
	p.open = 0
	p.mayHurry()
	p.ring.put(t, p.next, p.headOf(m, start, length), nil)
	p.tell()
	p.sent(m)
}

// tell wakes readers behind one message or several that were published without a
// fence.
func (p *Producer) tell() {
	if !p.unfenced { // otherwise who goes to sleep fences for us
		p.fence.Store(0)
	}
	p.ring.wakeReaders()
}

// headOf is the header of a message that is whole in one slot.
func (p *Producer) headOf(m *Meta, start, length int) *bodyWords {
	w := &p.head
	w[0] = uint64(start) | uint64(length)<<32
	if m.Sequence != 0 {
		w = &p.theirs
		w[0] = p.head[0]
		p.describe(w, m, length, wholeMessage, 0)
		return w
	}
	flags := m.Flags&^(wholeMessage|layout.MessageFlagAddressed) | wholeMessage
	if m.TimestampNs != 0 {
		flags |= layout.MessageFlagTimestamped
	}
	w[3], w[4] = p.sequence+1, m.TimestampNs
	w[5] = uint64(uint32(length)) | uint64(flags)<<48
	w[6] = uint64(m.Schema) | uint64(m.Kind)<<32 | uint64(m.Content)<<40
	return w
}

// putInSteps is put where the portable stores are good enough, or somebody wants to
// stop between them.
func (r *Ring) putInSteps(t, next uint64, head *bodyWords, payload []byte) {
	storeBefore(&r.ctl.tail, next) // pairs(tail): before any byte of the slot
	slot := r.slot(t)
	storeBody(slot, head)
	copyShared(slot[layout.SlotHeaderSize:], payload, true)
	at("publish swift")
	storeRelease(r.published(t), r.lap(t)) // pairs(publish)
}
