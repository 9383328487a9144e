//go:build mutants

package simnet

import (
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// A broken build in which half of the others are believed at once takes the living
// for dead.
func TestMutantsHasty(t *testing.T) {
	*mcast.Faults["hasty"] = true
	defer func() { *mcast.Faults["hasty"] = false }()
	for seed := uint64(1); seed <= 10; seed++ {
		if deaths := busyMachines(t, seed, 20*mcast.Second); deaths != 0 {
			t.Logf("caught by seed %d: %d false deaths", seed, deaths)
			return
		}
	}
	t.Error("no seed of 10 took anybody for dead")
}
