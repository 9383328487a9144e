package splice

import (
	"flag"
	"slices"
	"strings"
	"testing"
)

var (
	seedFlag  = flag.Uint64("seed", 1, "seed of the first walk")
	walksFlag = flag.Int("walks", 20_000, "walks of the text")
)

// mutantWalks is by when a broken variant has to be caught.
const mutantWalks = 100_000

// The text breaks no invariant.
func TestText(t *testing.T) {
	walks := *walksFlag
	if testing.Short() {
		walks = min(walks, 4000)
	}
	r := Search(Text(), *seedFlag, walks)
	if r.Broken.Invariant != "" {
		t.Errorf("seed %d: %v\nagain: go test ./spec/models/splice -run TestText -seed %d -walks 1\n%s", r.Seed, r.Broken, r.Seed, r.Trace)
	}
	t.Logf("%d walks, %d steps, %d to a bound", r.Walks, r.Steps, r.Ended)
}

// What the ring overwrites of a producer that then falls silent is told by its Place alone. The search seldom comes there.
func TestPlace(t *testing.T) {
	w := walk{[]action{{kind: otherWants}, {kind: looked}, {kind: published}, {kind: putWhole}, {kind: published}, {kind: putWhole},
		{kind: dataComes}, {kind: dataComes}, {kind: subscribed, far: 2}, {kind: lastListComes}, {kind: askComes}, {kind: rowRead}, {kind: putMany, two: 1}}}
	if s := w.again(Text()); s.broken.Invariant != "" {
		t.Error(s.broken)
	}
	rules := Text()
	rules.Place = false
	if s := w.again(rules); s.broken.Invariant != "tail" {
		t.Errorf("without a Place: %v, want tail", s.broken)
	}
}

// A producer that the lane has only named is silent since before the topic was wanted here: its messages are the
// stream's. The search seldom comes there.
func TestNamed(t *testing.T) {
	w := walk{[]action{{kind: otherWants}, {kind: looked}, {kind: published}, {kind: putAlone}, {kind: subscribedPlainly}, {kind: lastListComes},
		{kind: dataComes}, {kind: askedToo, far: 2}}}
	if s := w.again(Text()); s.broken.Invariant != "" || s.asker.ghost.next[0] != 2 {
		t.Errorf("%v, %d is next, want 2", s.broken, s.asker.ghost.next[0])
	}
	rules := Text()
	rules.Begun = false
	if s := w.again(rules); s.broken.Invariant != "history" {
		t.Errorf("followed because of its row: %v, want history", s.broken)
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
