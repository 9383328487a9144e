package bench

import (
	"context"
	"fmt"

	"github.com/ringcast/ringcast"
)

// Topics of a run.
const (
	domain    = "bench"
	topicMain = "stream"
	topicBack = "back"
	topicsAll = "stream.*" // of producers apart
)

// ownTopic is the topic of one producer.
func (w *worker) ownTopic() string {
	if w.Spec.Apart {
		return fmt.Sprintf("%s.%d", topicMain, w.Index)
	}
	return topicMain
}

// topics are what a reader of a stream subscribes to.
func (w *worker) topics() string {
	if w.Spec.Apart {
		return topicsAll
	}
	return topicMain
}

// produce claims, writes and commits until the run is over.
func (w *worker) produce(ctx context.Context) error {
	p, err := w.publisher(ctx, w.ownTopic(), w.Spec.Readers)
	if err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	switch {
	case w.Spec.Rate > 0:
		err = w.offer(ctx, p)
	case w.Spec.Batch > 0:
		err = w.pourBatches(ctx, p)
	default:
		err = w.pour(ctx, p)
	}
	if err != nil {
		return err
	}
	return w.send(ctx, p, tagOf(w.Index, w.total+1)|lastMark, 0)
}

// some is how many messages of a stream are sent between two looks at the phase of the run
// and counted together: a message of 64 bytes costs no more than a few calls and stores.
const some = 16

// pour sends as fast as the messages are taken.
func (w *worker) pour(ctx context.Context, p *ringcast.Publisher) error {
	for !w.turn() {
		if err := w.pourSome(ctx, p); err != nil {
			return err
		}
		w.countMany(some)
	}
	return nil
}

// pourSome sends the next few messages.
func (w *worker) pourSome(ctx context.Context, p *ringcast.Publisher) error {
	tag, size := tagOf(w.Index, w.total+1), w.Spec.Size
	for end := tag + some; tag < end; tag++ {
		if w.Spec.Copy {
			if err := w.send(ctx, p, tag, 0); err != nil {
				return err
			}
			continue
		}
		c, err := p.Claim(ctx, size)
		if err != nil {
			return err
		}
		fill(c.Bytes(), tag, 0)
		if err = c.Commit(); err == ringcast.ErrFenced {
			err = w.send(ctx, p, tag, 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pourBatches is pour of several messages at once. What was taken from it is sent again.
func (w *worker) pourBatches(ctx context.Context, p *ringcast.Publisher) error {
	for !w.turn() {
		c, err := p.ClaimBatch(ctx, w.Spec.Batch, w.Spec.Size)
		if err != nil {
			return err
		}
		for i := range c.Len() {
			fill(c.Bytes(i), tagOf(w.Index, w.total+1+uint64(i)), 0)
		}
		sent, err := c.Commit()
		if err != nil && err != ringcast.ErrFenced {
			return err
		}
		w.countMany(uint64(sent))
	}
	return nil
}

// offer sends at fixed instants, which the messages bear.
func (w *worker) offer(ctx context.Context, p *ringcast.Publisher) error {
	s := w.schedule()
	for {
		due, ok := s.wait(w.turn)
		if !ok || w.turn() {
			w.behind = s.behind
			return nil
		}
		if err := w.send(ctx, p, tagOf(w.Index, w.total+1), uint64(due)); err != nil {
			return err
		}
		w.count()
	}
}

// call sends a message after each pause, with the instant of its sending.
func (w *worker) call(ctx context.Context) error {
	p, err := w.publisher(ctx, topicMain, 1)
	if err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	for !w.turn() {
		Pause(w.Spec.Pause)
		if err := w.send(ctx, p, tagOf(0, w.total+1), uint64(now())); err != nil {
			return err
		}
		w.count()
	}
	return w.send(ctx, p, tagOf(0, w.total+1)|lastMark, 0)
}

// send writes one message, in place unless the run copies. Where this process had no
// core for so long that its claim was taken from it, it claims again, as users do;
// the stamp stays, so the delay counts.
func (w *worker) send(ctx context.Context, p *ringcast.Publisher, tag, stamp uint64) error {
	if w.Spec.Copy {
		fill(w.buffer, tag, stamp)
		return p.Publish(ctx, w.buffer)
	}
	for {
		c, err := p.Claim(ctx, w.Spec.Size)
		if err != nil {
			return err
		}
		fill(c.Bytes(), tag, stamp)
		if err := c.Commit(); err != ringcast.ErrFenced {
			return err
		}
	}
}

// read reads one message, where it lies unless the run copies.
func (w *worker) read(m *ringcast.Message) (tag, stamp uint64, whole bool) {
	if w.Spec.Copy {
		return read(w.buffer[:copy(w.buffer, m.Payload())])
	}
	return read(m.Payload())
}

// consume reads until every producer has sent its last message. It fails when a
// message is not what was sent, or is not the next of its producer.
func (w *worker) consume(ctx context.Context) error {
	sub, err := w.subscription(w.topics())
	if err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	order := newOrder(w.Spec.Producers)
	for {
		batch, err := sub.NextBatch(ctx, 0)
		if err != nil {
			if !ringcast.IsEvent(err) {
				return err
			}
			w.missed += missedBy(err)
			order.forgive()
			continue
		}
		w.turn()
		if err := w.takeAll(batch, order); err != nil {
			return err
		}
		if order.open == 0 {
			return nil
		}
	}
}

// takeAll reads and counts messages of a stream.
func (w *worker) takeAll(batch []ringcast.Message, order *order) error {
	counted := 0
	for i := range batch {
		tag, stamp, whole := w.read(&batch[i])
		if whole && stamp == 0 && order.follows(tag) {
			counted++
			continue
		}
		last, err := order.next(tag, whole)
		if err != nil {
			return err
		}
		if last {
			continue
		}
		if stamp != 0 && w.window.measured {
			end := now()
			w.times.record(end-w.window.begin.at, end-timeOf(stamp))
		}
		counted++
	}
	w.countMany(uint64(counted))
	return nil
}
