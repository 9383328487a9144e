package simnet

import (
	"strings"
	"testing"

	"github.com/ringcast/ringcast/mcast"
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
	if a.overtaken != 1 {
		t.Errorf("overtaken %d times", a.overtaken)
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
	if err := w.Err(); err == nil || !strings.Contains(err.Error(), "invariant war broken") {
		t.Errorf("a word of nobody: %v", err)
	}
}

// deafTwins lets two machines live under one id that do not hear each other, for two minutes; everybody else hears both.
func deafTwins(t *testing.T) (w *World, a, b *Actor) {
	t.Helper()
	w = meet(t, 4)
	w.Drop = func(from, to *Node, _ []byte) bool { return from.id == to.id }
	a = w.actors[1]
	b = w.addTwin(a, w.newSession())
	w.Run(120*mcast.Second, nil)
	return w, a, b
}

// Two machines under one id that do not hear each other overtake each other ever less often, and both raise the alarm. Once one
// is gone the other is heard again.
func TestDeafTwins(t *testing.T) {
	w, a, b := deafTwins(t)
	for _, x := range []*Actor{a, b} {
		if x.overtaken < 2 || x.overtaken > 8 || x.alarms == 0 {
			t.Errorf("machine %d was overtaken %d times and raised %d alarms", x.index, x.overtaken, x.alarms)
		}
	}
	w.killTwin(b)
	w.Run(67*mcast.Second, nil)
	w.check("membership", w.apart())
	if err := w.Err(); err != nil {
		t.Error(err)
	}
}

// Of two machines under one id that do not hear each other it is the one that was started last that others hear, but for the
// moments after the other has gone above it: that one's wait is over first. Once it is gone, a forwarder that is started anew
// in place of the other is heard at once, whatever it waited for.
func TestDeafTwinsOneIsHeard(t *testing.T) {
	w, a, b := deafTwins(t)
	heard, away, longest := 0, mcast.Duration(0), mcast.Duration(0)
	const looks = 1400
	for range looks {
		w.Run(100*ms, nil)
		if p := w.actors[0].peers[b.ID()]; p != nil && p.Session() == b.session {
			heard, away = heard+1, 0
			continue
		}
		away += 100 * ms
		longest = max(longest, away)
	}
	if heard < looks*95/100 || longest > 2*mcast.Second {
		t.Errorf("the later one is heard at %d of %d looks, and was not for %d ms", heard, looks, longest/ms)
	}
	w.killTwin(b)
	w.Run(5*mcast.Second, nil)
	if w.apart() == "" {
		t.Fatal("the other one does not wait")
	}
	a.restart(w.unused(a.ID(), a.session, 1), ms)
	w.RunUntil(2*mcast.Second, func() bool { return w.apart() == "" })
	w.check("membership", w.apart())
	if err := w.Err(); err != nil {
		t.Error(err)
	}
}

// A node that is started anew many times in short order, with a clock that was set back each time, is no war: each is another
// process, and goes above at once.
func TestManyRestartsNoWar(t *testing.T) {
	w := meet(t, 4)
	a := w.actors[1]
	for n := range 8 {
		a.restart(w.unused(a.ID(), a.session-1-uint64(n), -1), 20*ms)
		w.RunUntil(mcast.Second, func() bool { return w.apart() == "" })
		if what := w.apart(); what != "" || a.overtaken != n+1 || a.alarms != 0 {
			t.Fatalf("restart %d: %s, overtaken %d times, %d alarms", n, what, a.overtaken, a.alarms)
		}
	}
	if err := w.Err(); err != nil {
		t.Error(err)
	}
}

// A world in which two machines under one id did not hear each other for a second, while one of them was restarted twice:
// it broke the invariant war by its count, and had a war of six sessions.
func TestTwinsCutOff(t *testing.T) {
	w := runChaos(1795392639, false)
	if err := w.Err(); err != nil {
		t.Error(err)
	}
}
