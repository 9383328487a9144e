package ringcast

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// maxTurn is how many messages are taken from one topic of a pattern before the
// others are looked at: enough that changing costs little, few enough that a
// busy topic starves nobody.
const maxTurn = 64

// await waits for messages or an event.
func (s *Subscription) await(ctx context.Context, want int) (*batch, error) {
	for {
		b, err := s.look(want)
		if err != ErrEmpty {
			return b, err
		}
		s.wait.attend(ctx)
		err = s.reads.await(s.waiter, &s.wait)
		if err != nil && err != errAgain {
			return nil, err
		}
	}
}

// A readSet is what one wait is for: in both lists, but that readers has no members
// of groups.
type readSet struct {
	readers []*ring.Reader
	all     []ring.Source
}

// await waits for any of them.
func (r *readSet) await(w *ring.Waiter, wait *patience) error {
	if len(r.readers) == len(r.all) {
		return w.Await(wait, r.readers)
	}
	return w.AwaitAny(wait, r.all)
}

func (r *readSet) clear() { r.readers, r.all = r.readers[:0], r.all[:0] }

func (r *readSet) add(src *source) {
	if src.member != nil {
		r.all = append(r.all, src.member)
		return
	}
	r.readers, r.all = append(r.readers, src.reader), append(r.all, src.reader)
}

// berth gives them to the watch, as one sleeper: they are armed together.
func (r *readSet) berth(b *berth) { b.sleepers = append(b.sleepers[:0], r) }

// Arm asks all of the rings to wake us, and reports whether something is there now.
func (r *readSet) Arm() bool { return ring.ArmAll(r.all) }

// Patience is how long all of them may be left alone.
func (r *readSet) Patience() time.Duration {
	most := maxRest
	for _, s := range r.all {
		most = min(most, s.Patience())
	}
	return most
}

// look returns what was not handed out, or looks at every source once, from where it
// stopped.
func (s *Subscription) look(want int) (*batch, error) {
	s.empty = false
	if s.wait.closing.Load() {
		return nil, ErrClosed
	}
	if s.batch.next < s.batch.have {
		return &s.batch, nil
	}
	if s.wild {
		s.follow()
	}
	if len(s.events) > 0 {
		err := s.events[0]
		s.events = s.events[1:]
		return nil, err
	}
	for range s.sources {
		if s.mail {
			want = 1 // each is looked at before it is handed out
		}
		ms := s.batch.room(want)
		err := s.lookAt(s.sources[s.at], ms[:min(len(ms), maxTurn-s.turn)])
		if err != ErrEmpty {
			if s.turn += max(1, s.batch.have); s.turn >= maxTurn {
				s.advance()
			}
			return &s.batch, err
		}
		s.advance()
	}
	s.empty, s.batch.ahead = true, 1
	return nil, ErrEmpty
}

func (s *Subscription) advance() {
	s.turn = 0
	if s.at++; s.at >= len(s.sources) {
		s.at = 0
	}
}

// lookAt takes the next messages or the next event of one topic. What is not a plain
// message comes alone.
func (s *Subscription) lookAt(src *source, ms []Message) error {
	s.batch.drop()
	for {
		n, err := src.take(ms)
		switch kind := ms[0].raw.Kind; {
		case err == nil && s.mail && !s.bus.addressed(&ms[0].raw):
		case err == nil && kind < layout.MessageKindEvent:
			s.batch.filled(n, len(ms))
			return nil
		case err == nil && kind == layout.MessageKindEvent:
			if err := eventOf(&ms[0].raw, src.topic); err != nil {
				return err
			}
		case err == nil: // between parts of Ringcast
		case err == ErrEmpty:
			return err
		case err == ring.ErrRetired, err == ErrClosed: // a member is closed where it could not follow
			if err := s.replace(src); err != nil {
				return err
			}
		default:
			return told(err, src.topic)
		}
	}
}

// told gives an error of a ring its topic.
func told(err error, topic string) error {
	var lagged *ring.LaggedError
	if errors.As(err, &lagged) {
		return &LaggedError{Topic: topic, Missed: lagged.Missed, First: lagged.First}
	}
	var left *ring.AbandonedError
	if errors.As(err, &left) {
		return &AbandonedError{Topic: topic, Taker: left.Taker, Source: left.Source, Sequence: left.Sequence, Position: left.Position}
	}
	if IsEvent(err) {
		return err
	}
	return fmt.Errorf("topic %q: %w", topic, err)
}

// replace goes over to the ring that took the place of a topic's. One that was
// never written was replaced for its shape, and whoever made the successor has
// entered us there. One that was written was given up for damage: then we begin
// with the first message of the successor, and what we had not read is told.
func (s *Subscription) replace(src *source) error {
	next, err := s.openFile(src.topic)
	if err != nil {
		return err
	}
	old, missed := src.file, uint64(0)
	tail := old.Tail()
	if tail > 0 {
		missed = min(tail-min(src.cursor(), tail), uint64(old.Shape().Slots))
	}
	switch {
	case src.member != nil:
		err = s.moveMember(src, next)
	case tail == 0:
		err = src.reader.Follow(next.Ring)
	default:
		err = s.rejoin(src, next)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("topic %q: %w", src.topic, err), next.Close())
	}
	src.file = next
	if err := old.Close(); err != nil || missed == 0 {
		return err
	}
	return &LaggedError{Topic: src.topic, Missed: missed, First: src.cursor()}
}

// rejoin reads a successor from its beginning.
func (s *Subscription) rejoin(src *source, next *ring.File) error {
	o := ring.JoinOptions{Latest: s.config.Latest || next.Shape().Mode == Latest, FromSet: true, Tag: src.tag}
	reader, err := next.Join(o)
	if err != nil && err != ring.ErrRetired {
		return err
	}
	src.reader.Close()
	src.reader = reader
	s.gather()
	return nil // a retired one is replaced by the next poll
}
