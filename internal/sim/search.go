package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/ringcast/ringcast/mcast/simnet"
)

// found is a search under way.
type found struct {
	mu      sync.Mutex
	began   time.Time
	next    uint64
	counts  simnet.Counts
	seeds   []int // by kind
	nodes   []int // most nodes of a run, by kind
	settled []int64
	virtual float64 // seconds
	taken   uint64
	lost    uint64
	broken  int
}

// brokenMax ends a search: the first seeds say enough.
const brokenMax = 20

// search runs seeds of all kinds, each with its share, for as long as it may.
func search(kinds []simnet.Scenario, s *settings) bool {
	f := &found{began: time.Now(), next: s.from, seeds: make([]int, len(kinds)), nodes: make([]int, len(kinds)), settled: make([]int64, len(kinds))}
	turns := turnsOf(kinds)
	end := f.began.Add(time.Duration(s.seconds) * time.Second)
	fmt.Printf("searching for %d s, seeds from %d on\n", s.seconds, s.from)
	var all sync.WaitGroup
	for range s.workers {
		all.Go(func() {
			for seed, ok := f.take(end); ok; seed, ok = f.take(end) {
				i := turns[seed%uint64(len(turns))]
				f.note(&kinds[i], i, seed, kinds[i].Run(seed))
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for ticker := time.NewTicker(10 * time.Second); ; {
		select {
		case <-ticker.C:
			f.progress(kinds)
			continue
		case <-done:
		}
		break
	}
	f.progress(kinds)
	f.print(kinds)
	return f.broken == 0
}

// turnsOf lists indices of kinds, each as often as its share says, well mixed.
func turnsOf(kinds []simnet.Scenario) []int {
	var turns []int
	for round := range 100 {
		for i, k := range kinds {
			if (round+1)*k.Share/100 > round*k.Share/100 {
				turns = append(turns, i)
			}
		}
	}
	return turns
}

func (f *found) take(end time.Time) (seed uint64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	seed = f.next
	f.next++
	return seed, time.Now().Before(end) && f.broken < brokenMax
}

func (f *found) note(k *simnet.Scenario, i int, seed uint64, r *simnet.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seeds[i]++
	f.nodes[i] = max(f.nodes[i], r.Nodes)
	f.settled[i] = max(f.settled[i], int64(r.Settled))
	f.counts.Add(&r.Counts)
	f.virtual += float64(r.Virtual) / 1e9
	f.taken += r.Delivered
	f.lost += r.Lost
	if r.Err != nil {
		f.broken++
		fmt.Printf("BROKEN: %v\n  again: make sim SCENARIO=%s SEED=%d\n", r.Err, k.Name, seed)
	}
}

func (f *found) progress(kinds []simnet.Scenario) {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum, list := 0, ""
	for i, k := range kinds {
		sum += f.seeds[i]
		list += fmt.Sprintf(", %s %d", k.Name, f.seeds[i])
	}
	fmt.Printf("%4.0f s: %d seeds%s; %d broken\n", time.Since(f.began).Seconds(), sum, list, f.broken)
}

func (f *found) print(kinds []simnet.Scenario) {
	fmt.Printf("\n%-8s %7s %6s %9s\n", "kind", "seeds", "nodes", "at rest")
	for i, k := range kinds {
		rest := ""
		if f.settled[i] > 0 {
			rest = fmt.Sprintf("%.1f s", float64(f.settled[i])/1e9)
		}
		fmt.Printf("%-8s %7d %6d %9s  %s\n", k.Name, f.seeds[i], f.nodes[i], rest, k.About)
	}
	fmt.Printf("nodes: most of a run; at rest: longest time from the end of all faults until all was\n")
	fmt.Printf("%.0f s of virtual time, %d messages delivered, %d told as lost\n\n", f.virtual, f.taken, f.lost)
	printFaults(&f.counts)
}
