package bench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A RateAt is how fast the readers took messages in the moment that ended then.
type RateAt struct {
	At   time.Duration `json:"at_ns"` // since measuring began
	Rate float64       `json:"rate"`  // a second, all readers together
}

// An Interval is a part of the measured time with the latencies that ended in it,
// those of all readers together.
type Interval struct {
	Start     time.Duration `json:"start_ns"` // since measuring began
	Length    time.Duration `json:"length_ns"`
	Latency   *Percentiles  `json:"latency_ns,omitempty"` // nil: none ended in it
	Histogram string        `json:"histogram,omitempty"`  // compressed form of HdrHistogram, base64, ns

	histogram *hdrhistogram.Histogram
}

// mergeParts adds the histograms of one process to the intervals and to the whole.
func (r *Result) mergeParts(parts []string) error {
	var whole []*hdrhistogram.Histogram
	for i, text := range parts {
		h, err := decode(text)
		if err != nil {
			return err
		}
		if i < WholeParts(r.Spec.Duration) {
			whole = append(whole, h)
		}
		if r.histogram == nil {
			r.histogram = newHistogram()
		}
		r.histogram.Merge(h)
		if r.Spec.Every == 0 {
			continue
		}
		if i == len(r.Intervals) {
			r.Intervals = append(r.Intervals, Interval{Start: time.Duration(i) * r.Spec.Every, Length: r.Spec.Every, histogram: newHistogram()})
		}
		r.Intervals[i].histogram.Merge(h)
	}
	if r.Spec.Scenario == Stream && r.Spec.Rate > 0 && r.Spec.Every == PartLength {
		r.tails = TailsOf(r.tails, whole)
	}
	return nil
}

// seal works out what the histograms say, and keeps them as text.
func (r *Result) seal() error {
	r.Latency, r.Tail = percentilesOf(r.histogram), TailOf(r.tails, StallAbove)
	if r.Latency == nil {
		r.Intervals = nil
		return nil
	}
	for len(r.Intervals) > 0 && r.Intervals[len(r.Intervals)-1].histogram.TotalCount() == 0 {
		r.Intervals = r.Intervals[:len(r.Intervals)-1] // the last one is there for what ends late
	}
	for i := range r.Intervals {
		one := &r.Intervals[i]
		var err error
		if one.Latency = percentilesOf(one.histogram); one.Latency == nil {
			continue
		}
		if one.Histogram, err = encode(one.histogram); err != nil {
			return err
		}
	}
	var err error
	r.Histogram, err = encode(r.histogram)
	return err
}
