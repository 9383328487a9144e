package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ringcast/ringcast/bench"
	"golang.org/x/term"
)

// benchProgress shows how far a run is, on one line of a terminal; elsewhere
// nothing.
func benchProgress(w io.Writer, spec bench.Spec) (show func(bench.Progress), clear func()) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	all := spec.Warmup + spec.Duration
	show = func(p bench.Progress) {
		_, _ = fmt.Fprintf(w, "\r\x1b[K%-9s %5.1f of %v   %d messages, %.2f M/s", p.Phase, p.Elapsed.Seconds(),
			all.Round(100*time.Millisecond), p.Messages, p.Rate/1e6)
	}
	return show, func() { _, _ = fmt.Fprint(w, "\r\x1b[K") }
}
