package ringcast

import (
	"context"
	"time"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// PublishBatch copies each payload into the topic as one message, in order. It takes the
// publisher once for all of them, and wakes sleeping subscriptions after the last for which
// there is room. Many small messages therefore cost less than as many calls of Publish. It
// waits for room as often as it has to, and allocates as Publish does.
//
// It returns how many it has sent: all, or, with an error, those before the one that the
// error is about, and none after it. Errors are those of Publish, also if only one message
// is too large; the time is that of all of them. A process that dies on the way has sent
// the first few.
func (p *Publisher) PublishBatch(ctx context.Context, payloads [][]byte) (n int, err error) {
	if !p.ready() {
		if err := p.take(ctx); err != nil {
			return 0, err
		}
	}
	p.stamp()
	var since time.Duration // of ring.Now: the first try that went wrong
	for n < len(payloads) {
		sent, full := p.producer.TryPublishBatch(payloads[n:], &p.meta)
		if n += sent; full == nil {
			break
		}
		if since == 0 {
			since = ring.Now()
		}
		if err = p.again(ctx, full, len(payloads[n]), since); err != nil {
			err = partly(err, n, len(payloads)) // here alone: it allocates
			break
		}
	}
	p.free()
	return n, err
}

// Claims lend several slots of the topic's ring, so that messages are written where they
// will be read, and are sent together. End them with exactly one Commit, CommitN or Abort,
// and do not touch the bytes afterwards. What Claim says holds here, too: until then nobody
// else publishes with the same Publisher, others may take the slots after the commit
// deadline, and a publisher has one Claims, which it lends again and again.
type Claims struct {
	publisher *Publisher
	inner     *ring.Claims
	size      int
	open      bool
	resized   bool // not all are of that size
	lengths   []int
}

// ClaimBatch waits, as Claim does, until there is room for one message of up to size bytes.
// It then lends slots for as many of n messages as there is room for, at most 64 and at
// most an eighth of the topic's slots. It allocates once per publisher.
//
// Errors: those of Claim, and one if n is not positive.
func (p *Publisher) ClaimBatch(ctx context.Context, n, size int) (*Claims, error) {
	if n <= 0 {
		return nil, shm.Invalid("topic %q: claim of %d messages: want 1 or more", p.topic, n)
	}
	if !p.ready() {
		if err := p.take(ctx); err != nil {
			return nil, err
		}
	}
	c := &p.claims
	if err := p.claimSlots(ctx, n, size); err != nil {
		p.free()
		return nil, err
	}
	c.publisher, c.open = p, true
	c.resize(c.inner.Len(), size)
	p.stamp()
	return c, nil
}

func (p *Publisher) claimSlots(ctx context.Context, n, size int) error {
	var since time.Duration // of ring.Now: the first try that went wrong
	for {
		if uint(size) > uint(p.room) {
			return p.tooLarge(size)
		}
		inner, err := p.producer.TryClaimBatch(n)
		if err == nil {
			p.claims.inner = inner
			return nil
		}
		if since == 0 {
			since = ring.Now()
		}
		if err := p.again(ctx, err, 0, since); err != nil {
			return err
		}
	}
}

// resize makes each of n messages size bytes long; mostly they are.
func (c *Claims) resize(n, size int) {
	if c.size == size && len(c.lengths) == n && !c.resized {
		return
	}
	c.size, c.resized, c.lengths = size, false, c.lengths[:0]
	for range n {
		c.lengths = append(c.lengths, size)
	}
}

// Len returns how many messages may be written.
func (c *Claims) Len() int { return c.inner.Len() }

// Bytes returns the room for message i, from 0 to Len less one. Its length is the claimed
// size, or what Resize said; its capacity extends to the end of the slot.
func (c *Claims) Bytes(i int) []byte { return c.inner.Bytes(i)[:c.lengths[i]] }

// Resize makes message i n bytes long, at most the capacity of Bytes(i). If n is more,
// Commit says so.
func (c *Claims) Resize(i, n int) { c.lengths[i], c.resized = n, true }

// Commit makes all messages visible, in order, and wakes sleeping subscriptions after the
// last. It neither blocks nor allocates, and makes a system call only if somebody sleeps.
// It returns how many were sent: all, or, with ErrFenced, those before the one whose slot
// was taken. With *TooLargeError and ErrClaimEnded nothing was sent. The claims have ended.
func (c *Claims) Commit() (sent int, err error) { return c.CommitN(len(c.lengths)) }

// CommitN is Commit of the first n messages; the slots of the others are given back.
func (c *Claims) CommitN(n int) (sent int, err error) {
	if !c.open {
		return 0, ErrClaimEnded
	}
	if n < 0 || n > len(c.lengths) {
		_ = c.Abort()
		return 0, shm.Invalid("topic %q: commit of %d messages: %d were claimed", c.publisher.topic, n, len(c.lengths))
	}
	sent, err = c.inner.Commit(c.lengths[:n], &c.publisher.meta)
	c.end()
	return sent, err
}

// Abort gives all slots back and sends nothing.
func (c *Claims) Abort() error {
	if !c.open {
		return ErrClaimEnded
	}
	err := c.inner.Abort()
	c.end()
	return err
}

// end lets the next goroutine publish.
func (c *Claims) end() {
	c.open = false
	c.publisher.free()
}
