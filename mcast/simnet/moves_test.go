package simnet

import "testing"

// Topics go to one member and to all while nodes come and go, and while all that may go wrong does: who stays
// gets everything in order, and what is lost is told exactly. Everything that is special about lanes to one
// member happens.
func TestMoves(t *testing.T) {
	from, to := seeds(t)
	to = min(to, from+uint64(few(40, 8)))
	var all Counts
	for seed := from; seed < to; seed++ {
		r := runMoves(seed).result()
		if r.Err != nil {
			t.Errorf("seed %d: %v\nrerun: go test ./mcast/simnet -run 'TestMoves$' -seed %d", seed, r.Err, seed)
		}
		all.Add(&r.Counts)
	}
	if *seedFlag != 0 {
		return
	}
	if all.Directed == 0 || all.DirectedRepairs == 0 || all.DirectedResumes == 0 || all.MovesDirected == 0 || all.MovesShared == 0 {
		t.Errorf("%d datagrams to one member, %d repairs, %d resumes; topics went %d times to one member, %d times to all", all.Directed,
			all.DirectedRepairs, all.DirectedResumes, all.MovesDirected, all.MovesShared)
	}
	t.Logf("%d datagrams to one member, %d repairs, %d resumes; topics went %d times to one member, %d times to all", all.Directed,
		all.DirectedRepairs, all.DirectedResumes, all.MovesDirected, all.MovesShared)
}
