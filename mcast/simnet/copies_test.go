package simnet

import (
	"net/netip"
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// fallBack lets node 1 publish while multicast dies for a while as drop says, and
// returns the longest time without a delivery at node 2 meanwhile, and how long copies
// were sent after it came back.
func fallBack(t *testing.T, seed uint64, drop func(from, to *Node) bool) (gap, after mcast.Duration, n *Network) {
	t.Helper()
	n = New(Options{Seed: seed, Nodes: 3, Messages: 20000, SizeMax: 100, Interval: 2 * mcast.Millisecond, Loss: 0.01, Jitter: 100 * mcast.Microsecond})
	n.Run(5*mcast.Second, n.AllJoined)
	n.Nodes[0].Publish()
	n.Run(mcast.Second, nil)
	last := n.Now()
	n.Nodes[1].OnDeliver = func(*mcast.Peer, *mcast.RemoteTopic, *mcast.Message) {
		gap = max(gap, n.Now()-last)
		last = n.Now()
	}
	n.DropGroup = drop
	n.Run(4*mcast.Second, nil)
	gap = max(gap, n.Now()-last)
	n.DropGroup = nil
	heal := n.Now()
	copies := uint64(0)
	for range 300 {
		n.Run(10*mcast.Millisecond, nil)
		sum := uint64(0)
		for _, x := range n.Nodes {
			sum += x.engine.Counters().CopiesSent
		}
		if sum != copies {
			copies, after = sum, n.Now()-heal
		}
	}
	n.Run(60*mcast.Second, n.AllTaken)
	n.CheckProgress()
	return gap, after, n
}

// Multicast dies while unicast lives: frames come by unicast within a second, copies end
// within two after it is back, and nothing is lost: guarantee test 22.
func TestFallBackToUnicast(t *testing.T) {
	for _, c := range []struct {
		name string
		drop func(from, to *Node) bool
	}{
		{"one direction", func(from, to *Node) bool { return from.index == 0 && to.index == 1 }},
		{"one receiver", func(_, to *Node) bool { return to.index == 1 }},
		{"all", func(_, _ *Node) bool { return true }},
	} {
		for seed := uint64(1); seed <= uint64(few(3, 1)); seed++ {
			gap, after, n := fallBack(t, seed, c.drop)
			if err := n.Err(); err != nil {
				t.Fatalf("%s, seed %d: %v", c.name, seed, err)
			}
			if gap > mcast.Second+100*mcast.Millisecond || after > 2*mcast.Second {
				t.Errorf("%s, seed %d: nothing came for %d us, copies for %d us after it was back", c.name, seed, gap/mcast.Microsecond, after/mcast.Microsecond)
			}
			if seed == 1 {
				t.Logf("%s: nothing came for %d us, copies for %d us after it was back", c.name, gap/mcast.Microsecond, after/mcast.Microsecond)
			}
		}
	}
}

// seedsOptions make a network without multicast; of each two nodes one knows the other.
func seedsOptions(seed uint64) Options {
	o := options(seed)
	for i := range o.Nodes {
		o.Config.Seeds = append(o.Config.Seeds, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 7000))
	}
	return o
}

func runWithoutMulticast(o Options) *Network {
	n := New(o)
	n.DropGroup = func(_, _ *Node) bool { return true }
	n.Run(2*mcast.Second, n.AllJoined)
	if !n.AllJoined() {
		n.violate("progress", "the nodes did not join without multicast")
		return n
	}
	for _, x := range n.Nodes {
		x.Publish()
	}
	n.Run(60*mcast.Second, n.AllTaken)
	n.CheckProgress()
	return n
}

// Nodes that no multicast reaches meet by seeds, and lose nothing.
func TestWithoutMulticast(t *testing.T) {
	for seed := uint64(1); seed <= uint64(few(25, 3)); seed++ {
		if err := runWithoutMulticast(seedsOptions(seed)).Err(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// Random use with multicast that comes and goes for every direction by itself: what is
// lost while it is away for longer than the budget is told exactly.
func TestChaosMulticast(t *testing.T) {
	from, to := seeds(t)
	to = min(to, from+uint64(few(3, 1)))
	if *chaosFlag != 0 && *seedFlag == 0 {
		from, to = *fromFlag, *fromFlag+uint64(*chaosFlag)
	}
	for seed := from; seed < to; seed++ {
		w := NewWorld(chaosOptions(seed, false), false)
		w.DropGroup = func(from, to *Node) bool {
			h := seed<<40 | uint64(from.index)<<30 | uint64(to.index)<<20 | uint64(w.now/(700*mcast.Millisecond))
			h = (h ^ h>>29) * 0x9e3779b97f4a7c15
			return !w.calm && h>>62 == 0
		}
		w.Live(mcast.Duration(few(3, 1)) * mcast.Second)
		if err := w.Err(); err != nil {
			t.Errorf("seed %d: %v\nrerun: go test ./mcast/simnet -run 'TestChaosMulticast$' -seed %d", seed, err, seed)
		}
	}
}
