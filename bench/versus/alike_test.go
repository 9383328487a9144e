package main

import (
	"slices"
	"testing"

	"github.com/ringcast/ringcast/bench"
)

// String is the row in the table without the Go package's.
func (r *row) String() string { return r.text(&row{}) }

// TestLikeBesideLike sets peers in C beside the C library and those in Go beside the Go package, on one node, and shows the package beside the rest, too.
func TestLikeBesideLike(t *testing.T) {
	const name, far = "one-way 64 B 1-1", "two nodes 256 B, loss 0 %"
	rounds := []round{
		roundOf(name, nearLine, map[string]bench.Figure{ours: rated(10), oursNative: rated(30), "aeron": rated(20), "nats": rated(5)}),
		roundOf(far, nearLine, map[string]bench.Figure{ours: rated(10), oursNative: rated(30), "aeron": rated(20)})}
	old := roundOf(far+", 10 k/s", nearLine, map[string]bench.Figure{ours: rated(10), oursNative: rated(30), "aeron": rated(20)})
	old.Runs = slices.DeleteFunc(old.Runs, func(r run) bool { return r.Who == oursNative }) // of before it was measured
	rounds = append(rounds, old)
	lines, inGo := compose(rounds, 3, alikeLibrary), compose(rounds, 3, goPackage)
	find := func(lines []line, cell, peer string) *row {
		for i := range lines {
			if lines[i].cell.name == cell {
				return lines[i].row(peer)
			}
		}
		return nil
	}
	for _, want := range []struct {
		cell, peer   string
		alike, alone float64 // how many times better
		besides      string
		troubles     string
	}{{name, "aeron", 1.5, 0.5, "10 /s", ""}, {name, "nats", 2, 2, "", ""}, {far, "aeron", 1.5, 0.5, "10 /s", ""}, {far + ", 10 k/s", "aeron", 0.5, 0.5, "", ", ours in Go"}} {
		a, b := find(lines, want.cell, want.peer), find(inGo, want.cell, want.peer)
		if figure, _ := a.besides(b); a.factor() != want.alike || b.factor() != want.alone || figure != want.besides ||
			a.troubles() != want.troubles || b.troubles() != "" {
			t.Errorf("%s beside %s: %v%s, the package %v%s, beside it %q; want %+v", want.cell, want.peer, a.factor(), a.troubles(), b.factor(), b.troubles(), figure, want)
		}
	}
}
