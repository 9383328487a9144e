package main

import (
	"github.com/ringcast/ringcast/bench"
)

// matches are a peer's runs at a cell, each beside a run of ours.
type matches struct {
	pairs  map[bench.Regime][]pair // by time
	tried  int                     // rounds in which both have a figure
	failed []int                   // the rounds in which the peer has none, by time
	why    string                  // the peer's last failure
}

// A pair is a run of ours and one of the peer's.
type pair struct {
	bench.Round
	at      int    // the peer's round
	version string // of ours
}

// roundsOf are the pairs without where they come from.
func roundsOf(pairs []pair) (list []bench.Round) {
	for i := range pairs {
		list = append(list, pairs[i].Round)
	}
	return list
}

// A one is a run of one side: of which round, and of which version of ours.
type one struct {
	round   int
	version string
	bench.Sample
}

// matchesOf pairs the runs of both. The host moves the machine's cores within seconds, so that of two
// runs in one round often only one was near. So a run of the peer is set beside that run of ours at the
// same cell which was made at the same distance of the cores and is nearest to it in time, each only once;
// where the distance changed during a run, it counts for nothing. own is which of ours.
func matchesOf(c *cell, rounds []round, own, peer string) *matches {
	m := &matches{pairs: make(map[bench.Regime][]pair)}
	var a, b []one
	for i, r := range rounds {
		if !r.has(own) {
			continue // of before it was measured
		}
		for _, other := range r.Runs {
			switch {
			case other.Who == own:
				a = append(a, one{i, r.Version, sampleOf(other)})
			case other.Who != peer:
			case other.Failed != "":
				m.failed, m.why = append(m.failed, i), other.Failed
			default:
				b = append(b, one{i, r.Version, sampleOf(other)})
			}
		}
	}
	m.tried = len(b)
	used := make(map[int]bool)
	for _, theirs := range b {
		if at := nearest(c, a, &theirs, used); at >= 0 {
			used[at] = true
			regime := regimeOf(c, &theirs)
			m.pairs[regime] = append(m.pairs[regime], pair{bench.Round{a[at].Sample, theirs.Sample}, theirs.round, theirs.version})
		}
	}
	return m
}

// nearest is the place of the run of ours that is alike and nearest in time, -1 where there is none.
func nearest(c *cell, list []one, theirs *one, used map[int]bool) int {
	best := -1
	for i := range list {
		if used[i] || !alike(c, &list[i], theirs) {
			continue
		}
		if best < 0 || distance(list[i].round, theirs.round) < distance(list[best].round, theirs.round) {
			best = i
		}
	}
	return best
}

func distance(a, b int) int { return max(a-b, b-a) }

// alike reports whether two runs can be compared: of one version, in one regime and, within it, with
// the cores about as far from each other. Between nodes, and where a footprint is compared, it is enough that
// they are of one round (decision 186).
func alike(c *cell, a, b *one) bool {
	if a.version != b.version {
		return false
	}
	if calm(c) {
		return a.round == b.round
	}
	x, y := lineOfRun(a), lineOfRun(b)
	regime := regimeOf(c, a)
	return regime != bench.Changed && regime == regimeOf(c, b) && max(x, y) <= apart*min(x, y)
}

// apart is by how much the cache line's round trips of two runs may differ.
const apart = 1.6

func lineOfRun(o *one) float64 { return float64(o.Before+o.After) / 2 }

// calm cells are those where the distance of the cores plays no great part.
func calm(c *cell) bool { return c.between() || c.watched }

func regimeOf(c *cell, o *one) bench.Regime {
	if calm(c) {
		return bench.Unknown
	}
	return bench.RegimeOf(o.Before, o.After)
}

// best is the regime with most pairs, near where two have the same or as many as are wanted, and its newest pairs.
func (m *matches) best(want int) (best bench.Regime, pairs []pair) {
	for _, regime := range []bench.Regime{bench.Near, bench.Far, bench.Unknown} {
		if list := m.pairs[regime]; min(len(list), want) > len(pairs) {
			best, pairs = regime, list[max(0, len(list)-want):]
		}
	}
	return best, pairs
}

// comparison takes medians over pairs.
func comparison(c *cell, m measure, regime bench.Regime, pairs []bench.Round) bench.Comparison {
	if calm(c) { // whatever the cores did
		plain := make([]bench.Round, len(pairs))
		for i, p := range pairs {
			plain[i] = bench.Round{{Figure: p[0].Figure}, {Figure: p[1].Figure}}
		}
		pairs = plain
	}
	r := bench.Compare(pairs, 1, m.of, m.of)
	r.Regime = regime
	return r
}

func sampleOf(r run) bench.Sample {
	return bench.Sample{Figure: r.Figure, Before: r.Before, After: r.After}
}

// middleRate is the median rate of one side over pairs.
func middleRate(pairs []bench.Round, side int) float64 { return middle(pairs, side, bench.RateOf) }

// middle is the median of one side's values over pairs.
func middle(pairs []bench.Round, side int, of func(bench.Figure) float64) float64 {
	var list []float64
	for _, p := range pairs {
		list = append(list, of(p[side].Figure))
	}
	return bench.Median(list)
}
