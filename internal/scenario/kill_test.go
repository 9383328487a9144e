package scenario

import (
	"testing"
	"time"
)

// TestPublisherKilled kills one of two publishers at a random instant, again and
// again: at a subscriber on each node every acknowledged message is delivered or
// told as missed, and the other publisher goes on.
func TestPublisherKilled(t *testing.T) {
	s := newScene(t)
	s.forwarder(s.a)
	s.forwarder(s.b)
	here, there := s.subscribeLedger(s.a, "same node"), s.subscribeLedger(s.b, "other node")
	s.awaitPath(there)
	t.Logf("round  killed at  publisher  acknowledged | same node: delivered missed events | other node: delivered missed events")
	for round := range rounds(t) {
		victim, other := s.publisher(s.a, 10_000), s.publisher(s.a, 10_000)
		instant := s.between(20*time.Millisecond, 300*time.Millisecond)
		time.Sleep(instant)
		victim.kill()
		time.Sleep(50 * time.Millisecond)
		before := other.acked()
		time.Sleep(20 * time.Millisecond)
		if other.acked() == before {
			t.Errorf("round %d: the other publisher stands still", round)
		}
		other.stop()
		for i, c := range []child{victim, other} {
			h, th := here.settle(t, c, 1), there.settle(t, c, 1)
			t.Logf("%5d %10v  %9s  %12d | %20d %6d %6d | %21d %6d %6d", round, instant.Round(time.Millisecond),
				[]string{"killed", "other"}[i], c.acked(), h.delivered, h.missed, h.events, th.delivered, th.missed, th.events)
			if h.missed != 0 || h.next != th.next && th.missed == 0 {
				t.Errorf("round %d: the same node was given up to %d, the other up to %d", round, h.next-1, th.next-1)
			}
		}
		if longest := other.longest(); longest > 5*time.Second {
			t.Errorf("round %d: a send of the other publisher took %v", round, longest)
		}
		here.check(t)
		there.check(t)
	}
}

// awaitPath returns once what is published on A arrives on B.
func (s *scene) awaitPath(there *ledger) {
	s.t.Helper()
	end := time.Now().Add(10 * time.Second)
	for time.Now().Before(end) {
		c := s.publisher(s.a, 1000)
		time.Sleep(100 * time.Millisecond)
		c.stop()
		if there.of(c.address()).delivered > 0 {
			there.settle(s.t, c, 1)
			there.mu.Lock()
			there.strict = true
			there.mu.Unlock()
			return
		}
	}
	s.t.Fatal("nothing arrives on the other node")
}

// killForwarder kills and restarts the forwarder of a node under load.
func killForwarder(t *testing.T, pick func(*scene) string) {
	s := newScene(t)
	dirs := map[string]*process{s.a: s.forwarder(s.a), s.b: s.forwarder(s.b)}
	here, there := s.subscribeLedger(s.a, "same node"), s.subscribeLedger(s.b, "other node")
	s.awaitPath(there)
	publishers := []child{s.publisher(s.a, 10_000), s.publisher(s.a, 10_000)}
	sum := func() (acked, delivered, missed uint64, events int) {
		for _, c := range publishers {
			e := there.of(c.address())
			acked, delivered, missed, events = acked+c.acked(), delivered+e.delivered, missed+e.missed, events+e.events
		}
		return
	}
	await(t, 10*time.Second, "the stream on the other node", func() bool { _, d, _, _ := sum(); return d > 1000 })
	victim := pick(s)
	t.Logf("round  killed after  down for  back after | sent  delivered  missed  events (sums so far)")
	for round := range rounds(t) {
		instant, pause := s.between(20*time.Millisecond, 300*time.Millisecond), s.between(0, 100*time.Millisecond)
		time.Sleep(instant)
		dirs[victim].kill()
		time.Sleep(pause)
		began := time.Now()
		dirs[victim] = s.forwarder(victim)
		acked, _, _, _ := sum()
		await(t, 10*time.Second, "the stream after the restart", func() bool { _, d, m, _ := sum(); return d+m > acked })
		back := time.Since(began)
		sent, delivered, missed, events := sum()
		t.Logf("%5d %13v %9v %11v | %d %d %d %d", round, instant.Round(time.Millisecond), pause.Round(time.Millisecond),
			back.Round(time.Millisecond), sent, delivered, missed, events)
	}
	for i, c := range publishers {
		c.stop()
		h, th := here.settle(t, c, 0), there.settle(t, c, 0)
		t.Logf("publisher %d: acknowledged %d | same node: delivered %d, missed %d | other node: delivered %d, missed %d in %d events | longest send %v",
			i, c.acked(), h.delivered, h.missed, th.delivered, th.missed, th.events, c.longest())
		if h.delivered != c.acked() {
			t.Errorf("publisher %d: %d acknowledged, %d delivered on the same node", i, c.acked(), h.delivered)
		}
		if c.longest() > 5*time.Second {
			t.Errorf("publisher %d: a send took %v", i, c.longest())
		}
	}
	here.check(t)
	there.check(t)
	for _, p := range dirs {
		p.stop()
	}
}

// TestReceivingForwarderKilled kills and restarts B's forwarder while messages flow.
func TestReceivingForwarderKilled(t *testing.T) {
	killForwarder(t, func(s *scene) string { return s.b })
}

// TestSendingForwarderKilled kills and restarts A's forwarder while messages flow.
func TestSendingForwarderKilled(t *testing.T) {
	killForwarder(t, func(s *scene) string { return s.a })
}

// TestReceivingForwarderStaysDead kills B's forwarder for good: the publishers on A
// go on, and everything reaches the subscriber of their own node.
func TestReceivingForwarderStaysDead(t *testing.T) {
	s := newScene(t)
	s.forwarder(s.a)
	b := s.forwarder(s.b)
	here, there := s.subscribeLedger(s.a, "same node"), s.subscribeLedger(s.b, "other node")
	s.awaitPath(there)
	c := s.publisher(s.a, 20_000)
	await(t, 10*time.Second, "the stream on the other node", func() bool { return there.of(c.address()).delivered > 1000 })
	before := c.longest()
	b.kill()
	time.Sleep(3 * time.Second)
	c.stop()
	h := here.settle(t, c, 0)
	t.Logf("acknowledged %d, delivered %d on the same node; longest send %v before the death, %v after it", c.acked(), h.delivered, before, c.longest())
	if h.delivered != c.acked() {
		t.Errorf("%d acknowledged, %d delivered", c.acked(), h.delivered)
	}
	if c.longest() > 5*time.Second {
		t.Errorf("a send took %v", c.longest())
	}
	here.check(t)
	there.check(t)
}
