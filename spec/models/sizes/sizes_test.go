package sizes

import (
	"slices"
	"strings"
	"testing"
)

// searches are those that are whole in seconds.
var searches = []Bounds{
	{Nodes: 1, Datagrams: 2, Stops: 1, Silences: 1, Forgeries: 1, Changes: 1},
	{Nodes: 2, Datagrams: 1, Silences: 2},
}

// The text breaks no invariant, in any state that can be reached.
func TestText(t *testing.T) {
	for _, bounds := range searches {
		r := Search(Text(), bounds)
		if r.Broken.Invariant != "" {
			t.Errorf("%+v: after %d states: %v", bounds, r.States, r.Broken)
		}
		t.Logf("%+v: %d states, %d of them large", bounds, r.States, r.Large)
		if r.Large == 0 {
			t.Error("nothing was shown")
		}
	}
}

// The text with one rule broken breaks an invariant that is named for it, so each rule is needed.
func TestMutants(t *testing.T) {
	for _, rules := range Mutants() {
		var r Result
		for _, bounds := range searches {
			if r = Search(rules, bounds); r.Broken.Invariant != "" {
				break
			}
		}
		if !slices.Contains(strings.Fields(rules.Breaks), r.Broken.Invariant) {
			t.Errorf("%s: %v, want one of %s; %d states", rules.Name, r.Broken, rules.Breaks, r.States)
			continue
		}
		t.Logf("%s: %v; %d states", rules.Name, r.Broken, r.States)
	}
}
