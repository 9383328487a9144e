package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/ringcast/ringcast"
)

// ping sends, waits for the answer, and counts how long it took: from the end of
// the round trip before, or with a rate from the instant that was due.
func (w *worker) ping(ctx context.Context) error {
	back, err := w.subscription(topicBack)
	if err != nil {
		return err
	}
	there, err := w.publisher(ctx, topicMain, 1)
	if err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := w.repeat(func(tag uint64) error { return w.trip(ctx, there, back, tag) }); err != nil {
		return err
	}
	return w.send(ctx, there, tagOf(0, w.total+1)|lastMark, 0)
}

// repeat does it again and again, by the schedule if there is one, until the run is over.
func (w *worker) repeat(once func(tag uint64) error) error {
	next := w.atOnce
	if w.Spec.Rate > 0 {
		s := w.schedule()
		defer func() { w.behind = s.behind }()
		next = func() (time.Duration, bool) { return s.wait(w.turn) }
	}
	for !w.turn() {
		begin, ok := next()
		if !ok {
			break
		}
		if err := once(tagOf(w.Index, w.total+1)); err != nil {
			return err
		}
		if w.window.measured {
			end := now()
			w.times.record(end-w.window.begin.at, end-begin)
		}
		w.count()
	}
	return nil
}

// atOnce is the pace of one round trip after the other.
func (w *worker) atOnce() (time.Duration, bool) { return now(), true }

// trip is one round trip.
func (w *worker) trip(ctx context.Context, there *ringcast.Publisher, back *ringcast.Subscription, tag uint64) error {
	if err := w.send(ctx, there, tag, 0); err != nil {
		return err
	}
	m, err := back.Next(ctx)
	if err != nil {
		return err
	}
	if got, _, whole := w.read(m); !whole || got != tag {
		return fmt.Errorf("answer with tag %#x to %#x", got, tag)
	}
	return nil
}

// pong reads each message and writes one like it.
func (w *worker) pong(ctx context.Context) error {
	there, err := w.subscription(topicMain)
	if err != nil {
		return err
	}
	back, err := w.publisher(ctx, topicBack, 1)
	if err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	for {
		m, err := there.Next(ctx)
		if err != nil {
			return err
		}
		w.turn()
		tag, stamp, whole := w.read(m)
		if !whole {
			return fmt.Errorf("message with tag %#x is not what was written", tag)
		}
		if tag&lastMark != 0 {
			return nil
		}
		if err := w.send(ctx, back, tag, stamp); err != nil {
			return err
		}
		w.count()
	}
}
