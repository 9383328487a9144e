package renewal

import (
	"slices"
	"strings"
	"testing"
)

// The text breaks no invariant, in any state that can be reached.
func TestText(t *testing.T) {
	r := Search(Text())
	if r.Broken.Invariant != "" {
		t.Errorf("after %d states: %v", r.States, r.Broken)
	}
	t.Logf("%d states, %d ends", r.States, r.Ends)
	if r.Ends == 0 {
		t.Error("nothing was shown")
	}
}

// The text with one rule broken breaks an invariant that is named for it, so each rule is needed.
func TestMutants(t *testing.T) {
	for _, rules := range Mutants() {
		r := Search(rules)
		if !slices.Contains(strings.Fields(rules.Breaks), r.Broken.Invariant) {
			t.Errorf("%s: %v, want one of %s; %d states", rules.Name, r.Broken, rules.Breaks, r.States)
			continue
		}
		t.Logf("%s: %v; %d states", rules.Name, r.Broken, r.States)
	}
}
