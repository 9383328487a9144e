package main

import (
	"strings"
	"testing"
	"time"
)

// small is a fleet of ten nodes, two of each kind.
func small(seed uint64) options {
	return options{nodes: 10, seed: seed, loss: 0.002, apart: 40 * ms}
}

// TestController kills every node of a small fleet; make sim-controller has 200.
func TestController(t *testing.T) {
	seeds := []uint64{1}
	if !testing.Short() {
		seeds = append(seeds, uint64(time.Now().UnixNano())>>10&0xffffff)
	}
	for _, seed := range seeds {
		f := newFleet(small(seed))
		if err := f.run(); err != nil {
			t.Errorf("%v\nagain: go run ./internal/controller -nodes 10 -loss 0.002 -seed %d", err, seed)
		}
		var text strings.Builder
		f.print(&text)
		t.Log(text.String())
		for kind := range stalled {
			// By chance all who could see a kind are in trouble themselves, and don't count: only of the first seed it is known.
			if len(f.sightings(kind)) == 0 && seed == 1 {
				t.Errorf("seed %d: nobody saw this: %s", seed, troubleNames[kind])
			}
		}
	}
}

// TestReplay runs a seed twice: nothing but the seed decides.
func TestReplay(t *testing.T) {
	a, b := newFleet(small(3)), newFleet(small(3))
	for _, f := range []*fleet{a, b} {
		f.makeTrouble()
		f.ask(f.nodes[0])
		f.net.Run(4000*ms, nil)
	}
	if a.net.Trace() != b.net.Trace() || len(a.requests) != len(b.requests) {
		t.Errorf("traces %x and %x, %d and %d requests", a.net.Trace(), b.net.Trace(), len(a.requests), len(b.requests))
	}
}

// TestFaults breaks a rule, and has the checks find it.
func TestFaults(t *testing.T) {
	for what, want := range map[fault]string{faultForgets: "once served", faultTrusts: "placed", faultStalls: "alive"} {
		var err error
		for seed := uint64(1); seed <= 5 && err == nil; seed++ {
			o := small(seed)
			o.fault = what
			err = newFleet(o).run()
		}
		if err == nil {
			t.Errorf("fault %d: all is well", what)
			continue
		}
		_, name, _ := strings.Cut(err.Error(), "invariant ")
		if name, _, _ = strings.Cut(name, " "); !strings.Contains(want, name) {
			t.Errorf("fault %d: %v, want one of %s", what, err, want)
		}
		t.Logf("fault %d: %v", what, err)
	}
}
