package simnet

import (
	"bytes"
	"encoding/binary"

	"github.com/ringcast/ringcast/mcast"
)

func (x *Node) expected(t *mcast.RemoteTopic, producer mcast.Address) *expectation {
	k := expectKey{topic: t.Name, producer: producer}
	ex := x.expect[k]
	if ex == nil {
		ex = &expectation{next: 1, fresh: true}
		x.expect[k] = ex
	}
	return ex
}

// settle lets a stream begin anywhere for a node that never had anything of it
// and has seen a restart: what a session did not get across before its end leaves
// no trace.
func (x *Node) settle(ex *expectation, first uint64) {
	if ex.fresh && x.net.restarts > 0 {
		ex.next = first
	}
	ex.fresh = false
}

// undisturbed says whether a message was sent when everybody had joined, and no
// node was restarted since.
func (n *Network) undisturbed(topic string, producer mcast.Address, seq uint64) bool {
	for _, s := range n.Nodes[producer.Node-1].streams {
		if s.name == topic && s.producer == producer && seq <= uint64(len(s.sentIn)) {
			return s.sentIn[seq-1] == n.restarts+1
		}
	}
	return false
}

// wasSent says whether a node has handed a message to its engine.
func (n *Network) wasSent(topic string, producer mcast.Address, seq uint64) bool {
	if producer.Node == 0 || int(producer.Node) > len(n.Nodes) {
		return false
	}
	for _, s := range n.Nodes[producer.Node-1].streams {
		if s.name == topic && s.producer == producer {
			return seq < s.next
		}
	}
	return false
}

// Deliver is the sink's: it checks once, order, bytes and session.
func (x *Node) Deliver(p *mcast.Peer, t *mcast.RemoteTopic, m *mcast.Message) {
	n := x.net
	n.mix(m.Sequence)
	x.Taken++
	ex := x.expected(t, m.Producer)
	x.settle(ex, m.Sequence)
	switch {
	case m.Sequence < ex.next:
		n.violate("once", "node %d: %s %v sequence %d again, %d is next", x.ID(), t.Name, m.Producer, m.Sequence, ex.next)
	case m.Sequence > ex.next:
		n.violate("order", "node %d: %s %v sequence %d, %d is next", x.ID(), t.Name, m.Producer, m.Sequence, ex.next)
	}
	if !n.wasSent(t.Name, m.Producer, m.Sequence) {
		n.violate("nowhere", "node %d: %s %v sequence %d was never sent", x.ID(), t.Name, m.Producer, m.Sequence)
		return
	}
	ex.next = m.Sequence + 1
	want := make([]byte, sizeOf(&n.Options, m.Producer, m.Sequence))
	fill(&n.Options, want, m.Producer, m.Sequence)
	if len(m.Payload) != len(want) {
		n.violate("bytes", "node %d: %s sequence %d has %d bytes, not %d", x.ID(), t.Name, m.Sequence, len(m.Payload), len(want))
		return
	}
	if len(want) >= 8 {
		if s := binary.LittleEndian.Uint64(m.Payload); s != p.Session() {
			n.violate("session", "node %d: %s sequence %d was sent under session %d, delivered under %d", x.ID(), t.Name, m.Sequence, s, p.Session())
		}
		copy(want, m.Payload[:8])
	}
	if !bytes.Equal(want, m.Payload) {
		n.violate("bytes", "node %d: %s sequence %d has other bytes", x.ID(), t.Name, m.Sequence)
	}
	if x.OnDeliver != nil {
		x.OnDeliver(p, t, m)
	}
}

