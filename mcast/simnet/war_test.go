package simnet

import (
	"strings"
	"testing"
)

// meet makes a world in which nothing goes wrong and lets its nodes meet.
func meet(t *testing.T, nodes int) *World {
	t.Helper()
	w := NewWorld(Options{Seed: 7, Nodes: nodes}, false)
	w.Run(1000*ms, nil)
	if !w.allMet() {
		t.Fatal("the nodes did not meet")
	}
	return w
}

// A node whose clock was set back, and that is paused while all others refuse it, is overtaken once.
func TestManyWordsOneOvertaking(t *testing.T) {
	const nodes = 50
	w := meet(t, nodes)
	a := w.actors[0]
	a.restart(a.session-1, ms)
	w.Run(ms, nil)
	a.Pause(200 * ms)
	w.Run(3000*ms, nil)
	if a.overtaken != 1 || a.behind != 1 {
		t.Errorf("overtaken %d times, %d sessions were not the greatest", a.overtaken, a.behind)
	}
	w.check("membership", w.apart())
	if err := w.Err(); err != nil {
		t.Error(err)
	}
}

// A node begins above the greatest session that it is told of, and who is overtaken without a reason breaks the invariant war.
func TestOvertakenWithoutReason(t *testing.T) {
	w := meet(t, 3)
	a := w.actors[1]
	first := a.session
	for _, above := range []uint64{10, 5000, 20} {
		a.Stale(first + above)
	}
	w.Run(500*ms, nil)
	if a.overtaken != 1 || a.session <= first+5000 {
		t.Errorf("overtaken %d times, from session %d to %d", a.overtaken, first, a.session)
	}
	w.checkWar()
	if err := w.Err(); err == nil || !strings.Contains(err.Error(), "invariant war broken") {
		t.Errorf("a word of nobody: %v", err)
	}
}
