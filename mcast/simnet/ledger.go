package simnet

import (
	"bytes"
	"encoding/binary"

	"github.com/ringcast/ringcast/mcast"
)

// accountOf is what a node knows of a producer.
func (a *Actor) accountOf(topic string, producer mcast.Address) *account {
	k := expectKey{topic: topic, producer: producer}
	x := a.accounts[k]
	if x == nil {
		// In a soft run everybody has joined before anything is published.
		x = &account{next: a.world.beginOf(k), fresh: !a.world.soft || !a.world.joined || a.wanted != 0 || topic[:2] == "t1"}
		a.accounts[k] = x
		a.keys = append(a.keys, k)
	}
	return x
}

// Deliver is the sink's: once, in order, the bytes that were sent, and nothing of
// an old session after something of a newer one.
func (a *Actor) Deliver(p *mcast.Peer, t *mcast.RemoteTopic, m *mcast.Message) {
	n := a.net
	n.mix(m.Sequence)
	a.Taken++
	x, s := a.accountOf(t.Name, m.Producer), a.world.stream(t.Name, m.Producer)
	switch {
	case s == nil || m.Sequence > s.end || m.Sequence == 0:
		n.violate("nowhere", "node %d: %s %v sequence %d was never published", a.ID(), t.Name, m.Producer, m.Sequence)
	case a.peers[p.Node()] != p:
		n.violate("peer", "node %d: delivery of a peer that is down", a.ID())
	case !covers(a.wants, t.Name):
		n.violate("wanted", "node %d: %s is not wanted", a.ID(), t.Name)
	case m.Sequence < x.next:
		n.violate("once", "node %d: %s %v sequence %d again, %d is next", a.ID(), t.Name, m.Producer, m.Sequence, x.next)
	case m.Sequence > x.next && !x.fresh:
		n.violate("order", "node %d: %s %v sequence %d, %d is next", a.ID(), t.Name, m.Producer, m.Sequence, x.next)
	}
	a.checkOwed(t.Name, m.Producer, m.Sequence)
	a.checkStable(t, m.Producer, x, m.Sequence)
	*x = account{next: m.Sequence + 1}
	if s := a.sessions[p.Node()]; p.Session() < s {
		n.violate("session", "node %d: session %d of node %d after %d", a.ID(), p.Session(), p.Node(), s)
	}
	a.sessions[p.Node()] = p.Session()
	a.checkBytes(p, t, m)
	a.fillUp(p, t)
}

func (a *Actor) checkBytes(p *mcast.Peer, t *mcast.RemoteTopic, m *mcast.Message) {
	n := a.net
	want := make([]byte, sizeOf(&n.Options, m.Producer, m.Sequence))
	fill(&n.Options, want, m.Producer, m.Sequence)
	if len(want) >= 8 && len(m.Payload) == len(want) {
		if s := binary.LittleEndian.Uint64(m.Payload); s != p.Session() {
			n.violate("session", "node %d: %s sequence %d was sent under session %d, delivered under %d", a.ID(), t.Name, m.Sequence, s, p.Session())
		}
		copy(want, m.Payload[:8])
	}
	if !bytes.Equal(want, m.Payload) {
		n.violate("bytes", "node %d: %s sequence %d has %d other bytes", a.ID(), t.Name, m.Sequence, len(m.Payload))
	}
}

// fillUp says at random that the ring behind a topic is full, for a while.
func (a *Actor) fillUp(p *mcast.Peer, t *mcast.RemoteTopic) {
	if t.Shape.Live || a.full[t] || a.world.calm || a.rnd.IntN(a.world.fullness) != 0 {
		return
	}
	a.full[t] = true
	n := a.net
	n.Counts.Full++
	a.engine.SetTopicFull(p, t, true)
	life := a.life
	d := mcast.Duration(1+a.rnd.IntN(a.world.fullFor)) * mcast.Millisecond
	n.push(&event{at: n.now + d, node: a.Node, life: life, call: func() {
		a.full[t] = false
		a.engine.SetTopicFull(p, t, false)
		a.after()
	}})
}

// Lost is the sink's: exact, of messages that exist, and only where something
// happened that explains it.
func (a *Actor) Lost(p *mcast.Peer, t *mcast.RemoteTopic, producer mcast.Address, first, last uint64, reason mcast.LossReason) {
	n := a.net
	n.mix(first ^ last<<20)
	x := a.accountOf(t.Name, producer)
	s := a.world.stream(t.Name, producer)
	switch {
	case a.peers[p.Node()] != p:
		n.violate("peer", "node %d: loss of a peer that is down", a.ID())
	case s == nil:
		n.violate("nowhere", "node %d: %s %v: no such producer", a.ID(), t.Name, producer)
	case last < first || last > s.end:
		n.violate("order", "node %d: %s %v lost %d..%d, %d were published", a.ID(), t.Name, producer, first, last, s.end)
	case first != x.next && !(x.fresh && first > x.next):
		n.violate("order", "node %d: %s %v lost %d..%d (%v), %d is next", a.ID(), t.Name, producer, first, last, reason, x.next)
	case a.world.soft && !t.Shape.Live && a.wanted == 0:
		n.violate("repair", "node %d: %s %v lost %d..%d (%v) though nothing was worse than loss", a.ID(), t.Name, producer, first, last, reason)
	}
	a.checkStableLoss(t, producer, first, last, reason)
	a.checkOwed(t.Name, producer, first)
	*x = account{next: last + 1}
	a.Missed += last - first + 1
}
