package simnet

import "testing"

// Sent = delivered + told as lost, for every producer, over restarts of nodes.
func TestRestart(t *testing.T) {
	from, to := seeds(t)
	to = min(to, from+uint64(few(40, 4)))
	var missed, taken uint64
	for seed := from; seed < to; seed++ {
		n := runRestart(restartOptions(seed))
		if err := n.Err(); err != nil {
			t.Fatalf("seed %d: %v\nrerun: go test ./mcast/simnet -run 'TestRestart$' -seed %d", seed, err, seed)
		}
		for _, x := range n.Nodes {
			missed += x.Missed
			taken += x.Taken
		}
	}
	t.Logf("%d seeds: %d messages delivered, %d told as lost", to-from, taken, missed)
	if missed == 0 {
		t.Error("no message was lost: the restarts did nothing")
	}
}
