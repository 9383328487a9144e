package ringcast

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// instances is the queue group that reads a service's ring.
const instances = "instances"

// A service is a service's ring as its callers see it. It is safe for concurrent use.
type service struct {
	// Immutable.
	post *post
	name string
	hash uint64

	called atomic.Uint64 // post.opened when it was called last

	mu       sync.Mutex
	file     *ring.File     // guarded by mu, like all below: nil while there is none
	queue    *ring.Queue    // who reads it
	producer *ring.Producer // ours
	room     int            // bytes of a slot behind the block
	meta     ring.Meta
	block    block
	absent   absence
}

// An absence is that a service had no ring here when it was looked for. It is believed for a while unless
// anything changes among the participants, which it does after the ring of an instance has come: whoever asks an
// instance of another node would look for the file with each request.
type absence struct {
	err     error // nil: none
	changes uint64
	until   time.Duration // of ring.Now
}

// absenceSpan bounds it: a ring that takes the place of another one changes nothing else.
const absenceSpan = time.Millisecond

func newService(p *post, name string) *service {
	return &service{post: p, name: name, hash: nameHash(name)}
}

// find opens the ring, or says that there was none a moment ago; mu is held.
func (s *service) find() error {
	now, changes := ring.Now(), s.post.bus.domain.Changes() // before the look for the file
	if a := &s.absent; a.err != nil && a.changes == changes && now < a.until {
		return a.err
	}
	err := s.open()
	s.absent = absence{}
	if errors.Is(err, ErrNoService) {
		s.absent = absence{err, changes, now + absenceSpan}
	}
	return err
}

// open maps the ring and the group; mu is held. ErrNoService: there is none.
func (s *service) open() error {
	file, err := ring.OpenFile(s.post.bus.servicePath(s.name), s.post.bus.host, ring.FileOptions{Write: true, Existing: true})
	if errors.Is(err, fs.ErrNotExist) {
		return s.none()
	}
	if err != nil {
		return fmt.Errorf("service %q: %w", s.name, err)
	}
	queue, err := file.Queue(instances)
	if err == nil {
		s.producer, err = file.NewProducer(s.post.self)
	}
	if err != nil {
		_ = file.Close()
		if errors.Is(err, fs.ErrNotExist) || isRetired(err) {
			return s.none()
		}
		return fmt.Errorf("service %q: %w", s.name, err)
	}
	s.file, s.queue, s.room = file, queue, file.Shape().Payload-layout.AddressBlockSize
	s.post.mapped.Lock()
	s.post.rings[s] = struct{}{}
	s.post.mapped.Unlock()
	s.post.opened.Add(1)
	return nil
}

func (s *service) none() error { return fmt.Errorf("service %q: %w", s.name, ErrNoService) }

// shut lets the ring go; mu is held.
func (s *service) shut() {
	if s.file != nil {
		s.producer.Close()
		_ = s.file.Close()
		s.file, s.queue, s.producer = nil, nil, nil
		s.post.mapped.Lock()
		delete(s.post.rings, s)
		s.post.mapped.Unlock()
	}
}

// isShut reports whether no ring is open, and nobody is about to open one.
func (s *service) isShut() bool {
	if !s.mu.TryLock() {
		return false
	}
	defer s.mu.Unlock()
	return s.file == nil
}

func (s *service) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut()
}

// A spot is where a request lies: at a position of one ring of its service.
type spot struct {
	ring     uint64 // its id
	position uint64
}

// put publishes a letter, and returns where. It never waits. Errors: ErrNoService,
// *OverloadedError, *TooLargeError; nothing was sent then.
func (s *service) put(l *letter) (spot, error) {
	before := s.post.opened.Load()
	s.called.Store(before)
	at, err := s.putNow(l)
	if s.post.opened.Load() != before {
		s.post.shutIdle()
	}
	return at, err
}

func (s *service) putNow(l *letter) (spot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range 10 {
		if s.file == nil {
			if err := s.find(); err != nil {
				return spot{}, err
			}
		}
		position, err := s.publish(l)
		if err == nil {
			return spot{s.file.ID(), position}, nil
		}
		if !isRetired(err) {
			return spot{}, err
		}
		s.shut()
	}
	return spot{}, s.none()
}

// publish is one try; mu is held.
func (s *service) publish(l *letter) (uint64, error) {
	if !s.queue.HasMembers() {
		return 0, s.none()
	}
	if len(l.payload) > s.room {
		return 0, fmt.Errorf("service %q: %w", s.name,
			&TooLargeError{Size: len(l.payload), Limit: s.room, Slots: s.file.Shape().Slots, Payload: (len(l.payload) + layout.AddressBlockSize + 63) &^ 63})
	}
	l.heading.service = s.hash
	l.stamp(&s.meta, &s.block, s.post.self)
	for {
		err := s.producer.TryPublish(l.payload, &s.meta)
		switch {
		case err == ErrFenced:
			continue
		case err == ErrFull || err == ring.ErrStalled:
			return 0, &OverloadedError{What: fmt.Sprintf("queue of service %q", s.name), Limit: s.file.Shape().Slots}
		case err != nil:
			return 0, err
		}
		position := s.producer.Last()
		if !s.queue.HasMembers() && s.queue.Withdraw(position) { // behind the commit
			return 0, s.none()
		}
		return position, nil
	}
}

// withdraw takes a request back that nobody has started. Of a ring that was replaced since
// nobody knows that.
func (s *service) withdraw(at spot) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue != nil && s.file.ID() == at.ring && s.queue.Withdraw(at.position)
}

// cancel tells whoever has a request in hand that its caller has given it up.
func (s *service) cancel(correlation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue != nil {
		_ = s.queue.Cancel(s.post.self, correlation) // in nobody's hand any more: no matter
	}
}

// grant lets an instance send n more answers of a stream.
func (s *service) grant(correlation uint64, n uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue != nil {
		_ = s.queue.Grant(s.post.self, correlation, n)
	}
}

// look calls fn with each of our requests whose taker is gone, and reports whether an
// instance is left.
func (s *service) look(fn func(correlation uint64)) (left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue == nil {
		return false
	}
	s.queue.InHand(s.post.self, func(correlation uint64, taker Address) {
		if s.post.gone(taker) {
			fn(correlation)
		}
	})
	return s.queue.HasMembers()
}

// shutIdle lets rings go where more than mostClients are open: those of the services that were called
// longest ago. What has a request open stays; a service that is called again opens its ring again.
func (p *post) shutIdle() {
	p.mapped.Lock()
	few := len(p.rings) <= mostClients
	p.mapped.Unlock()
	if few {
		return
	}
	busy := map[*service]bool{}
	if d := p.asking.Load(); d != nil {
		d.mu.Lock()
		defer d.mu.Unlock() // nobody begins a call meanwhile
		for _, c := range d.calls {
			busy[c.service] = busy[c.service] || !c.settled
		}
	}
	p.mapped.Lock()
	all := slices.Collect(maps.Keys(p.rings))
	p.mapped.Unlock()
	slices.SortFunc(all, func(a, b *service) int { return cmp.Compare(b.called.Load(), a.called.Load()) })
	for _, s := range all[min(mostClients, len(all)):] {
		if !busy[s] {
			s.close()
		}
	}
}

// timeLeft is what a request gets, by its context.
func timeLeft(deadline time.Time, has bool) time.Duration {
	if !has {
		return defaultTime
	}
	return min(time.Until(deadline), maxTime)
}
