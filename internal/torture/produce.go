package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// Kinds of a publish, in the word slotKind.
const (
	kindNone = iota
	kindCopy
	kindFragments
	kindClaim
	kindAbort
	kindBatch
	kindClaims
)

// Outcomes of a publish, in the word slotOutcome.
const (
	outcomeNone = iota
	outcomeOK
	outcomeFenced
	outcomeOther
)

// produce publishes in bursts until it is told to end. Its words on the board say
// what was sent with OK.
func (c *child) produce() error {
	if err := c.enter(true); err != nil {
		return err
	}
	p, err := c.handle(0)
	for err == nil && c.ctx.Err() == nil {
		for last := p.Sequence() + 1 + uint64(c.rng.IntN(60)); p.Sequence() < last; { // in batches or not, as many
			if p, err = c.publish(p); err != nil || c.ctx.Err() != nil {
				break
			}
		}
		if err == nil && c.Shape.Kind == ring.Exclusive && c.rng.IntN(4) == 0 {
			p.Close() // another's turn
			c.pause(time.Millisecond)
			p, err = c.handle(p.Sequence())
		}
		c.pause(time.Duration(c.rng.IntN(2000)) * time.Microsecond)
	}
	if err != nil && c.ctx.Err() == nil {
		return err
	}
	if p != nil {
		p.Close()
	}
	return c.leave()
}

// handle opens our one handle, which goes on after its last message.
func (c *child) handle(last uint64) (*ring.Producer, error) {
	address := c.self.Address()
	address.Handle = uint16(c.Slot) + 1
	c.set(slotHandle, uint64(address.Handle))
	for {
		p, err := c.file.NewProducer(address)
		c.set(slotAsked, 1)
		switch {
		case err == nil:
			p.Continue(last)
			return p, nil
		case errors.Is(err, ring.ErrNotExclusive) && c.ctx.Err() == nil:
			c.pause(500 * time.Microsecond)
		case errors.Is(err, ring.ErrRetired) && c.ctx.Err() == nil:
			if err := c.reopen(); err != nil {
				return nil, err
			}
		default:
			return nil, err
		}
	}
}

// reopen opens the topic again, whose ring was replaced.
func (c *child) reopen() error {
	old := c.file
	next, err := c.openTopic(c.Topic, ring.FileOptions{Write: true})
	if err != nil {
		return err
	}
	c.file = next
	return old.Close()
}

// publish sends one message, however often that takes. It returns the handle to go on with.
func (c *child) publish(p *ring.Producer) (*ring.Producer, error) {
	kind := c.kind()
	if kind == kindBatch || kind == kindClaims {
		return c.publishBatch(p, kind)
	}
	sequence := p.Sequence() + 1
	c.set(slotBegun, sequence)
	start := monotonic()
	c.set(slotSince, start)
	if c.Fault == "drop" && sequence%20 == 0 { // says that it was sent
		c.set(slotAcked, sequence)
		p.Continue(sequence)
		return p, nil
	}
	size := c.slotSize()
	if kind == kindFragments {
		size = c.Shape.Payload * (1 + c.rng.IntN(5)) // up to six slots
		size = min(size+c.rng.IntN(c.Shape.Payload)+1, c.Shape.Limit())
	}
	for {
		c.set(slotKind, uint64(kind))
		sent, err := c.try(p, kind, size, sequence)
		c.outcome(sent, err)
		c.set(slotKind, kindNone)
		switch {
		case sent:
			c.set(slotAcked, sequence)
			c.sentSince(start)
			return p, c.double(p, size)
		case err == nil: // aborted, as it should
			kind = kindCopy
		default:
			slots := (size + c.Shape.Payload - 1) / c.Shape.Payload
			if p, err = c.afterwards(p, err, slots); err != nil {
				return p, err
			}
		}
	}
}

