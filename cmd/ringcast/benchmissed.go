package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// usualStall is the stall budget of a topic for which nobody asks for another.
const usualStall = 500 * time.Millisecond

// missedError says of a run whose readers missed messages what that means, why it was, as far as that is known, and
// what to do; nil where none did.
func missedError(r *bench.Result) error {
	if r.Missed == 0 {
		return nil
	}
	budget := r.Spec.StallBudget
	if budget == 0 {
		budget = usualStall
	}
	err := fmt.Errorf("readers missed %s messages: one that had held its producers up for %v (the stall budget) in all was put out, and they went on without it",
		bench.Grouped(float64(r.Missed)), budget)
	advice := append([]string{"The figures are of what was read: compare them with none."}, missedWhy(r)...)
	advice = append(advice, fmt.Sprintf("A reader is waited for longer with --stall-budget %v.", max(10*budget, 10*time.Second)))
	return &exitError{code: exitMissed, err: err, advice: strings.Join(advice, "\n")}
}

// missedWhy is what kept a reader from reading, and what helps; nothing where nothing is known.
func missedWhy(r *bench.Result) (why []string) {
	s, cores := &r.Spec, r.Machine.Cores
	if pinned := len(slices.Compact(slices.Sorted(slices.Values(s.Pin)))); pinned > 0 {
		cores = pinned
	}
	if crowd := s.Producers + s.Readers; s.Scenario == bench.Stream && crowd > cores {
		help := "take fewer (--producers, --readers)"
		if s.Wait != bench.Block {
			help += ", or --wait block, with which who waits leaves its core to the others"
		}
		why = append(why, fmt.Sprintf("The %d processes of this run shared %d cores: %s.", crowd, cores, help))
	}
	if r.OtherCores > bench.Busy {
		why = append(why, fmt.Sprintf("Other programs kept %.1f cores busy meanwhile: end them, or measure when they rest.", r.OtherCores))
	}
	if r.Steal > 0.01 {
		why = append(why, fmt.Sprintf("Other machines of this host took %.0f %% of the time: measure again.", 100*r.Steal))
	}
	return why
}
