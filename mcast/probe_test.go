package mcast

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

const largeTest = 8932

// sized is some stations that may send large datagrams; a publishes, all others want it.
type sized struct {
	t     *testing.T
	now   Time
	all   []*station
	a     *station
	topic TopicID
	sent  uint64
}

func newSized(t *testing.T, nodes int, change func(node int, c *Config)) *sized {
	t.Helper()
	x := &sized{t: t, now: Second}
	for i := range nodes {
		x.add(i+1, change)
	}
	x.a = x.all[0]
	var err error
	if x.topic, err = x.a.engine.Topic("orders.eu", TopicShape{SlotCount: 64}); err != nil {
		t.Fatal(err)
	}
	for _, s := range x.all {
		s.engine.Start(x.now)
	}
	return x
}

// add makes one more station, which everybody hears.
func (x *sized) add(node int, change func(node int, c *Config)) *station {
	s := newStation(x.t, uint32(node), uint64(11*node), func(c *Config) {
		c.MTULarge = largeTest
		if change != nil {
			change(node, c)
		}
	})
	for _, o := range x.all {
		o.others, s.others = append(o.others, s), append(s.others, o)
	}
	x.all = append(x.all, s)
	if err := s.engine.SetWants(x.now, []string{"orders.*"}); err != nil {
		x.t.Fatal(err)
	}
	return s
}

func (x *sized) run(d Duration) { run(&x.now, d, x.all...) }

// send publishes messages of 4,000 bytes.
func (x *sized) send(count int) {
	x.t.Helper()
	for range count {
		m := message(x.sent+1, make([]byte, 4000))
		for tries := 0; x.a.engine.Send(x.now, x.topic, m) == Busy; tries++ {
			if tries > 1000 {
				x.t.Fatal("always busy")
			}
			x.run(Millisecond)
		}
		x.sent++
		x.a.engine.Flush(x.now)
	}
	x.run(5 * Millisecond)
}

// size checks how large datagrams may be.
func (x *sized) size(what string, want int) {
	x.t.Helper()
	if got := x.a.engine.Datagram(); got != want {
		x.t.Errorf("%s: datagrams of up to %d bytes, want %d", what, got, want)
	}
}

// Datagrams are large once all have shown that such come, and everything arrives.
func TestLargeOnceAllEchoed(t *testing.T) {
	x := newSized(t, 4, nil)
	x.size("at the start", MTUDefault)
	x.run(190 * Millisecond)
	x.size("before anybody was asked", MTUDefault)
	x.run(500 * Millisecond)
	x.size("all have echoed", largeTest)
	c := x.a.engine.Counters()
	probes := c.ProbesSent
	if probes != 4 { // one to all, and one to each
		t.Errorf("%d probes for one round", probes)
	}
	before := c.DataSent
	x.send(50)
	if n := c.DataSent - before; n > 50 || c.BytesSent/n < 3000 {
		t.Errorf("%d datagrams of %d bytes for 50 messages of 4,000", n, c.BytesSent/max(n, 1))
	}
	for _, s := range x.all[1:] {
		if s.delivered != 50 || s.lost != 0 {
			t.Errorf("delivered %d, lost %d", s.delivered, s.lost)
		}
	}
	x.run(20 * Second)
	if n := c.ProbesSent - probes; n != 4 {
		t.Errorf("%d probes in 20 s without data, want those of the data before", n)
	}
}

// Who does not receive large datagrams is named once, and none is sent until it is gone. It is asked
// less and less often.
func TestNarrowPeer(t *testing.T) {
	x := newSized(t, 3, nil)
	x.all[2].path = 1500
	x.run(1500 * Millisecond)
	x.size("one does not echo", MTUDefault)
	c := x.a.engine.Counters()
	if n := slices.Index(x.a.notices, NotReached); n < 0 || c.ProbesFailed != 1 || len(x.all[1].notices) != 1 {
		t.Errorf("notices %v, %d rounds failed", x.a.notices, c.ProbesFailed)
	}
	sent := c.ProbesSent
	x.run(8 * Second)
	if c.ProbesSent != sent {
		t.Error("it is asked again too soon")
	}
	x.send(20)
	x.run(60 * Second)
	if len(x.a.notices) != 1 || c.ProbesFailed != 3 || x.all[2].long != 0 || x.all[2].delivered != 20 {
		t.Errorf("notices %v, %d rounds failed, %d large datagrams, delivered %d", x.a.notices, c.ProbesFailed, x.all[2].long, x.all[2].delivered)
	}
	x.leave(2)
	x.run(3 * Second)
	x.size("it is gone, and may come back", MTUDefault)
	x.skip(590 * Second)
	x.run(10 * Second)
	x.size("it has not", largeTest)
}

