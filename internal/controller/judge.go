package main

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/internal/uplink"
	"github.com/ringcast/ringcast/mcast"
)

// judgement is what was checked, in numbers.
type judgement struct {
	repeated, once, away, takeovers, sightings int
}

// lost notes that one node takes another one for gone, and looks whether that is true.
func (f *fleet) lost(n *node, p *mcast.Peer, reason mcast.DownReason) {
	v := f.nodes[p.Node()-1]
	t := v.trouble
	f.net.Note(uint64(n.ID())<<32 | uint64(v.ID()))
	switch {
	case n.alone: // all others are gone, as it sees it
	case reason == mcast.DownRestarted:
		if p.Session() == v.Session() {
			f.broken("alive", "node %d takes node %d for restarted, which was not", n.ID(), v.ID())
		}
		if t == nil {
			t = v.last
		}
		t.sight(n)
	case f.wasAway(v):
		if t == nil {
			t = v.last
		}
		t.sight(n)
	default:
		f.broken("alive", "node %d takes node %d for gone (%v), which is there", n.ID(), v.ID(), reason)
	}
}

// unheard is how long a node may be back and not heard yet.
const unheard = 200 * ms

// wasAway reports whether a node can't be heard, or could not until just now: who was stalled meanwhile counts later.
func (f *fleet) wasAway(v *node) bool {
	t := v.trouble
	if t == nil && v.last != nil && f.net.Now() < v.last.back+unheard {
		t = v.last
	}
	return t != nil && (t.kind == nodeKilled || t.kind == cutOff)
}

// sight notes the first time that a node knew of a trouble.
func (t *trouble) sight(n *node) {
	if _, seen := t.seen[n]; !seen {
		t.seen[n] = n.fleet.net.Now()
	}
}

// heard looks what one node knows of another one, now that it has heard of it.
func (f *fleet) heard(n *node, id uint32) {
	v := f.nodes[id-1]
	if t := v.trouble; t != nil && t.kind == processKilled && !has(t.seen, n) && len(t.dead) > 0 && !t.dead[0].known && !f.knowsDead(n, t) {
		t.sight(n)
	}
	if t := v.last; v.trouble == nil && t != nil && !has(t.again, n) && n.knows(v) {
		t.again[n] = f.net.Now()
	}
}

func has(m map[*node]mcast.Time, n *node) bool { _, ok := m[n]; return ok }

// rowsOf is what a node knows of the processes of another one; false: nothing.
func (n *node) rowsOf(v *node) ([]table.RemoteParticipant, bool) {
	nodes := n.roster.Nodes()
	for i := range nodes {
		if nodes[i].Node == v.ID() {
			return nodes[i].Rows, nodes[i].Known && nodes[i].Session == v.Session()
		}
	}
	return nil, false
}

// knowsDead reports whether a node still has somebody for there who was killed.
func (f *fleet) knowsDead(n *node, t *trouble) bool {
	rows, _ := n.rowsOf(t.node)
	for _, p := range t.dead {
		if slices.ContainsFunc(rows, func(r table.RemoteParticipant) bool {
			return r.Index == p.address.Index && r.Generation == p.address.Generation
		}) {
			return true
		}
	}
	return false
}

// knows reports whether a node knows another one as it is.
func (n *node) knows(v *node) bool {
	rows, ok := n.rowsOf(v)
	return ok && slices.EqualFunc(rows, v.rows(), same)
}

func same(a, b table.RemoteParticipant) bool {
	return a.Index == b.Index && a.Generation == b.Generation && len(a.Info.Services) == len(b.Info.Services)
}

// apart names something that one node does not know right of another.
func (f *fleet) apart() string {
	for _, n := range f.nodes {
		if !n.forward {
			return fmt.Sprintf("node %d has no forwarder", n.ID())
		}
		nodes := n.roster.Nodes()
		if len(nodes) != len(f.nodes)-1 {
			return fmt.Sprintf("node %d knows %d others of %d", n.ID(), len(nodes), len(f.nodes)-1)
		}
		for i := range nodes {
			x := &nodes[i]
			v := f.nodes[x.Node-1]
			if !x.Known || x.Session != v.Session() || !slices.EqualFunc(x.Rows, v.rows(), same) {
				return fmt.Sprintf("node %d knows %d processes of node %d, which has %d", n.ID(), len(x.Rows), v.ID(), len(v.rows()))
			}
		}
	}
	return ""
}

