package main

import (
	"fmt"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// A distribution holds durations from 1 us to 10 min, within 1 %.
type distribution struct{ h *hdr.Histogram }

func newDistribution() *distribution {
	return &distribution{hdr.New(1, int64(10*time.Minute/time.Microsecond), 3)}
}

func (d *distribution) add(v time.Duration) {
	_ = d.h.RecordValue(max(1, min(v.Microseconds(), d.h.HighestTrackableValue())))
}

func (d *distribution) merge(o *distribution) { d.h.Merge(o.h) }

func (d *distribution) count() int64 { return d.h.TotalCount() }

// at is the value that a share of percent are at or below.
func (d *distribution) at(percent float64) time.Duration {
	return time.Duration(d.h.ValueAtQuantile(percent)) * time.Microsecond
}

func (d *distribution) max() time.Duration { return time.Duration(d.h.Max()) * time.Microsecond }

func (d *distribution) String() string {
	ms := func(v time.Duration) string { return fmt.Sprintf("%.1f", float64(v)/float64(time.Millisecond)) }
	return fmt.Sprintf("p50 %s, p99 %s, max %s ms (%d)", ms(d.at(50)), ms(d.at(99)), ms(d.max()), d.count())
}
