package ringcast

import (
	"context"
	"errors"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// A worker is one of an instance's goroutines. One of them has the turn: it takes the
// next request, hands the turn on, and runs the request itself, so that no request
// goes from one goroutine to another. With a concurrency of one it keeps the turn.

// start starts a worker.
func (s *Instance) start() {
	s.workers.Add(1)
	s.idle.Add(1)
	s.running.Add(1)
	go s.work()
}

func (s *Instance) work() {
	defer s.running.Done()
	alone, over := s.config.Concurrency == 1, false
	defer func() {
		if !over { // the handler has ended the goroutine
			s.replace(alone)
		}
	}()
	r := newRequest(s)
	<-s.turn
	for {
		if !s.next(r) {
			s.workers.Add(-1)
			s.idle.Add(-1)
			s.pass()
			over = true
			return
		}
		if !alone {
			s.idle.Add(-1)
			if s.idle.Load() == 0 && int(s.workers.Load()) < s.config.Concurrency && !s.stopping.Load() {
				s.start()
			}
			s.pass()
		}
		s.run(r)
		r = r.again()
		if !alone {
			s.idle.Add(1)
			<-s.turn
		}
	}
}

// replace starts a worker in the place of one whose handler has ended its goroutine. One that
// is alone has the turn.
func (s *Instance) replace(alone bool) {
	if alone {
		s.pass()
	} else {
		s.idle.Add(1)
	}
	s.running.Add(1) // our own is still counted
	go s.work()
}

// pass gives the turn to whoever wants it next.
func (s *Instance) pass() {
	select {
	case s.turn <- struct{}{}:
	default: // all have ended
	}
}

// next takes the next request and waits for it. False: the instance stops.
func (s *Instance) next(r *Request) bool {
	for {
		if s.stopping.Load() && !s.member.Alone() {
			return false
		}
		hand, err := s.member.Take(&r.message)
		switch {
		case err == nil:
			if s.accept(r, hand) {
				return true
			}
		case err == ErrEmpty:
			if s.stopping.Load() {
				return false
			}
			s.await()
		case err == ring.ErrHandsFull: // reports hold rows that we asked for
			time.Sleep(handRest)
		default:
			if !s.mend(err) {
				return false
			}
		}
	}
}

// await waits for a request, or for the end.
func (s *Instance) await() {
	_ = s.waiter.AwaitAny((*instanceWait)(s), s.sources)
}

// An instanceWait is the context of an instance's wait.
type instanceWait Instance

// Deadline is none.
func (s *instanceWait) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is not waited for.
func (s *instanceWait) Done() <-chan struct{} { return nil }

// Value is none.
func (s *instanceWait) Value(any) any { return nil }

// Err is asked between two sleeps.
func (s *instanceWait) Err() error {
	if s.stopping.Load() {
		return ErrClosed
	}
	return nil
}

// mend sees to what a take has told besides a request. False: it can't go on.
func (s *Instance) mend(err error) bool {
	var left *ring.AbandonedError
	switch {
	case errors.As(err, &left):
		s.tellCaller(left)
	case isRetired(err):
		s.setAside()
		if err := s.open(); err != nil {
			s.note(err)
			s.endSoon()
			return false
		}
	}
	return true // positions that nobody saw are their callers' deadlines
}

// tellCaller tells a caller that the instance that had its request is gone.
func (s *Instance) tellCaller(left *ring.AbandonedError) {
	if left.Sequence == 0 {
		return // nobody waits
	}
	l := letter{kind: layout.MessageKindError}
	l.heading.correlation, l.heading.code = left.Sequence, codeInstanceDied
	if s.post.send(left.Source, repliesRing, &l) != nil {
		s.dropped.Add(1)
	}
}

// accept checks what was taken. False: it was not for us, or its time is over.
func (s *Instance) accept(r *Request, hand ring.Hand) bool {
	r.hand = hand
	h, ok := readHeading(r.message.Block)
	if !ok || h.service != s.hash || !h.destination.IsZero() {
		s.dropped.Add(1)
		_ = r.hand.Done()
		return false
	}
	r.begin(&h)
	switch {
	case r.oneWay && !s.hurry.Load():
		return true
	case r.message.Kind != layout.MessageKindRequest:
		s.dropped.Add(1)
	case s.hurry.Load():
		_ = r.fail(codeNoService, "")
	case r.left <= 0:
		_ = r.fail(codeDeadline, "")
	default:
		return true
	}
	_ = r.hand.Done()
	return false
}

// run has the handler answer a request, and answers where it does not. Then the request is
// in nobody's hand.
func (s *Instance) run(r *Request) {
	defer func() {
		if r.returned {
			return
		}
		if !r.oneWay && !r.answered { // a panic, which goes on, or Goexit: the caller is told
			_ = r.fail(codeNoReply, "")
		}
		r.context.end(context.Canceled)
		_ = r.hand.Done()
	}()
	r.returned = false
	err := s.handler(&r.context, r)
	r.returned = true
	if !r.oneWay && !r.answered {
		if err == nil && ring.Now() >= r.due { // whichever clock saw it first
			err = context.DeadlineExceeded
		}
		_ = r.fail(codeOf(err))
	}
	r.context.end(context.Canceled)
	_ = r.hand.Done()
}
