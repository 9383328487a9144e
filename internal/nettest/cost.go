package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/ringcast/ringcast/internal/netlab"
)

// A cost is what the processors did for a while, by what the processes are for.
type cost struct {
	began   time.Time
	machine [2]float64 // seconds of processor: all, idle
	used    map[*netlab.Process]time.Duration
}

// begin reads the clocks.
func (c *cost) begin(all map[string][]*netlab.Process) {
	c.began, c.machine, c.used = time.Now(), processors(), map[*netlab.Process]time.Duration{}
	for _, list := range all {
		for _, p := range list {
			c.used[p] = p.Processor()
		}
	}
}

// print says what was used since begin, in percent of one core; what a process that began later used
// counts from its beginning, and one that has ended does not count.
func (c *cost) print(all map[string][]*netlab.Process) {
	span := time.Since(c.began).Seconds()
	now := processors()
	busy := (now[0] - now[1]) - (c.machine[0] - c.machine[1])
	fmt.Printf("   processors: %.0f %% of %d cores busy, in the %.0f s in which all was there; %% of a core:\n",
		100*busy/max(now[0]-c.machine[0], 0.01), runtime.NumCPU(), span)
	var kinds []string
	for kind := range all {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	for _, kind := range kinds {
		var text []string
		sum := 0.0
		for _, p := range all[kind] {
			used := 100 * (p.Processor() - c.used[p]).Seconds() / span
			if used < 0 {
				continue
			}
			sum += used
			text = append(text, fmt.Sprintf("%d: %.1f", p.Node.Index, used))
		}
		fmt.Printf("   %-22s %6.1f   by node %s\n", kind, sum, strings.Join(text, ", "))
	}
}

// processors is the time that all processors had, and how much of it they had nothing to do, in seconds.
func processors() (t [2]float64) {
	text, _ := os.ReadFile("/proc/stat")
	var v [8]float64
	line, _, _ := strings.Cut(string(text), "\n")
	fmt.Sscan(strings.TrimPrefix(line, "cpu"), &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7])
	for _, n := range v {
		t[0] += n / 100
	}
	t[1] = (v[3] + v[4]) / 100
	return t
}
