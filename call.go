package ringcast

import (
	"context"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// A Reply is an answer, in memory of its own. It belongs to the caller.
type Reply struct {
	payload []byte
	source  Address
	content uint8
	schema  uint32
}

// Payload returns the answer's bytes.
func (r *Reply) Payload() []byte { return r.payload }

// Source returns the address of whoever answered.
func (r *Reply) Source() Address { return r.source }

// Content says how to read the payload: ContentRaw, ContentFields or ContentFlatBuffer.
func (r *Reply) Content() uint8 { return r.content }

// Schema returns the low half of the hash of a FlatBuffer's schema; 0 if unknown.
func (r *Reply) Schema() uint32 { return r.schema }

// fill copies an answer, into the memory that the reply has.
func (r *Reply) fill(m *ring.Message, source Address) {
	r.payload = append(r.payload[:0], m.Payload...)
	r.source, r.content, r.schema = source, m.Content, m.Schema
}

// A party is somebody who waits for the desk: for a call, or for shares. It is guarded
// by the desk's mu, but for signal.
type party struct {
	signal      chan struct{} // holds one token at most
	call        *call         // what it waits for; nil: shares
	correlation uint64        // of the call
	need        int           // so many shares
	parked      bool
	prev, next  *party
}

// A call is a request that is open, or whose outcome nobody has taken yet. It is guarded
// by the desk's mu, but for what is said otherwise.
type call struct {
	party
	slot        int
	correlation uint64 // 0: the call is free
	settled     bool
	err         error
	shares      int
	due         time.Duration // of ring.Now

	errand
	at      spot // of a request to a service of this node
	sent    bool
	uplink  Address  // of the forwarder that it went to; zero: it is on this node
	away    *trip    // nil: it is on this node
	mourned bool     // who has it is gone, and may have answered before
	missed  bool     // a review came before it was sent
	answers []*Reply // of many, that nobody has taken
	taken   uint32   // answers taken since credit was granted
	done    chan struct{}
	others  []*party    // who waits for it besides its own party
	stop    func() bool // ends the watch of the context
}

// An errand is what a call is for.
type errand struct {
	service *service // nil: to target, or to a topic
	target  Address
	survey  *surveying
	marks   Marks         // of its payload
	reply   *Reply        // where the answer goes
	many    bool          // more than one answer
	begun   time.Duration // of ring.Now, its first try; 0: now
	until   time.Duration // of ring.Now, its end; 0: as the context says
}

// news reports whether there is something for who waits.
func (c *call) news() bool { return c.settled || len(c.answers) > 0 }

// letterOf is the request as it goes into a ring.
func (c *call) letterOf(payload []byte, now time.Duration) letter {
	l := letter{kind: layout.MessageKindRequest, payload: payload, marks: c.marks, left: c.due - now, now: now}
	l.heading.correlation = c.correlation
	if c.many && c.survey == nil {
		l.flags = layout.MessageFlagMore
	}
	return l
}

// dispatch sends a call to its service or address. Errors: those of its putting; nothing was
// sent then.
func (c *call) dispatch(d *desk, payload []byte) error {
	now := ring.Now()
	if c.due <= now {
		return c.unsent(context.DeadlineExceeded, lateBefore)
	}
	l := c.letterOf(payload, now)
	if c.service == nil && d.post.away(c.target) {
		return d.dispatchAway(c, &l, nil)
	}
	if c.service == nil {
		err := d.post.send(c.target, mailRing, &l)
		if err == nil {
			d.isSent(c, spot{}, Address{})
		}
		return err
	}
	at, err := c.service.put(&l)
	if err != nil {
		return d.dispatchAway(c, &l, err)
	}
	d.isSent(c, at, Address{})
	return nil
}
