package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/ringcast/ringcast/bench"
)

// An Asker sends a request and waits for its answer, whose bytes are valid until its next call. It
// belongs to one goroutine.
type Asker func(ctx context.Context, request []byte) (answer []byte, err error)

// Ask keeps w.Open requests open, each of a goroutine that sends the next one when it has the answer,
// until the window has closed, and prints the line of those who ask. Dial makes one Asker; the
// first request of each is answered before the program is ready.
func Ask(ctx context.Context, w *Work, dial func() (Asker, error)) error {
	list := make([]*inquirer, max(w.Open, 1))
	for i := range list {
		ask, err := dial()
		if err != nil {
			return err
		}
		list[i] = &inquirer{ask: ask, request: make([]byte, w.Size), tag: uint64(i+1) << 32, times: hdrhistogram.New(1, int64(time.Hour), 3)}
		if _, err := list[i].once(ctx); err != nil {
			return err
		}
	}
	Ready()
	if err := AwaitStart(); err != nil {
		return err
	}
	from := Now() + uint64(w.Warmup)
	to := from + uint64(w.Duration)
	over := make(chan error, len(list))
	for _, q := range list {
		go func() { over <- q.repeat(ctx, from, to, to+uint64(longer)) }()
	}
	var errs error
	for range list {
		errs = errors.Join(errs, <-over)
	}
	if errs != nil {
		return errs
	}
	return json.NewEncoder(os.Stdout).Encode(answered(list, w.Duration))
}

// An inquirer has one request open at a time.
type inquirer struct {
	ask     Asker
	request []byte
	tag     uint64
	times   *hdrhistogram.Histogram // of the window
}

// once makes a round trip, and says how long it took.
func (q *inquirer) once(ctx context.Context) (ns uint64, err error) {
	q.tag++
	begin := Now()
	bench.Fill(q.request, q.tag, begin)
	answer, err := q.ask(ctx, q.request)
	took := Now() - begin
	if err != nil {
		return 0, err
	}
	if tag, stamp, whole := bench.Read(answer); !whole || len(answer) != len(q.request) || tag != q.tag || stamp != begin {
		return 0, fmt.Errorf("answer of %d bytes with tag %#x to %#x", len(answer), tag, q.tag)
	}
	return took, nil
}

// longer is for how long those who ask go on behind the window: their processor time is read at the end of that.
const longer = 100 * time.Millisecond

// repeat makes round trips until an instant, and counts those that end between the two of the window.
func (q *inquirer) repeat(ctx context.Context, from, to, end uint64) error {
	for t := Now(); t < end; t = Now() {
		ns, err := q.once(ctx)
		if err != nil {
			return err
		}
		if t = Now(); t >= from && t < to {
			if err := q.times.RecordValue(int64(max(ns, 1))); err != nil {
				return err
			}
		}
	}
	return nil
}

// answered is the line of all of them: a receiver's, of which nothing is missing.
func answered(list []*inquirer, window time.Duration) map[string]any {
	all := list[0].times
	for _, q := range list[1:] {
		all.Merge(q.times)
	}
	return map[string]any{"received": all.TotalCount(), "ended": true, "rate": float64(all.TotalCount()) / window.Seconds(),
		"p50": all.ValueAtQuantile(50), "p99": all.ValueAtQuantile(99), "p999": all.ValueAtQuantile(99.9), "max": all.Max()}
}

// Answer writes the answer to a request: the same message, written anew.
func Answer(request, answer []byte) error {
	tag, stamp, whole := bench.Read(request)
	if !whole || len(request) != len(answer) {
		return fmt.Errorf("request of %d bytes with tag %#x is not what was written", len(request), tag)
	}
	bench.Fill(answer, tag, stamp)
	return nil
}
