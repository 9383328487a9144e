// Torture kills and stops processes that use rings, at every named point of the
// protocol and at random instants, and checks what the others see. It is the
// guarantee tests 1, 2, 3, 4 and 6 of doc/guarantees.md:
//
//	go run -tags invariants ./internal/torture -seconds 600
//
// The named points are the calls of at and step in packages ring and shm; the list
// is read from the source. Every message bears a checksum and its producer's number
// and sequence, every reader keeps a ledger, and what each producer was told lies in
// memory that outlives it. The ledgers are themselves tested, by producers that lie
// (torture_test.go) and by broken builds of the protocol (mutants.py).
//
// It prints the points with their hits, the stalls as distributions, and ends with
// the sum of its tests. The seed decides what is done to whom; the machine decides
// when, so a run is repeated in its choices and not in its instants.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

func main() {
	if code, isChild := childMain(); isChild {
		os.Exit(code)
	}
	seconds := flag.Int("seconds", 600, "length of the whole")
	seed := flag.Uint64("seed", rand.Uint64()>>1, "seed of all choices")
	only := flag.String("only", "", "play only the scenes whose names contain this")
	flag.Parse()
	if !named {
		fmt.Fprintln(os.Stderr, "torture: this build has no named points: go run -tags invariants ./internal/torture")
		os.Exit(2)
	}
	r, err := newRun(*seed, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(2)
	}
	if failed := r.all(time.Duration(*seconds)*time.Second, *only); failed > 0 {
		os.Exit(1)
	}
}

// all plays the scenes again and again, a few seconds each, for so long in all.
func (r *run) all(d time.Duration, only string) (failed int) {
	r.say("repeat with: go run -tags invariants ./internal/torture -seconds %d -seed %d", int(d.Seconds()), r.seed)
	shares := 0
	for _, s := range scenes {
		if strings.Contains(s.name, only) {
			shares += s.share
		}
	}
	if shares == 0 {
		r.say("no scene has %q in its name", only)
		return 1
	}
	const (
		turn     = 40 * time.Second
		maxExtra = 3 // turns besides, while there is a point that nobody was struck at
	)
	turns := max(1, int(d/turn))
	passed, errs := 0, make(map[string]error)
	for i := 0; i < turns || i < turns+maxExtra && only == "" && len(r.missing()) > 0; i++ {
		for _, s := range scenes {
			if !strings.Contains(s.name, only) || errs[s.name] != nil {
				continue
			}
			start := time.Now()
			errs[s.name] = s.play(r, d*time.Duration(s.share)/time.Duration(shares*turns))
			r.say("[%d/%d] %-20s %5.1f s  %s", i+1, turns, s.name, time.Since(start).Seconds(), okOrNot(errs[s.name]))
		}
	}
	r.report()
	for _, s := range scenes {
		if err, played := errs[s.name]; played && err == nil {
			passed++
			r.say("ok %s", s.name)
		} else if played {
			failed++
			r.say("not ok %s (%s): %v", s.name, s.promise, err)
		}
	}
	if only == "" {
		if missing := r.missing(); len(missing) > 0 {
			failed++
			r.say("not ok every named point: %s", strings.Join(missing, "\n  "))
		} else {
			passed++
			r.say("ok every named point")
		}
	}
	r.say("%d passed, %d failed, 0 skipped", passed, failed)
	return failed
}

func okOrNot(err error) string {
	if err == nil {
		return "ok"
	}
	return "NOT OK: " + err.Error()
}
