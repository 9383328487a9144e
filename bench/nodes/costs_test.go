package nodes

import "testing"

// stopPair is a pair with these p99, in ms, and this many messages missing and told.
func stopPair(calm, stopped, missing, told uint64) pausePair {
	ms := uint64(1e6)
	return pausePair{calm: outcome{received: []received{{P99: calm * ms}, {}}},
		stopped: outcome{received: []received{{P99: stopped * ms}, {Missing: missing, Told: told, Ended: true}}}}
}

// TestPauseGoals: one bad instant of the machine decides nothing about a p99; one message
// that nobody told of in any of the runs does.
func TestPauseGoals(t *testing.T) {
	pairs := []pausePair{stopPair(2, 2, 10, 10), stopPair(1, 9, 10, 10), stopPair(2, 2, 10, 12)}
	middle := &pairs[1].stopped // what is held to the worst of all runs
	middle.sent.Longest, middle.resumed, middle.received[1].AfterGap = 600e6, 1e9, 3e9
	rows := pauseGoals("x", pairs)
	if stall, back := rows[1], rows[2]; stall.Ours != 600 || stall.Met || back.Ours != 2000 || back.Met {
		t.Errorf("stall %+v, back %+v: want 600 and 2000 ms, and both goals missed", stall, back)
	}
	if p99 := rows[0]; p99.Ours != 1 || !p99.Met || p99.Runs != 3 {
		t.Errorf("p99 %+v: want a median ratio of 1 over 3 runs", p99)
	}
	if untold := rows[3]; untold.Ours != 0 || !untold.Met {
		t.Errorf("untold %+v: want none", untold)
	}
	rows = pauseGoals("x", append(pairs, stopPair(2, 2, 10, 9)))
	if untold := rows[3]; untold.Ours != 1 || untold.Met {
		t.Errorf("untold %+v: want one, and the goal missed", untold)
	}
	pairs[1].stopped.received[1].Ended = false
	if rows = pauseGoals("x", pairs); rows[3].Met {
		t.Error("a receiver that did not see the end meets the goal")
	}
}
