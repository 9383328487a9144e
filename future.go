package ringcast

import (
	"context"
	"errors"
	"slices"
)

// A Future is a request whose outcome is still to come. It is safe for concurrent use.
type Future struct {
	desk        *desk
	call        *call
	correlation uint64
	reply       *Reply

	// Guarded by the desk's mu.
	taken   bool
	err     error
	waiting bool // somebody waits as the call's own party
	guarded bool // a goroutine waits, for Done
}

// Go sends a request without waiting for its reply. Up to Config.InFlight requests may be
// open at once; further ones wait for one of them. Answers are read by whoever waits: Wait
// of any future, or Done's goroutine. When the context ends, the request is given up. Go
// allocates the future.
//
// Errors: those of Request that are known at once.
func (c *Client) Go(ctx context.Context, payload []byte) (*Future, error) {
	if err := c.post.enter(); err != nil {
		return nil, err
	}
	defer c.post.leave()
	return c.post.goAsk(ctx, errand{service: c.service, target: c.target, marks: c.config.Marks}, payload)
}

// Go sends a request to a service without waiting for its reply; see Client.Go.
func (b *Bus) Go(ctx context.Context, service string, payload []byte) (f *Future, err error) {
	err = b.named(service, func(c *Client) error { f, err = c.Go(ctx, payload); return err })
	return f, err
}

// GoTo is RequestTo without waiting for the reply.
func (b *Bus) GoTo(ctx context.Context, to Address, payload []byte) (*Future, error) {
	p, err := b.enterPost()
	if err != nil {
		return nil, err
	}
	defer p.leave()
	return p.goAsk(ctx, errand{target: to.Participant()}, payload)
}

func (p *post) goAsk(ctx context.Context, e errand, payload []byte) (*Future, error) {
	d, err := p.desk()
	if err != nil {
		return nil, err
	}
	f := &Future{desk: d, reply: new(Reply)}
	e.reply = f.reply
	c, err := d.begin(ctx, 1, e)
	if err != nil {
		return nil, err
	}
	f.call, f.correlation = c, c.correlation
	if err := c.dispatch(d, payload); err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.release(c)
		return nil, err
	}
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { f.giveUp(ctx.Err()) })
		d.mu.Lock()
		c.stop = stop
		d.mu.Unlock()
	}
	return f, nil
}

// Wait waits for the outcome and returns it; every call returns the same. The context
// bounds only this wait. Errors: those of Client.Request, and the context's.
func (f *Future) Wait(ctx context.Context) (*Reply, error) {
	d := f.desk
	if err := d.post.enter(); err != nil {
		return nil, err
	}
	defer d.post.leave()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.await(ctx); err != nil {
		return nil, err
	}
	if f.err != nil {
		return nil, f.err
	}
	return f.reply, nil
}

// await waits until the outcome is there, and takes it; mu is held.
func (f *Future) await(ctx context.Context) error {
	if f.taken {
		return nil
	}
	p := &f.call.party
	if f.waiting {
		p = &party{signal: make(chan struct{}, 1), call: f.call, correlation: f.correlation}
		f.call.others = append(f.call.others, p)
	} else {
		f.waiting = true
	}
	err := f.desk.await(ctx, p)
	f.part(p)
	if err != nil {
		return err
	}
	f.take()
	return nil
}

// part ends the waiting of a party. The call's own one frees the call where another has
// taken the outcome meanwhile: until then it can't be anybody else's. mu is held.
func (f *Future) part(p *party) {
	if p != &f.call.party {
		f.call.others = slices.DeleteFunc(f.call.others, func(o *party) bool { return o == p })
		return
	}
	f.waiting = false
	if f.taken {
		f.desk.release(f.call)
	}
}

// take hands the outcome over to the future; mu is held.
func (f *Future) take() {
	if f.taken {
		return
	}
	f.taken, f.err = true, f.call.err
	if !f.waiting {
		f.desk.release(f.call)
	}
}

// Cancel gives the request up. Its outcome is context.Canceled, unless it already has one.
func (f *Future) Cancel() { f.giveUp(context.Canceled) }

func (f *Future) giveUp(err error) {
	d := f.desk
	if d.post.enter() != nil {
		return
	}
	defer d.post.leave()
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.taken || f.call.settled {
		return
	}
	if errors.Is(err, context.DeadlineExceeded) {
		d.overdue(f.call)
		return
	}
	d.giveUp(f.call)
	f.call.err = err
}

// Done returns a channel that is closed when the outcome is there or the bus is closed.
// Meanwhile a goroutine of the bus reads answers: Wait alone is faster.
func (f *Future) Done() <-chan struct{} {
	d := f.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.taken || f.call.settled || d.over(context.Background()) != nil {
		return closedChannel
	}
	if f.call.done == nil {
		f.call.done = make(chan struct{})
	}
	done := f.call.done
	if !f.guarded {
		f.guarded = true
		go f.guard(done)
	}
	return done
}

// guard waits on behalf of those who have the channel, which is closed in any case:
// also where the bus is closed before there is an outcome.
func (f *Future) guard(done chan struct{}) {
	_, _ = f.Wait(context.Background())
	f.desk.mu.Lock()
	defer f.desk.mu.Unlock()
	f.guarded = false
	if f.call.done == done {
		close(done)
		f.call.done = nil
	}
}
