package simnet

import (
	"math/rand/v2"
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// restartOptions makes a run in which nodes are killed and come back in a new
// session, while datagrams of the old one are still on their way.
func restartOptions(seed uint64) Options {
	o := options(seed)
	o.LossAllowed = true
	o.Messages = 600
	o.Replay = 0.02
	o.Interval = 500 * mcast.Microsecond
	return o
}

// runRestart joins, publishes, kills one node after the other, and waits until
// every message was delivered or told as lost.
func runRestart(o Options) *Network {
	n := New(o)
	n.Run(5*mcast.Second, n.AllJoined)
	for _, x := range n.Nodes {
		x.Publish()
	}
	r := rand.New(rand.NewPCG(o.Seed, 7))
	for i := range 3 {
		victim := n.Nodes[r.IntN(len(n.Nodes))]
		n.After(mcast.Duration(5+i*60)*mcast.Millisecond, func() {
			if victim.up {
				victim.Restart(mcast.Duration(r.IntN(30)+1) * mcast.Millisecond)
			}
		})
	}
	n.Run(mcast.Second, nil)
	n.Run(20*mcast.Second, n.AllJoined)
	for _, x := range n.Nodes {
		x.schedulePump(0)
	}
	n.Run(10*mcast.Second, func() bool { return n.allHandedOver() })
	for _, x := range n.Nodes { // one message more of each, which shows what is missing before it
		x.publishMore(1)
	}
	n.Run(30*mcast.Second, n.AllTaken)
	n.CheckProgress()
	return n
}

func (n *Network) allHandedOver() bool {
	for _, x := range n.Nodes {
		if !x.Done() {
			return false
		}
	}
	return true
}

// Sent = delivered + told as lost, for every producer, over restarts of nodes.
func TestRestart(t *testing.T) {
	from, to := seeds(t)
	to = min(to, from+uint64(few(40, 4)))
	var missed, taken uint64
	for seed := from; seed < to; seed++ {
		n := runRestart(restartOptions(seed))
		if err := n.Err(); err != nil {
			t.Fatalf("seed %d: %v\nrerun: go test ./mcast/simnet -run 'TestRestart$' -seed %d", seed, err, seed)
		}
		for _, x := range n.Nodes {
			missed += x.Missed
			taken += x.Taken
		}
	}
	t.Logf("%d seeds: %d messages delivered, %d told as lost", to-from, taken, missed)
	if missed == 0 {
		t.Error("no message was lost: the restarts did nothing")
	}
}
