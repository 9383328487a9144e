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
	session uint64 // of the node, when it was last of use
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
	skips    uint64 // the receiver's skips when the last message came
	parts    *reassembly

	// From a snapshot: up to last was on the lane below lastAt; the first message
	// of the session was first, not below the lane sequence firstLane.
	last, lastAt     uint64
	first, firstLane uint64
}

// noSequence is the last sequence of a stream whose first one is 0.
const noSequence = 1<<64 - 1

// skipsSession marks a stream that goes on from an earlier session.
const skipsSession = 1<<64 - 1

// widen makes a 64-bit sequence of its low half: the one nearest to near. It says
// false where that would be below 0.
func widen(near uint64, low uint32) (seq uint64, ok bool) {
	step := int64(int32(low - uint32(near)))
	seq = near + uint64(step)
	return seq, (seq < near) == (step < 0)
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
		rest := wire.NextMessage(raw, w)
		if w.Topic == 0 {
			e.readRows(now, r, w.Payload)
			raw = rest
			continue
		}
		if int(w.Producer) >= len(p.streams) || p.streams[w.Producer] == nil || uint32(p.streams[w.Producer].topic.ID) != w.Topic {
			if e.tableMissing(now, r, w) {
				r.offset = total - len(raw)
				return false
			}
			raw = rest
			continue
		}
		e.deliverMessage(now, r, p.streams[w.Producer], w)
		raw = rest
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

// deliverMessage hands a message to the sink, or its fragment to the reassembly.
func (e *Engine) deliverMessage(now Time, r *receiver, s *remoteStream, w *wire.Message) {
	seq, ok := widen(s.near, w.Sequence)
	if !ok {
		e.count.Refused[wire.BadMessage]++
		return
	}
	s.near = seq
	t := s.topic
	if !t.wanted {
		e.count.Unwanted++
		return
	}
	if p := s.place; !p.known && seq >= p.next {
		p.known, p.next = true, seq
	} else if seq != p.next {
		if seq < p.next {
			if !faultDuplicate {
				e.count.DuplicateMessages++
				return
			}
		} else {
			e.lost(r, s, seq-1)
		}
	}
	s.skips = r.skips
	const whole = layout.WireMessageFlagBegin | layout.WireMessageFlagEnd
	if w.Flags&whole != whole {
		if !e.assemble(now, r, s, w) {
			return
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
	e.count.Delivered++
	e.sink.Deliver(r.peer, t, m)
	if s.parts != nil {
		e.dropParts(r.peer, s)
	}
}

// lost tells that everything from the stream's next message to last is lost.
func (e *Engine) lost(r *receiver, s *remoteStream, last uint64) {
	first := s.place.next
	s.place.next = last + 1
	reason := LossSource
	switch {
	case s.skips == skipsSession:
		reason = LossSession
	case s.skips != r.skips:
		reason = r.skipReason
	case s.parts != nil && s.parts.late:
		reason = LossGaveUp
	}
	s.skips = r.skips
	if s.parts != nil {
		e.dropParts(r.peer, s)
	}
	e.count.MessagesLost += last - first + 1
	e.sink.Lost(r.peer, s.topic, s.producer, first, last, reason)
}

// tellTails reports what streams lost at their end, once everything below the
// snapshot that names their ends has been passed.
func (e *Engine) tellTails(r *receiver) {
	r.tailAt = 0
	for _, s := range r.peer.streams {
		if s == nil || s.lastAt == 0 || s.topic.Lane != r.lane || r.next < s.lastAt {
			continue
		}
		s.lastAt = 0
		if s.topic.wanted && s.place.known && s.place.next <= s.last {
			e.lost(r, s, s.last)
		}
	}
}
