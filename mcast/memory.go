package mcast

import "github.com/ringcast/ringcast/mcast/wire"

// nodeMemory is what is kept of a node beyond its session: where its lanes and
// its streams stood, and which sessions are over.
type nodeMemory struct {
	seen      uint64 // greatest session seen
	ended     uint64 // greatest session that said BYE
	endedTill Time   // for how long its delayed HELLOs are no sign of life
	staleAt   Time
	lanes     [lanesMax]laneMemory
	places    map[placeKey]*place
	asked     map[string]bool // names and patterns of histories that it has sent, or will not
	begun     begunStreams    // of the peer that was here last
}

type laneMemory struct{ session, next uint64 }

const nodesRemembered = 1024

// memoryOf returns the memory of a node, making it if need be. When there are too
// many, those of nodes that are not here are dropped.
func (e *Engine) memoryOf(node uint32) *nodeMemory {
	m := e.memory[node]
	if m == nil {
		if len(e.memory) >= nodesRemembered {
			for id := range e.memory {
				if e.byNode[id] == nil {
					delete(e.memory, id)
				}
			}
		}
		m = &nodeMemory{staleAt: longAgo, places: make(map[placeKey]*place)}
		e.memory[node] = m
	}
	return m
}

// forgetUnwanted lets the streams of topics that are not wanted begin anew, also
// those of nodes that are not here now: what is published meanwhile is not promised.
// What was delivered stays so.
func (e *Engine) forgetUnwanted() {
	for _, m := range e.memory {
		for k, p := range m.places {
			p.known = p.known && e.wants.matches(k.topic)
			p.begun = p.begun && p.known
		}
	}
}

// placeOf returns where a stream of a node stands.
func (e *Engine) placeOf(node uint32, topic string, producer Address) *place {
	m := e.memoryOf(node)
	k := placeKey{topic: topic, producer: producer}
	p := m.places[k]
	if p == nil {
		if len(m.places) >= e.cfg.Limits.Streams {
			m.evict()
		}
		p = &place{}
		m.places[k] = p
	}
	return p
}

// evict forgets the streams that no session used for the longest time; all but
// those of the newest session at most.
func (m *nodeMemory) evict() {
	oldest := uint64(wire.SequenceMax)
	for _, p := range m.places {
		oldest = min(oldest, p.session)
	}
	for k, p := range m.places {
		if p.session == oldest {
			delete(m.places, k)
		}
	}
}

// Resume says where a predecessor of this forwarder stood in a lane of a node:
// next is what its Position said. It must come before Start.
func (e *Engine) Resume(node, lane uint32, session, next uint64) {
	if lane < lanesMax && next <= wire.SequenceMax {
		m := e.memoryOf(node)
		m.lanes[lane] = laneMemory{session: session, next: next}
		m.seen = max(m.seen, session)
	}
}

// ResumeStream says what a predecessor delivered last of a producer in a topic of
// a node, so that nothing is delivered twice and a gap is counted exactly. It
// must come before Start.
func (e *Engine) ResumeStream(node uint32, topic string, producer Address, last uint64) {
	p := e.placeOf(node, topic, producer)
	p.next, p.done = last+1, last+1
	p.known = e.wants.version == 1 || e.wants.matches(topic) // version 1: nothing was said yet
	p.begun = p.known
}

// Position returns where this engine stands in a lane of a node, for a
// successor's Resume: everything below next was delivered or told as lost.
func (e *Engine) Position(node, lane uint32) (session, next uint64, ok bool) {
	p := e.byNode[node]
	if p == nil || lane >= lanesMax || p.receivers[lane] == nil {
		return 0, 0, false
	}
	return p.session, p.receivers[lane].resumable(), true
}

// Seen returns one more than the highest sequence that a lane of a node was seen to have:
// what has come of it lies below. ok is false where the lane is not joined.
func (e *Engine) Seen(node, lane uint32) (highest uint64, ok bool) {
	p := e.byNode[node]
	if p == nil || lane >= lanesMax || p.receivers[lane] == nil {
		return 0, false
	}
	return p.receivers[lane].highest, true
}

// resumable is the lane sequence from which a successor needs the lane: next, or
// the beginning of an unfinished large message, or of what is held.
func (r *receiver) resumable() uint64 {
	next := r.next
	if c := r.peer.catchup; c != nil && c.holds[r.lane] {
		next = min(next, c.since[r.lane])
	}
	if r.peer.reassembling != 0 {
		for _, s := range r.peer.streams {
			if s != nil && s.parts != nil && !s.parts.late && s.topic.Lane == r.lane {
				next = min(next, s.parts.begun)
			}
		}
	}
	return next
}

// resumeLane lets a receiver begin where this node stood in the same session.
func (e *Engine) resumeLane(now Time, p *Peer, r *receiver, row *wire.LaneRow) {
	m := &e.memoryOf(p.node).lanes[r.lane]
	if m.session != p.session || m.next >= row.Next {
		return
	}
	r.next = m.next
	r.joined = m.next
	if e.count.LanesResumed++; r.lane == LaneDirected {
		e.count.DirectedResumed++
	}
	if r.next < row.Trail {
		e.skip(now, r)
	}
	if r.next < row.Next {
		e.openGap(now, r, r.next, row.Next-1)
	}
}
