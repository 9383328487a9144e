package ringcast

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A Publisher sends messages to one topic. Messages of one Publisher keep their order
// everywhere. It is safe for concurrent use by multiple goroutines: one at a time
// publishes, and a claim counts as publishing until it ends. With PublisherConfig.Solo,
// only one goroutine at a time may use it; Close, and the Close of its bus, may be called
// from any.
type Publisher struct {
	// Immutable after Bus.Publisher.
	bus    *Bus
	topic  string
	config PublisherConfig

	lock lock
	wait patience // but for wait.closing guarded by lock, like all below

	file     *ring.File
	producer *ring.Producer
	room     int // bytes of a slot's payload
	handle   handle
	waiter   *ring.Waiter
	meta     ring.Meta
	claim    Claim
	claims   Claims
	ended    bool
	told     bool // others know what we publish
}

// Publisher opens a topic for publishing, and makes it if it does not exist. A nil
// configuration takes the topic as it is.
//
// It returns once all who asked for the topic before are reading it: patterns of other
// programs, and the forwarder for other nodes. The first message reaches them, too. That
// takes less than a millisecond unless one of them is stopped.
//
// Errors: ErrBadName; *ShapeError if the topic was written in another shape;
// *OtherRightsError if it was written under other rights; *AccessError if this process has
// none; ErrNotExclusive; *NoSpaceError if the ring does not fit; ErrClosed.
func (b *Bus) Publisher(topic string, cfg *PublisherConfig) (*Publisher, error) {
	if err := shm.ValidName(topic); err != nil {
		return nil, err
	}
	p := &Publisher{bus: b, topic: topic}
	if cfg != nil {
		p.config = *cfg
	}
	p.lock = newLock(p.config.Solo)
	if err := p.config.Wait.validate(); err != nil {
		return nil, fmt.Errorf("publisher config: %w", err)
	}
	bed := b.place.newBerth()
	bed.any = true
	p.waiter = b.newWaiter(bed, p.config.Wait)
	p.wait.bus, p.wait.bed = b, bed
	p.claim.publisher = p
	p.meta.Schema = p.config.Schema
	p.lock.try() // until it is open
	if err := b.add(p); err != nil {
		return nil, err
	}
	var err error
	if p.handle, err = b.takeHandle(topic); err == nil {
		err = p.open()
	}
	if err == nil {
		p.told, err = true, b.announce(p.interest())
	}
	if err != nil {
		return nil, errors.Join(err, p.finish())
	}
	b.awaitAudience(topic, p.file.Ring)
	p.free()
	return p, nil
}

func (p *Publisher) interest() shm.Interest { return shm.Interest{Name: p.topic, Publisher: true} }

// open maps the topic's ring and takes a handle on it.
func (p *Publisher) open() error {
	file, err := p.bus.openRing(p.topic, p.config.options())
	if err != nil {
		return err
	}
	if err := p.bus.checkKind(p.topic, "topic"); err != nil {
		return errors.Join(err, file.Close())
	}
	self := p.bus.Address()
	self.Handle = p.handle.number
	producer, err := file.NewProducer(self)
	if err != nil {
		return errors.Join(fmt.Errorf("topic %q: %w", p.topic, err), file.Close())
	}
	producer.Continue(p.handle.last)
	p.file, p.producer, p.room = file, producer, file.Shape().Payload
	return nil
}

// Topic returns the topic's name.
func (p *Publisher) Topic() string { return p.topic }

// Publish copies payload into the topic as one message. While the slowest reliable
// subscription is a ring behind, it waits, until the context ends. If its claim is taken,
// it sends again. It neither allocates nor makes a system call unless it waits, somebody
// sleeps, or the message is the first that is larger than a slot.
//
// Errors: the context's (its deadline is *TimedOutError), ErrClosed, *TooLargeError,
// ErrBusy (PublisherConfig.Solo); nothing was sent then.
func (p *Publisher) Publish(ctx context.Context, payload []byte) error {
	if !p.ready() {
		if err := p.take(ctx); err != nil {
			return err
		}
	}
	p.stamp()
	err := p.producer.TryPublish(payload, &p.meta)
	if err != nil {
		err = p.publishAgain(ctx, payload, err)
	}
	p.free()
	return err
}

// publishAgain is reached when a try to publish went wrong.
func (p *Publisher) publishAgain(ctx context.Context, payload []byte, err error) error {
	since := ring.Now()
	for err != nil {
		if err := p.again(ctx, err, len(payload), since); err != nil {
			return err
		}
		err = p.producer.TryPublish(payload, &p.meta)
	}
	return nil
}

