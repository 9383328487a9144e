package main

import (
	"testing"

	"github.com/ringcast/ringcast/bench/table"
)

// TestGoalBesideTheLimit: 1.3 of Aeron, unless nine tenths of the C ring are less.
func TestGoalBesideTheLimit(t *testing.T) {
	for _, c := range []struct {
		size          int
		theirs, limit float64
		goal          float64
	}{{64, 20, 100, 1.3}, {64, 20, 20, 0.9}, {256, 20, 0, 1.3}, {1024, 20, 20, 2}, {2048, 20, 100, 2}} {
		r := table.Row{Peer: aeronC, Theirs: c.theirs, Ratio: 1, Runs: 5}
		exclusiveGoal(&r, c.size, c.limit)
		if r.Goal != c.goal || !r.Judged || r.Met != (1 >= c.goal) {
			t.Errorf("%d bytes, Aeron %v, C ring %v: goal %v, met %v; want goal %v", c.size, c.theirs, c.limit, r.Goal, r.Met, c.goal)
		}
	}
}

// TestNamesFit wants the first column to be narrow.
func TestNamesFit(t *testing.T) {
	for _, c := range allCells() {
		if len(c.name) > 25 {
			t.Errorf("cell %q: name of %d columns", c.name, len(c.name))
		}
	}
}
