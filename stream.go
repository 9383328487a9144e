package ringcast

import (
	"context"
	"iter"
)

// RequestStream sends a request that takes many replies, and iterates over them as they
// come. Leaving the loop gives the request up and ends the handler's context. The handler
// runs at most 15 replies ahead of the loop. Every turn has either a reply or the last
// error; a complete stream ends without one. The errors are those of Request.
func (c *Client) RequestStream(ctx context.Context, payload []byte) iter.Seq2[*Reply, error] {
	return func(yield func(*Reply, error) bool) {
		if c.service == nil {
			yield(nil, ErrOneReply)
			return
		}
		if err := c.post.enter(); err != nil {
			yield(nil, err)
			return
		}
		defer c.post.leave()
		c.post.stream(ctx, errand{service: c.service, marks: c.config.Marks, many: true}, payload, yield)
	}
}

// RequestStream sends a request to a service and iterates over its replies; see
// Client.RequestStream.
func (b *Bus) RequestStream(ctx context.Context, service string, payload []byte) iter.Seq2[*Reply, error] {
	return func(yield func(*Reply, error) bool) {
		err := b.named(service, func(c *Client) error {
			c.RequestStream(ctx, payload)(yield)
			return nil
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

func (p *post) stream(ctx context.Context, e errand, payload []byte, yield func(*Reply, error) bool) {
	d, err := p.desk()
	var c *call
	if err == nil {
		c, err = d.begin(ctx, streamShares, e)
	}
	if err != nil {
		yield(nil, err)
		return
	}
	d.handOut(ctx, c, c.dispatch(d, payload), yield)
}

// handOut gives the answers to a call out as they come, or the error that it was not sent
// for, and ends it.
func (d *desk) handOut(ctx context.Context, c *call, unsent error, yield func(*Reply, error) bool) {
	defer d.finish(c)
	if unsent != nil {
		yield(nil, unsent)
		return
	}
	for {
		r, err := d.next(ctx, c)
		if r == nil && err == nil || !yield(r, err) || err != nil {
			return
		}
	}
}

// finish gives a call up that is still open, and frees its slot.
func (d *desk) finish(c *call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.release(c)
}

// grantAt is how many answers are taken before new credit is given for them.
const grantAt = streamShares / 2

// next waits for the next answer of several; nil and nil: that was all.
func (d *desk) next(ctx context.Context, c *call) (*Reply, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.await(ctx, &c.party); err != nil {
		return nil, d.unlessOverdue(c, err)
	}
	if len(c.answers) == 0 {
		return nil, c.err
	}
	r := c.answers[0]
	c.answers = c.answers[1:]
	if c.taken++; c.taken >= grantAt && !c.settled {
		d.grant(ctx, c)
	}
	return r, nil
}
