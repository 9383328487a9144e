//go:build mutants

package roster

import (
	"slices"
	"strings"
	"testing"
)

// mutants are broken builds, each with the invariants that have to catch it.
var mutants = []struct {
	name       string
	fault      *bool
	invariants string
}{
	{"base", &faultBase, "true wellformed"},
	{"floor", &faultFloor, "forward"},
	{"old-session", &faultOldSession, "session stale true"},
	{"keep-epoch", &faultKeepEpoch, "session epoch"},
	{"no-ask", &faultNoAsk, "equal"},
	{"keep-dead", &faultKeepDead, "dead session"},
	{"no-beat", &faultNoBeat, "equal"},
}

// mutantSeeds is by when each has to be caught.
const mutantSeeds = 40

// Each broken build breaks an invariant that is named for it, on some seed.
func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			*m.fault = true
			defer func() { *m.fault = false }()
			for seed := uint64(1); seed <= mutantSeeds; seed++ {
				bad := trouble(seed).bad
				if name, _, _ := strings.Cut(bad, ":"); slices.Contains(strings.Fields(m.invariants), name) {
					t.Logf("caught by seed %d: %s", seed, bad)
					return
				}
				if bad != "" {
					t.Logf("seed %d: other invariant: %s", seed, bad)
				}
			}
			t.Errorf("no seed of %d broke any of %s", mutantSeeds, m.invariants)
		})
	}
}
