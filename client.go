package ringcast

import (
	"context"
	"errors"
	"maps"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A ClientConfig says how to call a service. The zero value, like nil, runs a request at
// most once. It is copied.
type ClientConfig struct {
	// Idempotent says that a request may run twice: if its instance dies with it in hand,
	// or the node goes down, it is sent again, within its time. Only Request and
	// RequestInto do so; Go and RequestStream send once.
	Idempotent bool
	// Marks say what the payloads of its requests are. Zero means raw bytes.
	Marks Marks
}

// A Client calls one service, or one participant. It does what the methods of the bus that
// name the service or address do, without looking up the name. It needs no Close. It is
// safe for concurrent use by multiple goroutines.
type Client struct {
	post    *post
	service *service // nil: the inbox of target is called
	target  Address
	config  ClientConfig
}

// Client returns a client of a service. The service need not exist yet.
//
// Errors: ErrBadName, ErrClosed.
func (b *Bus) Client(name string, cfg *ClientConfig) (*Client, error) {
	p, err := b.enterPost()
	if err != nil {
		return nil, err
	}
	defer p.leave()
	c, err := p.client(name)
	if err != nil || cfg == nil {
		return c, err
	}
	return &Client{post: p, service: c.service, config: *cfg}, nil
}

// ClientTo returns a client of a participant's inbox; the participant answers with
// Message.Reply. Each request takes one reply. Errors: ErrClosed.
func (b *Bus) ClientTo(to Address, cfg *ClientConfig) (*Client, error) {
	p, err := b.enterPost()
	if err != nil {
		return nil, err
	}
	defer p.leave()
	c := &Client{post: p, target: to.Participant()}
	if cfg != nil {
		c.config = *cfg
	}
	return c, nil
}

// mostClients is how many names a bus keeps clients of before it forgets those of which it has no ring, and how many
// rings of services it keeps open: a program that passes on what others ask for may name anything, and one may have a name for
// each order. Who holds a client goes on with it.
const mostClients = 256

// client returns the bus's own client of a name.
func (p *post) client(name string) (*Client, error) {
	if c := (*p.clients.Load())[name]; c != nil {
		return c, nil
	}
	if err := shm.ValidName(name); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := (*p.clients.Load())[name]; c != nil {
		return c, nil
	}
	all := maps.Clone(*p.clients.Load())
	if len(all) >= mostClients {
		maps.DeleteFunc(all, func(_ string, c *Client) bool { return c.service.isShut() })
	}
	all[name] = &Client{post: p, service: newService(p, name)}
	p.clients.Store(&all)
	return all[name], nil
}

// Request sends a request to any one instance of the service and waits for its reply. The
// context's deadline is the request's and travels with it: 10 s if there is none, 30
// minutes at most. When the context ends, so does the handler's. Request waits only for the
// answer and, if Config.InFlight requests are open, for one of them. It allocates the
// reply.
//
// Errors: ErrNoService and *OverloadedError at once, and the request did not run;
// ErrInstanceDied as soon as it is seen; *ReplyError, ErrNoReply and ErrReplyTooLarge from
// the handler; *TimedOutError, which is context.DeadlineExceeded; context.Canceled;
// *TooLargeError; ErrClosed.
func (c *Client) Request(ctx context.Context, payload []byte) (*Reply, error) {
	r := new(Reply)
	if err := c.RequestInto(ctx, payload, r); err != nil {
		return nil, err
	}
	return r, nil
}

// RequestInto is Request into a Reply of the caller's, whose memory is used again. It does
// not allocate if that memory suffices.
func (c *Client) RequestInto(ctx context.Context, payload []byte, reply *Reply) error {
	if err := c.post.enter(); err != nil {
		return err
	}
	defer c.post.leave()
	e := errand{service: c.service, target: c.target, marks: c.config.Marks, reply: reply}
	if c.config.Idempotent { // one time, however often it is sent
		e.begun = ring.Now()
		e.until = e.begun + timeLeft(ctx.Deadline())
	}
	for again := false; ; again = true {
		err := c.post.ask(ctx, e, payload)
		if again {
			ranBefore(err)
		}
		if !c.config.Idempotent || !errors.Is(err, ErrInstanceDied) && !(errors.Is(err, ErrNodeDown) && c.service != nil) {
			return err
		}
	}
}

// Send sends a message to any one instance of the service and waits for no answer. It
// returns nil once the message is in the service's queue.
//
// Errors: ErrNoService, *OverloadedError, *TooLargeError, ErrClosed; nothing was sent.
func (c *Client) Send(ctx context.Context, payload []byte) error {
	if err := c.post.enter(); err != nil {
		return err
	}
	defer c.post.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	l := letter{kind: layout.MessageKindData, payload: payload, marks: c.config.Marks}
	if c.service == nil {
		return c.post.send(c.target, mailRing, &l)
	}
	_, err := c.service.put(&l)
	if err != nil {
		_, err = c.post.serveAway(c.service, &l, err)
	}
	return err
}

// ask makes one request and waits for its outcome.
func (p *post) ask(ctx context.Context, e errand, payload []byte) error {
	d, err := p.desk()
	if err != nil {
		return err
	}
	c, err := d.begin(ctx, 1, e)
	if err != nil {
		return err
	}
	err = c.dispatch(d, payload)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		err = d.unlessOverdue(c, d.await(ctx, &c.party))
	}
	if c.settled {
		err = c.err
	}
	d.release(c)
	return err
}

// named calls fn with the client of a name.
func (b *Bus) named(name string, fn func(*Client) error) error {
	p, err := b.enterPost()
	if err != nil {
		return err
	}
	defer p.leave()
	c, err := p.client(name)
	if err != nil {
		return err
	}
	return fn(c)
}

// Request sends a request to a service and waits for its reply; see Client.Request.
func (b *Bus) Request(ctx context.Context, service string, payload []byte) (r *Reply, err error) {
	err = b.named(service, func(c *Client) error { r, err = c.Request(ctx, payload); return err })
	return r, err
}

// SendTo sends a message to any one instance of a service; see Client.Send.
func (b *Bus) SendTo(ctx context.Context, service string, payload []byte) error {
	return b.named(service, func(c *Client) error { return c.Send(ctx, payload) })
}

// Send sends a message to the inbox of a participant. It returns nil once the message is
// there. It does not wait, and allocates only for the first message to an address.
//
// Errors: ErrGone, also for an outdated address; ErrNoInbox, ErrNodeDown, *OverloadedError,
// *TooLargeError, ErrClosed; nothing was sent.
func (b *Bus) Send(ctx context.Context, to Address, payload []byte) error {
	p, err := b.enterPost()
	if err != nil {
		return err
	}
	defer p.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	l := letter{kind: layout.MessageKindData, payload: payload}
	return p.send(to, mailRing, &l)
}

// RequestTo sends a request to the inbox of a participant and waits for the reply that it
// gives with Message.Reply. The errors are those of Send and of Client.Request.
func (b *Bus) RequestTo(ctx context.Context, to Address, payload []byte) (*Reply, error) {
	p, err := b.enterPost()
	if err != nil {
		return nil, err
	}
	defer p.leave()
	r := new(Reply)
	if err := p.ask(ctx, errand{target: to.Participant(), reply: r}, payload); err != nil {
		return nil, err
	}
	return r, nil
}
