package uplink

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

const kindError = layout.MessageKindError

// FromHere takes a message that was read from the uplink.
func (r *Router) FromHere(now time.Duration, m *Message) {
	switch {
	case m.Source.Node != r.self.Node || m.Source.Epoch != r.self.Epoch || m.Destination.Node == r.self.Node:
		r.count.Foreign++
	case (m.request() || m.oneWay()) && r.judge(now, m) != pass:
		r.overLimit(now, m)
	case m.request():
		r.requestAway(now, m)
	case m.oneWay():
		if n, code := r.nodeOf(m, nil); code != 0 || !r.push(now, n, m) {
			r.count.Dropped++
		}
	case m.answer():
		r.answerAway(now, m)
	case m.control():
		r.controlAway(now, m)
	default:
		r.count.Foreign++
	}
}

// overLimit refuses what is beyond a limit.
func (r *Router) overLimit(now time.Duration, m *Message) {
	if m.oneWay() {
		r.count.Dropped++
		return
	}
	r.count.Refused++
	r.fail(now, m, codeOverloaded, "")
}

// nodeOf finds where a message goes, or says why it can't.
func (r *Router) nodeOf(m *Message, refused []uint32) (*Node, uint32) {
	at := m.Destination.Node
	if at == 0 {
		if m.Service == 0 || m.answer() {
			return nil, codeGone
		}
		var ok bool
		if at, ok = r.host.Pick(m, refused); !ok {
			return nil, codeNoService
		}
	}
	n := r.nodes[at]
	switch {
	case n == nil || n.deaf:
		return nil, codeNodeDown
	case m.Destination.Node != 0 && n.Epoch != m.Destination.Epoch:
		return nil, codeGone
	}
	return n, 0
}

// requestAway sends a request to another node.
func (r *Router) requestAway(now time.Duration, m *Message) {
	k := m.key()
	if r.away[k] != nil || !r.host.Alive(m.Source) {
		r.count.Stale++
		return
	}
	n, code := r.nodeOf(m, nil)
	switch {
	case code != 0:
	case m.Left <= 0:
		code = codeDeadline
	case len(r.away) >= tableMax:
		r.count.Refused++
		code = codeOverloaded
	default:
		c := &awayCall{destination: m.Destination, due: now + m.Left}
		r.away[k] = c
		r.keep(c, m)
		r.soon(c.due)
		if r.place(now, c, m, n) {
			return
		}
		r.endAway(k)
		r.count.Refused++
		code = codeOverloaded
	}
	r.fail(now, m, code, "")
}

// answerAway sends an answer to the node of who asked.
func (r *Router) answerAway(now time.Duration, m *Message) {
	c := r.here[m.key()]
	if m.Kind == kindError && m.Code == codeInstanceDied && c == nil {
		r.count.Stale++ // it had answered before it died, or was given up
		return
	}
	if m.last() && c != nil {
		r.end(m.key(), c)
	}
	n, code := r.nodeOf(m, nil)
	if code != 0 {
		r.count.Stale++ // it has gone since it asked
		return
	}
	if !r.push(now, n, m) {
		r.count.Dropped++
	}
}

// controlAway sends a cancel or credit after its request.
func (r *Router) controlAway(now time.Duration, m *Message) {
	k := m.key()
	c := r.away[k]
	if c == nil {
		r.count.Stale++ // it has ended meanwhile
		return
	}
	m.Destination = c.destination
	if m.Code == CodeCancel {
		r.endAway(k)
	}
	if !r.push(now, c.node, m) {
		r.count.Dropped++
	}
}

// Departed looks whose callers are gone, and which requests of other nodes are in nobody's
// hand any more. tail is the end of the uplink behind their going.
func (r *Router) Departed(now time.Duration, tail uint64) {
	for _, k := range keysOf(r.away, func(k key, _ *awayCall) bool { return r.fault&faultCaller == 0 && !r.host.Alive(k.source) }) {
		c := r.away[k]
		r.endAway(k)
		r.push(now, c.node, &Message{Kind: layout.MessageKindSystem, Code: CodeCancel,
			Source: k.source, Destination: c.destination, Correlation: k.correlation})
	}
	seen, before := map[Service]bool{}, len(r.dying)
	for _, k := range keysOf(r.here, func(_ key, c *hereCall) bool {
		return c.service == nil && !r.host.Alive(c.to) || c.service != nil && !r.left(c.service, seen, tail)
	}) {
		c := r.here[k]
		if c.service == nil {
			r.dies(k, tail)
		} else if c.service.Withdraw(c.position) {
			r.end(k, c)
			r.failKey(now, k, codeNoService)
		}
	}
	slices.SortFunc(r.dying[before:], func(a, b dyingCall) int { return a.key.compare(b.key) })
}

// left reports whether a service has an instance, and notes what the dead had in hand, once.
func (r *Router) left(s Service, seen map[Service]bool, tail uint64) bool {
	left, known := seen[s]
	if !known {
		left = s.Died(func(caller shm.Address, correlation uint64) {
			r.dies(key{caller, correlation}, tail)
		})
		seen[s] = left
	}
	return left
}

// dies notes a request whose taker is gone, if it is one of another node.
func (r *Router) dies(k key, tail uint64) {
	if c := r.here[k]; c != nil && !c.dying {
		c.dying = true
		r.dying = append(r.dying, dyingCall{k, tail})
	}
}

// Read says how far the uplink was read: what the dead had in hand and have not answered
// is told.
func (r *Router) Read(now time.Duration, cursor uint64) {
	if len(r.dying) == 0 {
		return
	}
	kept := r.dying[:0]
	for _, d := range r.dying {
		if cursor < d.tail && r.fault&faultTail == 0 {
			kept = append(kept, d)
			continue
		}
		if c := r.here[d.key]; c != nil {
			r.end(d.key, c)
			r.failKey(now, d.key, codeInstanceDied)
		}
	}
	r.dying = kept
}

// credit is the number that a message of credit bears.
func credit(m *Message) uint32 {
	if len(m.Payload) < 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(m.Payload)
}
