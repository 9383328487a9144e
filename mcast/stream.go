package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// place is where a (topic, producer) of a node stands. It outlives the peer's
// session, so that a sender that comes back neither repeats nor hides a message.
type place struct {
	next    uint64 // nothing below may come: it was delivered, or told as lost
	known   bool   // nothing above may come first
	begun   bool   // something was handed over since it is known
	session uint64 // of the node, when it was last of use
	done    uint64 // everything below was delivered or told as lost, or was not promised before something that was
}

// placeKey names a place within a node.
type placeKey struct {
	topic    string
	producer Address
}

// remoteStream is a producer within a topic of a peer, under its session.
type remoteStream struct {
	topic    *RemoteTopic
	producer Address
	place    *place
	near     uint64 // the last sequence seen, to widen those of the wire
	at       uint64 // lane sequence where its last message, or loss, was
	fresh    bool   // it goes on from an earlier session: at says nothing yet
	parts    *reassembly

	// What is held of it past a hole: see ahead.go.
	waits   []uint64 // lane sequences of datagrams, upwards; some may have been read since
	blocked uint64   // the datagram in which it was last found to wait
	pulled  bool     // it is in Engine.ready
	cut     bool     // it is in receiver.cuts

	// From a snapshot: up to last was on the lane below lastAt; the first message
	// of the session was first, not below the lane sequence firstLane.
	last, lastAt     uint64
	first, firstLane uint64
}

// noSequence is the last sequence of a stream whose first one is 0.
const noSequence = 1<<64 - 1

// widen makes a 64-bit sequence of its low half: the one nearest to near. It says
// false where that would be below 0.
func widen(near uint64, low uint32) (seq uint64, ok bool) {
	if faultNarrow {
		return uint64(low), true
	}
	step := int64(int32(low - uint32(near)))
	seq = near + uint64(step)
	return seq, (seq < near) == (step < 0)
}

// widen is widen for a message of the stream, which may have gone on on another lane.
func (s *remoteStream) widen(low uint32) (seq uint64, ok bool) {
	return widen(max(s.near, s.place.next), low)
}

// deliverRaw delivers the messages of a datagram. It says false where one needs
// rows of the table that are not here: the datagram is then to be held, and goes
// on at r.offset.
func (e *Engine) deliverRaw(now Time, r *receiver, raw []byte) bool {
	total := len(raw)
	if r.offset != 0 {
		raw = raw[min(r.offset, total):]
		r.offset = 0
	}
	p := r.peer
	w := &e.incoming
	for len(raw) != 0 {
		offset := total - len(raw)
		raw = wire.NextMessage(raw, w)
		if s := p.stream(w); s != nil {
			e.deliverMessage(now, r, s, w, offset)
		} else if w.Topic == 0 {
			e.readRows(now, r, w.Payload)
		} else if e.tableMissing(now, r, w) {
			r.offset = offset
			return false
		}
	}
	return true
}

// tableMissing decides what to do with a message whose rows are not here: wait
// for a snapshot, or give it up.
func (e *Engine) tableMissing(now Time, r *receiver, w *wire.Message) (wait bool) {
	if r.next < r.tabled {
		// A snapshot that is younger than this datagram did not have it.
		e.count.Refused[wire.BadMessage]++
		return false
	}
	r.waiting, r.waitSince = true, now
	r.status.table, r.status.tableAt = true, r.next+1
	e.wantStatus(now, r)
	return true
}

// deliverMessage takes a message in the lane's order: it is handed over, was
// delivered before, or shows that others are lost.
func (e *Engine) deliverMessage(now Time, r *receiver, s *remoteStream, w *wire.Message, offset int) {
	seq, ok := s.widen(w.Sequence)
	if !ok {
		e.count.Refused[wire.BadMessage]++
		return
	}
	s.near = seq
	t := s.topic
	if !t.wanted && !faultUnwanted || faultWantedLate && t.wantedSince != 0 && r.next < t.wantedSince+20 {
		e.count.Unwanted++
		return
	}
	if p := s.place; !p.known && seq >= p.next {
		p.known, p.next = true, seq
	} else if seq != p.next {
		if seq < p.next {
			if !faultDuplicate {
				if s.fresh || s.at < r.next { // else it was handed over past a hole
					e.count.DuplicateMessages++
				}
				return
			}
		} else {
			e.lost(r, s, seq-1)
		}
	}
	if !e.handOver(now, r, s, w, seq, r.next, offset) {
		e.lost(r, s, seq)
	}
}

// handOver hands a stream's next message to the sink, or its fragment to the
// reassembly. at and offset say where it lies in the lane. It says false where this was
// the end of a large message that can't be put together.
func (e *Engine) handOver(now Time, r *receiver, s *remoteStream, w *wire.Message, seq, at uint64, offset int) bool {
	s.at, s.fresh = max(at, s.at), false
	t := s.topic
	const whole = layout.WireMessageFlagBegin | layout.WireMessageFlagEnd
	if w.Flags&whole != whole {
		if !e.assemble(now, r, s, w, seq, at, offset) {
			e.advanced(r, s)
			return w.Flags&layout.WireMessageFlagEnd == 0
		}
	} else if s.parts != nil {
		e.dropParts(r.peer, s)
	}
	s.place.next = seq + 1
	t.lastSeq = seq
	m := &e.delivery
	m.Producer, m.Sequence = s.producer, seq
	m.Kind, m.Content, m.Flags, m.SchemaHash, m.TimestampNs = w.Kind, w.Content, w.UserFlags, w.SchemaHash, w.TimestampNs
	m.Block, m.Payload = w.Block, w.Payload
	e.give(r, s, m)
	if s.parts != nil {
		e.dropParts(r.peer, s)
	}
	e.advanced(r, s)
	return true
}

// lost tells that everything from the stream's next message to last is lost.
func (e *Engine) lost(r *receiver, s *remoteStream, last uint64) {
	first := s.place.next
	s.place.next = last + 1
	reason := LossSource
	switch {
	case s.fresh:
		reason = LossSession
	case s.at < r.skipEnd:
		reason = r.skipReason
	case s.parts != nil && s.parts.late:
		reason = LossGaveUp
	}
	s.at, s.fresh = max(s.at, r.next), false
	if s.parts != nil {
		e.dropParts(r.peer, s)
	}
	e.giveLoss(r, s, first, last, reason)
	e.advanced(r, s)
}

// tellTails reports what streams lost at their end, once everything below the
// snapshot that names their ends has been passed. Its parts may be of several, and the lane may have gone on between them.
func (e *Engine) tellTails(r *receiver) {
	r.tailAt = 0
	for _, s := range r.peer.streams {
		if s == nil || s.lastAt == 0 || faultNoTails || s.topic.Lane != r.lane {
			continue
		}
		if r.next < s.lastAt {
			if r.tailAt == 0 || s.lastAt < r.tailAt {
				r.tailAt = s.lastAt
			}
			continue
		}
		s.lastAt = 0
		if s.topic.wanted && s.place.known && s.place.next <= s.last {
			e.lost(r, s, s.last)
		}
	}
}
