package asks

import (
	"flag"
	"slices"
	"strings"
	"testing"
)

var (
	seedFlag  = flag.Uint64("seed", 1, "seed of the first walk")
	walksFlag = flag.Int("walks", 5000, "walks of the text")
)

// mutantWalks is by when a broken variant has to be caught.
const mutantWalks = 50_000

// again walks a seed once more, and tells its steps.
func again(rules *Rules, seed uint64) string {
	testingTrace = true
	defer func() { testingTrace = false }()
	return Search(rules, seed, 1).Trace
}

// The text breaks no invariant.
func TestText(t *testing.T) {
	walks := *walksFlag
	if testing.Short() {
		walks = min(walks, 1000)
	}
	r := Search(Text(), *seedFlag, walks)
	if r.Broken.Invariant != "" {
		t.Errorf("seed %d: %v\nagain: go test ./spec/models/asks -run TestText -seed %d -walks 1\n%s", r.Seed, r.Broken, r.Seed, again(Text(), r.Seed))
	}
	t.Logf("%d walks, %d steps, %d came whole, %d given up", r.Walks, r.Steps, r.Done, r.Given)
	if r.Done == 0 || r.Given == 0 {
		t.Error("nothing came, or nothing was given up")
	}
}

// The text with one rule broken breaks an invariant that is named for it, so each rule is needed.
func TestMutants(t *testing.T) {
	for _, rules := range Mutants() {
		r := Search(rules, 1, mutantWalks)
		if !slices.Contains(strings.Fields(rules.Breaks), r.Broken.Invariant) {
			t.Errorf("%s: %v, want one of %s", rules.Name, r.Broken, rules.Breaks)
			continue
		}
		t.Logf("%s: %v, after %d walks", rules.Name, r.Broken, r.Walks)
	}
}
