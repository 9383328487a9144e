package main

import (
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// A run is all scenes with one seed: what was hit, and what was measured.
type run struct {
	program     string
	out         io.Writer
	seed        uint64
	fault       string // a mistake that the children are to make
	points      []point
	lapPatience time.Duration

	mu     sync.Mutex
	hits   [2][]int // by action and point
	random [2]int   // at random instants
	passed []uint64 // by point: how often children came by, in all scenes so far
	stalls map[string]*distribution
	counts map[string]uint64
	worsts map[string]worstStall
	idles  map[int][]float64 // by number of rings: shares of a core
}

// idle books what a process costs that sleeps on so many rings.
func (r *run) idle(rings int, share float64) {
	r.idles[rings] = append(r.idles[rings], share)
}

// A worstStall is the longest stall of its kind, and where its victim stood.
type worstStall struct {
	at string
	d  time.Duration
}

// worst keeps the longest.
func (r *run) worst(name, at string, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d > r.worsts[name].d {
		r.worsts[name] = worstStall{at, d}
	}
}

// place names a point for the report.
func (r *run) place(point int) string {
	if point < 0 {
		return "a random instant"
	}
	return r.points[point].name
}

func newRun(seed uint64, out io.Writer) (*run, error) {
	root, err := repositoryRoot()
	if err != nil {
		return nil, err
	}
	points, err := findPoints(root)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r := &run{program: program, out: out, seed: seed, points: points, lapPatience: 300 * time.Millisecond,
		passed: make([]uint64, len(points)), stalls: make(map[string]*distribution), counts: make(map[string]uint64),
		worsts: make(map[string]worstStall), idles: make(map[int][]float64)}
	for x := range r.hits {
		r.hits[x] = make([]int, len(points))
	}
	return r, nil
}

func hashOf(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return h.Sum64()
}

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// neediest returns the points to ask for: mostly all that were hit least, now and
// then some at random, so that those that cannot be reached in this scene do not
// keep the others waiting.
func (r *run) neediest(x action, b *board, rng *rand.Rand) []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	least := slices.Min(r.hits[x])
	var list []int
	for i, n := range r.hits[x] {
		if n == least {
			list = append(list, i)
		}
	}
	if rng.IntN(2) == 0 {
		return list
	}
	list = list[:0]
	for range 8 {
		if i := rng.IntN(len(r.points)); b.passes(i).Load() > 0 {
			list = append(list, i)
		}
	}
	return list
}

// hit counts a kill or stop at a point; -1: at a random instant.
func (r *run) hit(x action, point int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if point < 0 {
		r.random[x]++
		return
	}
	r.hits[x][point]++
}

// count adds to a figure of the report.
func (r *run) count(what string, n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[what] += n
}

// missing lists the points that nobody was killed at, or stopped.
func (r *run) missing() (list []string) {
	for x, hits := range r.hits {
		for i, n := range hits {
			if n == 0 {
				list = append(list, fmt.Sprintf("%s (%s, passed %d times): nobody was %s there", r.points[i].name, r.points[i].place, r.passed[i], action(x)))
			}
		}
	}
	return list
}

// gather takes over what an arena measured.
func (r *run) gather(a *arena) {
	for name, d := range a.stalls {
		if r.stalls[name] == nil {
			r.stalls[name] = newDistribution()
		}
		r.stalls[name].merge(d)
	}
	for i := range r.points {
		r.passed[i] += a.board.passes(i).Load()
	}
	r.count("deaths told by the watch", uint64(a.deaths))
}

// report prints points, distributions and counts.
func (r *run) report() {
	r.say("\nnamed point                 passed   killed  stopped")
	for i, p := range r.points {
		r.say("%-24s %9d %8d %8d", p.name, r.passed[i], r.hits[kill][i], r.hits[stop][i])
	}
	r.say("%-24s %9s %8d %8d", "at random instants", "", r.random[kill], r.random[stop])
	r.say("")
	for _, name := range slices.Sorted(maps.Keys(r.stalls)) {
		r.say("%-45s %s", name, r.stalls[name])
		if w, ok := r.worsts[name]; ok {
			r.say("%-45s longest at %s", "", w.at)
		}
	}
	for _, rings := range slices.Sorted(maps.Keys(r.idles)) {
		shares := slices.Sorted(slices.Values(r.idles[rings]))
		r.say("%-45s least %.3f, median %.3f, most %.3f %% of a core (%d looks)", fmt.Sprintf("asleep on %d rings", rings),
			100*shares[0], 100*shares[len(shares)/2], 100*shares[len(shares)-1], len(shares))
	}
	for _, name := range slices.Sorted(maps.Keys(r.counts)) {
		r.say("%-45s %d", name, r.counts[name])
	}
}

// A bound is a promise about a distribution. What is asserted is ten times as much:
// a busy machine must not fail a test.
var bounds = map[string]time.Duration{
	"others, when a producer is killed":  50 * time.Millisecond,
	"others, when a producer is stopped": 100 * time.Millisecond,
	"others, when a reader is killed":    100 * time.Millisecond,
	"others, when a reader is stopped":   600 * time.Millisecond,
	"others, when a member is killed":    100 * time.Millisecond,
	"others, when a member is stopped":   100 * time.Millisecond,
	"others, when a cleaner is killed":   100 * time.Millisecond,
	"others, when a cleaner is stopped":  100 * time.Millisecond,
	"opening a domain and a topic":       200 * time.Millisecond,
	"claims of the dead, until taken":    200 * time.Millisecond,
	"a sleeper, from publish to receipt": 100 * time.Millisecond,
}

const generous = 10

// beyond lists the distributions of an arena that break ten times their bound.
func (a *arena) beyond() (list []string) {
	for name, d := range a.stalls {
		if b, ok := bounds[name]; ok && d.at(99) > generous*b {
			list = append(list, fmt.Sprintf("%s: %v; promised %v", name, d, b))
		}
	}
	return list
}

// verdict puts an arena's faults together.
func verdict(faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%d faults:\n  %s", len(faults), strings.Join(faults, "\n  "))
}
