package ring

import "github.com/ringcast/ringcast/codec/layout"

// The short way of an exclusive ring's producer: a message of our own in one slot,
// where there is room, no other claim is open, and no slot is pinned. All that is
// private to the producer is in one comparison, p.next < p.swift.
//
// A core keeps some 64 stores that have not left it, and those of a message wait there,
// in order, until its lines have come: how many messages are on their way at once is 64 by
// the stores of each. So there are no calls here that need not be, and no words that are
// stored to be loaded again.

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

// fetchAhead asks for the lines of the slots that come next, to be written.
func (p *Producer) fetchAhead() {
	if p.ahead != 0 {
		fetchOwn(p.ring.published(p.next), p.ahead*(p.steps+1))
	}
}

// publishSwift is claim, fill and finish.
func (p *Producer) publishSwift(t uint64, payload []byte, m *Meta) {
	at("begin swift")
	p.next = t + 1
	storeBefore(&p.ring.ctl.tail, t+1) // pairs(tail): before any byte of the slot
	copyShared(p.ring.payload(t), payload, true)
	p.end(t, layout.SlotHeaderSize, len(payload), m)
	p.LookAhead()
	p.tell()
}

// claimSwift claims position t.
func (p *Producer) claimSwift(t uint64) Claim {
	at("begin lent")
	p.next = t + 1
	p.open, p.oldest, p.swift = 1, t, 0
	storeBefore(&p.ring.ctl.tail, t+1) // pairs(tail): before any byte of the slot
	return Claim{producer: p, ring: p.ring, position: t, first: layout.SlotHeaderSize}
}

// commitSwift commits the only open claim, position t, whose payload is written.
func (p *Producer) commitSwift(t uint64, start, length int, m *Meta) {
	p.open = 0
	p.mayHurry()
	p.end(t, start, length, m)
	p.LookAhead()
	p.tell()
}

// end writes the header of position t, whose payload is there, and publishes it.
func (p *Producer) end(t uint64, start, length int, m *Meta) {
	p.head(t, start, length, m)
	at("publish swift")
	storeRelease(p.ring.published(t), p.ring.lap(t)) // pairs(publish)
	p.sent(m)
}

// endRun is end of consecutive positions from t on, of messages of our own. It says how many
// they were.
func (p *Producer) endRun(t uint64, lengths []int, m *Meta) int {
	for _, n := range lengths {
		if p.known.fits(placeWord(layout.SlotHeaderSize, n), m) {
			p.sequence++
			writeKnown(p.ring.body(t), &p.known, p.sequence)
			at("publish run")
			storeRelease(p.ring.published(t), p.ring.lap(t)) // pairs(publish)
		} else {
			p.end(t, layout.SlotHeaderSize, n, m)
		}
		t++
	}
	p.open -= len(lengths)
	return len(lengths)
}

// head writes the header of position t's message, which is whole in one slot.
func (p *Producer) head(t uint64, start, length int, m *Meta) {
	where := placeWord(start, length)
	if m.Sequence == 0 && p.known.fits(where, m) {
		writeKnown(p.ring.body(t), &p.known, p.sequence+1)
		return
	}
	w5, w6 := headWords(length, m)
	if m.Sequence != 0 {
		source := sourceWords(m.Source)
		writeBody(p.ring.body(t), where, source[0], source[1], m.Sequence, m.TimestampNs, w5, w6)
		return
	}
	writeBody(p.ring.body(t), where, p.source[0], p.source[1], p.sequence+1, m.TimestampNs, w5, w6)
	p.known.learn(where, w5, w6, m)
}

// headWords are the last two words of the header of a message that is whole in one slot.
func headWords(length int, m *Meta) (w5, w6 uint64) {
	flags := m.Flags&^layout.MessageFlagAddressed | wholeMessage
	if m.TimestampNs != 0 {
		flags |= layout.MessageFlagTimestamped
	}
	return uint64(uint32(length)) | uint64(flags)<<48, uint64(m.Schema) | uint64(m.Kind)<<32 | uint64(m.Content)<<40
}

// tell wakes readers behind one message or several that were published without a
// fence.
func (p *Producer) tell() {
	if !p.unfenced { // otherwise who goes to sleep fences for us
		p.fence.Store(0)
	}
	p.ring.wakeReaders()
}
