//go:build invariants

package ring

import "testing"

// TestOneFenceForAll: who goes to sleep at many rings has the others' producers fence
// once, behind all its bits and before its looks.
func TestOneFenceForAll(t *testing.T) {
	var readers []*Reader
	for range 10 {
		s := newScene(t, small(Exclusive), 2)
		s.producer(0)
		s.rings[0].ctl.ownerFlags.Store(ownerFlagUnfenced)
		readers = append(readers, s.reader(1))
	}
	var steps []string
	onAt = func(name string) {
		if name == "arm summary" || name == "fence for others" || name == "poll exclusive" {
			steps = append(steps, name)
		}
	}
	defer func() { onAt = nil }()
	if ArmAll(readers) {
		t.Fatal("nothing was published, and a reader has something")
	}
	if len(steps) != 11 || steps[10] != "fence for others" {
		t.Errorf("steps %q, want ten bits, then one fence", steps)
	}
}
