package simnet

import "testing"

// What was published before comes first, once, with nothing left out, in soft and in hard worlds.
func TestLate(t *testing.T) {
	from, to := seeds(t)
	to = min(to, from+uint64(few(40, 4)))
	var total Counts
	var taken uint64
	for seed := from; seed < to; seed++ {
		w := runLate(seed)
		if err := w.Err(); err != nil {
			t.Fatalf("seed %d: %v\nrerun: go test ./mcast/simnet -run 'TestLate$' -seed %d", seed, err, seed)
		}
		taken += w.result().Delivered
		total.Add(&w.Counts)
	}
	t.Logf("%d seeds: %d topics wanted late, of %d the history later, %d messages delivered, %d overwritten before they were read", to-from, total.Late, total.Asked, taken, total.Lapped)
	if total.Late == 0 || total.Asked == 0 && to-from > 1 {
		t.Error("nobody asked for anything")
	}
}
