// Package cycles reports benchmarks in cycles of the core's clock: what changes with the
// clock, and what neighbours take, hardly shows in them.
package cycles

import (
	"slices"
	"testing"
	"time"
)

// Report runs one in chunks and reports the clock cycles of a good one: a chain of
// multiplications, three cycles each, tells how fast the clock is. Both are the least of
// eight, the ratio is the median: neighbours disturb that little.
func Report(b *testing.B, one func() error) {
	const chunk, chain, group = 300, 2000, 8
	var ratios []float64
	x := uint64(1)
	for n := 0; n < b.N; n += chunk * group {
		work, clock := time.Hour, time.Hour
		for range group {
			start := time.Now()
			for range chain {
				x *= 0x9e3779b97f4a7c15
			}
			between := time.Now()
			for range chunk {
				if err := one(); err != nil {
					b.Fatal(err)
				}
			}
			clock, work = min(clock, between.Sub(start)), min(work, time.Since(between))
		}
		ratios = append(ratios, 3*chain*float64(work)/float64(clock)/chunk)
	}
	if x == 0 {
		b.Fatal("a product of odd numbers is even")
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "cycles/op")
}
