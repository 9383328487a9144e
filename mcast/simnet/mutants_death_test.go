//go:build mutants

package simnet

import (
	"errors"
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

// A broken build without copies loses what multicast does not carry.
func TestMutantsNoCopies(t *testing.T) {
	*mcast.Faults["no-copies"] = true
	defer func() { *mcast.Faults["no-copies"] = false }()
	err := runWithoutMulticast(seedsOptions(1)).Err()
	if err == nil {
		t.Fatal("nothing was lost")
	}
	t.Logf("caught: %v", err)
}

// A broken build in which whoever was overtaken goes above at once lets two machines that do not hear each other do so without end.
func TestMutantsGoAbove(t *testing.T) {
	*mcast.Faults["go-above"] = true
	defer func() { *mcast.Faults["go-above"] = false }()
	w, _, _ := deafTwins(t)
	var v Violation
	if err := w.Err(); !errors.As(err, &v) || v.Invariant != "war" {
		t.Fatalf("not caught: %v", err)
	} else {
		t.Logf("caught: %v", err)
	}
	if err := runChaos(1795392639, false).Err(); !errors.As(err, &v) || v.Invariant != "war" {
		t.Errorf("not caught where it was found: %v", err)
	}
}

// The invariant trail notices an owner whose datagrams that do not fold run over what members lack, in the
// world in which that was found: few others have so small a window, messages of that size and that loss.
func TestMutantsSplitOver(t *testing.T) {
	*mcast.Faults["split-over"] = true
	defer func() { *mcast.Faults["split-over"] = false }()
	var v Violation
	if err := runSeed(options(1795400802)).Err(); !errors.As(err, &v) || v.Invariant != "trail" {
		t.Fatalf("not caught by trail: %v", err)
	}
	t.Logf("caught: %v", v)
}
