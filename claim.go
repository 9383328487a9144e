package ringcast

import (
	"context"
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// A Claim lends one slot of the topic's ring, so that a message is written where it will be
// read. End it with exactly one Commit, CommitN or Abort, and do not touch its bytes
// afterwards. While it is open, nobody else publishes with the same Publisher, and readers
// wait behind the slot. After the commit deadline (50 ms) others may take the claim; Commit
// then returns ErrFenced. A publisher has one Claim and lends it again and again: do not
// keep it. It belongs to the goroutine that claimed.
type Claim struct {
	publisher *Publisher
	inner     ring.Claim
	size      int
	open      bool
	building  bool
	builder   *flatbuffers.Builder
}

// Claim waits for a slot, as Publish does, and lends it for a message of up to size bytes.
// The slot holds the bytes of an old message. Claim does not allocate. A message larger
// than a slot cannot be built in place: *TooLargeError says which slots to ask for.
func (p *Publisher) Claim(ctx context.Context, size int) (*Claim, error) {
	if p.lock.lend() {
		// closing comes first: who has set it may have found the lock free before.
		if !p.wait.closing.Load() && uint(size) <= uint(p.room) && p.producer != nil {
			c := &p.claim
			if p.producer.MayLend() {
				p.producer.Lend(&c.inner)
				if c.size != size { // mostly it is
					c.size = size
				}
				if p.config.Timestamps {
					return p.stamped()
				}
				return c, nil
			}
			if p.producer.Shared() {
				return p.claimShared(ctx, size)
			}
		}
		p.lock.freePlain()
	}
	return p.claimLong(ctx, size)
}

// stamped is what is left of Claim where messages bear the time. It is apart, so that Claim
// need not keep in memory what it has in registers.
func (p *Publisher) stamped() (*Claim, error) {
	p.stamp()
	return &p.claim, nil
}

// claimShared is Claim of a shared topic, with the lock lent.
func (p *Publisher) claimShared(ctx context.Context, size int) (*Claim, error) {
	if !p.producer.LendShared(&p.claim.inner) {
		p.lock.freePlain()
		return p.claimLong(ctx, size)
	}
	if p.claim.size != size {
		p.claim.size = size
	}
	if p.config.Timestamps {
		p.stamp()
	}
	return &p.claim, nil
}

// claimLong is Claim where more has to be seen to.
func (p *Publisher) claimLong(ctx context.Context, size int) (*Claim, error) {
	if !p.ready() {
		if err := p.take(ctx); err != nil {
			return nil, err
		}
	}
	c := &p.claim
	var err error
	if uint(size) > uint(p.room) {
		err = p.tooLarge(size)
	} else if c.inner, err = p.producer.TryClaim(nil); err != nil {
		err = p.claimSlot(ctx, size, err)
	}
	if err != nil {
		p.free()
		return nil, err
	}
	c.size, c.open, c.building = size, true, false
	p.stamp()
	return c, nil
}

// claimSlot is reached when a try to claim size bytes went wrong.
func (p *Publisher) claimSlot(ctx context.Context, size int, err error) error {
	since := ring.Now()
	for err != nil {
		if err := p.again(ctx, err, 0, since); err != nil {
			return err
		}
		if size > p.room { // of another ring by now
			return p.tooLarge(size)
		}
		p.claim.inner, err = p.producer.TryClaim(nil)
	}
	return nil
}

// tooLarge names the slots that would hold a message of that size.
func (p *Publisher) tooLarge(size int) error {
	s := p.file.Shape()
	return fmt.Errorf("topic %q: claim: %w", p.topic,
		&TooLargeError{Size: size, Limit: s.Payload, Slots: s.Slots, Payload: (size + 63) &^ 63})
}

// Bytes returns the room for the message. Its length is the claimed size; its capacity
// extends to the end of the slot.
func (c *Claim) Bytes() []byte { return c.inner.Bytes()[:c.size] }

// Builder returns a builder that works in the whole slot, from its end. Finish the table
// before Commit. A table that outgrows the slot moves to memory of its own, and Commit
// returns a *TooLargeError. The builder is lent as the claim is; its first use on a
// publisher allocates it.
func (c *Claim) Builder() *flatbuffers.Builder {
	c.settle()
	if c.builder == nil {
		c.builder = flatbuffers.NewBuilder(0)
	}
	slot := c.inner.Bytes()
	c.builder.Bytes = slot[:len(slot):len(slot)]
	c.builder.Reset()
	c.building = true
	return c.builder
}

// Commit makes the message visible: the finished table if Builder was called, otherwise all
// bytes that were claimed. It neither blocks nor allocates, and makes a system call only if
// somebody sleeps.
//
// Errors: ErrFenced, ErrUnfinished, *TooLargeError, ErrClaimEnded. After an error nothing
// was sent, and the claim has ended.
func (c *Claim) Commit() error {
	if p := c.publisher; p.lock.lent() {
		var err error
		if p.producer.Shared() {
			err = p.producer.CommitLentShared(c.size, &p.meta)
		} else {
			if p.producer.CommitLent(c.size, &p.meta) {
				p.producer.Wake()
			}
			p.producer.LookAhead()
		}
		p.lock.freePlain() // from here on all of it may be gone
		if p.wait.closing.Load() {
			_ = p.end()
		}
		return err
	}
	if !c.open {
		return ErrClaimEnded
	}
	if !c.building {
		return c.commit(0, c.size, layout.ContentRaw)
	}
	start, length, err := c.table()
	if err != nil {
		_ = c.Abort()
		return err
	}
	return c.commit(start, length, layout.ContentFlatBuffer)
}

// CommitN is Commit of the first n bytes.
func (c *Claim) CommitN(n int) error {
	if p := c.publisher; p.lock.lent() && uint(n) <= uint(p.room) {
		c.size = n
		return c.Commit()
	}
	c.settle()
	if !c.open {
		return ErrClaimEnded
	}
	return c.commit(0, n, layout.ContentRaw)
}

// Abort gives the slot back and sends nothing. ErrFenced means that the slot was already
// taken, which changes nothing.
func (c *Claim) Abort() error {
	c.settle()
	if !c.open {
		return ErrClaimEnded
	}
	err := c.inner.Abort()
	c.end()
	return err
}

// settle makes a claim that is open the short way one like any other.
func (c *Claim) settle() {
	if p := c.publisher; p.lock.lent() {
		p.producer.KeepLent()
		c.open, c.building = true, false
		p.lock.keep()
	}
}

func (c *Claim) commit(start, length int, content uint8) error {
	p := c.publisher
	p.meta.Content = content
	err := c.inner.Commit(start, length, &p.meta)
	p.meta.Content = layout.ContentRaw
	c.end()
	return err
}

// end lets the next goroutine publish.
func (c *Claim) end() {
	c.open = false
	if c.builder != nil {
		c.builder.Bytes = nil // the slot is not ours any more
	}
	c.publisher.free()
}

// table is where the builder left the finished table within the slot.
func (c *Claim) table() (start, length int, err error) {
	slot := c.inner.Bytes()
	built, err := finished(c.builder)
	if err != nil {
		return 0, 0, err
	}
	whole := c.builder.Bytes
	if len(whole) != len(slot) || &whole[0] != &slot[0] {
		return 0, 0, c.publisher.tooLarge(len(built))
	}
	return len(slot) - len(built), len(built), nil
}

// finished returns the builder's bytes; it panics inside when Finish was not called.
func finished(b *flatbuffers.Builder) (built []byte, err error) {
	defer func() {
		if recover() != nil {
			err = ErrUnfinished
		}
	}()
	return b.FinishedBytes(), nil
}
