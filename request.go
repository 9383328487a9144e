package ringcast

import (
	"context"
	"sync"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// A Request is what a handler answers. It is valid until the handler returns, and belongs
// to the handler's goroutine.
type Request struct {
	instance *Instance
	message  ring.Message
	hand     ring.Hand
	heading  heading
	left     time.Duration
	due      time.Duration
	oneWay   bool
	answered bool
	returned bool
	sent     uint32  // replies with more to come
	up       Address // of the forwarder that brought it from another node; zero: it is of this one
	context  requestContext
}

func newRequest(s *Instance) *Request {
	r := &Request{instance: s}
	r.context.request = r
	return r
}

// again is a Request for the next message: the same one, unless somebody may still hold
// its context.
func (r *Request) again() *Request {
	if r.context.done == nil {
		return r
	}
	return newRequest(r.instance)
}

// begin makes it the request of a message that was taken.
func (r *Request) begin(h *heading) {
	now := ring.Now()
	r.heading, r.answered, r.sent = *h, false, 0
	r.oneWay = r.message.Kind == layout.MessageKindData
	r.left = h.remaining(now)
	if r.oneWay {
		r.left = maxTime
	}
	r.due = now + r.left
	r.up = r.instance.post.upFor(h.source)
	r.context.err = nil
}

// Payload returns the request's bytes, valid until the handler returns.
func (r *Request) Payload() []byte { return r.message.Payload }

// Source returns the address of the caller.
func (r *Request) Source() Address { return r.heading.source }

// Service returns the name that was called.
func (r *Request) Service() string { return r.instance.name }

// Content says how to read the payload: ContentRaw, ContentFields or ContentFlatBuffer.
func (r *Request) Content() uint8 { return r.message.Content }

// Schema returns the low half of the hash of a FlatBuffer's schema; 0 if unknown.
func (r *Request) Schema() uint32 { return r.message.Schema }

// OneWay reports whether the caller waits for no answer (SendTo). If so, Reply does
// nothing.
func (r *Request) OneWay() bool { return r.oneWay }

// Streams reports whether the caller takes several replies (RequestStream).
func (r *Request) Streams() bool { return r.message.Flags&layout.MessageFlagMore != 0 }

// Reply sends the request's last answer. It neither waits nor allocates. It is no error if
// the caller is gone or has given up.
//
// Errors: ErrAnswered; *TooLargeError, and the caller gets ErrReplyTooLarge.
func (r *Request) Reply(payload []byte) error { return r.ReplyMarked(payload, Marks{}) }

func (r *Request) reply(l letter) error {
	if r.oneWay {
		return nil
	}
	if r.answered {
		return ErrAnswered
	}
	err := r.answer(l)
	if isTooLarge(err) {
		_ = r.fail(codeTooLarge, "")
		return err
	}
	r.answered = true
	return nil
}

// More sends one of several replies; Reply, or an error that the handler returns, ends
// them. It waits while the caller has not taken the last 15.
//
// Errors: ErrOneReply if the caller takes only one reply, the context's, ErrAnswered,
// *TooLargeError.
func (r *Request) More(payload []byte) error { return r.MoreMarked(payload, Marks{}) }

func (r *Request) more(l letter) error {
	switch {
	case r.oneWay:
		return nil
	case r.answered:
		return ErrAnswered
	case !r.Streams():
		return ErrOneReply
	}
	if err := r.awaitCredit(); err != nil {
		return err
	}
	err := r.answer(l)
	if err != nil && !isTooLarge(err) {
		return context.Canceled // the caller is gone
	}
	if err == nil {
		r.sent++
	}
	return err
}

// awaitCredit waits until one more reply may be sent.
func (r *Request) awaitCredit() error {
	if r.sent < r.hand.Credit() {
		return r.context.Err()
	}
	bed := r.instance.bus.place.newBerth()
	bed.any = true
	for {
		seen := bed.Load()
		if err := r.context.Err(); err != nil {
			return err
		}
		if r.hand.AwaitCredit(r.sent) {
			return r.context.Err()
		}
		bed.Wait(seen, creditRest)
	}
}

// creditRest is how long a handler sleeps for credit without a look at its context.
const creditRest = 10 * time.Millisecond

// fail answers with an error.
func (r *Request) fail(code uint32, text string) error {
	r.answered = true
	l := letter{kind: layout.MessageKindError, payload: []byte(text)}
	l.heading.code = code
	return r.answer(l)
}

// answer sends something to the caller. An inbox that is full or gone drops it.
func (r *Request) answer(l letter) error {
	l.heading.correlation = r.heading.correlation
	err := r.instance.post.send(r.heading.source, repliesRing, &l)
	if err != nil {
		r.instance.dropped.Add(1)
	}
	return err
}

// A requestContext is the context of a handler. Who asks for Done is looked after; who
// does not costs nothing. It is safe for concurrent use.
type requestContext struct {
	request *Request

	mu     sync.Mutex
	err    error         // guarded by mu
	done   chan struct{} // guarded by mu: nil before the first Done
	closed bool          // guarded by mu: done is
}

// Deadline is when the request's time is over.
func (c *requestContext) Deadline() (time.Time, bool) {
	return time.Now().Add(c.request.due - ring.Now()), true
}

// Value is none.
func (c *requestContext) Value(any) any { return nil }

// Err says why the request needs no answer any more.
func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.look()
}

// look asks all who can end it; mu is held.
func (c *requestContext) look() error {
	r := c.request
	switch {
	case c.err != nil:
	case r.hand.Canceled() || r.instance.hurry.Load() || r.instance.post.gone(r.heading.source) || r.instance.post.parted(r.up):
		c.err = context.Canceled
	case ring.Now() >= r.due:
		c.err = context.DeadlineExceeded
	}
	return c.err
}

// Done is closed when the request needs no answer any more.
func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	first := c.done == nil
	if first {
		c.done = make(chan struct{})
	}
	ended := c.look() != nil
	c.shut()
	done := c.done
	c.mu.Unlock()
	if first && !ended {
		c.request.instance.post.lookAfter(c)
	}
	return done
}

// shut closes the channel of one that has ended; mu is held.
func (c *requestContext) shut() {
	if c.err != nil && c.done != nil && !c.closed {
		c.closed = true
		close(c.done)
	}
}

// check ends it if there is a reason, and reports whether it has ended.
func (c *requestContext) check() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.look()
	c.shut()
	return c.err != nil
}

// end ends it, if it has not ended.
func (c *requestContext) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	c.shut()
}

// lookAfter has a context looked at whenever our bell is rung, and when its time is
// over: by one goroutine, as long as there are any.
func (p *post) lookAfter(c *requestContext) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.contexts[c] = true
	if !p.looking {
		p.looking = true
		p.uses.Add(1) // beside the instance's own: the bus may be closed by now
		go p.lookAfterAll()
	}
}

func (p *post) lookAfterAll() {
	defer p.leave()
	bed := p.bus.place.newBerth()
	bed.any = true
	for {
		seen := bed.Load()
		p.lookAfterContexts()
		p.mu.Lock()
		if len(p.contexts) == 0 {
			p.looking = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		bed.Wait(seen, creditRest)
	}
}

// lookAfterContexts ends those that have a reason.
func (p *post) lookAfterContexts() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.contexts {
		if c.check() {
			delete(p.contexts, c)
		}
	}
}

// endContexts ends those of an instance that stops in a hurry.
func (p *post) endContexts(s *Instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.contexts {
		if c.request.instance == s {
			c.end(context.Canceled)
		}
	}
}
