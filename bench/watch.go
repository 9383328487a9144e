package bench

import "time"

// watchEvery is how often somebody is told how far the run is.
const watchEvery = 200 * time.Millisecond

// A watcher looks at the board while a run goes on. It belongs to its goroutine.
type watcher struct {
	run    *run
	told   time.Time // when Progress was told last
	before uint64    // messages at the last look
	at     time.Time // of the last look
	begin  time.Time // of measuring; zero before
}

// watch tells how far the run is, and notes the rates that its spec asks for, until
// stop is called. Without either nobody looks: it would cost the run a little.
func (r *run) watch() (stop func()) {
	if r.options.Progress == nil && (r.spec.Every == 0 || r.options.Unwatched) {
		return func() {}
	}
	period := watchEvery
	if r.spec.Every > 0 {
		period = min(max(r.spec.Every, 10*time.Millisecond), watchEvery)
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(period)
		defer tick.Stop()
		w := &watcher{run: r, at: time.Now()}
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				w.look(time.Now())
			}
		}
	}()
	return func() { close(done); <-ended }
}

// look reads the board once.
func (w *watcher) look(t time.Time) {
	r := w.run
	phase, n := r.board.phase.Load(), r.read()
	rate := float64(n-w.before) / t.Sub(w.at).Seconds()
	if r.options.Progress != nil && t.Sub(w.told) >= watchEvery {
		r.options.Progress(Progress{Phase: phaseNames[phase], Elapsed: time.Since(r.begin), Messages: n, Rate: rate})
		w.told = t
	}
	if r.spec.Every > 0 && phase == phaseMeasure {
		if w.begin.IsZero() { // what lies behind is warm-up
			w.begin = t
		} else {
			r.result.Rates = append(r.result.Rates, RateAt{At: t.Sub(w.begin), Rate: rate})
		}
	}
	w.before, w.at = n, t
}

var phaseNames = [...]string{"opening", "warm-up", "measuring", "ending", "ending"}

// read is how many messages the readers have counted.
func (r *run) read() uint64 {
	var n uint64
	for seat, c := range r.children {
		if c.role.counts() {
			n += r.board.counts[seat].messages.Load()
		}
	}
	return n
}
