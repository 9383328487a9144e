package simnet

import (
	"math/rand/v2"
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// chaosOptions make a world of a seed.
func chaosOptions(seed uint64, soft bool) Options {
	r := rand.New(rand.NewPCG(seed, 31))
	o := options(seed)
	o.Nodes = 2 + r.IntN(4)
	o.SamePort = true
	o.Replay = []float64{0, 0.003, 0.02}[r.IntN(3)]
	o.ReplayBy = mcast.Duration(1+r.IntN(3)) * mcast.Second
	o.ReorderBy = []mcast.Duration{300 * mcast.Microsecond, 5 * mcast.Millisecond, 300 * mcast.Millisecond}[r.IntN(3)]
	if r.IntN(4) == 0 {
		o.Large, o.LargeMax = 0.01, 300_000
	}
	if soft {
		o.Loss = min(o.Loss, 0.1)
	}
	o.Config.Rate = max(o.Config.Rate, 5000)
	return o
}

func runChaos(seed uint64, soft bool) *World {
	w := NewWorld(chaosOptions(seed, soft), soft)
	d := 1500 * mcast.Millisecond
	if !soft {
		d = 6 * mcast.Second
	}
	w.Live(d)
	return w
}

func testChaos(t *testing.T, name string, soft bool, count int) {
	from, to := seeds(t)
	to = min(to, from+uint64(count))
	if *chaosFlag != 0 && *seedFlag == 0 {
		from, to = *fromFlag, *fromFlag+uint64(*chaosFlag)
	}
	Verbose = *verboseFlag
	failures := 0
	for seed := from; seed < to; seed++ {
		w := runChaos(seed, soft)
		if err := w.Err(); err != nil {
			t.Errorf("seed %d: %v\nrerun: go test ./mcast/simnet -run '%s$' -seed %d", seed, err, name, seed)
			if failures++; failures > 20 {
				return
			}
		}
	}
}

// Random use of the API under loss, reordering, replay and pauses: nothing is lost.
func TestChaosSoft(t *testing.T) { testChaos(t, "TestChaosSoft", true, few(10, 1)) }

// The same with restarts, partitions, long pauses, clocks set back, duplicate
// nodes: what is lost is told exactly, and all comes to rest.
func TestChaosHard(t *testing.T) { testChaos(t, "TestChaosHard", false, few(10, 1)) }
