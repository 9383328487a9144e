package main

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A percentiles is what a summary says of latencies, in nanoseconds.
type percentiles struct {
	P50  int64 `json:"p50"`
	P90  int64 `json:"p90"`
	P99  int64 `json:"p99"`
	P999 int64 `json:"p999"`
	Max  int64 `json:"max"`
}

// A latencies counts how long messages took. It belongs to one goroutine.
type latencies struct {
	hist *hdrhistogram.Histogram
}

// longestLatency bounds the histogram: three digits up to an hour.
const longestLatency = time.Hour

func newLatencies() *latencies {
	return &latencies{hist: hdrhistogram.New(1, int64(longestLatency), 3)}
}

// add counts a message that was published at an instant of the wall clock and
// has arrived now. Clocks of two nodes differ: what comes before it was sent
// counts as 1 ns.
func (l *latencies) add(publishedNs uint64) {
	took := time.Now().UnixNano() - int64(publishedNs)
	_ = l.hist.RecordValue(min(max(took, 1), int64(longestLatency))) // within its bounds
}

func (l *latencies) summary() *percentiles {
	if l == nil || l.hist.TotalCount() == 0 {
		return nil
	}
	at := l.hist.ValueAtQuantile
	return &percentiles{P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: l.hist.Max()}
}
