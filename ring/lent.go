package ring

import "github.com/ringcast/ringcast/codec/layout"

// A claim that is lent is the short way of an exclusive ring without anything that is only
// needed where several claims are open: who lends sees to it that there is but one, and
// that the producer does nothing else until it has ended. Its steps are apart, so that the
// compiler puts them into the caller, where a call would push what is in registers.

// MayLend reports whether Lend may be called: whether the short way is open, and the ring
// an exclusive one.
func (p *Producer) MayLend() bool { return p.next < p.swift && !p.shared && p.owns() }

// Lend claims the next position for c, which was lent by this producer before or has
// ended; MayLend comes right before it. The producer must do nothing else until CommitLent
// ends the claim or KeepLent makes it one like any other. It never blocks, allocates or
// makes a system call.
func (p *Producer) Lend(c *Claim) {
	at("lend")
	t := p.next
	p.next = t + 1
	storeBefore(&p.ring.ctl.tail, t+1) // pairs(tail): before any byte of the slot
	c.position = t
	if c.producer != p || c.first != layout.SlotHeaderSize {
		c.begin(p)
	}
}

// begin makes c one of p's claims.
func (c *Claim) begin(p *Producer) {
	c.producer, c.ring, c.first = p, p.ring, layout.SlotHeaderSize
}

// KeepLent makes the claim that was lent one like any other, which Commit or Abort ends.
func (p *Producer) KeepLent() {
	if !p.shared {
		p.open, p.oldest, p.swift = 1, p.next-1, 0
	}
}

// Shared reports whether the ring is a shared one, where claims are lent by LendShared and
// end with CommitLentShared.
func (p *Producer) Shared() bool { return p.shared }

// LendShared is MayLend and Lend of a shared ring: somebody else may be faster.
func (p *Producer) LendShared(c *Claim) bool {
	t := p.next
	if t >= p.swift || !p.claimNext(t) {
		return false
	}
	c.position = t
	if c.producer != p || c.first != layout.SlotHeaderSize {
		c.begin(p)
	}
	return true
}

// CommitLentShared is CommitLent of a shared ring, and wakes who sleeps. ErrFenced: the
// claim was taken; nothing was sent.
func (p *Producer) CommitLentShared(length int, m *Meta) error {
	return p.commitShared(p.next-1, layout.SlotHeaderSize, length, m)
}

// CommitLent makes the first length bytes of the claim that was lent visible as one
// message; there are no more than its Bytes. m has neither a block nor a sequence. It
// reports whether somebody sleeps, whom Wake then wakes.
func (p *Producer) CommitLent(length int, m *Meta) (asleep bool) {
	p.sequence++
	t := p.next - 1
	if where := placeWord(layout.SlotHeaderSize, length); p.known.fits(where, m) {
		writeKnown(p.ring.body(t), &p.known, p.sequence)
	} else {
		w5, w6 := headWords(length, m)
		writeBody(p.ring.body(t), where, p.source[0], p.source[1], p.sequence, m.TimestampNs, w5, w6)
		p.known.learn(where, w5, w6, m)
	}
	r := p.ring
	at("publish lent")
	storeRelease(r.published(t), r.lap(t)) // pairs(publish)
	if !p.unfenced {                       // otherwise who goes to sleep fences for us
		p.fence.Store(0)
	}
	at("wake lent")
	return r.ctl.readerSummary.Load() != 0 // pairs(reader-mask)
}

// Wake wakes readers that sleep.
func (p *Producer) Wake() { p.ring.wakeReaders() }

// LookAhead asks for the lines of the slots that come next, to be written. It is a hint
// and changes nothing.
func (p *Producer) LookAhead() {
	if p.next&p.steps == 0 {
		p.fetchAhead()
	}
}