// leave takes a station out of everybody's reach.
func (x *sized) leave(i int) *station {
	gone := x.all[i]
	x.all = slices.Delete(slices.Clone(x.all), i, i+1)
	for _, s := range x.all {
		s.others = slices.DeleteFunc(s.others, func(o *station) bool { return o == gone })
	}
	gone.others, gone.queue = nil, nil
	return gone
}

// back puts a station where leave took it from.
func (x *sized) back(s *station) {
	for _, o := range x.all {
		o.others, s.others = append(o.others, s), append(s.others, o)
	}
	x.all = append(x.all, s)
}

// skip passes time from timer to timer.
func (x *sized) skip(d Duration) {
	for end := x.now + d; x.now < end; {
		at := end
		for _, s := range x.all {
			at = min(at, s.engine.NextTimer())
		}
		x.now = max(x.now, at)
		drain(x.now, x.all...)
	}
}

// A node that has not shown that large datagrams reach it is thought of while it is away: its successor, and itself
// where it was only taken for dead, gets all that was sent meanwhile.
func TestNarrowNodeThatComesBack(t *testing.T) {
	for _, how := range []string{"a successor", "after Bye", "taken for dead", "of an earlier release"} {
		x := newSized(t, 3, func(node int, c *Config) { c.NoProbe = node == 3 && how == "of an earlier release" })
		c := x.all[2]
		c.path = 1500
		x.run(1300 * Millisecond)
		x.send(10)
		session, next, _ := c.engine.Position(1, LaneGated)
		if how == "after Bye" {
			c.engine.Close(x.now)
			drain(x.now, x.all...)
		}
		x.leave(2)
		for range 40 { // for longer than until it is taken for dead, or a round would be over
			x.send(1)
			x.skip(100 * Millisecond)
		}
		x.size(how+", while it is away", MTUDefault)
		if how == "taken for dead" {
			x.back(c)
		} else {
			c = newStation(t, 3, 44, func(c *Config) { c.MTULarge, c.NoProbe = largeTest, how == "of an earlier release" })
			c.path, c.delivered = 1500, 10
			c.engine.Resume(1, LaneGated, session, next)
			if err := c.engine.SetWants(x.now, []string{"orders.*"}); err != nil {
				t.Fatal(err)
			}
			c.engine.ResumeStream(1, "orders.eu", message(1, nil).Producer, 10)
			x.back(c)
			c.engine.Start(x.now)
		}
		x.run(3 * Second)
		if c.delivered != 50 || c.lost != 0 || c.long != 0 {
			t.Errorf("%s: delivered %d, lost %d, %d large datagrams, want 50, 0, 0", how, c.delivered, c.lost, c.long)
		}
	}
}

// So it is where a successor was there for a moment meanwhile, of which no more than Hellos came.
func TestNarrowNodeThatComesBackTwice(t *testing.T) {
	x := newSized(t, 3, nil)
	c := x.all[2]
	c.path = 1500
	x.run(1300 * Millisecond)
	x.send(10)
	session, next, _ := c.engine.Position(1, LaneGated)
	x.leave(2)
	x.run(3 * Second)
	brief := newStation(t, 3, 44, func(c *Config) { c.MTULarge = largeTest })
	brief.path, brief.others = 1500, slices.Clone(x.all) // nobody's frames reach it
	x.all = append(x.all, brief)
	brief.engine.Start(x.now)
	x.run(100 * Millisecond)
	if p := x.a.engine.byNode[3]; p == nil || p.session != 44 || p.readsOn() {
		t.Fatalf("the successor is %+v", p)
	}
	x.leave(2)
	for range 40 {
		x.send(1)
		x.skip(100 * Millisecond)
	}
	x.run(12 * Second) // for longer than until a round begins after one that failed
	x.size("it has gone again", MTUDefault)
	x.send(10)
	c = newStation(t, 3, 55, func(c *Config) { c.MTULarge = largeTest })
	c.path, c.delivered = 1500, 10
	c.engine.Resume(1, LaneGated, session, next)
	if err := c.engine.SetWants(x.now, []string{"orders.*"}); err != nil {
		t.Fatal(err)
	}
	c.engine.ResumeStream(1, "orders.eu", message(1, nil).Producer, 10)
	x.back(c)
	c.engine.Start(x.now)
	x.run(3 * Second)
	if c.delivered != 60 || c.lost != 0 || c.long != 0 {
		t.Errorf("delivered %d, lost %d, %d large datagrams, want 60, 0, 0", c.delivered, c.lost, c.long)
	}
}

