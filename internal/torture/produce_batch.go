package main

import "github.com/ringcast/ringcast/ring"

// maxBatch is how many messages a batch has at most: more than go round the end of a
// small ring at once, few enough that others get their turn.
const maxBatch = 12

// publishBatch sends several messages of one slot each, in batches, however often that
// takes. It returns the handle to go on with.
func (c *child) publishBatch(p *ring.Producer, kind int) (*ring.Producer, error) {
	last := p.Sequence() + 2 + uint64(c.rng.IntN(maxBatch-1))
	c.set(slotBegun, last)
	for p.Sequence() < last {
		start := monotonic()
		c.set(slotSince, start)
		c.set(slotKind, uint64(kind))
		err := c.tryBatch(p, kind, int(last-p.Sequence()))
		c.outcome(err == nil, err)
		c.set(slotKind, kindNone)
		c.set(slotAcked, p.Sequence())
		if err == nil {
			c.sentSince(start)
		} else if p, err = c.afterwards(p, err, 1); err != nil {
			return p, err
		}
	}
	return p, nil
}

// tryBatch is one batch of up to n messages, that many where it returns no error but
// for claims, of which there may be fewer.
func (c *child) tryBatch(p *ring.Producer, kind, n int) error {
	if kind == kindBatch {
		var list [][]byte
		for i := range n {
			sequence := p.Sequence() + 1 + uint64(i)
			if len(c.bufs[i]) < c.Shape.Payload {
				c.bufs[i] = make([]byte, c.Shape.Payload)
			}
			b := c.bufs[i][:c.slotSize()]
			makePayload(b, p.Address(), sequence, monotonic())
			c.spoil(b, sequence)
			list = append(list, b)
		}
		_, err := p.TryPublishBatch(list, &ring.Meta{})
		return err
	}
	claims, err := p.TryClaimBatch(n)
	if err != nil {
		return err
	}
	var lengths []int
	for i := range claims.Len() {
		sequence, size := p.Sequence()+1+uint64(i), c.slotSize()
		b := claims.Bytes(i)[:size]
		writeHead(b, p.Address(), sequence, monotonic())
		writeBody(b, sequence, 0, size/2)
		mark("batch half written")
		writeBody(b, sequence, size/2, size)
		sealPayload(b)
		c.spoil(b, sequence)
		lengths = append(lengths, size)
	}
	mark("batch written")
	_, err = claims.Commit(lengths, &ring.Meta{})
	return err
}

// slotSize draws the size of a message that fits a slot.
func (c *child) slotSize() int { return payloadHead + c.rng.IntN(c.Shape.Payload-payloadHead) }
