package simnet

import "testing"

// Ways carry no large datagrams, for good or for a while: nobody is sent what does not come, nothing is
// lost without a word, and where all carry them they are used.
func TestSizes(t *testing.T) {
	from, to := seeds(t)
	to = min(to, from+uint64(few(60, 8)))
	if *chaosFlag != 0 && *seedFlag == 0 {
		from, to = *fromFlag, *fromFlag+uint64(*chaosFlag)
	}
	Verbose = *verboseFlag
	var all Counts
	for seed := from; seed < to; seed++ {
		r := runSizes(seed).result()
		if r.Err != nil {
			t.Errorf("seed %d: %v\nrerun: go test ./mcast/simnet -run 'TestSizes$' -seed %d", seed, r.Err, seed)
		}
		all.Add(&r.Counts)
	}
	t.Logf("datagrams became large %d times, small %d times; %d were lost that were too long; %d paths changed", all.Enlarged, all.Shrunk, all.LostLong, all.Paths)
	if *seedFlag == 0 && (all.Enlarged == 0 || all.Shrunk == 0 || all.LostLong == 0) {
		t.Error("sizes never changed")
	}
}