// TryPublish is Publish that never waits. ErrFull means that there is no room, that every
// slot is held by somebody who does not move, or that another goroutine is publishing
// (ErrBusy with PublisherConfig.Solo).
func (p *Publisher) TryPublish(payload []byte) error {
	if !p.lock.try() {
		if p.lock.solo {
			return ErrBusy
		}
		return ErrFull
	}
	err := p.usable()
	if err == nil {
		p.stamp()
		err = p.tryPublish(payload)
	}
	p.free()
	return err
}

// tryPublish tries until it is clear whether there is room, but not for ever: who comes to a ring just
// as it is replaced, or is stopped in each try, has sent nothing, and may try later.
func (p *Publisher) tryPublish(payload []byte) error {
	for range triesAtOnce {
		err := p.producer.TryPublish(payload, &p.meta)
		switch err {
		case nil:
			return nil
		case ring.ErrFull, ring.ErrStalled:
			return ErrFull
		}
		if err := p.mend(err); err != nil {
			return err
		}
	}
	return ErrFull
}

// triesAtOnce is how often TryPublish tries.
const triesAtOnce = 3

// ready takes the publisher if it is free and can be used at once.
func (p *Publisher) ready() bool {
	if !p.lock.try() {
		return false
	}
	if p.wait.closing.Load() || p.producer == nil {
		p.lock.free()
		return false
	}
	return true
}

// take waits for the publisher.
func (p *Publisher) take(ctx context.Context) error {
	if !p.lock.try() {
		begun := ring.Now()
		if err := p.lock.take(ctx); err != nil {
			return p.late(err, begun, lateTurn)
		}
	}
	if err := p.usable(); err != nil {
		p.free()
		return err
	}
	return nil
}

// usable says why nothing can be published; the lock is held.
func (p *Publisher) usable() error {
	if p.wait.closing.Load() || p.ended {
		return ErrClosed
	}
	if p.file == nil { // reopening went wrong before
		return p.open()
	}
	return nil
}

// stamp notes the time of a message that begins now.
func (p *Publisher) stamp() {
	if p.config.Timestamps {
		p.meta.TimestampNs = uint64(time.Now().UnixNano())
	}
}

// again decides, after a try to write size bytes went wrong, whether to try
// again: nil says yes. The first try went wrong at since, of ring.Now.
func (p *Publisher) again(ctx context.Context, err error, size int, since time.Duration) error {
	if err != ErrFull {
		if err := p.mend(err); err != nil {
			return err
		}
		return p.late(ctx.Err(), since, lateStalled)
	}
	p.wait.attend(ctx)
	slots := max(1, (size+p.file.Shape().Payload-1)/p.file.Shape().Payload)
	err = p.waiter.AwaitRoom(&p.wait, p.producer, slots)
	if err != nil && errors.Is(err, ring.ErrRetired) {
		return p.mend(err)
	}
	return p.late(err, since, lateRoom)
}

// mend puts right what a try stumbled over; nil says that another try may succeed.
func (p *Publisher) mend(err error) error {
	var damaged *ring.DamagedError
	switch {
	case err == ring.ErrFenced:
		return nil
	case err == ring.ErrStalled: // stopped processes hold every slot
		time.Sleep(time.Millisecond)
		return nil
	case err == ring.ErrRetired, errors.As(err, &damaged):
		return p.reopen()
	}
	return fmt.Errorf("topic %q: %w", p.topic, err)
}

// reopen goes over to the ring that took the place of ours.
func (p *Publisher) reopen() error {
	if err := p.shut(); err != nil {
		return err
	}
	return p.open()
}

// shut lets the ring go.
func (p *Publisher) shut() error {
	if p.file == nil {
		return nil
	}
	p.handle.last = p.producer.Sequence()
	p.producer.Close()
	err := p.file.Close()
	p.file, p.producer = nil, nil
	return err
}

// Close ends the publisher; what it has sent stays sent. If another goroutine is publishing
// or has a claim, Close returns at once: a waiting Publish returns ErrClosed, and the last
// one out closes. A second Close does nothing.
func (p *Publisher) Close() error { return p.end() }

func (p *Publisher) end() error {
	p.wait.close()
	if !p.lock.seize() {
		return nil // free sees closing
	}
	return p.finish()
}

// free lets the next goroutine publish, or closes where that was asked for
// meanwhile. Whoever asks seizes the lock after it has set closing, so that one
// of the two sees the other.
func (p *Publisher) free() {
	p.lock.free()
	if p.wait.closing.Load() {
		_ = p.end()
	}
}

// finish closes; the lock is held, and given up.
func (p *Publisher) finish() error {
	defer p.lock.free()
	if p.ended {
		return nil
	}
	p.ended = true
	p.wait.release()
	err := p.shut()
	if p.handle.number != 0 {
		p.bus.returnHandle(p.topic, p.handle)
	}
	if p.told {
		err = errors.Join(err, p.bus.retract(p.interest()))
	}
	return errors.Join(err, p.bus.drop(p))
}
