package simnet

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// load is a node of a run in which the first one sends a message in each datagram, at
// a steady rate or as fast as it may, and the others take the times.
type load struct {
	*Node
	run     *loadRun
	got     uint64
	lost    uint64
	next    uint64
	bad     int              // out of order
	ages    []mcast.Duration // from Send to delivery
	arrived []mcast.Time     // by sequence; 0: never
	notices []loadNotice
}

type loadNotice struct {
	at   mcast.Time
	node uint32
	what mcast.Notice
}

// loadRun is such a run.
type loadRun struct {
	net   *Network
	rate  float64 // messages a second; 0: as many as go
	burst int     // that many at once
	all   []*load
	sent  []mcast.Time // by sequence, from 1
	begin mcast.Time
	topic mcast.TopicID
	stop  bool
	rnd   *rand.Rand
}

// startLoad makes the nodes and waits until all have joined.
func startLoad(t *testing.T, o Options, rate float64) *loadRun {
	t.Helper()
	r := &loadRun{net: New(o), rate: rate, burst: 1, sent: []mcast.Time{0}, rnd: rand.New(rand.NewPCG(o.Seed, 1234))}
	for _, x := range r.net.Nodes {
		l := &load{Node: x, run: r, next: 1, arrived: []mcast.Time{0}}
		x.app = l
		r.all = append(r.all, l)
	}
	joined := func() bool { return r.all[0].up && r.all[0].engine.WantedBy("load") == len(r.all)-1 }
	r.net.Run(10*mcast.Second, joined)
	if !joined() {
		t.Fatal("the nodes did not join")
	}
	r.net.Run(500*mcast.Millisecond, nil) // round trips are known
	return r
}

// run sends for a while, then waits for what is on its way.
func (r *loadRun) run(t *testing.T, d mcast.Duration) {
	t.Helper()
	id, err := r.all[0].engine.Topic("load", mcast.TopicShape{SlotCount: 64, Live: r.net.Options.Live})
	if err != nil {
		t.Fatal(err)
	}
	r.topic, r.begin = id, r.net.now
	r.net.After(0, r.offer)
	r.net.Run(d, nil)
	r.stop = true
	r.net.Run(3*mcast.Second, nil)
	for _, l := range r.all[1:] {
		if l.bad != 0 || l.got+l.lost != uint64(len(r.sent)-1) {
			t.Errorf("seed %d: node %d: %d delivered and %d lost of %d, %d out of order", r.net.Options.Seed, l.ID(), l.got, l.lost, len(r.sent)-1, l.bad)
		}
	}
}

// offer hands over what is due.
func (r *loadRun) offer() {
	r.pump()
	if !r.stop && r.rate > 0 {
		r.net.After(mcast.Duration(float64(r.burst)/r.rate*float64(mcast.Second)), r.offer)
	}
}

// pump sends what was offered and not yet taken.
func (r *loadRun) pump() {
	x := r.all[0]
	if r.stop || r.topic == 0 || x.mustWait() {
		return
	}
	due := 1 << 60
	if r.rate > 0 {
		due = int(float64(r.net.now-r.begin)/float64(mcast.Second)*r.rate) / r.burst * r.burst
	}
	m := mcast.Message{Producer: mcast.Address{Node: 1, Epoch: 7, Generation: 1, Index: 1}}
	for len(r.sent) <= due {
		m.Sequence = uint64(len(r.sent))
		if x.engine.Send(x.clock(), r.topic, &m) != mcast.Sent {
			break
		}
		x.engine.Flush(x.clock())
		r.sent = append(r.sent, r.net.now)
	}
	x.after()
}

func (l *load) prepare(e *mcast.Engine) {
	if err := e.SetWants(l.clock(), []string{">"}); err != nil {
		panic(err)
	}
}

// Room is the sink's.
func (l *load) Room() {
	if l == l.run.all[0] {
		l.net.After(0, l.run.pump)
	}
}

// Notice is the sink's.
func (l *load) Notice(p *mcast.Peer, _ uint32, what mcast.Notice) {
	l.notices = append(l.notices, loadNotice{l.net.now, p.Node(), what})
}

// Deliver is the sink's.
func (l *load) Deliver(_ *mcast.Peer, _ *mcast.RemoteTopic, m *mcast.Message) {
	if m.Sequence != l.next {
		l.bad++
	}
	l.next = m.Sequence + 1
	l.got++
	l.ages = append(l.ages, l.net.now-l.run.sent[m.Sequence])
	for uint64(len(l.arrived)) <= m.Sequence {
		l.arrived = append(l.arrived, 0)
	}
	l.arrived[m.Sequence] = l.net.now
}

// Lost is the sink's.
func (l *load) Lost(_ *mcast.Peer, _ *mcast.RemoteTopic, _ mcast.Address, first, last uint64, _ mcast.LossReason) {
	if first != l.next {
		l.bad++
	}
	l.next = last + 1
	l.lost += last - first + 1
}

// times is what percentiles are taken of.
type times []mcast.Duration

// us returns a quantile in microseconds.
func (x times) us(q float64) mcast.Duration {
	if len(x) == 0 {
		return 0
	}
	slices.Sort(x)
	return x[int(q*float64(len(x)-1))] / mcast.Microsecond
}

func (x times) mean() mcast.Duration {
	var sum mcast.Duration
	for _, d := range x {
		sum += d
	}
	return sum / mcast.Duration(max(1, len(x))) / mcast.Microsecond
}

// dropFor lets one node lose a share of all that is sent to it, and by it.
func (r *loadRun) dropFor(node int, share float64) func() {
	old := r.net.Drop
	r.net.Drop = func(from, to *Node, d []byte) bool {
		return old != nil && old(from, to, d) || (from.index == node || to.index == node) && r.rnd.Float64() < share
	}
	return func() { r.net.Drop = old }
}
