package ringcast

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A Subscription reads one topic, or all that match a pattern. A reliable one
// that is not read for longer than its stall budget (500 ms) while its ring is
// full is put out, and told so when it reads again. It must not be used by more
// than one goroutine at a time, which gives ErrBusy; Close may be called from any.
type Subscription struct {
	// Immutable after Bus.Subscribe.
	bus     *Bus
	pattern string
	wild    bool
	config  SubscriberConfig

	// use says who may touch what follows: the goroutine that has set it.
	use  atomic.Int32
	wait patience

	sources []*source
	readers []*ring.Reader // of the sources, in their order
	at      int            // source that is read
	turn    int            // messages taken from it in a row
	events  []error        // to be told before the next message
	waiter  *ring.Waiter
	message Message
	told    bool // others know what we subscribe to
	finder  finder
}

// What a Subscription is being used for.
const (
	useNone  = iota
	useRead  // a call or a loop is running
	useEnded // closed, nothing is mapped
)

// A source is one topic of a subscription.
type source struct {
	topic  string
	file   *ring.File
	reader *ring.Reader
}

// Subscribe begins to read a topic or, with wildcards (* for one token, > for
// the rest), all topics that match, those to come as well. Everything published
// after it returned is read. The ring of an exact name is made if it is not
// there; its first publisher may still give it another shape. A topic of a
// pattern is read from its first message if it appears later.
//
// Errors: ErrBadName, ErrTooManyReaders, ErrClosed, and those of opening.
func (b *Bus) Subscribe(pattern string, cfg *SubscriberConfig) (*Subscription, error) {
	s := &Subscription{bus: b, pattern: pattern, wild: shm.IsPattern(pattern), waiter: b.newWaiter()}
	if cfg != nil {
		s.config = *cfg
	}
	valid := shm.ValidName
	if s.wild {
		valid = shm.ValidPattern
	}
	if err := errors.Join(valid(pattern), s.config.validate()); err != nil {
		return nil, err
	}
	s.wait.bus, s.wait.topics = b, s.wild
	s.use.Store(useRead) // until it is open
	if err := b.add(s); err != nil {
		return nil, err
	}
	err := s.open()
	if err == nil {
		s.told, err = true, b.announce(s.interest())
	}
	s.leave()
	if err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

func (s *Subscription) interest() shm.Interest {
	return shm.Interest{Name: s.pattern, Pattern: s.wild, LocalOnly: s.config.LocalOnly, Live: s.config.Latest}
}

func (s *Subscription) open() error {
	if s.wild {
		if err := s.bus.watchTopics(); err != nil {
			return err
		}
		s.discover(ring.JoinOptions{Latest: s.config.Latest, History: uint64(s.config.History)})
		s.takeFound()
		return nil
	}
	return s.join(s.pattern, ring.JoinOptions{Latest: s.config.Latest, History: uint64(s.config.History)})
}

// Pattern is what was subscribed to.
func (s *Subscription) Pattern() string { return s.pattern }

// Messages iterates over messages and events as they come, waiting in between,
// until the context ends, which is the last error, or the subscription is
// closed, which is none. A message is valid until the next turn. Every turn has
// either a message or an error; IsEvent tells events from the last error. It
// allocates at the begin of the loop and for events; the subscription may be
// closed within the loop.
func (s *Subscription) Messages(ctx context.Context) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		if err := s.enter(); err != nil {
			yield(nil, err)
			return
		}
		defer s.leave()
		for {
			m, err := s.next(ctx)
			if err == ErrClosed || !yield(m, err) || err != nil && !IsEvent(err) {
				return
			}
		}
	}
}

// Next waits for the next message or event. A message is valid until the next
// call or Close. It neither allocates nor makes a system call unless it sleeps.
//
// Errors: events (IsEvent), the context's, ErrClosed, ErrBusy.
func (s *Subscription) Next(ctx context.Context) (*Message, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	m, err := s.next(ctx)
	s.leave()
	return m, err
}

// TryNext is Next that never waits; ErrEmpty: nothing is there.
func (s *Subscription) TryNext() (*Message, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	m, err := s.poll()
	s.leave()
	return m, err
}

// enter makes the caller the one who uses the subscription.
func (s *Subscription) enter() error {
	if s.use.CompareAndSwap(useNone, useRead) {
		return nil
	}
	if s.use.Load() == useEnded || s.wait.closing.Load() {
		return ErrClosed
	}
	return ErrBusy
}

// leave ends the use, and closes where that was asked for meanwhile. Whoever asks
// looks at use after it has set closing, so that one of the two sees the other.
func (s *Subscription) leave() {
	s.use.Store(useNone)
	if s.wait.closing.Load() {
		_ = s.end()
	}
}

// Close ends the subscription. Within its own loop, or while another goroutine
// reads, it returns at once and the reader closes when it is done. The last
// message of Next must not be touched after. A second Close does nothing.
func (s *Subscription) Close() error {
	s.wait.closing.Store(true)
	s.bus.wake()
	return s.end()
}

func (s *Subscription) end() error {
	s.wait.closing.Store(true)
	if !s.use.CompareAndSwap(useNone, useEnded) {
		s.bus.wake()
		return nil
	}
	s.wait.release()
	err := s.shut()
	if s.told {
		err = errors.Join(err, s.bus.retract(s.interest()))
	}
	return errors.Join(err, s.bus.drop(s))
}

// shut leaves all rings.
func (s *Subscription) shut() error {
	s.endFinder()
	var errs []error
	for _, src := range s.sources {
		src.reader.Close()
		errs = append(errs, src.file.Close())
	}
	s.sources, s.readers = nil, nil
	return errors.Join(errs...)
}

// join begins to read a topic.
func (s *Subscription) join(topic string, o ring.JoinOptions) error {
	src, err := s.openSource(topic, o)
	if err != nil {
		return err
	}
	s.sources = append(s.sources, src)
	s.readers = append(s.readers, src.reader)
	return nil
}

// openSource opens a topic's ring and enters a reader. A retired ring is followed
// by the first poll.
func (s *Subscription) openSource(topic string, o ring.JoinOptions) (*source, error) {
	file, err := s.bus.openRing(topic, ring.FileOptions{})
	if err != nil {
		return nil, err
	}
	if file.Shape().Mode == Latest {
		o.Latest = true
	}
	reader, err := file.Join(o)
	if err != nil && err != ring.ErrRetired {
		return nil, errors.Join(fmt.Errorf("topic %q: %w", topic, err), file.Close())
	}
	return &source{topic: topic, file: file, reader: reader}, nil
}
