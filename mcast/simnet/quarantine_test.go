package simnet

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

var guardFlag = flag.Int("guard", 1, "number of seeds of TestNobodyHealthyIsSetApart")

// A warden is a node that notes who was set apart.
type warden struct {
	*Node
	began, over []mcast.Quarantine
	at          []mcast.Time // of each that began
}

func (w *warden) prepare(e *mcast.Engine) {
	w.openTopics()
	if err := e.SetWants(w.net.now, []string{">"}); err != nil {
		panic(err)
	}
	w.resumeFrom(e)
}

func (w *warden) Quarantined(q *mcast.Quarantine) {
	w.began, w.at = append(w.began, *q), append(w.at, w.net.now)
}

func (w *warden) Released(q *mcast.Quarantine) { w.over = append(w.over, *q) }

// A flood is what a source sends that nobody healthy does.
type flood struct {
	name  string
	why   mcast.Offence
	apart bool // it comes from an address of no node, otherwise from that of the last node
	rate  int  // frames a second
	frame func(r *rand.Rand, from, to *Node) []byte
}

// floods are the attacks; each is well over its limit.
var floods = []flood{
	{"bytes of no frame", mcast.OffenceMalformed, true, 10_000, func(r *rand.Rand, _, _ *Node) []byte {
		b := make([]byte, 40)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}},
	{"a peer that babbles", mcast.OffenceMalformed, false, 10_000, func(r *rand.Rand, from, _ *Node) []byte {
		b := frameOf(from.ID(), from.session, wire.TypeStatus)
		return append(b, make([]byte, r.IntN(10))...)
	}},
	{"joins of made-up nodes", mcast.OffenceJoin, true, 2000, func(r *rand.Rand, _, _ *Node) []byte {
		return helloOf(1000+r.Uint32N(1<<20), 1+r.Uint64N(1<<40))
	}},
	{"sessions without end", mcast.OffenceJoin, true, 1000, func(_ *rand.Rand, _, to *Node) []byte {
		return helloOf(900, uint64(to.net.now))
	}},
	{"beacons", mcast.OffenceHello, true, 20_000, func(*rand.Rand, *Node, *Node) []byte { return helloOf(900, 900) }},
	{"NAKs", mcast.OffenceFlood, false, 200_000, func(_ *rand.Rand, from, to *Node) []byte {
		n := wire.Nak{Session: to.session}
		return finish(wire.AppendNakRange(n.AppendTo(begin(from.ID(), from.session, wire.TypeNak)), 0, 1))
	}},
	{"frames of an old session", mcast.OffenceFlood, true, 200_000, func(_ *rand.Rand, from, _ *Node) []byte {
		return helloOf(1, 1)
	}},
	{"a clone that publishes", mcast.OffenceFlood, true, 200_000, func(_ *rand.Rand, _, to *Node) []byte {
		return frameOf(to.ID(), to.session-1, wire.TypeData)
	}},
}

func begin(node uint32, session uint64, kind uint8) []byte {
	return wire.Begin(nil, &wire.Header{Type: kind, Domain: 0xd0, Node: node, Session: session, Number: 1 << 40})
}

func finish(b []byte) []byte {
	wire.Finish(b)
	return b
}

func frameOf(node uint32, session uint64, kind uint8) []byte {
	return finish(append(begin(node, session, kind), make([]byte, 40)...))
}

func helloOf(node uint32, session uint64) []byte {
	h := wire.Hello{Epoch: 1, VersionMin: 1, VersionMax: 1, Name: []byte("n"), Host: []byte("h")}
	return finish(h.AppendTo(begin(node, session, wire.TypeHello)))
}