// placed looks at a node that was chosen for a request.
func (f *fleet) placed(n *node, m *uplink.Message, id uint32) {
	v := f.nodes[id-1]
	q := f.requests[binary.LittleEndian.Uint32(m.Payload)]
	q.at = v
	if t := v.trouble; t != nil && t.kind != stalled && t.kind != restarted && has(t.seen, n) && !v.serves(q.service) {
		f.broken("placed", "node %d gives request %d to node %d, which it knows to be gone", n.ID(), q.id, id)
	}
}

// serves reports whether a node has an instance of a service, and can be reached.
func (n *node) serves(hash uint64) bool { return !n.alone && n.services[hash].members() }

// ran notes that a request is run.
func (f *fleet) ran(n *node, m *uplink.Message) {
	q := f.requests[binary.LittleEndian.Uint32(m.Payload)]
	if q.ran++; q.ran > 1 && !q.repeats {
		f.broken("once", "request %d ran twice, on node %d the second time", q.id, n.ID())
	}
}

// judge looks at everything, when all is over.
func (f *fleet) judge() {
	f.judged = judgement{}
	for _, q := range f.requests {
		switch {
		case q.outcome == "":
			f.broken("once", "request %d has no outcome", q.id)
		case q.repeats && q.outcome != "reply" && q.outcome != "caller died":
			f.broken("served", "request %d of node %d, which may be repeated, ended with %q", q.id, q.client.node.ID(), q.outcome)
		case q.outcome == "deadline":
			f.broken("once", "request %d ended with its time alone", q.id)
		case !q.repeats && q.ran > 0 && (q.outcome == "no service" || q.outcome == "overloaded"):
			f.broken("once", "request %d was told %q, and ran", q.id, q.outcome)
		}
		if q.repeats {
			f.judged.repeated++
		} else {
			f.judged.once++
		}
	}
	for _, t := range f.troubles {
		f.judgeSightings(t)
		f.judgeTakeover(t)
	}
	if text := f.apart(); text != "" {
		f.broken("directory", "in the end: %s", text)
	}
}

// judgeSightings looks whether everybody who was there has seen what happened.
func (f *fleet) judgeSightings(t *trouble) {
	if t.kind == stalled {
		return
	}
	for _, n := range f.nodes {
		if n == t.node || f.troubled(n, t.at-2*mcast.Second, t.back) {
			continue
		}
		if !has(t.seen, n) {
			f.broken("alive", "node %d never learned of this: node %d, %s at %d ms", n.ID(), t.node.ID(), troubleNames[t.kind], t.at/ms)
		}
		f.judged.sightings++
	}
}

// troubled reports whether something happened to a node in a time.
func (f *fleet) troubled(n *node, from, to mcast.Time) bool {
	for _, t := range f.troubles {
		if t.node == n && t.at <= to && t.back+mcast.Second >= from {
			return true
		}
	}
	return false
}

// judgeTakeover looks whether others of the kind have answered while a node was away.
func (f *fleet) judgeTakeover(t *trouble) {
	if !t.tookAway() {
		return
	}
	f.judged.away++
	for _, name := range t.node.kind.services {
		first := f.firstAnswer(t, hashOf(name))
		if first > t.back {
			f.broken("takeover", "node %d was away from %d to %d ms, and nobody else has answered to %s", t.node.ID(), t.at/ms, t.back/ms, name)
			continue
		}
		t.taken = append(t.taken, first-t.at)
		f.judged.takeovers++
	}
}

// tookAway reports whether nothing on the node could serve others.
func (t *trouble) tookAway() bool {
	return t.kind == nodeKilled || t.kind == cutOff || len(t.dead) == instances
}

// firstAnswer is when another node first answered a request for a service that was begun since a trouble; Never: none did.
func (f *fleet) firstAnswer(t *trouble, service uint64) mcast.Time {
	first := mcast.Never
	for _, q := range f.requests {
		if q.service == service && q.began >= t.at && q.outcome == "reply" && q.by != t.node {
			first = min(first, q.replied)
		}
	}
	return first
}
