//go:build mutants

package simnet

import (
	"errors"
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// mutants are broken builds of the protocol, each with the invariants that have
// to catch it and the runs that give it the occasion.
var mutants = []struct {
	fault      string
	invariants []string
	options    func(seed uint64) Options
}{
	{"no-nak", []string{"repair", "progress"}, options},
	{"no-backoff", []string{"naks"}, options},
	{"trail", []string{"trail"}, options},
	{"duplicate", []string{"once"}, options},
	{"old-session", []string{"session"}, restartOptions},
	{"repair-sequence", []string{"sequence"}, options},
	{"ahead", []string{"order", "repair"}, options},
	{"fragments", []string{"bytes", "repair"}, options},
	{"no-pull", []string{"prompt"}, options},
}

// Each broken build breaks an invariant that is named for it, on some seed.
func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.fault, func(t *testing.T) {
			*mcast.Faults[m.fault] = true
			defer func() { *mcast.Faults[m.fault] = false }()
			for seed := uint64(1); seed <= 60; seed++ {
				run := runSeed
				if m.fault == "old-session" {
					run = runRestart
				}
				var v Violation
				if err := run(m.options(seed)).Err(); !errors.As(err, &v) {
					continue
				}
				for _, want := range m.invariants {
					if v.Invariant == want {
						t.Logf("caught by seed %d: %v", seed, v)
						return
					}
				}
				t.Logf("seed %d: other invariant: %v", seed, v)
			}
			t.Errorf("no seed of 60 broke any of %v", m.invariants)
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
