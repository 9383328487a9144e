package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ringcast/ringcast"
)

// errTimeout is why the wait for the next message ended.
var errTimeout = errors.New("no message came in time")

// A receiving takes messages from a subscription until it has enough. It belongs
// to one goroutine.
type receiving struct {
	sub       *ringcast.Subscription
	sink      *sink
	tally     *tally
	digest    *digest    // nil: none wanted
	latencies *latencies // nil: none wanted
	events    io.Writer
	form      func(out []byte, m *ringcast.Message) []byte // nil: the payload is written
	line      []byte                                       // what form wrote last
	count     uint64                                       // 0: no end
	timeout   time.Duration                                // 0: none

	gaps         gaps
	shared       bool // others take what we do not: gaps say nothing
	lagged, lost uint64
	abandoned    uint64
	told         uint64
	interrupted  bool
}

// run returns nil when the count is reached, at a signal, and where --timeout is a way to end.
func (r *receiving) run(ctx context.Context) error {
	wait, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.sink.failed = cancel
	if r.timeout > 0 {
		defer r.watch(cancel)()
	}
	for r.count == 0 || r.tally.messages.Load() < r.count {
		m, err := r.sub.TryNext()
		if err == ringcast.ErrEmpty {
			r.tally.pause()
			m, err = r.sub.Next(wait)
		}
		if err == nil {
			err = r.take(m)
		}
		if err != nil && !r.event(err) {
			return r.end(ctx, wait, err)
		}
	}
	r.tally.pause()
	return nil
}

// watch calls cancel when no message has come for the timeout, and at most a
// quarter of it longer.
func (r *receiving) watch(cancel context.CancelCauseFunc) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(r.timeout / 4)
		defer tick.Stop()
		for seen, at := uint64(0), time.Now(); ; {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			if n := r.tally.messages.Load(); n != seen {
				seen, at = n, time.Now()
			} else if time.Since(at) >= r.timeout {
				cancel(errTimeout)
				return
			}
		}
	}()
	return func() { close(done) }
}

// take does with one message what was asked for.
func (r *receiving) take(m *ringcast.Message) error {
	payload := m.Payload()
	r.tally.add(len(payload))
	if !r.shared {
		r.gaps.see(m.Source(), m.Sequence())
	}
	if r.latencies != nil {
		if ns := m.TimestampNs(); ns != 0 {
			r.latencies.add(ns)
		}
	}
	r.digest.add(payload)
	if r.form != nil {
		r.line = r.form(r.line[:0], m)
		payload = r.line
	}
	return r.sink.write(payload)
}

// event tells of an event; false: it is none.
func (r *receiving) event(err error) bool {
	if !ringcast.IsEvent(err) {
		return false
	}
	var lagged *ringcast.LaggedError
	var loss *ringcast.LossError
	var left *ringcast.AbandonedError
	switch {
	case errors.As(err, &lagged):
		r.lagged += lagged.Missed
	case errors.As(err, &loss):
		r.lost += loss.Count
	case errors.As(err, &left):
		r.abandoned++
	}
	if r.told++; r.told <= maxTold {
		_, _ = fmt.Fprintf(r.events, "ringcast: event: %v\n", err)
	}
	if r.told == maxTold {
		_, _ = fmt.Fprintln(r.events, "ringcast: further events are only counted")
	}
	return true
}

// maxTold bounds what a stream with many events says of them.
const maxTold = 100

// end says what an error that ended the reading means.
func (r *receiving) end(ctx, wait context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		r.interrupted = true
		if r.count > 0 {
			return &exitError{code: exitFailed, err: fmt.Errorf("interrupted after %d of %d messages", r.tally.messages.Load(), r.count)}
		}
		return nil
	case wait.Err() != nil && context.Cause(wait) != errTimeout:
		return context.Cause(wait) // the output
	case wait.Err() != nil && r.count == 0 && r.tally.messages.Load() > 0:
		return nil
	case wait.Err() != nil:
		return &exitError{code: exitTimeout, err: fmt.Errorf("%w: %d messages, then none for %v", errTimeout, r.tally.messages.Load(), r.timeout)}
	}
	return err
}

// A gaps counts the sequences that did not come, source by source. It belongs to
// one goroutine.
type gaps struct {
	missing uint64
	source  ringcast.Address // of the last message
	last    *uint64          // its last sequence
	sources map[ringcast.Address]*uint64
}

// see takes note of a message. It allocates for a new source.
func (g *gaps) see(source ringcast.Address, sequence uint64) {
	if g.last == nil || source != g.source {
		if g.sources == nil {
			g.sources = make(map[ringcast.Address]*uint64)
		}
		g.source, g.last = source, g.sources[source]
		if g.last == nil {
			g.last = new(uint64)
			*g.last = sequence - 1 // before that it was not ours to see
			g.sources[source] = g.last
		}
	}
	if sequence > *g.last+1 {
		g.missing += sequence - *g.last - 1
	}
	*g.last = max(*g.last, sequence)
}
