package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// WriteJSON writes all that was measured, histograms included, as one JSON object.
func (r *Result) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// ReadResult reads what WriteJSON wrote. It does not check that the figures fit each
// other; text that is no result of a run is an error.
func ReadResult(in io.Reader) (*Result, error) {
	var r Result
	if err := json.NewDecoder(in).Decode(&r); err != nil {
		return nil, fmt.Errorf("not the result of a run as --json writes it: %w", err)
	}
	if r.Spec.Scenario == "" {
		return nil, fmt.Errorf("not the result of a run as --json writes it: no scenario in it")
	}
	if r.Histogram != "" {
		h, err := decode(r.Histogram)
		if err != nil {
			return nil, err
		}
		r.histogram = h
	}
	return &r, nil
}

// WriteHlog writes the latencies of each interval in HdrHistogram's log format (.hlog),
// in ns, for the tools that read it.
func (r *Result) WriteHlog(w io.Writer) error {
	if r.Latency == nil {
		return errNoLatency
	}
	if len(r.Intervals) == 0 {
		return fmt.Errorf("the run noted no intervals: its spec has none (Every)")
	}
	log := hdrhistogram.NewHistogramLogWriter(w)
	start := r.Machine.Time.UnixMilli()
	log.SetBaseTime(start)
	if err := log.OutputLogFormatVersion(); err != nil {
		return err
	}
	if err := log.OutputComment("[ringcast bench " + string(r.Spec.Scenario) + ", latencies in ns]"); err != nil {
		return err
	}
	if err := log.OutputStartTime(start); err != nil {
		return err
	}
	if err := log.OutputLegend(); err != nil {
		return err
	}
	return r.eachInterval(func(at, length time.Duration, h *hdrhistogram.Histogram) error {
		h.SetStartTimeMs(start + at.Milliseconds())
		h.SetEndTimeMs(start + (at + length).Milliseconds())
		return log.OutputIntervalHistogram(h)
	})
}

// eachInterval calls f with the histogram of each interval that has latencies.
func (r *Result) eachInterval(f func(at, length time.Duration, h *hdrhistogram.Histogram) error) error {
	for _, one := range r.Intervals {
		if one.Histogram == "" {
			continue
		}
		h, err := decode(one.Histogram)
		if err != nil {
			return err
		}
		if err := f(one.Start, one.Length, h); err != nil {
			return err
		}
	}
	return nil
}

// A Point is one of a percentile curve: that part of all latencies is not longer.
type Point struct {
	Part    float64 // from 0 to 1
	Latency time.Duration
}

// Curve is the percentile curve from the least latency to the greatest, with some
// points for each halving of what is left. It is empty without latencies.
func (r *Result) Curve() []Point {
	if r.Latency == nil || r.histogram == nil {
		return nil
	}
	var points []Point
	for _, b := range r.histogram.CumulativeDistributionWithTicks(5) {
		points = append(points, Point{Part: b.Quantile / 100, Latency: time.Duration(b.ValueAt)})
	}
	return points
}
