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
	x := n.Nodes[0]
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
	n.Options.Loss = 0.05
	y := n.Nodes[2]
	y.die()
	y.session += 100
	y.Start()
	start := n.now
	n.Run(20*mcast.Second, func() bool { return x.engine.WantedBy("any") == 2 && n.now > start+mcast.Millisecond && y.joined(1) })
	took := n.now - start
	t.Logf("joined after %d ms", took/mcast.Millisecond)
	if took > 2*mcast.Second {
		t.Errorf("joined after %d ms", took/mcast.Millisecond)
	}
}

func (x *Node) joined(node uint32) bool {
	_, _, ok := x.engine.Position(node, mcast.LaneGated)
	return ok
}