// floodFor lets frames come to every node but the sender, for a while.
func (n *Network) floodFor(f *flood, from *Node, d mcast.Duration) {
	const apart = mcast.Millisecond
	r := rand.New(rand.NewPCG(n.Options.Seed, 0xf100d))
	end := n.now + d
	var burst func()
	burst = func() {
		for _, to := range n.Nodes {
			for i := 0; to.address != from.address && i < f.rate/1000; i++ {
				n.arrive(n.now+mcast.Duration(i), from, to, f.frame(r, from, to), false)
			}
		}
		if n.now < end {
			n.After(apart, burst)
		}
	}
	n.After(0, burst)
}

// wardens makes a network of nodes that publish, and have met.
func wardens(t *testing.T, o Options) (*Network, []*warden) {
	n := New(o)
	n.flooded = true
	var all []*warden
	for _, x := range n.Nodes {
		w := &warden{Node: x}
		x.app = w
		all = append(all, w)
	}
	n.RunUntil(5*mcast.Second, n.AllJoined)
	if !n.AllJoined() {
		t.Fatal("the nodes did not join")
	}
	return n, all
}

// Guarantee test 25, self-defence: whatever floods is set apart, by everybody and for long
// enough; all others get everything meanwhile, and who floods no more is released by itself.
func TestFloodsAreSetApart(t *testing.T) {
	for i := range floods {
		f := &floods[i]
		t.Run(f.name, func(t *testing.T) {
			n, all := wardens(t, Options{Seed: uint64(i + 1), Nodes: 4, Messages: 1500, Interval: mcast.Millisecond, Jitter: 50 * us, Loss: 0.01, LossAllowed: true})
			from := n.Nodes[3]
			if f.apart {
				from = newNode(n, 90)
			}
			honest := all[:3]
			for _, w := range honest {
				w.Publish()
			}
			start := n.now
			n.floodFor(f, from, 1200*mcast.Millisecond)
			n.Run(1700*mcast.Millisecond, nil)
			for _, w := range honest {
				w.checkFlood(t, f, start, from.address)
			}
			n.Run(8*mcast.Second, nil)
			n.RunUntil(20*mcast.Second, n.AllJoined)
			n.checkCalm(t, honest)
		})
	}
}

// checkFlood looks at a node while a flood comes to it.
func (w *warden) checkFlood(t *testing.T, f *flood, start mcast.Time, from netip.AddrPort) {
	c := w.engine.Counters()
	if len(w.began) == 0 || c.QuarantineIgnored == 0 {
		t.Fatalf("node %d: nobody is set apart: %v of %+v", w.ID(), w.began, c)
	}
	q := w.began[0]
	if q.Why != f.why || q.From != from || q.For != mcast.Second || (q.Node != 0) == f.apart && f.why != mcast.OffenceJoin && f.why != mcast.OffenceHello {
		t.Errorf("node %d: %+v", w.ID(), q)
	}
	for _, b := range w.began {
		if b.From != from {
			t.Errorf("node %d: %v is set apart", w.ID(), b.From)
		}
	}
	t.Logf("node %d: set apart after %d ms, %d frames ignored", w.ID(), (w.at[0]-start)/ms, c.QuarantineIgnored)
}

// checkCalm looks at the network when the flood is over: nothing of the honest was lost, the
// source was released, and all see all.
func (n *Network) checkCalm(t *testing.T, honest []*warden) {
	if err := n.Err(); err != nil {
		t.Fatal(err)
	}
	if !n.AllJoined() {
		t.Error("the nodes do not see each other again")
	}
	for _, w := range honest {
		if len(w.over) != len(w.began) {
			t.Errorf("node %d: %d set apart, %d released", w.ID(), len(w.began), len(w.over))
		}
		for _, from := range honest {
			for _, s := range from.streams {
				if from != w && (!from.Done() || s.next == 1 || !n.taken(from.Node, s) || w.Missed != 0) {
					t.Errorf("node %d lacks messages of node %d: %d lost", w.ID(), from.ID(), w.Missed)
				}
			}
		}
	}
}

