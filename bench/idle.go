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
	if err := w.settle(ctx); err != nil {
		return err
	}
	if err := nap(ctx, w.Spec.Duration); err != nil {
		return err
	}
	if err := w.await(ctx, phaseStop); err != nil {
		return err
	}
	w.turn()
	return w.send(ctx, last, tagOf(0, 1)|lastMark, 0)
}

// settle waits until it is measured. It sleeps while it can: what the library uses is measured, not
// what looking at the phase takes.
func (w *worker) settle(ctx context.Context) error {
	if err := nap(ctx, w.Spec.Warmup); err != nil {
		return err
	}
	if err := w.await(ctx, phaseMeasure); err != nil {
		return err
	}
	w.turn()
	return nil
}

// nap sleeps once, unless the run is given up meanwhile.
func nap(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
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
	if err := w.settle(ctx); err != nil {
		return err
	}
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
