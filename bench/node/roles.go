package node

import (
	"errors"
	"fmt"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// do is the whole work of this process.
func (w *Work) do(l Link) (account, error) {
	switch w.Role {
	case Produce:
		return account{}, w.produce(l)
	case Consume:
		return w.consume(l)
	case Ping, Ask:
		return w.ping(l)
	case Pong, Serve:
		return account{}, w.pong(l)
	}
	return account{}, fmt.Errorf("role %q is unknown", w.Role)
}

// barrier waits until all are joined, and their parent lets them begin.
func (w *Work) barrier() {
	w.page.ready.Add(1)
	for w.page.begun.Load() == 0 {
		time.Sleep(200 * time.Microsecond)
	}
}

func (w *Work) awaitDrained(readers int) {
	for w.page.drained.Load() < uint32(readers) {
		time.Sleep(500 * time.Microsecond)
	}
}

func (w *Work) produce(l Link) error {
	payload := make([]byte, w.Size)
	mark := uint64(w.Index) << 48
	send := func(tag, stamp uint64) error {
		bench.Fill(payload[:w.Touched], mark|tag, stamp)
		return l.Send(payload)
	}
	w.barrier()
	seq := uint64(1)
	if w.Scenario == "idle" {
		time.Sleep(w.Warmup + w.Duration)
	} else {
		for p := newPace(w, w.Producers); !w.stopped(); seq++ {
			var due uint64
			if p != nil {
				if due = p.wait(w); w.stopped() {
					break
				}
			}
			if err := send(seq, due); err != nil {
				return err
			}
		}
	}
	if err := send(seq|bench.LastMark, 0); err != nil {
		return err
	}
	w.awaitDrained(w.Readers)
	return l.Close()
}

// lostAfter is how long a reader waits for a last message that may be lost.
const lostAfter = 2 * time.Second

func (w *Work) consume(l Link) (account, error) {
	b := newBooks(w, w.Producers)
	w.barrier()
	b.begin()
	if s, ok := l.(Server); ok {
		err := s.Serve(b.handle)
		w.page.drained.Add(1)
		return b.account, err
	}
	for last := time.Now(); b.open > 0; {
		n := b.n
		if err := l.Receive(b.consumed); err != nil {
			return account{}, err
		}
		if b.n == n && w.Scenario != "idle" {
			b.look(now())
		}
		if w.page.counted.Load() == uint32(w.Readers) {
			w.page.stop.Store(1)
		}
		if b.n != n || !w.stopped() {
			last = time.Now()
		} else if time.Since(last) > lostAfter {
			break
		}
	}
	w.page.drained.Add(1)
	return b.finish(l)
}

// finish encodes what was counted.
func (b *books) finish(l Link) (account, error) {
	text, err := b.times.Encode(0x1c849304)
	b.account.Histogram, b.account.Tails = string(text), bench.TailsOf(nil, b.parts)
	return b.account, errors.Join(err, l.Close())
}

// ping makes a round trip after the other, or each when it is due.
func (w *Work) ping(l Link) (account, error) {
	b, payload := newBooks(w, 1), make([]byte, w.Size)
	trip := func(tag uint64) error {
		bench.Fill(payload, tag, 0)
		if err := l.Send(payload); err != nil {
			return err
		}
		for b.got = false; !b.got; {
			if err := l.Receive(b.take); err != nil {
				return err
			}
		}
		return nil
	}
	w.barrier()
	if err := trip(1); err != nil {
		return account{}, err
	}
	b.begin()
	p, begin := newPace(w, 1), now()
	seq := uint64(2)
	for last := begin; b.turn(last); seq++ {
		if p != nil {
			begin = p.wait(w)
		}
		if err := trip(seq); err != nil {
			return account{}, err
		}
		last = now()
		b.n++
		b.record(last, last-begin)
		begin = last
	}
	if err := trip(seq | bench.LastMark); err != nil {
		return account{}, err
	}
	w.page.drained.Add(1)
	return b.finish(l)
}

// handle answers one request with what it was.
func (b *books) handle(request, reply []byte) (last bool, err error) {
	if err := b.take(request); err != nil {
		return true, err
	}
	bench.Fill(reply, b.tag, b.stamp)
	return b.open == 0, nil
}

func (w *Work) pong(l Link) error {
	b, payload := newBooks(w, 1), make([]byte, w.Size)
	w.barrier()
	if s, ok := l.(Server); ok {
		err := s.Serve(b.handle)
		w.awaitDrained(1)
		return errors.Join(err, l.Close())
	}
	for b.open > 0 {
		for b.got = false; !b.got; {
			if err := l.Receive(b.take); err != nil {
				return err
			}
		}
		bench.Fill(payload, b.tag, b.stamp)
		if err := l.Send(payload); err != nil {
			return err
		}
	}
	w.awaitDrained(1)
	return l.Close()
}
