package moves

import (
	"flag"
	"slices"
	"strings"
	"testing"
)

var (
	seedFlag  = flag.Uint64("seed", 1, "seed of the first walk")
	walksFlag = flag.Int("walks", 20_000, "walks of each variant that has to stay whole")
)

// mutantWalks is by when a broken variant has to be caught.
const mutantWalks = 50_000

// The text breaks no invariant, whoever takes directed lanes.
func TestText(t *testing.T) {
	for _, rules := range Whole() {
		walks := *walksFlag
		if testing.Short() {
			walks = min(walks, 4000)
		}
		r := Search(rules, *seedFlag, walks)
		if r.Broken.Invariant != "" {
			t.Errorf("%s, seed %d: %v\nagain: go test ./spec/models/moves -run TestText -seed %d -walks 1\n%s", rules.Name, r.Seed, r.Broken, r.Seed, r.Trace)
		}
		t.Logf("%s: %d walks, %d steps, %d to a bound, %d with what is not knowable", rules.Name, r.Walks, r.Steps, r.Ended, r.Limits)
	}
}

// The text with one rule broken breaks an invariant that is named for it, so each rule is needed.
func TestMutants(t *testing.T) {
	for _, rules := range Mutants() {
		r := Search(rules, 1, mutantWalks)
		if !slices.Contains(strings.Fields(rules.Breaks), r.Broken.Invariant) {
			t.Errorf("%s: %v, want one of %s\n%s", rules.Name, r.Broken, rules.Breaks, r.Trace)
			continue
		}
		t.Logf("%s: %v, after %d walks", rules.Name, r.Broken, r.Walks)
		if testing.Verbose() {
			t.Logf("\n%s", r.Trace)
		}
	}
}

// The same seed gives the same walk, and a shortened one breaks what the whole one did.
func TestReplay(t *testing.T) {
	rules := Mutants()[0]
	a, b := Search(rules, 1, mutantWalks), Search(rules, 1, mutantWalks)
	if a != b || a.Broken.Invariant == "" {
		t.Errorf("%v and %v", a, b)
	}
}