// A node that has shown it, is taken for dead, and comes back on a path that carries no large datagrams, gets all but those
// that were sent meanwhile; that is told, and holds nobody up.
func TestComesBackOnNarrowPath(t *testing.T) {
	x := newSized(t, 3, nil)
	x.run(500 * Millisecond)
	x.send(10)
	c := x.leave(2)
	for range 40 {
		x.send(1)
		x.skip(100 * Millisecond)
	}
	x.size("it is away", largeTest)
	c.path = 1500
	x.back(c)
	x.run(250 * Millisecond)
	began := x.now
	for range 40 {
		x.send(1)
	}
	if d := x.now - began; d > 40*20*Millisecond {
		t.Errorf("40 messages took %d ms", d/Millisecond)
	}
	x.size("it is back", MTUDefault)
	x.run(5 * Second)
	b := x.all[1]
	if b.delivered != 90 || b.lost != 0 || c.delivered != 50 || c.lost != 40 {
		t.Errorf("delivered %d and %d, lost %d and %d, want 90 and 50, 0 and 40", b.delivered, c.delivered, b.lost, c.lost)
	}
}

// Rounds that failed before datagrams were large for a minute are forgotten, also where these end because somebody comes.
func TestFailuresAreForgotten(t *testing.T) {
	x := newSized(t, 3, nil)
	c := x.all[2]
	c.path = 1500
	x.skip(200 * Second)
	c.path = 0
	x.skip(170 * Second)
	x.size("all ways are wide", largeTest)
	x.skip(70 * Second)
	x.leave(2)
	x.skip(5 * Second)
	c.path = 1500
	x.back(c)
	x.skip(3 * Second)
	failed := x.a.engine.Counters().ProbesFailed
	x.skip(13 * Second)
	if n := x.a.engine.Counters().ProbesFailed - failed; n != 1 {
		t.Errorf("%d rounds failed from 3 to 16 s after it was back, want 1", n)
	}
}

// Who comes and goes each second without showing it is asked each 10 s at most, and named once.
func TestNarrowNodeThatFlaps(t *testing.T) {
	x := newSized(t, 3, nil)
	c := x.all[2]
	c.path = 1500
	x.run(2 * Second)
	sent := x.a.engine.Counters().ProbesSent
	for i := range 40 {
		x.leave(2)
		x.skip(2500 * Millisecond)
		x.back(c)
		x.skip([]Duration{Second, Second / 2}[i%2]) // for less than a round takes
	}
	k := x.a.engine.Counters()
	if n := k.ProbesSent - sent; n > 100 || k.Enlarged != 0 {
		t.Errorf("%d probes in 130 s, large %d times, %d rounds failed", n, k.Enlarged, k.ProbesFailed)
	}
	if n := len(slices.DeleteFunc(x.a.notices, func(n Notice) bool { return n != NotReached })); n != 1 {
		t.Errorf("it was named %d times", n)
	}
}

// Who comes and goes each second and does show it has datagrams become large and small, and nothing is lost or out of order.
func TestNodeThatFlaps(t *testing.T) {
	x := newSized(t, 3, nil)
	b, last := x.all[1], uint64(0)
	b.onDeliver = func(m *Message) {
		if m.Sequence != last+1 {
			t.Errorf("%d after %d", m.Sequence, last)
		}
		last = m.Sequence
	}
	c := x.all[2]
	x.run(500 * Millisecond)
	for range 15 {
		x.leave(2)
		for range 25 {
			x.send(1)
			x.skip(100 * Millisecond)
		}
		x.size("it is away", largeTest)
		x.back(c)
		x.send(3)
		for range 20 { // for longer than rounds are apart
			x.send(1)
			x.skip(100 * Millisecond)
		}
	}
	x.run(2 * Second)
	if k := x.a.engine.Counters(); k.Enlarged < 15 || k.Shrunk < 15 || b.lost != 0 || last != x.sent || c.lost != 0 || c.delivered != int(x.sent) {
		t.Errorf("large %d times, small %d; lost %d and %d, delivered %d and %d of %d", k.Enlarged, k.Shrunk, b.lost, c.lost, last, c.delivered, x.sent)
	}
}

