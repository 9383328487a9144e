package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ringcast/ringcast/mcast"
)

// A spread is a distribution of times.
type spread []mcast.Duration

// String is p50, p90, p99, p99.9 and the greatest, in milliseconds, and a picture.
func (s spread) String() string {
	if len(s) == 0 {
		return fmt.Sprintf("%7d", 0)
	}
	slices.Sort(s)
	at := func(q float64) float64 { return float64(s[int(q*float64(len(s)-1))]) / float64(ms) }
	return fmt.Sprintf("%7d %9.2f %9.2f %9.2f %9.2f %9.2f  %s", len(s), at(.5), at(.9), at(.99), at(.999), at(1), s.picture())
}

// The picture has a column for each tenth of a decade.
const (
	columnsEach = 10
	decades     = 5 // from 0.1 ms
)

// picture shows how many times lie in each column, the fullest one highest.
func (s spread) picture() string {
	var counts [columnsEach * decades]int
	for _, d := range s {
		x := int(columnsEach * (math.Log10(max(float64(d), 1)/float64(ms)) + 1))
		counts[min(max(x, 0), len(counts)-1)]++
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	most := slices.Max(counts[:])
	var b strings.Builder
	b.WriteByte('|')
	for _, n := range counts {
		if n == 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(bars[n*(len(bars)-1)/most])
	}
	b.WriteByte('|')
	return b.String()
}

// scale stands below pictures.
func scale() string {
	var b strings.Builder
	for _, text := range []string{"0.1", "1", "10", "100", "1 s"} {
		fmt.Fprintf(&b, "|%-*s", columnsEach-1, text)
	}
	return b.String() + "|10 s"
}
