package bench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Tail is what the parts of a stream at a pace come to, each reader's for itself. One stall of milliseconds, of the machine's or
// of anybody's, decides the p99 of a run of tenths of a second; here it decides that of one part or two, and is counted besides. It is
// plain data.
type Tail struct {
	Parts   int     `json:"parts"`      // in which a message came
	Typical int64   `json:"typical_ns"` // the median of their p99
	Stalled float64 `json:"stalled"`    // of how many of them, from 0 to 1, p99 is above StallAbove, between nodes above StallBetween
}

// PartLength is how long a part is: 2,000 messages of 100,000 a second. Only the first MostParts of a run count.
const (
	PartLength = 20 * time.Millisecond
	MostParts  = 120
	StallAbove = time.Millisecond
)

// Between nodes a part has 1,000 messages of 10,000 a second, and a repair of a millisecond or two is no stall.
const (
	PartBetween  = 100 * time.Millisecond
	StallBetween = 5 * time.Millisecond
)

// TailOf makes one of the parts' p99 in nanoseconds, nil where there are none.
func TailOf(p99 []float64, stall time.Duration) *Tail {
	if len(p99) == 0 {
		return nil
	}
	stalled := 0
	for _, v := range p99 {
		if v > float64(stall) {
			stalled++
		}
	}
	return &Tail{Parts: len(p99), Typical: int64(Median(p99)), Stalled: float64(stalled) / float64(len(p99))}
}

// TailsOf appends the p99 of each histogram that is not empty.
func TailsOf(p99 []float64, parts []*hdrhistogram.Histogram) []float64 {
	for _, h := range parts {
		if h.TotalCount() > 0 {
			p99 = append(p99, float64(h.ValueAtQuantile(99)))
		}
	}
	return p99
}

// WholeParts is how many parts a measurement of this length has.
func WholeParts(d time.Duration) int { return min(int(d/PartLength), MostParts) }

// TypicalOf is the median of the parts' p99 in ns, 0 where they were not told apart.
func TypicalOf(f Figure) float64 {
	if f.Tail == nil {
		return 0
	}
	return float64(f.Tail.Typical)
}

// StalledOf is the part of the parts that were stalled.
func StalledOf(f Figure) float64 {
	if f.Tail == nil {
		return 0
	}
	return f.Tail.Stalled
}
