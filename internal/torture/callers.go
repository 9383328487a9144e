package main

import (
	"encoding/binary"
	"os"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// call publishes requests to a queue group, and does with them what callers do: it looks whether
// anybody reads, takes back what nobody has started, cancels what is in hand and grants it credit.
func (c *child) call() error {
	if err := c.enter(true); err != nil {
		return err
	}
	f, err := os.Create(notesPath(c.Base, c.Slot, c.Seed))
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := c.handle(0)
	for err == nil && c.ctx.Err() == nil {
		for range 1 + c.rng.IntN(12) {
			if p, err = c.request(p); err != nil {
				break
			}
		}
		if err == nil {
			err = c.callerLooks(p, f)
		}
		c.pause(time.Duration(c.rng.IntN(1000)) * time.Microsecond)
	}
	if err != nil && c.ctx.Err() == nil {
		return err
	}
	if p != nil {
		p.Close()
	}
	return c.leave()
}

// request publishes one message with an address block, however often that takes.
func (c *child) request(p *ring.Producer) (*ring.Producer, error) {
	sequence := p.Sequence() + 1
	c.set(slotBegun, sequence)
	start := monotonic()
	c.set(slotSince, start)
	b := c.buf[:min(c.slotSize(), c.Shape.Payload-layout.AddressBlockSize)]
	for {
		makePayload(b, p.Address(), sequence, monotonic())
		err := p.TryPublish(b, &ring.Meta{Block: requestBlock(p.Address(), sequence)})
		c.outcome(err == nil, err)
		if err == nil {
			c.set(slotAcked, sequence)
			c.sentSince(start)
			return p, nil
		}
		if p, err = c.afterwards(p, err, 1); err != nil {
			return p, err
		}
	}
}

// requestBlock is the address block of a request of that caller.
func requestBlock(caller shm.Address, correlation uint64) []byte {
	b := make([]byte, layout.AddressBlockSize)
	caller.Put(b[layout.AddressBlockSourceOffset:])
	binary.LittleEndian.PutUint64(b[layout.AddressBlockCorrelationOffset:], correlation)
	return b
}

// callerLooks does what a caller may do from outside the group, to the requests it sent last.
func (c *child) callerLooks(p *ring.Producer, f *os.File) error {
	q, err := c.file.Queue("workers")
	if err != nil {
		return err
	}
	q.HasMembers()
	if c.rng.IntN(2) == 0 {
		c.linger() // until a member may just be taking it
		return c.withdraw(q, p.Last(), f)
	}
	for back := range uint64(8) {
		if back >= p.Sequence() {
			break
		}
		if request := p.Sequence() - back; c.rng.IntN(2) == 0 { // an error: nobody has it in hand
			_ = q.Grant(p.Address(), request, 1)
		} else {
			_ = q.Cancel(p.Address(), request)
		}
	}
	return nil
}

// linger lets some microseconds pass, or none.
func (c *child) linger() {
	for end := monotonic() + c.rng.Uint64N(60_000); monotonic() < end; {
	}
}

// withdraw takes a request back, and writes down what came of it.
func (c *child) withdraw(q *ring.Queue, position uint64, f *os.File) error {
	if err := note(f, noteWithdrawing, position); err != nil {
		return err
	}
	mark("withdrawing")
	if q.Withdraw(position) {
		return note(f, noteWithdrawn, position)
	}
	return note(f, noteKept, position)
}

// awaitCredit is a member that streams its answer and has used up its credit: it leaves word, and
// waits a while for more, or for the caller to have had enough.
func (c *child) awaitCredit(hand *ring.Hand) {
	if hand.AwaitCredit(hand.Credit()) {
		return
	}
	for end := time.Now().Add(time.Millisecond); time.Now().Before(end) && !hand.Canceled() && hand.Credit() == ring.FirstCredit; {
		time.Sleep(50 * time.Microsecond)
	}
}
