package bench

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// add puts together what the processes counted, and checks that what was sent is
// what was read.
func (r *Result) add(accounts []account) error {
	var sent, reads uint64
	for _, a := range accounts {
		p := a.Process
		r.Processes = append(r.Processes, p)
		r.Missed += p.Missed
		r.Allocs = max(r.Allocs, p.Allocs)
		switch role(p.Role) {
		case roleReader, roleSleeper, rolePing:
			r.Rate += p.Rate
			reads += p.Total
		case roleProducer, roleCaller:
			sent += p.Total
		}
		if a.Histogram != nil {
			r.merge(hdrhistogram.Import(a.Histogram))
		}
	}
	r.Latency = percentilesOf(r.histogram)
	if r.Spec.Scenario != PingPong && r.Missed == 0 && reads != sent*uint64(r.Spec.Readers) {
		return fmt.Errorf("%d messages were sent to %d readers, and %d were read", sent, r.Spec.Readers, reads)
	}
	return nil
}

func (r *Result) merge(h *hdrhistogram.Histogram) {
	if r.histogram == nil {
		r.histogram = newHistogram()
	}
	r.histogram.Merge(h)
}

// watch tells how far the run is until stop is called.
func (r *run) watch() (stop func()) {
	if r.options.Progress == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for before, at := uint64(0), time.Now(); ; {
			select {
			case <-done:
				return
			case t := <-tick.C:
				n := r.read()
				r.options.Progress(Progress{
					Phase: phaseNames[r.board.phase.Load()], Elapsed: time.Since(r.begin),
					Messages: n, Rate: float64(n-before) / t.Sub(at).Seconds(),
				})
				before, at = n, t
			}
		}
	}()
	return func() { close(done); <-ended }
}

var phaseNames = [...]string{"opening", "warm-up", "measuring", "ending", "ending"}

// read is how many messages the readers have counted.
func (r *run) read() uint64 {
	var n uint64
	for seat, c := range r.children {
		if c.role == roleReader || c.role == roleSleeper || c.role == rolePing {
			n += r.board.counts[seat].messages.Load()
		}
	}
	return n
}
