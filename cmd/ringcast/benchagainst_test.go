package main

import (
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// TestRatios compares rates and latencies of one regime, and says where there is no pair.
func TestRatios(t *testing.T) {
	const near, far = 100 * time.Nanosecond, 500 * time.Nanosecond
	one := func(rate float64, p50 int64, line time.Duration) bench.Sample {
		return bench.Sample{Figure: bench.Figure{Rate: rate, Latency: &bench.Percentiles{P50: p50, P99: 2 * p50}}, Before: line, After: line}
	}
	all := []bench.Contender{{Name: "ringcast"}, {Name: "unix"}, {Name: "zeromq"}}
	rounds := []bench.Round{{one(10, 100, near), one(5, 400, near), one(1, 1, far)}, {one(30, 100, near), one(10, 400, near), one(1, 1, far)}}
	lines := ratiosOf(bench.Spec{Scenario: bench.PingPong}, all, rounds)
	if len(lines) != 6 || lines[0].Ours != 20 || lines[0].Theirs != 7.5 || lines[1].Ratio != 0.25 || lines[0].Pairs != 2 || lines[3].Pairs != 0 || lines[3].Lost != 2 {
		t.Errorf("lines %v", lines)
	}
	if text := lines[2].String(); !strings.Contains(text, "800ns") {
		t.Errorf("p99 as %q", text)
	}
	if lines = ratiosOf(bench.Spec{Scenario: bench.Stream}, all, rounds); len(lines) != 2 {
		t.Errorf("%d lines of a stream at full rate, want one a peer", len(lines))
	}
}
