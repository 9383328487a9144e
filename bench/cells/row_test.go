package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// TestVerdict holds ratios, and figures without a peer, against goals both ways.
func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		row row
		met bool
	}{
		"larger is better, reached":    {row{Peer: "x", Theirs: 1, Ratio: 1.3, Goal: 1.3, Judged: true, Runs: 5}, true},
		"larger is better, missed":     {row{Peer: "x", Theirs: 1, Ratio: 1.29, Goal: 1.3, Judged: true, Runs: 5}, false},
		"smaller is better, reached":   {row{Peer: "x", Theirs: 1, Ratio: 0.9, Goal: 1, Judged: true, Runs: 5, Smaller: true}, true},
		"smaller is better, missed":    {row{Peer: "x", Theirs: 1, Ratio: 1.1, Goal: 1, Judged: true, Runs: 5, Smaller: true}, false},
		"without a pair":               {row{Peer: "x", Goal: 1, Judged: true, Smaller: true}, false},
		"without a figure of the peer": {row{Peer: "x", Goal: 1, Judged: true, Smaller: true, Runs: 5}, false},
		"alone, reached":               {row{Ours: 0, Goal: 0, Judged: true, Smaller: true}, true},
		"alone, missed":                {row{Ours: 0.1, Goal: 0, Judged: true, Smaller: true}, false},
		"without a goal":               {row{Peer: "x", Theirs: 1, Ratio: 9, Runs: 5}, false},
	} {
		c.row.verdict()
		if c.row.Met != c.met {
			t.Errorf("%s: met = %v", name, c.row.Met)
		}
	}
}

// TestGoalBesideTheLimit: 1.3 of Aeron, unless nine tenths of the C ring are less.
func TestGoalBesideTheLimit(t *testing.T) {
	for _, c := range []struct {
		size          int
		theirs, limit float64
		goal          float64
	}{{64, 20, 100, 1.3}, {64, 20, 20, 0.9}, {256, 20, 0, 1.3}, {1024, 20, 20, 2}, {2048, 20, 100, 2}} {
		r := row{Peer: aeronC, Theirs: c.theirs, Ratio: 1, Runs: 5}
		r.exclusiveGoal(c.size, c.limit)
		if r.Goal != c.goal || !r.Judged || r.Met != (1 >= c.goal) {
			t.Errorf("%d bytes, Aeron %v, C ring %v: goal %v, met %v; want goal %v", c.size, c.theirs, c.limit, r.Goal, r.Met, c.goal)
		}
	}
}

// TestRowsFit wants the table to be readable at 100 columns.
func TestRowsFit(t *testing.T) {
	r := row{Cell: "after a pause, pinned p50", Ours: 123456, Unit: "wakes", Peer: "ours spinning", Theirs: 123456.7, Ratio: 123.45,
		Goal: 1.25, Judged: true, Smaller: true, Regime: "changed", LineNs: 12345, Runs: 12, Dropped: 12}
	if n := len(r.String()); n > 100 {
		t.Errorf("%d columns: %s", n, r)
	}
	if n := len(header); n > 100 {
		t.Errorf("header of %d columns", n)
	}
	for _, c := range allCells() {
		if len(c.name) > 25 {
			t.Errorf("cell %q: name of %d columns", c.name, len(c.name))
		}
	}
}

// TestShort wants numbers in seven characters.
func TestShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 123456.7: "123457", 1234: "1234", 12.34: "12.3", 1.234: "1.23", 0.02: "0.02", 0.00123: "0.001"} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %q, want %q", v, got, want)
		}
	}
}

// TestRowAsJSON wants the keys that other programs read.
func TestRowAsJSON(t *testing.T) {
	r := compared("a cell", "M/s", "peer", 1e-6, bench.Comparison{Ours: 2e6, Theirs: 1e6, Ratio: 2, Regime: bench.Near, Line: 110 * time.Nanosecond, Pairs: 5})
	var out bytes.Buffer
	if err := r.write(&out, true); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"cell": "a cell", "ours": 2.0, "unit": "M/s", "peer": "peer", "theirs": 1.0, "ratio": 2.0,
		"smaller_is_better": false, "regime": "near", "cache_line_ns": 110.0, "runs": 5.0} {
		if got[key] != want {
			t.Errorf("%s = %v, want %v", key, got[key], want)
		}
	}
}

func TestSummary(t *testing.T) {
	var s summary
	s.add(row{Cell: "without a goal"})
	s.add(row{Cell: "good", Judged: true, Met: true})
	s.add(row{Cell: "bad", Judged: true, Peer: "x", Ratio: 0.5, Goal: 1})
	text := s.String()
	if !strings.Contains(text, "goals met: 1 of 2") || !strings.Contains(text, "bad, 0.50 times x") || strings.Contains(text, "good") {
		t.Errorf("summary = %q", text)
	}
}
