package simnet

import (
	"fmt"
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// deaf takes everything and checks nothing.
type deaf struct{ *Node }

func (d deaf) Deliver(*mcast.Peer, *mcast.RemoteTopic, *mcast.Message) {}
func (d deaf) Lost(*mcast.Peer, *mcast.RemoteTopic, mcast.Address, uint64, uint64, mcast.LossReason) {
}
func (d deaf) prepare(e *mcast.Engine) {
	if err := e.SetWants(d.clock(), []string{">"}); err != nil {
		panic(err)
	}
}

// A node joins another one whose table takes many frames also where frames are
// lost: it need not get all of them in one go.
func TestJoinLargeTable(t *testing.T) {
	const topics = 2000
	n := New(Options{Seed: 2, Nodes: 3, Loss: 0, SizeMax: 1, LossAllowed: true})
	for _, y := range n.Nodes {
		y.app = deaf{y}
	}
	n.Run(5*mcast.Second, n.AllJoined)
	fillTable(t, n.Nodes[0], topics)
	n.Options.Loss = 0.05
	if took := joinAgain(n); took > 2*mcast.Second {
		t.Errorf("joined after %d ms", took/mcast.Millisecond)
	}
}

// The same where the joining node's socket has room for a small part of the table, and loses the rest of each snapshot.
func TestJoinTableBeyondSocket(t *testing.T) {
	for _, socket := range []int{60, 100} {
		n := New(Options{Seed: 2, Nodes: 3, SizeMax: 1, LossAllowed: true, Socket: socket})
		for _, y := range n.Nodes {
			y.app = deaf{y}
		}
		n.Run(5*mcast.Second, n.AllJoined)
		fillTable(t, n.Nodes[0], 4000)
		n.Nodes[2].Slow(4 * us)
		took := joinAgain(n)
		t.Logf("a socket of %d: joined after %d ms, %d datagrams overran it", socket, took/mcast.Millisecond, n.Counts.Overrun)
		if took > 2*mcast.Second || n.Counts.Overrun == 0 {
			t.Errorf("a socket of %d: joined after %d ms, %d datagrams overran it", socket, took/mcast.Millisecond, n.Counts.Overrun)
		}
	}
}

// fillTable has a node publish on many topics.
func fillTable(t *testing.T, x *Node, topics int) {
	t.Helper()
	n := x.net
	for i := range topics {
		id, err := x.engine.Topic(fmt.Sprintf("a.topic.of.some.length.%d", i), mcast.TopicShape{SlotCount: 64, SlotPayload: 100})
		if err != nil {
			t.Fatal(err)
		}
		m := mcast.Message{Producer: mcast.Address{Node: 1, Epoch: 7, Generation: 1, Index: 9}, Sequence: 1}
		for x.engine.Send(n.now, id, &m) != mcast.Sent {
			n.Run(mcast.Millisecond, nil)
		}
		x.after()
	}
	x.engine.Flush(n.now)
	n.Run(100*mcast.Millisecond, nil)
}

// joinAgain restarts the last node, and returns how long it takes until it has joined the first one.
func joinAgain(n *Network) mcast.Duration {
	x, y := n.Nodes[0], n.Nodes[2]
	y.die()
	y.session += 100
	y.Start()
	start := n.now
	n.Run(20*mcast.Second, func() bool { return x.engine.WantedBy("any") == 2 && n.now > start+mcast.Millisecond && y.joined(1) })
	return n.now - start
}

func (x *Node) joined(node uint32) bool {
	_, _, ok := x.engine.Position(node, mcast.LaneGated)
	return ok
}