// Datagrams are small before a newcomer is told where the lanes are: it needs none that was large.
func TestNewcomerNeedsNothingLarge(t *testing.T) {
	x := newSized(t, 2, nil)
	x.run(500 * Millisecond)
	x.size("two", largeTest)
	x.send(30)
	c := x.add(3, nil)
	c.path = 1500
	m := message(x.sent+1, make([]byte, 300)) // in a large datagram that is open as the newcomer comes
	x.a.engine.Send(x.now, x.topic, m)
	x.sent++
	c.engine.Start(x.now)
	for range 40 {
		x.send(1)
		x.size("a newcomer", MTUDefault)
	}
	first := uint64(0)
	c.onDeliver = func(m *Message) { first = min(max(first, m.Sequence), m.Sequence) }
	x.run(100 * Millisecond)
	if c.lost != 0 || c.delivered < 30 || x.all[1].delivered != int(x.sent) {
		t.Errorf("lost %d, delivered %d and %d of %d", c.lost, c.delivered, x.all[1].delivered, x.sent)
	}
	if x.a.engine.Counters().RepairsSent != 0 {
		t.Errorf("%d repairs", x.a.engine.Counters().RepairsSent)
	}
}

// Where a path carries less than before, datagrams are small again soon, and what was lost is told.
func TestPathThatChanges(t *testing.T) {
	x := newSized(t, 3, nil)
	x.run(500 * Millisecond)
	x.send(10)
	x.all[1].path = 1500
	for range 120 {
		x.send(1)
		x.run(40 * Millisecond)
	}
	x.size("a path has become narrow", MTUDefault)
	b := x.all[1]
	if n := b.delivered + int(b.lost); b.lost == 0 || n != int(x.sent) {
		x.run(3 * Second)
		t.Logf("%d delivered, %d lost of %d", b.delivered, b.lost, x.sent)
	}
	x.run(3 * Second)
	if n := b.delivered + int(b.lost); n != int(x.sent) {
		t.Errorf("%d delivered, %d lost of %d", b.delivered, b.lost, x.sent)
	}
	b.path = 0
	x.run(12 * Second)
	x.size("and wide again", largeTest)
}

// With a peer that knows no Probe none is sent, and datagrams are small.
func TestEarlierRelease(t *testing.T) {
	x := newSized(t, 3, func(node int, c *Config) { c.NoProbe = node == 3 })
	x.run(3 * Second)
	x.size("with an earlier release", MTUDefault)
	for _, s := range x.all {
		if n := s.engine.Counters(); n.ProbesSent+n.EchoesSent != 0 || n.Refused[wire.BadType] != 0 {
			t.Errorf("%d probes, %d echoes, %d refused", n.ProbesSent, n.EchoesSent, n.Refused[wire.BadType])
		}
	}
}

// Where multicast does not come, copies are asked about.
func TestProbesWithoutMulticast(t *testing.T) {
	x := newSized(t, 2, nil)
	for _, s := range x.all {
		s.hold = true
	}
	x.all[0].engine.cfg.Seeds = []netip.AddrPort{x.all[1].address}
	x.all[1].engine.cfg.Seeds = []netip.AddrPort{x.all[0].address}
	x.run(2 * Second)
	x.size("by copies alone", largeTest)
}

// An echo counts from where its peer speaks, of this session, of this round and of this size only.
func TestForgedEchoes(t *testing.T) {
	x := newSized(t, 2, nil)
	b := x.all[1]
	b.path = 1500
	e := x.a.engine
	for tries := 0; e.probe.tries == 0; tries++ {
		if tries > 5000 {
			t.Fatal("no round")
		}
		x.run(100 * Microsecond)
	}
	echo := func(w wire.Probe, from netip.AddrPort) {
		h := wire.Header{Type: wire.TypeProbe, Flags: layout.FrameFlagUnicast, Domain: 7, Node: 2, Session: 22, Number: 1 << 30}
		w.Echo = true
		for _, w.Group = range []bool{true, false} {
			f := w.AppendTo(wire.Begin(nil, &h))
			wire.Finish(f)
			e.Receive(x.now, f, from, false)
		}
	}
	good := wire.Probe{Session: 11, Number: e.probe.first, Bytes: largeTest}
	other, before, later, small := good, good, good, good
	other.Session, before.Number, later.Number, small.Bytes = 10, good.Number-1, e.number+1, 1500
	for _, w := range []wire.Probe{other, before, later, small} {
		echo(w, b.address)
	}
	echo(good, netip.AddrPortFrom(b.address.Addr(), 9))
	x.size("forged echoes", MTUDefault)
	if n := e.Counters().ProbesRefused; n != 10 {
		t.Errorf("%d refused, want 10", n)
	}
	echo(good, b.address)
	x.size("a good one", largeTest)
}
