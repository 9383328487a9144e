package mcast

import (
	"net/netip"
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// trio is three stations, each with lanes of its own to the others; b wants what a sends, c may.
type trio struct {
	t       *testing.T
	now     Time
	a, b, c *station
	topic   TopicID
	sent    uint64
	order   [2]uint64 // the last sequence that came to b and c
}

func newTrio(t *testing.T, change func(*Config)) *trio {
	t.Helper()
	directed := func(c *Config) {
		c.NoDirected = false
		if change != nil {
			change(c)
		}
	}
	x := &trio{t: t, now: Second, a: newStation(t, 1, 11, directed), b: newStation(t, 2, 22, directed), c: newStation(t, 3, 33, directed)}
	connect(x.a, x.b, x.c)
	for i, s := range []*station{x.b, x.c} {
		s.onDeliver = func(m *Message) {
			if x.order[i] != 0 && m.Sequence != x.order[i]+1 {
				t.Errorf("station %d: message %d after %d", i+2, m.Sequence, x.order[i])
			}
			x.order[i] = m.Sequence
		}
	}
	var err error
	if x.topic, err = x.a.engine.Topic("orders.eu", TopicShape{SlotCount: 64}); err != nil {
		t.Fatal(err)
	}
	x.want(x.b, "orders.*")
	for _, s := range []*station{x.a, x.b, x.c} {
		s.engine.Start(x.now)
	}
	x.run(100 * Millisecond)
	if n := x.a.engine.WantedBy("orders.eu"); n != 1 {
		t.Fatalf("wanted by %d, want 1", n)
	}
	return x
}

func (x *trio) run(d Duration) { run(&x.now, d, x.a, x.b, x.c) }

func (x *trio) want(s *station, names ...string) {
	x.t.Helper()
	if err := s.engine.SetWants(x.now, names); err != nil {
		x.t.Fatal(err)
	}
}

// TestForAllStaysOnTheLaneOfAll: what everybody is about to want comes to those, too, of whom the owner
// does not know yet.
func TestForAllStaysOnTheLaneOfAll(t *testing.T) {
	x := newTrio(t, nil)
	var err error
	if x.topic, err = x.a.engine.Topic("orders.us", TopicShape{SlotCount: 64, ForAll: true}); err != nil {
		t.Fatal(err)
	}
	before := x.a.engine.Head(LaneGated)
	x.send(10)
	x.run(100 * Millisecond)
	if heads := x.a.engine.Head(LaneGated) - before; heads != 10 || x.order[0] != 10 {
		t.Errorf("%d datagrams on the lane of all, want 10; b has message %d", heads, x.order[0])
	}
}

// send has a send so many messages, in as many datagrams, as soon as they are taken.
func (x *trio) send(n int) {
	x.t.Helper()
	for until := x.now + 5*Second; n > 0; n-- {
		m := message(x.sent+1, make([]byte, 100))
		for x.a.engine.Send(x.now, x.topic, m) == Busy {
			if x.run(100 * Microsecond); x.now > until {
				x.t.Fatal("no room")
			}
		}
		x.sent++
		x.a.engine.Flush(x.now)
		drain(x.now, x.a, x.b, x.c)
	}
}

// check compares what b and c got, and what a counts.
func (x *trio) check(what string, b, c int, directed, shared uint64) {
	x.t.Helper()
	k := x.a.engine.Counters()
	if x.b.delivered != b || x.c.delivered != c || x.b.lost+x.c.lost != 0 || k.MovesDirected != directed || k.MovesShared != shared {
		x.t.Fatalf("%s: delivered %d and %d, want %d and %d; lost %d, %d; moved %d times to one member, %d to all, want %d, %d", what,
			x.b.delivered, x.c.delivered, b, c, x.b.lost, x.c.lost, k.MovesDirected, k.MovesShared, directed, shared)
	}
}

// What one member alone wants goes to it alone; when another one wants it, to all; when that has gone
// off it for long enough, to the one again.
func TestTopicGoesToOneMember(t *testing.T) {
	x := newTrio(t, nil)
	x.send(10)
	x.check("to one", 10, 0, 1, 0)
	if n := x.c.engine.Counters().DataReceived; n != 0 {
		t.Errorf("%d datagrams at one that wants nothing", n)
	}
	x.want(x.c, "orders.eu")
	x.run(50 * Millisecond)
	x.send(10)
	x.check("to two", 20, 10, 1, 1)
	x.want(x.c)
	x.run(50 * Millisecond)
	x.send(10)
	x.check("to one again, soon, with all taken", 30, 10, 2, 1)
	if n := x.a.engine.Counters().DirectedSent; n == 0 || n >= x.a.engine.Counters().DataSent {
		t.Errorf("%d datagrams to one member of %d", n, x.a.engine.Counters().DataSent)
	}
}

// A topic waits on the lane that it leaves: what lies there was lost, and has to come first.
func TestMoveWaitsForRepairs(t *testing.T) {
	x := newTrio(t, nil)
	x.send(10)
	x.want(x.c, "orders.eu")
	x.run(50 * Millisecond)
	m := message(11, nil)
	if r := x.a.engine.Send(x.now, x.topic, m); r != Sent { // on the lane of all now
		t.Fatalf("sent: %v", r)
	}
	x.a.engine.Flush(x.now)
	x.b.queue, x.c.queue = nil, nil // lost
	x.sent = 11
	x.want(x.c)
	drain(x.now, x.c, x.a)
	m = message(12, nil)
	if r := x.a.engine.Send(x.now, x.topic, m); r != Sent {
		t.Fatalf("sent: %v, want it on the lane of all for a second more", r)
	}
	x.sent = 12
	x.run(900 * Millisecond)
	x.a.engine.Flush(x.now)
	x.run(5 * Millisecond)
	x.check("on the lane of all", 12, 0, 1, 1)
	x.run(Second)
	x.send(1)
	x.check("back", 13, 0, 2, 1)
}

// A lane on which nothing is sent costs nothing, and its memory is given back.
func TestDirectedLaneRests(t *testing.T) {
	x := newTrio(t, nil)
	x.send(100)
	l := x.a.engine.directed[2]
	if l.places.bytes() == 0 || len(x.a.engine.used) != 1 {
		t.Fatal("no window")
	}
	x.run(300 * Millisecond)
	beats, words := x.a.engine.Counters().HeartbeatsSent, x.b.engine.Counters().StatusSent
	x.run(5 * Second)
	beats, words = x.a.engine.Counters().HeartbeatsSent-beats, x.b.engine.Counters().StatusSent-words
	if beats > 27 || words > 4*27 { // of two lanes of all with each Hello; a has no data on one
		t.Errorf("%d heartbeats and %d Status in 5 s", beats, words)
	}
	x.run(6 * Second)
	if l.places.bytes() != 0 || len(x.a.engine.used) != 0 {
		t.Error("the window was not given back")
	}
	x.send(100)
	x.check("after a rest", 200, 0, 1, 0)
}

// Where the first Status of a lane is lost its owner asks for it.
func TestDirectedLaneIsAskedFor(t *testing.T) {
	x := newTrio(t, nil)
	p := x.a.engine.byNode[2]
	p.members[LaneDirected] = member{}
	p.laneAskAt, p.laneAskStep = x.now, retryFirst
	x.a.engine.wantsChanged(p)
	if n := x.a.engine.WantedBy("orders.eu"); n != 0 {
		t.Fatalf("wanted by %d, want 0", n)
	}
	x.a.engine.touchAll()
	x.a.engine.arm(x.now)
	x.run(10 * Millisecond)
	if n := x.a.engine.WantedBy("orders.eu"); n != 1 {
		t.Fatalf("wanted by %d, want 1", n)
	}
}

// What is for another node, and what does not come to one alone, is nobody's.
func TestStrayDirectedFrames(t *testing.T) {
	x := newTrio(t, nil)
	var frames [][]byte
	x.b.engine.sink = &recorder{station: x.b}
	keep := &recorder{station: x.a}
	x.a.engine.sink, x.a.engine.copier = keep, nil
	x.send(3)
	frames = keep.data
	if len(frames) == 0 {
		t.Fatal("nothing was sent")
	}
	before := *x.c.engine.Counters()
	for _, b := range frames {
		x.c.engine.Receive(x.now, b, x.a.address, false)
		b[3] &^= wire.FlagUnicast
		x.b.engine.Receive(x.now, b, x.a.address, true)
	}
	k := x.c.engine.Counters()
	if k.NotJoined-before.NotJoined != uint64(len(frames)) || k.DataReceived != before.DataReceived {
		t.Errorf("not joined %d, received %d", k.NotJoined-before.NotJoined, k.DataReceived-before.DataReceived)
	}
	if n := x.b.engine.Counters().Duplicates; n != 0 {
		t.Errorf("%d duplicates of frames without the flag", n)
	}
}

// recorder keeps the data that a station sends to one address.
type recorder struct {
	*station
	data [][]byte
}

func (r *recorder) Unicast(to netip.AddrPort, d []byte) {
	if wire.TypeOf(d) == wire.TypeData {
		r.data = append(r.data, append([]byte(nil), d...))
	}
	r.station.Unicast(to, d)
}

// A member that comes back reads the lane to it on from where it stood.
func TestDirectedLaneIsResumed(t *testing.T) {
	x := newTrio(t, nil)
	x.send(10)
	session, next, ok := x.b.engine.Position(1, LaneDirected)
	if !ok || next == 0 {
		t.Fatalf("position %d, %v", next, ok)
	}
	x.a.engine.Flush(x.now)
	for range 5 { // what it does not get
		m := message(x.sent+1, nil)
		x.a.engine.Send(x.now, x.topic, m)
		x.a.engine.Flush(x.now)
		x.sent++
	}
	x.b.queue = nil
	late := newStation(t, 2, 23, func(c *Config) { c.NoDirected = false })
	late.onDeliver = x.b.onDeliver
	late.engine.Resume(1, LaneDirected, session, next)
	late.engine.ResumeStream(1, "orders.eu", message(1, nil).Producer, 10)
	for i, s := range x.a.others {
		if s == x.b {
			x.a.others[i] = late
		}
	}
	late.others = []*station{x.a, x.c}
	x.want(late, "orders.*")
	late.engine.Start(x.now)
	run(&x.now, 200*Millisecond, x.a, late, x.c)
	if late.delivered != 5 || late.lost != 0 || late.engine.Counters().DirectedResumed != 1 {
		t.Errorf("delivered %d, lost %d, resumed %d lanes, want 5, 0, 1", late.delivered, late.lost, late.engine.Counters().DirectedResumed)
	}
}

// setupless is a station whose snapshots get lost.
type setupless struct{ *station }

func (s *setupless) Unicast(to netip.AddrPort, d []byte) {
	if wire.TypeOf(d) != wire.TypeSetup {
		s.station.Unicast(to, d)
	}
}

// A member that was taken for dead learns what it missed though nothing follows: its owner's row of its lane says as much, but
// was never told it.
func TestMissedWhileAwayIsToldOnTheNextLane(t *testing.T) {
	x := newTrio(t, func(c *Config) { c.Timers.Alone, c.Timers.Absent = Millisecond, Millisecond })
	x.send(5)
	x.a.engine.sink, x.a.engine.copier = &setupless{x.a}, nil
	others := x.b.others
	x.b.others = nil // what it says does not come
	x.a.engine.removePeer(x.a.engine.byNode[2], DownTimeout)
	x.send(2) // which nobody wants
	x.run(5 * Millisecond)
	x.want(x.c, "orders.eu")
	x.run(5 * Millisecond)
	if k := x.a.engine.Counters(); k.MovesDirected != 2 || x.b.lost != 0 {
		t.Fatalf("moved %d times, b lost %d; want 2, 0", k.MovesDirected, x.b.lost)
	}
	x.want(x.c)
	x.run(5 * Millisecond)
	x.b.others = others
	x.run(500 * Millisecond)
	if k := x.a.engine.Counters(); k.MovesDirected != 3 || x.b.delivered != 5 || x.b.lost != 2 {
		t.Errorf("moved %d times; b has %d, and lost %d, want 3, 5, 2", k.MovesDirected, x.b.delivered, x.b.lost)
	}
}
