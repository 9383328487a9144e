package ringcast

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// An outbox writes to one ring of another's inbox. It never waits for room. It is safe
// for concurrent use.
type outbox struct {
	// Immutable.
	post    *post
	address Address
	which   int
	file    *ring.File
	room    int

	mu       sync.Mutex
	closed   bool           // guarded by mu
	seat     ring.Seat      // guarded by mu: the owner's
	producer *ring.Producer // guarded by mu
	meta     ring.Meta      // guarded by mu
	block    block          // guarded by mu
	asked    time.Duration  // guarded by mu: when the kernel said last that the owner lives
}

// askAgain is how old an answer of the kernel may be.
const askAgain = 10 * time.Millisecond

// errStale says that an outbox leads nowhere any more: open it again.
var errStale = errors.New("outbox is stale")

// A letter is a direct message on its way.
type letter struct {
	kind    uint8
	flags   uint16
	marks   Marks
	payload []byte
	heading heading
	to      Address       // of another node, by the uplink; else the owner of the inbox
	left    time.Duration // of a request, at now
	now     time.Duration
}

// send puts a letter into a ring of an inbox. Errors: ErrGone, ErrNoInbox, ErrNodeDown,
// *OverloadedError, *TooLargeError.
func (p *post) send(to Address, which int, l *letter) error {
	to = to.Participant()
	if p.away(to) {
		_, err := p.sendAway(to, which, l)
		return err
	}
	for range 10 {
		o, err := p.outbox(to, which)
		if err == nil {
			err = o.put(l)
		}
		if err != errStale {
			return err
		}
		p.dropOutbox(o)
	}
	return ErrGone
}

// outbox finds the outbox of an address, or opens it.
func (p *post) outbox(to Address, which int) (*outbox, error) {
	if int(to.Index) < len(p.outboxes[which]) {
		if o := p.outboxes[which][to.Index].Load(); o != nil && o.address == to {
			return o, nil
		}
	}
	if err := p.route(to); err != nil {
		return nil, err
	}
	p.opening.Lock()
	defer p.opening.Unlock()
	if o := p.outboxes[which][to.Index].Load(); o != nil && o.address == to {
		return o, nil // another has just opened it
	}
	return p.openOutbox(to, which)
}

// openOutbox opens one in the place of what there is; opening is held.
func (p *post) openOutbox(to Address, which int) (*outbox, error) {
	if p.dead(to) {
		return nil, ErrGone
	}
	file, err := ring.OpenFile(p.bus.inboxPath(to, which), p.bus.host, ring.FileOptions{Write: true, Existing: true})
	if errors.Is(err, fs.ErrNotExist) {
		if p.gone(to) {
			return nil, ErrGone
		}
		return nil, ErrNoInbox
	}
	if err != nil {
		return nil, fmt.Errorf("inbox of %v: %w", to, err)
	}
	o := &outbox{post: p, address: to, which: which, file: file, room: file.Shape().Payload - layout.AddressBlockSize, asked: ring.Now()}
	var seated bool
	o.seat, seated = file.SeatOf(to.Index)
	o.producer, err = file.NewProducer(p.self)
	switch {
	case err != nil:
		_ = file.Close()
		return nil, fmt.Errorf("inbox of %v: %w", to, err)
	case !seated:
		_ = file.Close()
		return nil, ErrNoInbox // it is just being made, or has just been left
	}
	if old := p.outboxes[which][to.Index].Swap(o); old != nil {
		old.close()
	}
	return o, nil
}

// dropOutbox forgets one that is stale.
func (p *post) dropOutbox(o *outbox) {
	if p.outboxes[o.which][o.address.Index].CompareAndSwap(o, nil) {
		o.close()
	}
}

// dropDeparted closes the outboxes of those who are gone.
func (p *post) dropDeparted() {
	for which := range p.outboxes {
		for i := range p.outboxes[which] {
			if o := p.outboxes[which][i].Load(); o != nil && p.gone(o.address) {
				p.dropOutbox(o)
			}
		}
	}
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.closed = true
		o.producer.Close()
		_ = o.file.Close()
	}
}

// put publishes, unless the owner has gone.
func (o *outbox) put(l *letter) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return errStale
	}
	if err := o.present(); err != nil {
		return err
	}
	if o.which == uplinkRing && len(l.payload) > o.room {
		return o.putLong(l)
	}
	if len(l.payload) > o.room {
		return &TooLargeError{Size: len(l.payload), Limit: o.room, Slots: o.file.Shape().Slots, Payload: (len(l.payload) + 63) &^ 63}
	}
	l.heading.destination = o.address
	if o.which == uplinkRing {
		l.heading.destination = l.to
	}
	l.stamp(&o.meta, &o.block, o.post.self)
	return o.publish(l.payload)
}

// present reports why the owner can't be written to.
func (o *outbox) present() error {
	if !o.seat.Taken() {
		return o.left()
	}
	if o.which == repliesRing {
		return nil // who waits for an answer is watched, or does not matter
	}
	now := ring.Now()
	if now-o.asked < askAgain {
		return nil
	}
	if o.post.dead(o.address) {
		return ErrGone
	}
	o.asked = now
	return nil
}

// left is reached when the owner's entry is not what it was.
func (o *outbox) left() error {
	if o.post.dead(o.address) {
		return ErrGone
	}
	var seated bool
	if o.seat, seated = o.file.SeatOf(o.address.Index); !seated {
		return errStale
	}
	return nil
}

func (o *outbox) publish(payload []byte) error {
	for {
		switch err := o.producer.TryPublish(payload, &o.meta); {
		case err == nil:
			return nil
		case err == ErrFenced: // nothing was sent
		case err == ErrFull || err == ring.ErrStalled:
			if o.post.dead(o.address) {
				return ErrGone
			}
			return &OverloadedError{What: "inbox of " + o.address.String(), Limit: o.file.Shape().Slots}
		case isRetired(err):
			return errStale
		default:
			return fmt.Errorf("inbox of %v: %w", o.address, err)
		}
	}
}

// stamp fills in what goes before the payload.
func (l *letter) stamp(m *ring.Meta, b *block, self Address) {
	m.Kind, m.Flags, m.Block = l.kind, l.flags, b[:]
	l.marks.put(m)
	b.setSource(self)
	b.setDestination(l.heading.destination)
	b.setCorrelation(l.heading.correlation)
	b.setService(l.heading.service)
	if l.kind == layout.MessageKindRequest {
		b.setTime(l.left, l.now)
		return
	}
	b.setTime(0, 0)
	b.setCode(l.heading.code)
}
