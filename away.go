package ringcast

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// What is for another node goes into the uplink of this node's forwarder
// (spec/messaging.md, 13), which is written to like an inbox.

// away reports whether an address is on another node.
func (p *post) away(a Address) bool { return a.Node != 0 && a.Node != p.self.Node }

// upFor returns the forwarder through which an address on another node is reached; zero for
// one on this.
func (p *post) upFor(a Address) Address {
	if !p.away(a) {
		return Address{}
	}
	up, _ := p.bus.domain.Forwarder()
	return up
}

// parted reports whether a forwarder is gone: callers that used it have been told so.
func (p *post) parted(up Address) bool {
	if up.IsZero() {
		return false
	}
	now, _ := p.bus.domain.Forwarder()
	return now != up
}

// standing says why nothing can be sent to an address of another node, as far as that is
// known here.
func (p *post) standing(a Address) error {
	if a.Generation == 0 {
		return ErrGone
	}
	d, err := p.bus.domain.Directory()
	if err != nil {
		return nil // it is being written; the forwarder knows
	}
	switch d.Standing(a) {
	case shm.StandingGone:
		return ErrGone
	case shm.StandingNodeDown:
		return ErrNodeDown
	}
	return nil
}

// putUp puts a letter for another node into the uplink, and says whose that is. Errors:
// ErrNodeDown, *OverloadedError, *TooLargeError.
func (p *post) putUp(to Address, l *letter) (forwarder Address, err error) {
	l.to = to.Participant()
	for range 10 {
		up, ok := p.bus.domain.Forwarder()
		if !ok {
			return up, ErrNodeDown
		}
		o, err := p.outbox(up, uplinkRing)
		if err == nil {
			err = o.put(l)
		}
		var full *OverloadedError
		switch {
		case err == errStale:
			p.dropOutbox(o)
			continue
		case errors.Is(err, ErrGone), errors.Is(err, ErrNoInbox):
			err = ErrNodeDown
		case errors.As(err, &full):
			full.What = "uplink of this node"
		}
		return up, err
	}
	return Address{}, ErrNodeDown
}

// putLong publishes a letter that does not fit a slot of the uplink: in several, its block at
// the head of the payload. mu is held.
func (o *outbox) putLong(l *letter) error {
	shape := o.file.Shape()
	if limit := shape.Limit() - len(o.block); len(l.payload) > limit {
		return &TooLargeError{Size: len(l.payload), Limit: limit, Slots: shape.Slots, Payload: shape.Payload}
	}
	l.heading.destination = l.to
	l.stamp(&o.meta, &o.block, o.post.self)
	o.meta.Block = nil
	return o.publish(append(append(make([]byte, 0, len(o.block)+len(l.payload)), o.block[:]...), l.payload...))
}

// sendAway sends a letter to a participant of another node.
func (p *post) sendAway(to Address, which int, l *letter) (forwarder Address, err error) {
	if which == mailRing {
		if err := p.standing(to); err != nil {
			return Address{}, err
		}
	}
	return p.putUp(to, l)
}

// serveAway sends a letter to an instance of a service on another node, after its own node has
// refused it.
func (p *post) serveAway(s *service, l *letter, refused error) (forwarder Address, err error) {
	if !errors.Is(refused, ErrNoService) && !errors.Is(refused, ErrOverloaded) {
		return Address{}, refused
	}
	d, err := p.bus.domain.Directory()
	if err != nil || d.Serving(s.name) == nil {
		return Address{}, refused
	}
	l.heading.service = s.hash
	up, err := p.putUp(Address{}, l)
	if errors.Is(err, ErrNodeDown) {
		err = refused
	}
	return up, err
}

// A trip is what a call knows that has left its node. It is guarded by the desk's mu.
type trip struct {
	refused error // its own node's, where that has instances
	size    int   // of its payload
}

// dispatchAway sends a call to another node; refused is why its own has not taken it, if
// it is for a service.
func (d *desk) dispatchAway(c *call, l *letter, refused error) (err error) {
	t := &trip{size: len(l.payload)}
	if errors.Is(refused, ErrOverloaded) {
		t.refused = refused
	}
	d.mu.Lock()
	c.away = t // before it goes: an answer may come at once
	d.mu.Unlock()
	var up Address
	if c.service != nil {
		up, err = d.post.serveAway(c.service, l, refused)
	} else {
		up, err = d.post.sendAway(c.target, mailRing, l)
	}
	if err == nil {
		d.isSent(c, spot{}, up)
	}
	return err
}

// Codes of messages of kind System; spec/messaging.md, 13.
const (
	controlCancel = 1
	controlCredit = 2
)

// controlAway tells whoever has a call on another node what a word in a row would say here.
func (p *post) controlAway(c *call, code uint32, payload []byte) error {
	l := letter{kind: layout.MessageKindSystem, payload: payload}
	l.heading.correlation, l.heading.code = c.correlation, code
	if c.service != nil {
		l.heading.service = c.service.hash
	}
	up, err := p.putUp(c.target, &l)
	if err == nil && up != c.uplink {
		return ErrNodeDown // a later forwarder knows nothing of it
	}
	return err
}

// takeBack takes a request back, or has whoever runs it stop, and reports whether it never runs for certain; mu is held.
func (d *desk) takeBack(c *call) bool {
	switch {
	case !c.sent:
	case !c.uplink.IsZero():
		_ = d.post.controlAway(c, controlCancel, nil) // no room: its time ends it there
	case c.service != nil && c.service.withdraw(c.at):
		return true
	case c.service != nil:
		c.service.cancel(c.correlation)
	}
	return false
}

// grantRest is how long a caller waits for room in the uplink for credit.
const grantRest = time.Millisecond

// grant gives credit for the answers that were taken; mu is held before and after.
func (d *desk) grant(ctx context.Context, c *call) {
	n := c.taken
	c.taken = 0
	if c.uplink.IsZero() {
		if c.service != nil {
			c.service.grant(c.correlation, n)
		}
		return
	}
	var payload [4]byte
	binary.LittleEndian.PutUint32(payload[:], n)
	for !c.settled && errors.Is(d.post.controlAway(c, controlCredit, payload[:]), ErrOverloaded) && ctx.Err() == nil {
		d.mu.Unlock()
		time.Sleep(grantRest)
		d.mu.Lock()
	}
}

// outcomeAway is what an error from another node means for a call.
func (c *call) outcomeAway(code uint32, text []byte, source Address) error {
	switch {
	case code == codeNoService && c.away.refused != nil:
		return c.away.refused
	case code == codeNoService && c.service == nil:
		return ErrNoInbox
	case code == codeNoService:
		return c.service.none()
	case code == codeOverloaded && c.service != nil:
		return &OverloadedError{What: "queue of service " + strconv.Quote(c.service.name) + " on another node"}
	case code == codeOverloaded:
		return &OverloadedError{What: "inbox of " + c.target.String()}
	case code == codeRequestTooLarge:
		limit, _ := strconv.Atoi(string(text))
		return &TooLargeError{Size: c.away.size, Limit: limit, Payload: (c.away.size + 63) &^ 63}
	}
	return outcomeOf(code, text, source)
}
