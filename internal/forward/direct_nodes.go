package forward

import (
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/internal/uplink"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/ring"
)

// A link is the way to another node.
type link struct {
	topic  mcast.TopicID // 0: not made yet
	sent   *[uplink.Streams + 1]uint64
	any    bool   // something was sent in this session
	placed uint64 // where the last of it lies, as the engine says
}

// nameHash is the service_hash of a name.
func nameHash(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return h.Sum64()
}

// random chooses one of n.
func random(n int) int { return rand.IntN(n) }

// peerUp notes a node. It is called within the engine.
func (d *direct) peerUp(p *mcast.Peer) {
	n := d.router.NodeUp(p.Node(), p.Epoch(), p.Session())
	sent := d.sent[p.Node()]
	if sent == nil {
		sent = new([uplink.Streams + 1]uint64)
		d.sent[p.Node()] = sent
	}
	n.Data = &link{sent: sent}
	d.nodes[p] = n
}

// wants notes whether a node wants what is for it.
func (d *direct) wants(p *mcast.Peer, patterns []string) {
	if n := d.nodes[p]; n != nil {
		d.router.NodeReady(ring.Now(), n, slices.Contains(patterns, uplink.Topic(n.ID)))
	}
}

// peerDown ends what is open with a node.
func (d *direct) peerDown(p *mcast.Peer) {
	if n := d.nodes[p]; n != nil {
		delete(d.nodes, p)
		d.router.NodeDown(ring.Now(), n)
	}
}

// An uplinkTopic stands in RemoteTopic.Data for a topic by which direct messages come; nil
// node: they are for another one.
type uplinkTopic struct{ node *uplink.Node }

// takes reports whether a topic carries direct messages, and takes one where m is not nil.
func (d *direct) takes(p *mcast.Peer, t *mcast.RemoteTopic, m *mcast.Message) bool {
	u, ok := t.Data.(uplinkTopic)
	if !ok {
		if !strings.HasPrefix(t.Name, uplink.TopicPrefix) {
			return false
		}
		if t.Name == d.topic {
			u.node = d.nodes[p]
		}
		t.Data = u
	}
	if u.node != nil && m != nil {
		d.arrive(u.node, m)
	}
	return true
}

// arrive takes a direct message from the network.
func (d *direct) arrive(n *uplink.Node, m *mcast.Message) {
	l := &d.letter
	if !uplink.Kinds(m.Kind) || !l.ReadSent(m.Block) {
		d.f.counters.damaged.Add(1)
		return
	}
	l.Kind, l.Content, l.Schema, l.Payload = m.Kind, m.Content, m.SchemaHash, m.Payload
	l.More = m.Flags&layout.MessageFlagMore != 0
	l.Sequence, l.SentAt = m.Sequence, time.Duration(m.TimestampNs)
	d.router.FromNode(ring.Now(), n, l)
}

// restamp is the block of a survey with this node's time.
func (d *direct) restamp(block []byte) []byte {
	copy(d.block[:], block)
	uplink.Restamp(d.block[:], ring.Now())
	return d.block[:]
}

// Send gives a message to the lane. False: not now.
func (d *direct) Send(n *uplink.Node, m *uplink.Message) bool {
	l := n.Data.(*link)
	if !d.sending || d.f.renewal.asked || l.topic == 0 && !d.makeTopic(n, l) {
		return false
	}
	now := ring.Now()
	m.Write(d.block[:], now, false)
	stream := uplink.Stream(m)
	producer := d.f.self.Address()
	producer.Handle = stream
	d.wire = mcast.Message{Producer: mcast.Address(producer), Sequence: l.sent[stream] + 1, Kind: m.Kind, Content: m.Content,
		SchemaHash: m.Schema, TimestampNs: uint64(now), Block: d.block[:], Payload: m.Payload}
	if m.More {
		d.wire.Flags = layout.MessageFlagMore
	}
	switch r := d.f.engine.Send(d.f.now(), l.topic, &d.wire); {
	case r == mcast.Busy, r == mcast.NoProducers && d.f.renew("producers"):
		return false
	case r == mcast.Sent:
		l.any, l.placed = true, d.f.engine.Placed(l.topic)
	default:
		d.f.counters.unsendable.Add(1)
		d.f.cfg.Log("direct message for node %d was not sent: %v", n.ID, r)
	}
	l.sent[stream]++
	return true
}

// makeTopic tells the engine of the topic of a node.
func (d *direct) makeTopic(n *uplink.Node, l *link) bool {
	topic, err := d.f.engine.Topic(uplink.Topic(n.ID), mcast.TopicShape{
		SlotCount: uint32(d.f.cfg.UplinkSlots), SlotPayload: uint32(d.f.cfg.UplinkSlotSize), Mode: layout.RingModeReliable, Purpose: layout.RingPurposeUplink,
	})
	if errors.Is(err, mcast.ErrTopics) && d.f.renew("topics") {
		return false
	}
	if err != nil {
		d.f.cfg.Log("direct messages for node %d: %v", n.ID, err)
		return false
	}
	l.topic = topic
	return true
}

// settled says whether all that was sent is with the nodes it was sent to.
func (d *direct) settled() bool {
	for _, n := range d.nodes {
		if l := n.Data.(*link); l.any && d.f.engine.Settled(l.topic) <= l.placed {
			return false
		}
	}
	return true
}
