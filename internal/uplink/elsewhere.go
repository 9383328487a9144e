package uplink

import "time"

// A node that says NoService or Overloaded has not run a request, and never will. So it is given
// to another one, while there is time (spec/messaging.md, 13).

const (
	// triesMax is to how many nodes a request is given, all together: where all are full nobody asks them all.
	triesMax = 3
	// keptMax is how many bytes of requests are kept for that; those beyond it are given to one node.
	keptMax = 16 << 20
)

// keep keeps a request to a service until its outcome is known.
func (r *Router) keep(c *awayCall, m *Message) {
	if m.Destination.IsZero() && r.kept+len(m.Payload) <= keptMax {
		kept := m.clone()
		c.request = &kept
		r.kept += len(m.Payload)
	}
}

// endAway forgets a request of this node.
func (r *Router) endAway(k key) {
	if c := r.away[k]; c != nil && c.request != nil {
		r.kept -= len(c.request.Payload)
	}
	delete(r.away, k)
}

// place gives a request to a node, or to another one where too much waits for that. False: it was
// refused everywhere.
func (r *Router) place(now time.Duration, c *awayCall, m *Message, n *Node) bool {
	for ; n != nil; n = r.another(c, m) {
		if c.node = n; r.push(now, n, m) {
			return true
		}
		c.refused, c.full = append(c.refused, n.ID), true
	}
	return false
}

// another finds a node that has not refused a request; nil: that was all.
func (r *Router) another(c *awayCall, m *Message) *Node {
	if c.request == nil || len(c.refused) >= triesMax || r.fault&faultElsewhere != 0 {
		return nil
	}
	n, code := r.nodeOf(m, c.refused)
	if code != 0 {
		return nil
	}
	return n
}

// elsewhere gives a request to another node, if m says that its own has refused it. False: it ends
// with m, which says Overloaded then if one node did.
func (r *Router) elsewhere(now time.Duration, c *awayCall, m *Message) bool {
	if !m.refuses() || c.request == nil {
		return false
	}
	c.refused, c.full = append(c.refused, c.node.ID), c.full || m.Code == codeOverloaded
	if c.due > now {
		q := *c.request
		q.Left = c.due - now
		if n := r.another(c, &q); n != nil && r.place(now, c, &q, n) {
			return true
		}
	}
	if c.full {
		m.Code = codeOverloaded
	}
	return false
}
