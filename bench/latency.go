package bench

import (
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Percentiles are latencies in nanoseconds.
type Percentiles struct {
	Count int64 `json:"count"`
	Min   int64 `json:"min"`
	P50   int64 `json:"p50"`
	P90   int64 `json:"p90"`
	P99   int64 `json:"p99"`
	P999  int64 `json:"p999"`
	P9999 int64 `json:"p9999"`
	Max   int64 `json:"max"`
	Mean  int64 `json:"mean"`
}

// newHistogram counts from 1 ns to an hour with three digits.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(maxDuration), 3)
}

// record counts one latency. What is shorter than 1 ns counts as 1: two
// processes read one clock at slightly different instants.
func record(h *hdrhistogram.Histogram, took time.Duration) {
	_ = h.RecordValue(min(max(int64(took), 1), int64(maxDuration))) // within its bounds
}

// percentilesOf is nil of an empty histogram.
func percentilesOf(h *hdrhistogram.Histogram) *Percentiles {
	if h == nil || h.TotalCount() == 0 {
		return nil
	}
	at := h.ValueAtQuantile
	return &Percentiles{
		Count: h.TotalCount(), Min: h.Min(), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), P9999: at(99.99),
		Max: h.Max(), Mean: int64(h.Mean()),
	}
}

// WriteHgrm writes the latencies in the text form of HdrHistogram (.hgrm), in
// microseconds, for the plotters that read it.
func (r *Result) WriteHgrm(w io.Writer) error {
	if r.Latency == nil {
		return errNoLatency
	}
	_, err := r.histogram.PercentilesPrint(w, 5, 1000)
	return err
}
