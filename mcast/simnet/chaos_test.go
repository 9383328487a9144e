package simnet

import "testing"

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
