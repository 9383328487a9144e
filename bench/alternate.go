package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A Sample is one run of one contender, with the cache line's round trip before
// and after.
type Sample struct {
	Figure
	Before, After time.Duration
}

// regime is the machine's during the sample.
func (s Sample) regime() Regime { return RegimeOf(s.Before, s.After) }

// A Round is one run of each contender, one after the other, in their order.
type Round []Sample

// Rounds are how often Alternate measures.
type Rounds struct {
	// Want is how many pairs in one regime each contender should have with the first.
	Want int
	// Most is how many rounds are tried for that.
	Most int
	// Again is how often a run is done again at once because the regime changed in it,
	// or is not that of the first contender in the round. What was measured plays no part.
	Again int
	// Until bounds it in time; at least one round is run. Zero is for ever.
	Until time.Time
	// Probe measures the cache line. Nil means CacheLine.
	Probe func() time.Duration
}

// Alternate runs the contenders in turn, A B C A B C, until each has as many pairs
// with the first as are wanted. A contender whose run fails ends it all.
func Alternate(ctx context.Context, contenders []Contender, o Rounds) ([]Round, error) {
	if o.Probe == nil {
		o.Probe = CacheLine
	}
	var rounds []Round
	for line := o.Probe(); len(rounds) < o.Most; {
		round := make(Round, 0, len(contenders))
		for _, c := range contenders {
			sample, err := o.one(ctx, c, round, line)
			if err != nil {
				return rounds, fmt.Errorf("%s: %w", c.Name, err)
			}
			round, line = append(round, sample), sample.After
		}
		rounds = append(rounds, round)
		if enough(rounds, o.Want) || !o.Until.IsZero() && time.Now().After(o.Until) {
			break
		}
	}
	return rounds, nil
}

// Share is how long the next of so many cells may take of what is left: twice its
// part, since most take less, but never all.
func Share(left time.Duration, cells int) time.Duration {
	return min(2*left/time.Duration(cells), left)
}

// one runs a contender, again where its regime does not fit the round.
func (o *Rounds) one(ctx context.Context, c Contender, round Round, before time.Duration) (Sample, error) {
	for again := 0; ; again++ {
		f, err := c.Measure(ctx)
		if err != nil {
			return Sample{}, err
		}
		s := Sample{Figure: f, Before: before, After: o.Probe()}
		fits := s.regime() != Changed && (len(round) == 0 || s.regime() == round[0].regime())
		late := !o.Until.IsZero() && time.Now().After(o.Until)
		if fits || late || again >= o.Again {
			return s, nil
		}
		before = s.After
	}
}

// enough reports whether each contender has the pairs that are wanted.
func enough(rounds []Round, want int) bool {
	for i := 1; i < len(rounds[0]); i++ {
		if _, pairs := bestRegime(rounds, i); pairs < want {
			return false
		}
	}
	return len(rounds) >= want
}

// pairs counts, by regime, the rounds in which the first contender and contender i
// ran in that regime, both from beginning to end.
func pairs(rounds []Round, i int) map[Regime]int {
	count := make(map[Regime]int)
	for _, r := range rounds {
		if a, b := r[0].regime(), r[i].regime(); a == b && a != Changed {
			count[a]++
		}
	}
	return count
}

// bestRegime is the one with most pairs; near where two have the same.
func bestRegime(rounds []Round, i int) (best Regime, n int) {
	count := pairs(rounds, i)
	for _, r := range []Regime{Near, Far, Unknown} {
		if count[r] > n {
			best, n = r, count[r]
		}
	}
	return best, n
}

// A Comparison is the first contender beside another, within one regime.
type Comparison struct {
	Ours, Theirs float64 // medians over the pairs
	Ratio        float64 // of the medians
	Spread       float64 // of the pairs' ratios: (third quartile - first) / median
	Regime       Regime
	Line         time.Duration // median of the cache line's round trips around the pairs
	Pairs        int
	Discarded    int // rounds in which the regime changed, or was the other one
}

// Compare takes a value of each figure, in the regime that has most pairs. Without
// a pair in one regime Pairs is 0 and so is everything else.
func Compare(rounds []Round, i int, ours, theirs func(Figure) float64) Comparison {
	if len(rounds) == 0 {
		return Comparison{}
	}
	regime, n := bestRegime(rounds, i)
	c := Comparison{Regime: regime, Pairs: n, Discarded: len(rounds) - n}
	var a, b, ratios, lines []float64
	for _, r := range rounds {
		if r[0].regime() != regime || r[i].regime() != regime {
			continue
		}
		x, y := ours(r[0].Figure), theirs(r[i].Figure)
		a, b, ratios = append(a, x), append(b, y), append(ratios, divide(x, y))
		for _, s := range []Sample{r[0], r[i]} {
			lines = append(lines, float64(s.Before), float64(s.After))
		}
	}
	c.Ours, c.Theirs, c.Line = Median(a), Median(b), time.Duration(Median(lines))
	c.Ratio = divide(c.Ours, c.Theirs)
	c.Spread = divide(quantile(ratios, 0.75)-quantile(ratios, 0.25), Median(ratios))
	return c
}

// MedianIn is contender i's median over its runs in one regime, 0 without any.
func MedianIn(rounds []Round, i int, regime Regime, of func(Figure) float64) float64 {
	var values []float64
	for _, r := range rounds {
		if r[i].regime() == regime {
			values = append(values, of(r[i].Figure))
		}
	}
	return Median(values)
}

func divide(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Median is the middle of the values, the mean of two middle ones; 0 of none.
func Median(values []float64) float64 { return quantile(values, 0.5) }

// quantile interpolates between the values beside the place.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	at := q * float64(len(v)-1)
	low := int(at)
	high := min(low+1, len(v)-1)
	return v[low] + (at-float64(low))*(v[high]-v[low])
}

// RateOf is a figure's rate.
func RateOf(f Figure) float64 { return f.Rate }

// P50Of is a figure's median latency in ns, 0 where it has none.
func P50Of(f Figure) float64 {
	if f.Latency == nil {
		return 0
	}
	return float64(f.Latency.P50)
}

// P99Of is the latency in ns that 99 % do not exceed, 0 where there is none.
func P99Of(f Figure) float64 {
	if f.Latency == nil {
		return 0
	}
	return float64(f.Latency.P99)
}

// P999Of is the latency in ns that 99.9 % do not exceed, 0 where there is none.
func P999Of(f Figure) float64 {
	if f.Latency == nil {
		return 0
	}
	return float64(f.Latency.P999)
}