// sentSince books how long it took to send what was begun at start.
func (c *child) sentSince(start uint64) {
	now := monotonic()
	raise(c.board.at(c.Slot, slotWorst), now-min(now, max(start, c.board.epoch().Load())))
	c.set(slotSince, 0)
}

// afterwards does what another try has to wait for, after one ended with err. It
// returns the handle to go on with, or why there is nothing to go on with.
func (c *child) afterwards(p *ring.Producer, err error, slots int) (*ring.Producer, error) {
	switch err {
	case ring.ErrFull, ring.ErrStalled, ring.ErrFenced:
		if err := c.waiter.AwaitRoom(c.ctx, p, slots); err != nil && err != ring.ErrRetired {
			return p, err
		}
		return p, nil
	case ring.ErrRetired:
		return c.again(p)
	}
	return p, err
}

// again opens ring and handle anew after the ring was replaced.
func (c *child) again(p *ring.Producer) (*ring.Producer, error) {
	if err := c.reopen(); err != nil {
		return nil, err
	}
	return c.handle(p.Sequence())
}

// kind draws how to publish.
func (c *child) kind() int {
	switch n := c.rng.IntN(20); {
	case n < 3 && !c.Small:
		return kindFragments
	case n < 8:
		return kindClaim
	case n < 9 && !c.Small:
		return kindAbort
	case n < 11:
		return kindBatch
	case n < 13:
		return kindClaims
	}
	return kindCopy
}

// outcome notes how a publish ended.
func (c *child) outcome(sent bool, err error) {
	code := uint64(outcomeOther)
	switch {
	case sent:
		code = outcomeOK
	case err == ring.ErrFenced:
		code = outcomeFenced
		c.add(slotFenced)
	}
	c.board.at(c.Slot, slotOutcome).CompareAndSwap(outcomeNone, code)
	c.add(slotOps)
}

// try is one publish.
func (c *child) try(p *ring.Producer, kind, size int, sequence uint64) (sent bool, err error) {
	b := c.buf[:size]
	if kind == kindCopy || kind == kindFragments {
		makePayload(b, p.Address(), sequence, monotonic())
		c.spoil(b, sequence)
		err = p.TryPublish(b, &ring.Meta{})
		return err == nil, err
	}
	var claim ring.Claim
	lent := sequence%2 == 0 && p.MayLend()
	if lent {
		p.Lend(&claim)
	} else if claim, err = p.TryClaim(nil); err != nil {
		return false, err
	}
	b = claim.Bytes()[:size]
	writeHead(b, p.Address(), sequence, monotonic())
	writeBody(b, sequence, 0, size/2)
	mark("half written")
	writeBody(b, sequence, size/2, size)
	sealPayload(b)
	c.spoil(b, sequence)
	mark("written")
	switch {
	case lent && kind != kindAbort:
		if p.CommitLent(size, &ring.Meta{}) {
			p.Wake()
		}
		return true, nil
	case lent:
		p.KeepLent()
	}
	if kind == kindAbort {
		return false, claim.Abort()
	}
	err = claim.Commit(0, size, &ring.Meta{})
	return err == nil, err
}

// spoil makes the mistakes that the ledger has to find.
func (c *child) spoil(b []byte, sequence uint64) {
	if sequence%20 != 0 {
		return
	}
	switch c.Fault {
	case "tear":
		b[len(b)-1] ^= 1
	case "alter":
		b[24] ^= 1
		sealPayload(b)
	}
}

// double sends the last message once more, where that is the mistake to make.
func (c *child) double(p *ring.Producer, size int) error {
	if c.Fault != "double" || p.Sequence()%20 != 0 || size > c.Shape.Payload {
		return nil
	}
	p.Continue(p.Sequence() - 1)
	b := c.buf[:size]
	makePayload(b, p.Address(), p.Sequence()+1, monotonic())
	if err := p.TryPublish(b, &ring.Meta{}); err == ring.ErrFull {
		p.Continue(p.Sequence() + 1)
	} else if err != nil {
		return fmt.Errorf("second time: %w", err)
	}
	return nil
}
