package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// A tally counts messages while they pass. One goroutine adds, any may read.
type tally struct {
	messages atomic.Uint64
	bytes    atomic.Uint64
	first    atomic.Int64 // since start, of the first message; 0: none yet
	last     atomic.Int64 // of the last one that was noted
	start    time.Time
}

func newTally() *tally { return &tally{start: time.Now()} }

// add counts one message.
func (t *tally) add(size int) {
	if t.messages.Add(1) == 1 {
		t.first.Store(max(int64(time.Since(t.start)), 1))
	}
	t.bytes.Add(uint64(size))
}

// pause notes that the messages so far have all come by now.
func (t *tally) pause() { t.last.Store(int64(time.Since(t.start))) }

// elapsed is the time from the first message to the last.
func (t *tally) elapsed() time.Duration {
	first := t.first.Load()
	if first == 0 {
		return 0
	}
	return time.Duration(max(t.last.Load()-first, 1))
}

// progressEvery is how often the line on a terminal is written anew.
const progressEvery = 200 * time.Millisecond

// progress shows rate and sum on one line of w until stop is called, if w is a
// terminal.
func progress(w io.Writer, verb string, t *tally) (stop func()) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for before, at := uint64(0), time.Now(); ; {
			select {
			case <-done:
				_, _ = fmt.Fprint(w, "\r\x1b[K")
				return
			case now := <-tick.C:
				n := t.messages.Load()
				rate := float64(n-before) / now.Sub(at).Seconds()
				_, _ = fmt.Fprintf(w, "\r\x1b[K%s %d messages, %.1f MB, %.0f/s", verb, n, float64(t.bytes.Load())/1e6, rate)
				before, at = n, now
			}
		}
	}()
	return func() { close(done); <-ended }
}