// Who goes on is ignored for longer and longer.
func TestFloodThatGoesOn(t *testing.T) {
	n, all := wardens(t, Options{Seed: 3, Nodes: 2})
	n.floodFor(&floods[0], newNode(n, 90), 12*mcast.Second)
	n.Run(18*mcast.Second, nil)
	for _, w := range all {
		for i, want := range []mcast.Duration{1, 2, 4, 8} {
			if len(w.began) != 4 || len(w.over) != 4 || w.began[i].For != want*mcast.Second || w.began[i].Times != i+1 {
				t.Fatalf("node %d: %+v, over %+v", w.ID(), w.began, w.over)
			}
		}
		ignored := uint64(0)
		for _, q := range w.over {
			ignored += q.Ignored
		}
		if c := w.engine.Counters(); c.QuarantineIgnored != ignored || ignored < 70_000 {
			t.Errorf("node %d: %d ignored of 120,000, %d by the quarantines", w.ID(), c.QuarantineIgnored, ignored)
		}
	}
}

// A flood from addresses that are made up sets nobody apart who is there, and takes no memory.
func TestMadeUpAddresses(t *testing.T) {
	n, all := wardens(t, Options{Seed: 4, Nodes: 3, Messages: 500, Interval: mcast.Millisecond})
	for _, w := range all {
		w.Publish()
	}
	r := rand.New(rand.NewPCG(4, 5))
	flood := floods[0]
	for i := range 200 {
		n.After(mcast.Duration(i)*2*ms, func() {
			for range 100 {
				from := &Node{net: n}
				var a [4]byte
				binary.LittleEndian.PutUint32(a[:], r.Uint32()|1)
				from.address = netip.AddrPortFrom(netip.AddrFrom4(a), uint16(r.Uint32()))
				for _, to := range n.Nodes {
					n.arrive(n.now, from, to, flood.frame(r, nil, nil), false)
				}
			}
		})
	}
	n.Run(3*mcast.Second, nil)
	n.checkCalm(t, all)
	for _, w := range all {
		if len(w.began) != 0 {
			t.Errorf("node %d: %+v", w.ID(), w.began)
		}
	}
}

// Nobody healthy comes near a limit: with a tenth of each, a fourth of the joins, nobody is set
// apart in any world: loss, duplicates, replays, restarts, pauses, 200 nodes.
func TestNobodyHealthyIsSetApart(t *testing.T) {
	tenth := mcast.Guard{Malformed: mcast.Limit{Rate: 10, Burst: 100}, Join: mcast.Limit{Rate: 1, Burst: 16},
		Hello: mcast.Limit{Rate: 50, Burst: 500}, Flood: mcast.Limit{Rate: 2000, Burst: 5000}}
	seeds := uint64(few(*guardFlag, 1))
	for seed := uint64(1); seed <= seeds; seed++ {
		o := options(seed)
		o.Config.Guard = tenth
		check := func(kind string, err error) {
			if err != nil {
				t.Errorf("%s, seed %d: %v (repeat: go test ./mcast/simnet -run NobodyHealthy -guard %d)", kind, seed, err, seed)
			}
		}
		check("loss", runSeed(o).Err())
		o = restartOptions(seed)
		o.Config.Guard = tenth
		check("restart", runRestart(o).Err())
		for _, soft := range []bool{true, false} {
			o = chaosOptions(seed, soft)
			o.Config.Guard = tenth
			w := NewWorld(o, soft)
			w.Live(1500 * mcast.Millisecond)
			check(map[bool]string{true: "soft", false: "hard"}[soft], w.Err())
		}
		if seed%8 != 1 {
			continue
		}
		o = chaosOptions(2*seed, true)
		o.Nodes, o.Config.Guard = 200, tenth
		if seeds == 1 { // CI; worlds of 200 nodes with the limits as they are: TestLarge
			o.Nodes = 40
		}
		w := NewWorld(o, true)
		w.Live(500 * mcast.Millisecond)
		check("large", w.Err())
	}
}
