package ring

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// Claims lend the payloads of several slots for writing in place. They end together,
// with exactly one Commit or Abort; the bytes must not be touched after. A producer has
// one Claims, which it lends again and again.
type Claims struct {
	producer  *Producer // nil: they have ended
	ring      *Ring
	n         int
	run       bool // the positions are consecutive, of an exclusive ring
	positions [maxRun]uint64
}

// TryClaimBatch lends up to n slots (n > 0): as many as there is room for, at least one,
// at most 64 and an eighth of the ring. It never blocks, and allocates once a producer.
// The Claims lent before must have ended: ErrClaimsOpen. Other errors as TryClaim's.
func (p *Producer) TryClaimBatch(n int) (*Claims, error) {
	if p.claims == nil {
		p.claims = &Claims{}
	}
	c := p.claims
	if c.producer != nil {
		return nil, ErrClaimsOpen
	}
	c.ring, c.n, c.run = p.ring, 0, false
	n = min(n, p.ring.run())
	if k := p.swiftRun(n); k > 0 {
		p.claimRun(p.next, k)
	} else if err := p.claimSingly(n); err != nil {
		return nil, err
	}
	c.producer = p
	return c, nil
}

// claimRun claims n consecutive positions from t on into p.claims, the short way.
func (p *Producer) claimRun(t uint64, n int) {
	at("begin lent batch")
	p.next, p.open, p.oldest, p.swift = t+uint64(n), n, t, 0
	storeBefore(&p.ring.ctl.tail, p.next) // pairs(tail): before any byte of the slots
	for i := range n {
		p.claims.positions[i] = t + uint64(i)
	}
	p.claims.n, p.claims.run = n, true
}

// claimSingly claims up to n positions, at least one, into p.claims.
func (p *Producer) claimSingly(n int) error {
	c := p.claims
	for c.n < n {
		t, err := p.claimOne()
		if err == ErrFull && c.n > 0 {
			p.gate.waiting = false // what there is is good enough
			return nil
		}
		if err != nil {
			p.abandon(c.positions[:c.n])
			return err
		}
		c.positions[c.n], c.n = t, c.n+1
	}
	return nil
}

// claimOne claims the next position, the short way of a shared ring where it is open.
func (p *Producer) claimOne() (uint64, error) {
	if t := p.next; p.shared && t < p.swift && p.claimNext(t) {
		return t, nil
	}
	return p.claim()
}

// abandon turns claims into holes.
func (p *Producer) abandon(positions []uint64) {
	for _, t := range positions {
		_ = p.finish(t, stateHole)
	}
}

// Len is how many slots are lent.
func (c *Claims) Len() int { return c.n }

// Bytes is everything that slot i can carry, i from 0 to Len less one.
func (c *Claims) Bytes(i int) []byte {
	return c.ring.slot(c.positions[i:c.n][0])[layout.SlotHeaderSize:]
}

// Commit makes the first lengths[i] bytes of each slot i visible as one message, in
// order, and gives the slots behind them back. Readers see them one by one; those that
// sleep are woken behind the last. It says how many were sent, with an error those
// before the one that it is about; none of the others were, and their slots are given
// back. m is what all messages say of themselves, as with TryPublishBatch.
//
// Errors: ErrFenced; ErrNotExclusive; *TooLargeError where a length does not fit its
// slot, and another where there are more lengths than slots: nothing was sent then;
// ErrClaimEnded.
func (c *Claims) Commit(lengths []int, m *Meta) (sent int, err error) {
	p := c.producer
	if p == nil {
		return 0, ErrClaimEnded
	}
	if err := c.check(lengths); err != nil {
		_ = c.Abort()
		return 0, err
	}
	c.producer = nil
	one := *m
	if c.run && m.Sequence == 0 && p.ownership != 0 {
		sent = p.endRun(c.positions[0], lengths, m)
	}
	for sent < len(lengths) && err == nil {
		if err = p.commitQuietly(c.positions[sent], lengths[sent], &one); err == nil {
			sent++
			if one.Sequence != 0 {
				one.Sequence++
			}
		}
	}
	failed := 0
	if err != nil {
		failed = 1 // has ended with it
	}
	p.abandon(c.positions[sent+failed : c.n])
	if !p.shared {
		p.mayHurry()
	}
	p.tell()
	return sent, err
}

// check says whether so many bytes fit.
func (c *Claims) check(lengths []int) error {
	room := c.ring.shape.Payload
	if len(lengths) > c.n {
		return shm.Invalid("commit of %d messages in %d claimed slots: claim as many as there are messages", len(lengths), c.n)
	}
	for _, n := range lengths {
		if n < 0 || n > room {
			return c.ring.tooLarge(n)
		}
	}
	return nil
}

// Abort gives all slots back; readers step over them.
func (c *Claims) Abort() error {
	p := c.producer
	if p == nil {
		return ErrClaimEnded
	}
	c.producer = nil
	p.abandon(c.positions[:c.n])
	return nil
}

// commitQuietly commits the claim of position t, whose payload is written, and wakes
// nobody.
func (p *Producer) commitQuietly(t uint64, length int, m *Meta) error {
	if p.shared {
		return p.endNext(t, layout.SlotHeaderSize, length, m)
	}
	if p.ownership == 0 {
		return ErrNotExclusive
	}
	p.open--
	p.end(t, layout.SlotHeaderSize, length, m)
	return nil
}
