package simnet

import (
	"slices"
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// heals returns how long it takes until all nodes can send to all others.
func heals(t *testing.T, n *Network, what string, seed uint64) mcast.Duration {
	t.Helper()
	start := n.Now()
	n.Run(10*mcast.Second, func() bool { return n.AllJoined() && n.Now() > start })
	if !n.AllJoined() {
		t.Fatalf("%s, seed %d: never joined again", what, seed)
	}
	return n.Now() - start
}

// A node that restarts, also with a clock that was set back, is back within a second,
// and nothing of its old session is delivered: guarantee test 21. Old frames are still
// on their way for up to 500 ms.
func TestRestartHealsSoon(t *testing.T) {
	for _, c := range []struct {
		name  string
		clock int64 // by how much the session grows
	}{{"restart", 100}, {"clock set back", -500}} {
		var took []mcast.Duration
		for seed := uint64(1); seed <= uint64(few(12, 3)); seed++ {
			n := New(Options{Seed: seed, Nodes: 4, Loss: 0.01, Replay: 0.02, SamePort: true, LossAllowed: true, Messages: 1000, Interval: mcast.Millisecond})
			n.Run(5*mcast.Second, n.AllJoined)
			for _, x := range n.Nodes {
				x.Publish()
			}
			n.Run(100*mcast.Millisecond, nil)
			x := n.Nodes[seed%4]
			x.Kill()
			x.session = uint64(int64(x.session) + c.clock)
			n.Run(50*mcast.Millisecond, nil)
			x.Start()
			took = append(took, heals(t, n, c.name, seed))
			n.Run(mcast.Second, nil)
			if err := n.Err(); err != nil {
				t.Fatalf("%s, seed %d: %v", c.name, seed, err)
			}
		}
		slices.Sort(took)
		t.Logf("%s: healed after p50 %d max %d us", c.name, quantile(took, .5), quantile(took, 1))
		if quantile(took, 1) > mcast.Second/mcast.Microsecond {
			t.Errorf("%s: healed after %d us", c.name, quantile(took, 1))
		}
	}
}

// A second machine under a node's id raises the alarm on both within a second. The
// greater session is heard; when it has gone the other one is, again.
func TestClonedNode(t *testing.T) {
	for seed := uint64(1); seed <= uint64(few(20, 4)); seed++ {
		n, all := watch(t, Options{Seed: seed, Nodes: 3, Loss: 0.01, Jitter: 100 * mcast.Microsecond})
		n.Run(mcast.Second, nil)
		x := newNode(n, len(n.Nodes))
		of := all[0]
		x.id, x.session = of.ID(), of.session+100
		if seed%2 == 0 {
			x.session = of.session - 100
		}
		clone := &watcher{deaf: deaf{x}}
		x.app = clone
		n.Nodes = append(n.Nodes, x)
		x.Start()
		n.Run(mcast.Second, nil)
		for _, w := range []*watcher{of, clone} {
			if !slices.Contains(w.Events, "duplicate-node") {
				t.Errorf("seed %d: the machine with session %d raised no alarm", seed, w.session)
			}
		}
		if spoken := all[1].engine.WantedBy("any"); spoken != 2 {
			t.Errorf("seed %d: node 2 has %d peers of 2 while two machines have one id", seed, spoken)
		}
		x.die()
		n.Nodes = n.Nodes[:3]
		start := n.Now()
		n.Run(4*mcast.Second, nil)
		if !n.AllJoined() {
			t.Errorf("seed %d: %d us after the clone went the nodes are not together", seed, (n.Now()-start)/mcast.Microsecond)
		}
	}
}
