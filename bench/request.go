package bench

import (
	"context"
	"fmt"

	"github.com/ringcast/ringcast"
)

// serviceName is what a Request asks.
const serviceName = topicMain

// ask sends requests, one at a time, and counts how long each reply took: from the end of
// the one before, or with a rate from the instant that was due. Both are copied: a reply is
// the caller's to keep.
func (w *worker) ask(ctx context.Context) error {
	client, err := w.bus.Client(serviceName, nil)
	if err != nil {
		return err
	}
	var reply ringcast.Reply
	once := func(tag uint64) error {
		fill(w.buffer, tag, 0)
		if err := client.RequestInto(ctx, w.buffer, &reply); err != nil {
			return err
		}
		return answers(reply.Payload(), tag)
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := w.repeat(once); err != nil {
		return err
	}
	return once(tagOf(w.Index, w.total+1) | lastMark)
}

// answers checks that a payload is the whole echo of that tag.
func answers(payload []byte, tag uint64) error {
	if got, _, whole := read(payload); !whole || got != tag {
		return fmt.Errorf("answer with tag %#x to %#x", got, tag)
	}
	return nil
}

// serve answers requests until every asker has sent its last.
func (w *worker) serve(ctx context.Context) error {
	over := make(chan error, 1)
	open := w.Spec.Producers
	handler := func(_ context.Context, r *ringcast.Request) error {
		w.turn()
		tag, _, whole := read(r.Payload())
		if !whole {
			return fmt.Errorf("request with tag %#x is not what was written", tag)
		}
		fill(w.buffer, tag, 0)
		err := r.Reply(w.buffer)
		if tag&lastMark == 0 {
			w.count()
		} else if open--; open == 0 {
			over <- nil // what this goroutine counted comes with it
		}
		return err
	}
	s, err := w.bus.Serve(serviceName, handler, &ringcast.ServeConfig{SlotSize: w.Spec.Size})
	if err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	select {
	case err = <-over:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	return s.Stop(ctx)
}

// survey asks all readers at once, and counts how long it took until the last had answered.
func (w *worker) survey(ctx context.Context) error {
	p, err := w.publisher(ctx, topicMain, w.Spec.Readers)
	if err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	err = w.repeat(func(tag uint64) error {
		fill(w.buffer, tag, 0)
		n := 0
		for reply, err := range w.bus.Survey(ctx, topicMain, w.buffer, nil) {
			if err != nil {
				return err
			}
			if err := answers(reply.Payload(), tag); err != nil {
				return err
			}
			n++
		}
		if n != w.Spec.Readers {
			return fmt.Errorf("%d of %d readers answered survey %#x", n, w.Spec.Readers, tag)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.send(ctx, p, tagOf(0, w.total+1)|lastMark, 0)
}

// answer is one of those who are surveyed.
func (w *worker) answer(ctx context.Context) error {
	sub, err := w.subscription(topicMain)
	if err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	for {
		m, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		w.turn()
		tag, _, whole := read(m.Payload())
		switch {
		case !whole:
			return fmt.Errorf("question with tag %#x is not what was written", tag)
		case tag&lastMark != 0:
			return nil
		}
		fill(w.buffer, tag, 0)
		if err := m.Reply(w.buffer); err != nil {
			return err
		}
		w.count()
	}
}
