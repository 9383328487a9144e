package mcast

import (
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

const (
	// fragmentMin is the least payload for which a message that is larger than a datagram
	// is begun in the rest of the open one.
	fragmentMin = 256
	// splitMin is the same for one that would fit into the next datagram whole. A split
	// costs 32 bytes and a copy at each receiver, an unused rest its share of a datagram.
	splitMin = 128
)

// ownTopic is a topic of this node, or one of its facets: what stands for it on another
// lane. A facet has a number of its own, and producers' numbers of its own; all else is
// the topic's, which is its own facet on the lane that all members have.
type ownTopic struct {
	id        TopicID
	name      string
	shape     TopicShape
	lane      *lane
	announced bool   // its row is in the lane
	end       uint64 // lane sequence behind the last datagram with something of it; 0: there is none
	topic     *ownTopic

	// Of a topic.
	facets  []*ownTopic // on directed lanes
	current *ownTopic   // the facet that messages go on
	wanted  int         // live members that want it and have joined
	full    int         // entries of members that cannot take it
	blocked bool        // Send was refused for that; Room is owed
	last    *ownStream
	streams map[Address]*ownStream
	order   []*ownStream // the same, the oldest first
	choice  choice
	origin  origin
	uneven  bool // somebody who wants it may not know how far its producers have got
}

// ownStream is a producer within a topic of this node.
type ownStream struct {
	producer Address
	topic    *ownTopic
	first    uint64
	last     uint64 // last sequence wholly in a lane, or passed over; valid once begun
	begun    bool
	passed   bool   // it went on while nobody wanted it, or on another lane
	lists    uint64 // lists that had been counted when last was set
	// A large message that is in the lane in part.
	partial uint64
	offset  int

	row  *ownRow // on the current facet; nil: it was not told there since the topic went there
	rows []*ownRow
}

// ownRow is what a producer is called on a facet.
type ownRow struct {
	stream      *ownStream
	facet       *ownTopic
	number      uint16
	first, last uint64 // the second while it is not the stream's present row
	firstLane   uint64
	announced   bool
}

// addTopic makes an own topic.
func (e *Engine) addTopic(name string, shape TopicShape) *ownTopic {
	t := &ownTopic{id: TopicID(len(e.topics) + 1), name: name, shape: shape, streams: make(map[Address]*ownStream)}
	t.topic, t.current = t, t
	t.lane = e.lanes[LaneGated]
	if t.choice.at = longAgo; shape.Live {
		t.lane, t.choice.at = e.lanes[LaneLive], Never
	}
	e.topics = append(e.topics, t)
	e.topicByName[name] = t
	for _, p := range e.peers {
		p.countWant(t)
	}
	return t
}

// Send puts a message of an own topic into its lane. It copies the payload; it
// does not allocate, but for the first message of a producer. It makes no system
// call itself; a full batch of datagrams goes to Sink.Multicast.
func (e *Engine) Send(now Time, topic TopicID, m *Message) SendResult {
	if uint(topic)-1 >= uint(len(e.topics)) || e.closed {
		return e.sendNowhere()
	}
	t := e.topics[topic-1].topic
	if t.wanted == 0 {
		e.pass(t, m)
		return Unwanted
	}
	if now >= t.choice.at && !t.continues(m) && !e.chosen(now, t) {
		if faultPassMoving {
			e.pass(t, m)
			return Unwanted
		}
		e.count.BusyMoving++
		return Busy
	}
	if t.full != 0 {
		e.count.BusyTopic++
		t.blocked = true
		return Busy
	}
	s := t.last
	if s == nil || s.producer != m.Producer || s.row == nil {
		var r SendResult
		if s, r = e.stream(now, t, m); r != Sent {
			return r
		}
	}
	if s.begun && m.Sequence <= s.last {
		return Sent // a caller that went back: everybody has it, or was told
	}
	if s.offset != 0 && s.partial != m.Sequence {
		s.offset = 0 // the caller gave that large message up
	}
	w := &e.outgoing
	if r := e.fill(w, s, m); r != Sent {
		return r
	}
	l := t.current.lane
	if size := w.Size(); !l.open || size > min(l.room, l.whole) || s.offset != 0 {
		if r := e.sendSlow(now, s, w, m.Sequence); r != Sent {
			return r
		}
	} else {
		l.put(w)
	}
	t.current.end = l.behind()
	s.last, s.lists = m.Sequence, e.lists
	s.begun = true
	e.count.MessagesSent++
	return Sent
}

// pass notes a message that nobody wants. A member that was taken for dead and
// comes back has to learn that it missed it, though nothing may follow.
func (e *Engine) pass(t *ownTopic, m *Message) {
	s := t.last
	if s == nil || s.producer != m.Producer {
		s = t.streams[m.Producer]
	}
	if s == nil || !s.told() || m.Sequence <= s.last {
		return
	}
	s.last, s.lists, s.begun = m.Sequence, e.lists, true
	if !s.passed {
		s.passed = true
		e.passed = append(e.passed, s)
	}
}

// tellPassed puts rows into the lanes that say how far streams went while nobody
// wanted them, or on another lane, as soon as somebody does.
func (e *Engine) tellPassed(now Time) {
	passed := e.passed
	e.passed = e.passedSpare[:0] // a move may add some
	var t *ownTopic
	ready, told := false, false
	for _, s := range passed {
		if s.passed && s.topic != t {
			t = s.topic
			ready = t.wanted != 0 && (now < t.choice.at || e.chosen(now, t))
		}
		if s.passed && ready {
			ready = e.tellPassedOne(now, s)
			told = true
		}
		if s.passed {
			e.passed = append(e.passed, s)
		}
	}
	clear(passed)
	e.passedSpare = passed
	if told {
		e.Flush(now)
	}
}

// tellPassedOne puts a row into the lane that a stream's topic is on.
func (e *Engine) tellPassedOne(now Time, s *ownStream) bool {
	t := s.topic
	if s.row == nil {
		return e.announce(now, t, s) == Sent
	}
	row, l := s.row.row(), t.current.lane
	row.First, row.FirstLane = s.last+1, l.head // for those to whom nothing was promised before
	e.rows = wire.AppendTable(e.rows[:0], nil, &row)
	w := wire.Message{Flags: layout.WireMessageFlagBegin | layout.WireMessageFlagEnd, Payload: e.rows}
	if !e.roomFor(now, l, w.Size()) {
		return false
	}
	l.put(&w)
	t.current.end = l.behind()
	s.passed = false
	return true
}

func (e *Engine) sendNowhere() SendResult {
	if e.closed {
		return Closed
	}
	return NoTopic
}

// fill makes the wire's form of a message.
func (e *Engine) fill(w *wire.Message, s *ownStream, m *Message) SendResult {
	if len(m.Payload) > e.cfg.MessageLimit || len(m.Block) != 0 && len(m.Block) != BlockSize {
		return TooLarge
	}
	w.Topic, w.Sequence = uint32(s.row.facet.id), uint32(m.Sequence)
	w.Producer, w.UserFlags = s.row.number, m.Flags
	w.Flags = layout.WireMessageFlagBegin | layout.WireMessageFlagEnd
	if m.TimestampNs != 0 || m.SchemaHash != 0 || m.Kind != 0 || m.Content != 0 {
		w.Flags |= layout.WireMessageFlagExtended
		w.Kind, w.Content, w.SchemaHash, w.TimestampNs = m.Kind, m.Content, m.SchemaHash, m.TimestampNs
	} else {
		w.Kind, w.Content, w.SchemaHash, w.TimestampNs = 0, 0, 0, 0
	}
	w.Block = m.Block
	if m.Block != nil {
		w.Flags |= layout.WireMessageFlagAddressed
	}
	w.TotalLength = uint32(len(m.Payload))
	w.Payload = m.Payload
	return Sent
}

// sendSlow puts a message that does not fit into the open datagram.
func (e *Engine) sendSlow(now Time, s *ownStream, w *wire.Message, seq uint64) SendResult {
	l := s.topic.current.lane
	size := w.Size()
	if size <= l.whole && s.offset == 0 && !l.splits(w) {
		if !e.roomFor(now, l, size) {
			return Busy
		}
		l.put(w)
		return Sent
	}
	return e.sendFragments(now, l, s, w, seq)
}

// splits says whether a message that fits a datagram, but not the open one, is begun
// in the rest of that.
func (l *lane) splits(w *wire.Message) bool {
	heads := w.Size() - padded(len(w.Payload))
	if w.Flags&layout.WireMessageFlagExtended == 0 {
		heads += wire.ExtensionSize
	}
	return l.open && !l.packed && l.room >= heads+splitMin
}

func padded(n int) int { return (n + 7) &^ 7 }

// roomFor makes the open datagram one that has size bytes left.
func (e *Engine) roomFor(now Time, l *lane, size int) bool {
	if l.open && l.room >= size {
		return true
	}
	l.fill()
	l.seal(now)
	return l.begin(now)
}

// sendFragments puts a large message into the lane, over as many datagrams as it
// takes; after Busy it goes on where it stopped.
func (e *Engine) sendFragments(now Time, l *lane, s *ownStream, w *wire.Message, seq uint64) SendResult {
	s.partial = seq
	payload, block, least := w.Payload, w.Block, fragmentMin
	if w.Size() <= l.whole {
		least = splitMin
	}
	base := w.Flags &^ (layout.WireMessageFlagBegin | layout.WireMessageFlagEnd)
	for s.offset < len(payload) {
		w.Flags, w.Block = base&^(layout.WireMessageFlagExtended|layout.WireMessageFlagAddressed), nil
		if s.offset == 0 {
			w.Flags, w.Block = base|layout.WireMessageFlagBegin|layout.WireMessageFlagExtended, block
		}
		w.Payload = nil
		heads := w.Size()
		if !e.roomFor(now, l, heads+min(least, len(payload)-s.offset)) {
			return Busy
		}
		n := min(l.room-heads, l.whole-heads, len(payload)-s.offset)
		w.Payload = payload[s.offset : s.offset+n]
		if s.offset += n; s.offset == len(payload) {
			w.Flags |= layout.WireMessageFlagEnd
		}
		l.put(w)
		s.topic.current.end = l.behind()
	}
	s.offset, s.partial = 0, 0
	return Sent
}

// stream finds or makes the producer's stream, and puts the table's rows that
// describe it into the lane before its first message.
func (e *Engine) stream(now Time, t *ownTopic, m *Message) (*ownStream, SendResult) {
	s := t.streams[m.Producer]
	if s == nil {
		if len(e.producers) >= e.cfg.Limits.Producers {
			return nil, NoProducers
		}
		s = &ownStream{producer: m.Producer, topic: t, first: firstOf(m), last: m.Sequence - 1}
		t.streams[m.Producer] = s
		t.order = append(t.order, s)
	}
	if s.row == nil {
		if r := e.announce(now, t, s); r != Sent {
			return nil, r
		}
	}
	t.last = s
	return s, Sent
}

// firstOf is the sequence with which a producer's stream begins for those who were
// here before it: what lies between it and the first message is told as lost.
func firstOf(m *Message) uint64 {
	return m.Sequence - min(m.Missed, max(m.Sequence, 1)-1)
}

// announce puts the rows of a topic and a producer into the lane, so that they
// come before what they explain and are repaired like it.
func (e *Engine) announce(now Time, t *ownTopic, s *ownStream) SendResult {
	f, l := t.current, t.current.lane
	r := e.rowOn(f, s)
	if r == nil {
		return NoProducers
	}
	topic, producer := f.row(), r.row()
	rows := &topic
	if f.announced {
		rows = nil
	}
	e.rows = wire.AppendTable(e.rows[:0], rows, &producer)
	w := wire.Message{Flags: layout.WireMessageFlagBegin | layout.WireMessageFlagEnd, Payload: e.rows}
	if !e.roomFor(now, l, w.Size()) {
		return Busy
	}
	s.row = r
	producer = r.row()
	if producer.First = s.first; s.told() && !e.owed(t, s) {
		producer.First = s.last + 1 // what came before is on another lane
	}
	// No message of it lies below: the row names the datagram that it is in itself.
	producer.FirstLane = l.head
	if !r.announced { // a Setup goes on saying where it began here
		r.first, r.firstLane = producer.First, producer.FirstLane
	}
	e.rows = wire.AppendTable(e.rows[:0], rows, &producer)
	w.Payload = e.rows
	l.put(&w)
	f.end = l.behind()
	if !f.announced || !r.announced {
		e.tableChanged(l)
	}
	f.announced, r.announced, s.passed = true, true, false
	return Sent
}

// owed says whether a member that wants a topic has not read yet where one of its producers
// began: what it will not read then is lost to it, and has to be told.
func (e *Engine) owed(t *ownTopic, s *ownStream) bool {
	begun := s.rows[slices.IndexFunc(s.rows, func(r *ownRow) bool { return r.announced })]
	l := begun.facet.lane
	for _, p := range l.peers() {
		if m := &p.members[l.id]; m.joined && m.taken <= begun.firstLane && t.takenBy(p) {
			return true
		}
	}
	return false
}

// told says whether a row of the producer was put on any lane.
func (s *ownStream) told() bool {
	return slices.ContainsFunc(s.rows, func(r *ownRow) bool { return r.announced })
}

// rowOn returns the row of a producer on a facet, which it makes if need be; nil where no
// numbers are left.
func (e *Engine) rowOn(f *ownTopic, s *ownStream) *ownRow {
	for _, r := range s.rows {
		if r.facet == f {
			return r
		}
	}
	if len(e.producers) >= e.cfg.Limits.Producers {
		return nil
	}
	r := &ownRow{stream: s, facet: f, number: uint16(len(e.producers) + 1), last: s.last}
	s.rows = append(s.rows, r)
	e.producers = append(e.producers, r)
	return r
}

// tableChanged notes that there are more rows than before, for all or for one.
func (e *Engine) tableChanged(l *lane) {
	if l.to == 0 {
		e.tableVersion++
		return
	}
	l.version++
}

// Flush sends the datagrams that are packed, also the one that has room left.
// Call it when there is nothing more to Send at the moment (natural batching).
func (e *Engine) Flush(now Time) {
	for i, l := range e.opened {
		l.seal(now)
		l.listed, e.opened[i] = false, nil
	}
	e.opened = e.opened[:0]
	e.flushOut()
}

// flushOut hands what is sealed to the sink.
func (e *Engine) flushOut() {
	if len(e.outLanes) != 0 {
		e.flushDirected()
	}
	if len(e.out) == 0 {
		return
	}
	e.sink.Multicast(e.out)
	if len(e.apart) != 0 {
		e.copyOut(e.out, false)
	}
	clear(e.out)
	e.out = e.out[:0]
}
