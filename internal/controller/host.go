package main

import (
	"slices"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/internal/uplink"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/shm"
)

// The node as its router sees it.

// Alive reports whether a participant is there.
func (n *node) Alive(a shm.Address) bool {
	if a == n.client.address {
		return true
	}
	for _, p := range n.processes {
		if p.address == a {
			return p.known
		}
	}
	return false
}

// Mail is for nobody here.
func (n *node) Mail(*uplink.Message) (uplink.Outcome, int) { return uplink.NoService, 0 }

// Reply hands an answer to who asked.
func (n *node) Reply(m *uplink.Message) bool {
	if m.Destination != n.client.address {
		return false
	}
	n.client.receive(m)
	return true
}

// Serve puts a request into the ring of its service.
func (n *node) Serve(m *uplink.Message) (uplink.Service, uint64, uplink.Outcome, int) {
	s := n.services[m.Service]
	if s == nil {
		return nil, 0, uplink.NoService, 0
	}
	position, o := s.put(m)
	return s, position, o, 0
}

// Send gives a message to the lane.
func (n *node) Send(to *uplink.Node, m *uplink.Message) bool {
	l := to.Data.(*link)
	if !n.sending {
		return false
	}
	if l.topic == 0 {
		var err error
		if l.topic, err = n.engine.Topic(uplink.Topic(to.ID), ringShape); err != nil {
			n.fleet.broken("topics", "node %d: %v", n.ID(), err)
			return false
		}
	}
	m.Write(n.block[:], time.Duration(n.Clock()), false)
	stream := uplink.Stream(m)
	producer := n.self
	producer.Handle = stream
	wire := mcast.Message{Producer: mcast.Address(producer), Sequence: l.sent[stream] + 1, Kind: m.Kind,
		TimestampNs: uint64(n.Clock()), Block: n.block[:], Payload: m.Payload}
	if n.engine.Send(n.Clock(), l.topic, &wire) == mcast.Busy {
		return false
	}
	l.sent[stream]++
	return true
}

// arrive takes a direct message from another node.
func (n *node) arrive(from *uplink.Node, m *mcast.Message) {
	var l uplink.Message
	if !uplink.Kinds(m.Kind) || !l.ReadSent(m.Block) {
		n.fleet.broken("wellformed", "node %d got a direct message of kind %d", n.ID(), m.Kind)
		return
	}
	l.Kind, l.Payload, l.Sequence, l.SentAt = m.Kind, m.Payload, m.Sequence, time.Duration(m.TimestampNs)
	l.More = m.Flags&layout.MessageFlagMore != 0
	n.router.FromNode(time.Duration(n.Clock()), from, &l)
}

// Pick names a node for a request.
func (n *node) Pick(m *uplink.Message, refused []uint32) (uint32, bool) {
	may := func(node uint32) bool { return n.router.Knows(node) && !slices.Contains(refused, node) }
	if n.fleet.fault == faultTrusts {
		may = func(uint32) bool { return true }
	}
	id, ok := uplink.Choose(n.servingOf(m.Service), n.fleet.rnd.IntN, may)
	if ok {
		n.fleet.placed(n, m, id)
	}
	return id, ok
}

// servingOf is who serves a name on other nodes, as the directory has it now.
func (n *node) servingOf(hash uint64) []shm.ServiceNode {
	if at := [2]uint64{n.roster.Revision(), n.roster.RoomsRevision()}; n.serving == nil || at != n.servingAt && n.fleet.fault != faultTrusts {
		n.servingAt, n.serving = at, map[uint64][]shm.ServiceNode{}
		nodes := n.roster.Nodes()
		for i := range nodes {
			for _, s := range nodes[i].Services() {
				h := hashOf(s.Name)
				n.serving[h] = append(n.serving[h], shm.ServiceNode{Node: nodes[i].Node, Epoch: nodes[i].Epoch, Instances: s.Instances, Limit: s.Limit, Room: s.Room})
			}
		}
	}
	return n.serving[hash]
}
