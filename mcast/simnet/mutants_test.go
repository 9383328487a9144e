//go:build mutants

package simnet

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// mutants are broken builds of the protocol, each with the kind of runs that give it
// the occasion and the invariants that have to catch it.
var mutants = []struct{ fault, kind, invariants string }{
	{"no-nak", "loss", "repair progress"},
	{"no-backoff", "loss", "naks"},
	{"trail", "loss", "trail"},
	{"duplicate", "loss", "once"},
	{"old-session", "restart", "session"},
	{"repair-sequence", "loss", "sequence"},
	{"ahead", "loss", "order repair"},
	{"fragments", "loss", "bytes repair"},
	{"no-pull", "loss", "prompt"},
	{"silent-loss", "restart", "order"},
	{"unwanted", "soft", "wanted"},
	{"no-window", "loss", "trail repair"},
	{"no-beat", "loss", "progress"},
	{"want-once", "soft", "progress"},
	{"spin", "loss", "timers"},
	{"no-stale", "hard", "membership"},
	{"no-tails", "hard", "tail"},
	{"no-move-wait", "moves", "repair"},
	{"move-rows", "moves", "tail"},
	{"wanted-late", "moves", "stable"},
	{"narrow", "far", "nowhere once order progress"},
	{"no-pardon", "owner", "patience"},
	{"pass-moving", "moves", "stable"},
	{"no-hold", "late", "once history order"},
	{"history-twice", "late", "once"},
	{"history-gap", "late", "order"},
	{"splice-late", "late", "stable history"},
	{"place-all", "late", "stable order repair"},
	{"history-anew", "late", "stable"},
	{"raise-early", "sizes", "size"},
	{"keep-large", "sizes", "size"},
	{"forget-narrow", "sizes", "size"},
}

// mutantSeeds is by when each has to be caught.
const mutantSeeds = 60

// Each broken build breaks an invariant that is named for it, on some seed.
func TestMutants(t *testing.T) {
	kinds := map[string]Scenario{}
	for _, k := range Scenarios() {
		kinds[k.Name] = k
	}
	for _, m := range mutants {
		t.Run(m.fault, func(t *testing.T) {
			*mcast.Faults[m.fault] = true
			defer func() { *mcast.Faults[m.fault] = false }()
			k := kinds[m.kind]
			for seed := uint64(1); seed <= mutantSeeds; seed++ {
				var v Violation
				if !errors.As(k.Run(seed).Err, &v) {
					continue
				}
				if slices.Contains(strings.Fields(m.invariants), v.Invariant) {
					t.Logf("caught by seed %d of %s: %v", seed, m.kind, v)
					return
				}
				t.Logf("seed %d: other invariant: %v", seed, v)
			}
			t.Errorf("no seed of %d broke any of %s", mutantSeeds, m.invariants)
		})
	}
}

// With no fault switched on this build is the production one.
func TestMutantsOff(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		if err := runSeed(options(seed)).Err(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err := runRestart(restartOptions(seed)).Err(); err != nil {
			t.Fatalf("restart, seed %d: %v", seed, err)
		}
	}
}
