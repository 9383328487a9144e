package mcast

import (
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

// ownTopic is a topic of this node.
type ownTopic struct {
	id        TopicID
	name      string
	shape     TopicShape
	lane      *lane
	wanted    int  // live members that want it and have joined
	full      int  // tethered members that cannot take it
	blocked   bool // Send was refused for that; Room is owed
	announced bool // its row is in the lane
	last      *ownStream
	streams   map[Address]*ownStream
}

// ownStream is a producer within a topic of this node.
type ownStream struct {
	producer  Address
	number    uint16
	topic     TopicID
	first     uint64
	last      uint64 // last sequence wholly in the lane, or passed over; valid once begun
	firstLane uint64
	begun     bool
	announced bool
	passed    bool // it went on while nobody wanted it
	// A large message that is in the lane in part.
	partial uint64
	offset  int
}

// addTopic makes an own topic.
func (e *Engine) addTopic(name string, shape TopicShape) *ownTopic {
	t := &ownTopic{id: TopicID(len(e.topics) + 1), name: name, shape: shape, streams: make(map[Address]*ownStream)}
	t.lane = e.lanes[LaneGated]
	if shape.Live {
		t.lane = e.lanes[LaneLive]
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
	t := e.topics[topic-1]
	if t.wanted == 0 {
		e.pass(t, m)
		return Unwanted
	}
	if t.full != 0 {
		e.count.BusyTopic++
		t.blocked = true
		return Busy
	}
	s := t.last
	if s == nil || s.producer != m.Producer || !s.announced {
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
	if r := e.fill(w, t, s, m); r != Sent {
		return r
	}
	l := t.lane
	if size := w.Size(); !l.open || size > min(l.room, l.whole) || s.offset != 0 {
		if r := e.sendSlow(now, s, w, m.Sequence); r != Sent {
			return r
		}
	} else {
		l.put(w)
	}
	s.last = m.Sequence
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
	if s == nil || !s.announced || m.Sequence <= s.last {
		return
	}
	s.last, s.begun = m.Sequence, true
	if !s.passed {
		s.passed = true
		e.passed = append(e.passed, s)
	}
}

// tellPassed puts rows into the lane that say how far streams went while nobody
// wanted them, as soon as somebody does.
func (e *Engine) tellPassed(now Time) {
	keep := e.passed[:0]
	for _, s := range e.passed {
		if !e.tellPassedOne(now, s) {
			keep = append(keep, s)
		}
	}
	e.passed = keep
}

func (e *Engine) tellPassedOne(now Time, s *ownStream) bool {
	t := e.topics[s.topic-1]
	if t.wanted == 0 {
		return false
	}
	row := s.row()
	row.First, row.FirstLane = s.last+1, t.lane.head // for those to whom nothing was promised before
	e.rows = wire.AppendTable(e.rows[:0], nil, &row)
	w := wire.Message{Flags: layout.WireMessageFlagBegin | layout.WireMessageFlagEnd, Payload: e.rows}
	if !e.roomFor(now, t.lane, w.Size()) {
		return false
	}
	t.lane.put(&w)
	t.lane.seal(now)
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
func (e *Engine) fill(w *wire.Message, t *ownTopic, s *ownStream, m *Message) SendResult {
	if len(m.Payload) > e.cfg.MessageLimit || len(m.Block) != 0 && len(m.Block) != BlockSize {
		return TooLarge
	}
	w.Topic, w.Sequence = uint32(t.id), uint32(m.Sequence)
	w.Producer, w.UserFlags = s.number, m.Flags
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
	l := e.topics[s.topic-1].lane
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
		s = &ownStream{producer: m.Producer, number: uint16(len(e.producers) + 1), topic: t.id, first: firstOf(m), last: m.Sequence - 1}
		t.streams[m.Producer] = s
		e.producers = append(e.producers, s)
	}
	if !s.announced && !e.announce(now, t, s) {
		return nil, Busy
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
func (e *Engine) announce(now Time, t *ownTopic, s *ownStream) bool {
	topic, producer := t.row(), s.row()
	rows := &topic
	if t.announced {
		rows = nil
	}
	e.rows = wire.AppendTable(e.rows[:0], rows, &producer)
	w := wire.Message{Flags: layout.WireMessageFlagBegin | layout.WireMessageFlagEnd, Payload: e.rows}
	if !e.roomFor(now, t.lane, w.Size()) {
		return false
	}
	// No message of it lies below: the row names the datagram that it is in itself.
	s.firstLane = t.lane.head
	producer = s.row()
	e.rows = wire.AppendTable(e.rows[:0], rows, &producer)
	w.Payload = e.rows
	t.lane.put(&w)
	t.announced, s.announced = true, true
	e.tableVersion++
	return true
}

// Flush sends the datagrams that are packed, also the one that has room left.
// Call it when there is nothing more to Send at the moment (natural batching).
func (e *Engine) Flush(now Time) {
	for _, l := range e.lanes {
		l.seal(now)
	}
	e.flushOut()
}

// flushOut hands the batch to the sink.
func (e *Engine) flushOut() {
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
