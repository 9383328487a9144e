package simnet

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

// watcher is a node without an application, which notes who came, went and is deaf.
type watcher struct {
	deaf
	downs   []watched
	ups     int
	deafAt  mcast.Time
	hearsAt mcast.Time
}

type watched struct {
	node   uint32
	at     mcast.Time
	reason mcast.DownReason
}

func (w *watcher) PeerUp(*mcast.Peer) { w.ups++ }
func (w *watcher) PeerDown(p *mcast.Peer, reason mcast.DownReason) {
	w.downs = append(w.downs, watched{p.Node(), w.net.now, reason})
	w.net.mix(uint64(w.net.now))
}
func (w *watcher) Notice(_ *mcast.Peer, _ uint32, what mcast.Notice) {
	switch what {
	case mcast.Deaf:
		w.deafAt = w.net.now
	case mcast.HearsAgain:
		w.hearsAt = w.net.now
	}
}

// watch makes a network of watchers that have met.
func watch(t testing.TB, o Options) (*Network, []*watcher) {
	t.Helper()
	n := New(o)
	var all []*watcher
	for _, x := range n.Nodes {
		w := &watcher{deaf: deaf{x}}
		x.app = w
		all = append(all, w)
	}
	n.Run(5*mcast.Second, n.AllJoined)
	if !n.AllJoined() {
		t.Fatal("the nodes did not join")
	}
	return n, all
}

// A node that is cut off is known to be dead within 2 s: guarantee test 19, its
// part about nodes. Where others say so too it takes less.
func TestNodeDeath(t *testing.T) {
	for _, nodes := range []int{2, 3, 8} {
		var took []mcast.Duration
		for seed := uint64(1); seed <= uint64(few(30, 5)); seed++ {
			n, all := watch(t, Options{Seed: seed, Nodes: nodes, Loss: 0.02, Jitter: 100 * mcast.Microsecond})
			n.Run(mcast.Second+mcast.Duration(n.rnd.Int64N(int64(mcast.Second))), nil)
			at := n.Now()
			n.Nodes[0].die()
			n.Run(4*mcast.Second, nil)
			for _, w := range all[1:] {
				if len(w.downs) != 1 || w.downs[0].node != 1 {
					t.Fatalf("seed %d: node %d took for dead: %v", seed, w.ID(), w.downs)
				}
				took = append(took, w.downs[0].at-at)
			}
		}
		slices.Sort(took)
		t.Logf("%d nodes: known after p50 %d p99 %d max %d us", nodes, quantile(took, .5), quantile(took, .99), quantile(took, 1))
		if quantile(took, 1) > 2*mcast.Second/mcast.Microsecond {
			t.Errorf("%d nodes: a death was known after %d us", nodes, quantile(took, 1))
		}
	}
}

// busyMachines is a run of nodes that stand still for 0.9 s now and then, and for
// moments all the time, while frames are lost; it returns who was taken for dead.
func busyMachines(t testing.TB, seed uint64, d mcast.Duration) (deaths int) {
	n, all := watch(t, Options{Seed: seed, Nodes: 6, Loss: 0.02, Jitter: 200 * mcast.Microsecond, Socket: 2000})
	for i, x := range n.Nodes {
		r := rand.New(rand.NewPCG(seed, uint64(i)+40))
		var again func()
		again = func() {
			x.Pause(900 * mcast.Millisecond)
			n.After(mcast.Second+mcast.Duration(r.Int64N(int64(2*mcast.Second))), again)
		}
		n.After(mcast.Duration(r.Int64N(int64(2*mcast.Second))), again)
		noise(n, x, 60*mcast.Millisecond)
	}
	n.Run(d, nil)
	for _, w := range all {
		deaths += len(w.downs)
	}
	return deaths
}

// Nobody who lives is taken for dead on machines without time: guarantee test 20.
func TestNoFalseDeath(t *testing.T) {
	seeds, span := uint64(few(10, 2)), mcast.Duration(few(60, 20))*mcast.Second
	for seed := uint64(1); seed <= seeds; seed++ {
		if deaths := busyMachines(t, seed, span); deaths != 0 {
			t.Errorf("seed %d: %d false deaths", seed, deaths)
		}
	}
}

// A link that carries one direction only: who is not heard learns it, nobody else is
// troubled, and all is well again when it heals.
func TestOneWayLink(t *testing.T) {
	for seed := uint64(1); seed <= uint64(few(20, 4)); seed++ {
		n, all := watch(t, Options{Seed: seed, Nodes: 4, Loss: 0.01, Jitter: 100 * mcast.Microsecond})
		n.Run(mcast.Second, nil)
		cut := n.Now()
		n.Partition(0, 1, true)
		n.Run(4*mcast.Second, nil)
		a, b := all[0], all[1]
		if len(b.downs) != 1 || b.downs[0].node != 1 || b.downs[0].at-cut > 2*mcast.Second {
			t.Errorf("seed %d: node 2 took for dead: %v, cut at %d", seed, b.downs, cut)
		}
		if a.deafAt == 0 || a.deafAt-cut > 1500*mcast.Millisecond || a.hearsAt != 0 {
			t.Errorf("seed %d: node 1 learned after %d us that node 2 is deaf", seed, (a.deafAt-cut)/mcast.Microsecond)
		}
		heal := n.Now()
		n.Partition(0, 1, false)
		n.Run(mcast.Second, nil)
		if a.hearsAt == 0 || a.hearsAt-heal > mcast.Second || !n.AllJoined() || b.ups != 4 {
			t.Errorf("seed %d: healed at %d, node 1 heard at %d, joined %v", seed, heal, a.hearsAt, n.AllJoined())
		}
		if len(a.downs)+len(all[2].downs)+len(all[3].downs) != 0 {
			t.Errorf("seed %d: %v %v %v were taken for dead", seed, a.downs, all[2].downs, all[3].downs)
		}
	}
}

// Multicast that dies while unicast lives is seen from both ends, and is no death.
func TestMulticastDies(t *testing.T) {
	n, all := watch(t, Options{Seed: 3, Nodes: 3})
	n.Run(mcast.Second, nil)
	cut, dead := n.Now(), true
	n.Drop = func(from, _ *Node, datagram []byte) bool {
		return dead && from.index == 0 && wire.FlagsOf(datagram)&wire.FlagUnicast == 0
	}
	n.Run(5*mcast.Second, nil)
	for i, w := range all {
		if len(w.downs) != 0 {
			t.Errorf("node %d took for dead: %v", w.ID(), w.downs)
		}
		if i == 0 && (w.deafAt == 0 || w.deafAt-cut > mcast.Second+100*mcast.Millisecond) {
			t.Errorf("node 1 learned after %d us that it is not heard", (w.deafAt-cut)/mcast.Microsecond)
		}
	}
	dead = false
	heal := n.Now()
	n.Run(mcast.Second, nil)
	if all[0].hearsAt < heal {
		t.Error("node 1 did not learn that it is heard again")
	}
}
