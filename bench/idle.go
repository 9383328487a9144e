package bench

import (
	"context"
	"fmt"
	"time"
)

// keep opens the topics of an idle run, says nothing on them, and ends the readers'
// sleep when the run is over.
func (w *worker) keep(ctx context.Context) error {
	last, err := w.publisher(ctx, idleTopic(0), w.Spec.Readers)
	if err != nil {
		return err
	}
	for i := 1; i < w.Spec.Topics; i++ {
		if _, err := w.publisher(ctx, idleTopic(i), w.Spec.Readers); err != nil {
			return err
		}
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	for !w.turn() {
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond) // seldom: what the library uses is measured
	}
	return w.send(ctx, last, tagOf(0, 1)|lastMark, 0)
}

// idle sleeps on all topics until the run is over. It looks at no phase meanwhile:
// what it uses is what the library uses.
func (w *worker) idle(ctx context.Context) error {
	sub, err := w.subscription(topicMain + ".>")
	if err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := w.await(ctx, phaseMeasure); err != nil {
		return err
	}
	w.turn()
	m, err := sub.Next(ctx)
	w.turn()
	if err != nil {
		return err
	}
	if tag, _, whole := w.read(m); !whole || tag&lastMark == 0 {
		return fmt.Errorf("a message with tag %#x in an idle run", tag)
	}
	return nil
}

func idleTopic(i int) string { return fmt.Sprintf("%s.%d", topicMain, i) }
