package mcast

import (
	"net/netip"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// forged returns a frame in the name of a node.
func forged(node uint32, session uint64, typ uint8, body func([]byte) []byte) []byte {
	h := wire.Header{Type: typ, Domain: 7, Node: node, Session: session, Number: 1}
	b := body(wire.Begin(nil, &h))
	wire.Finish(b)
	return b
}

var stranger = netip.MustParseAddrPort("10.9.9.9:9")

// A node whose clock was set back is told so also when its earlier session has
// been silent for long: nobody has it for a peer then.
func TestLowerSessionIsToldAfterTimeout(t *testing.T) {
	now, a, b, _ := joined(t, nil)
	run(&now, 3*Second, b)
	if len(b.downs) != 1 {
		t.Fatalf("downs %v, want one", b.downs)
	}
	old := newStation(t, 1, 5, nil)
	old.address = a.address
	connect(old, b)
	old.engine.Start(now)
	run(&now, Second, old, b)
	if old.stale != 11 {
		t.Errorf("told of session %d, want 11", old.stale)
	}
}

// A HELLO under a node's id and a greater session costs that node a timeout, not more.
func TestForgedHelloDoesNotShutOut(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	w := wire.Hello{VersionMin: 1, VersionMax: 1}
	b.engine.Receive(now, forged(1, 1<<50, wire.TypeHello, w.AppendTo), stranger, true)
	if len(b.downs) != 1 || b.downs[0] != DownRestarted {
		t.Fatalf("downs %v, want %v", b.downs, DownRestarted)
	}
	run(&now, 3*Second, a, b)
	if a.stale != 0 || a.engine.WantedBy("orders.eu") != 1 {
		t.Fatalf("told of session %d, wanted by %d, want 0, 1", a.stale, a.engine.WantedBy("orders.eu"))
	}
	pass(t, &now, a, b, topic, message(1, nil))
	if b.delivered != 1 {
		t.Errorf("delivered %d, want 1", b.delivered)
	}
}

// BYE counts only from where the peer speaks, and only for a while.
func TestForgedBye(t *testing.T) {
	now, a, b, _ := joined(t, nil)
	y := wire.Bye{Reason: layout.ByeReasonClosing}
	bye := forged(1, 11, wire.TypeBye, y.AppendTo)
	b.engine.Receive(now, bye, stranger, true)
	if len(b.downs) != 0 {
		t.Errorf("downs %v after a stranger's BYE", b.downs)
	}
	b.engine.Receive(now, bye, a.address, true)
	run(&now, 3*Second, a, b)
	if b.ups != 1 {
		t.Errorf("ups %d: a delayed HELLO was a sign of life", b.ups)
	}
	run(&now, 3*Second, a, b)
	if b.ups != 2 {
		t.Errorf("ups %d, want 2: a node that speaks is there", b.ups)
	}
}

// SESSION_STALE is believed only of a peer that does not listen, and within reason.
func TestStaleIsNotBelievedOfAnybody(t *testing.T) {
	now, a, b, _ := joined(t, nil)
	stale := func(seen uint64, node uint32, session uint64, from netip.AddrPort) {
		s := wire.SessionStale{Seen: seen}
		a.engine.Receive(now, forged(node, session, wire.TypeSessionStale, s.AppendTo), from, false)
	}
	stale(99, 77, 1, stranger)                    // not a peer
	stale(99, 2, b.engine.cfg.Session, stranger)  // not where it speaks
	stale(99, 2, b.engine.cfg.Session, b.address) // it has just sent an SM to this session
	now += Second
	a.engine.Tick(now)
	stale(1<<60, 2, b.engine.cfg.Session, b.address) // too far
	if a.stale != 0 || a.engine.Counters().StaleRefused != 4 {
		t.Errorf("told of session %d, refused %d, want 0, 4", a.stale, a.engine.Counters().StaleRefused)
	}
	stale(99, 2, b.engine.cfg.Session, b.address)
	if a.stale != 99 {
		t.Errorf("told of session %d, want 99", a.stale)
	}
}

// Two nodes whose clocks were both set back refuse each other; each believes the other.
func TestTwoLowerSessions(t *testing.T) {
	now, a, b, _ := joined(t, nil)
	run(&now, 3*Second, a)
	run(&now, 3*Second, b)
	for _, c := range []struct{ old, other *station }{{a, b}, {b, a}} {
		s := wire.SessionStale{Seen: c.old.engine.cfg.Session + 1}
		c.old.engine.Receive(now, forged(c.other.engine.cfg.Node, c.other.engine.cfg.Session-1, wire.TypeSessionStale, s.AppendTo), c.other.address, false)
		if c.old.stale != s.Seen {
			t.Errorf("told of session %d, want %d", c.old.stale, s.Seen)
		}
	}
}

// Of two machines with one id the lower does not go above the other: they would
// overtake each other for ever.
func TestTwoMachinesWithOneID(t *testing.T) {
	now, a, b, _ := joined(t, nil)
	other := newStation(t, 1, 50, nil)
	other.address = stranger
	connect(a, b, other)
	other.engine.Start(now)
	run(&now, 2*Second, a, b, other)
	if a.stale != 0 || other.stale != 0 || b.ups != 2 || a.alarms == 0 || other.alarms == 0 {
		t.Errorf("told of sessions %d and %d, want 0; %d ups, want 2; alarms %d %d", a.stale, other.stale, b.ups, a.alarms, other.alarms)
	}
	run(&now, 5*Second, a, b) // the other one is gone
	if a.stale != 50 {
		t.Errorf("told of session %d, want 50", a.stale)
	}
}

// A refusal may put a NAK off, but not for good.
func TestForgedWait(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	a.hold = true
	pass(t, &now, a, b, topic, message(1, nil))
	a.hold, a.kept = false, nil
	n := wire.Ncf{Session: b.engine.cfg.Session, First: 0, Last: 1, Reason: layout.NcfReasonWait, WaitMillis: 60000}
	b.engine.Receive(now, forged(1, 11, wire.TypeNcf, n.AppendTo), stranger, false)
	run(&now, 500*Millisecond, a, b)
	if b.delivered != 1 {
		t.Errorf("delivered %d, want 1", b.delivered)
	}
}

// Who began above a greater session a short while ago does not do so again at once; told so the third time it raises the alarm.
func TestOvertakenAgain(t *testing.T) {
	var over Overtaken
	now := Second
	told := func() bool { // a node that is known, and no peer, refuses the session
		a, b := newStation(t, 1, 11, func(c *Config) { c.Overtaken = over }), newStation(t, 2, 22, nil)
		a.engine.Start(now)
		a.engine.memoryOf(2)
		s := wire.SessionStale{Seen: 12}
		for range 3 {
			a.engine.Receive(now, forged(2, 22, wire.TypeSessionStale, s.AppendTo), b.address, false)
		}
		if alarm := over.times > 1 && a.stale == 0; a.alarms != map[bool]int{true: 1}[alarm] {
			t.Errorf("%d alarms, told %d times that it was overtaken", a.alarms, over.times)
		}
		return a.stale == 12
	}
	if !told() {
		t.Error("the first is not believed")
	}
	for _, wait := range []Duration{1, 2, 4, 8, 16, 32, 64, 64, 64} {
		over.Again(now)
		now += wait*Second - 1
		if told() {
			t.Errorf("believed %d s after the one before", wait)
		}
		now++
		if !told() {
			t.Errorf("not believed %d s after the one before", wait)
		}
	}
	over.Again(now)
	now += 120*Second - 1
	over.Again(now)
	if now += 63 * Second; told() {
		t.Error("forgiven before two minutes")
	}
	now += 57 * Second
	over.Again(now)
	if now += Second; !told() || over.times != 1 {
		t.Error("not forgiven after two minutes")
	}
	for range 100 { // years of it
		over.Again(now)
		now += 64 * Second
	}
	over.Again(now)
	if now += 64*Second - 1; told() {
		t.Error("believed before 64 s, after a hundred times")
	}
}