// Lost is the sink's: it checks that the count is exact and that loss is allowed.
func (x *Node) Lost(p *mcast.Peer, t *mcast.RemoteTopic, producer mcast.Address, first, last uint64, reason mcast.LossReason) {
	n := x.net
	n.mix(first ^ last<<20)
	ex := x.expected(t, producer)
	x.settle(ex, first)
	if first != ex.next || last < first {
		n.violate("order", "node %d: %s lost %d..%d, %d is next", x.ID(), t.Name, first, last, ex.next)
	}
	x.Missed += last - first + 1
	ex.next = last + 1
	if n.Options.LossAllowed {
		for seq := first; seq <= last && n.restarts > 0; seq++ {
			if n.undisturbed(t.Name, producer, seq) {
				n.violate("session", "node %d: %s %d..%d lost (%v), though %d was sent after the last restart", x.ID(), t.Name, first, last, reason, seq)
				return
			}
		}
		return
	}
	invariant := "repair"
	if reason == mcast.LossTrail {
		invariant = "trail"
	}
	n.violate(invariant, "node %d: %s lost %d..%d: %v", x.ID(), t.Name, first, last, reason)
}

// AllJoined says whether every node that is up can send to all others.
func (n *Network) AllJoined() bool {
	ups := 0
	for _, x := range n.Nodes {
		if x.up {
			ups++
		}
	}
	for _, x := range n.Nodes {
		if x.up && x.engine.WantedBy("any") != ups-1 {
			return false
		}
	}
	return ups == len(n.Nodes)
}

// AllTaken says whether every node has had word of every message of all others.
func (n *Network) AllTaken() bool {
	for _, from := range n.Nodes {
		if !from.Done() {
			return false
		}
		for _, s := range from.streams {
			if !n.taken(from, s) {
				return false
			}
		}
	}
	return true
}

func (n *Network) taken(from *Node, s *outStream) bool {
	if s.next == 1 {
		return true
	}
	for _, to := range n.Nodes {
		if to == from {
			continue
		}
		ex := to.expect[expectKey{topic: s.name, producer: s.producer}]
		if ex == nil || ex.next != s.next {
			return false
		}
	}
	return true
}

// CheckProgress breaks the invariant progress if something is missing.
func (n *Network) CheckProgress() {
	if n.failed() || n.AllTaken() {
		return
	}
	for _, from := range n.Nodes {
		for _, s := range from.streams {
			if n.taken(from, s) && from.Done() {
				continue
			}
			for _, to := range n.Nodes {
				if ex := to.expect[expectKey{topic: s.name, producer: s.producer}]; to != from && ex != nil && ex.next != s.next {
					n.violate("progress", "node %d stands at %d of %s, %d of %d were sent", to.ID(), ex.next, s.name, s.next-1, s.last)
					return
				}
			}
			n.violate("progress", "%s: %d of %d were sent", s.name, s.next-1, s.last)
			return
		}
	}
}

// CheckNaks breaks the invariant naks if the nodes asked more often than bound for each
// datagram that was lost on its way to them, and once for each that came so much out of
// order that it, or one that it overtook, was to be asked for.
func (n *Network) CheckNaks(bound float64) {
	var naks uint64
	for _, x := range n.Nodes {
		naks += x.naks
	}
	faults := n.Counts.gone() + 20
	if float64(naks) > bound*float64(faults)+float64(n.late) {
		n.violate("naks", "%d NAKs for %d lost datagrams, and %d that were late", naks, faults, n.late)
	}
}

// reordered notes that a datagram comes out of order, so long after the soonest. A hole stays open
// for as long, or for the jitter where the datagram overtook others: less than the time
// after which a node asks again. No node asks within half a round trip, nor within 100 us.
func (n *Network) reordered(after mcast.Duration) {
	n.Counts.Reordered++
	if max(after, n.Options.Jitter) > max(100*us, n.Options.Delay) {
		n.late++
	}
}

// checkQuarantine holds the invariant that nobody healthy is ever put in quarantine.
func (n *Network) checkQuarantine(x *Node) {
	if !n.flooded && x.up && x.engine.Counters().Quarantines != 0 {
		n.violate("quarantine", "node %d has set somebody apart", x.ID())
	}
}
