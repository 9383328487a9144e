package mcast

import (
	"net/netip"
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Bounds of streams of what was published before (spec/wire.md, 14).
const (
	chunksMax   = 64              // of a stream under way
	servedMax   = 64              // members that are served at a time
	servedApart = 5 * Millisecond // between the beginnings of two streams for one member
	servedIdle  = 4 * Second      // of silence, after which a stream ends
	servedQuiet = Second / 2      // of silence, after which a stream of a number below its own may begin
	servedOnce  = 10 * Second     // from the beginning of a stream, in which its number begins no other
	servedPart  = 0.1             // of the lane's greatest rate, for all streams
	serveApart  = Millisecond     // between two looks for what is not readable yet
	serveAgain  = 2 * Millisecond // at least, until a chunk is sent again that nobody has
)

// HistoryAll asks for all that a ring holds.
const HistoryAll = wire.BackAll

// A HistorySource is a Sink that can read what the rings of its node hold. Where a Sink
// is none, nobody gets anything that was published before.
type HistorySource interface {
	// History begins to read what this node's participants published on all topics that a
	// name or pattern covers, names of the system left out. It is called within the engine's
	// methods, and so are those of the reader. Nil: there is nothing. What is read of a topic ends
	// where that stood at its mark of since; back is counted from there, too. Of a mark of 0 nothing is read.
	History(peer *Peer, pattern string, back uint32, since HistoryMarks) HistoryReader
	// Mark notes where each topic stands: behind the last message that Send took, or was given and has not
	// taken. A topic that is given to Send only later stands at its first one. Marks grow.
	Mark(mark uint64)
}

// HistoryMarks says since when a member is offered what is sent, of the topics that are not live and of those that are.
type HistoryMarks struct{ Gated, Live uint64 }

// Of returns the mark of a topic.
func (m HistoryMarks) Of(live bool) uint64 {
	if live {
		return m.Live
	}
	return m.Gated
}

// A HistoryReader reads topic after topic.
type HistoryReader interface {
	// Next fills in what comes next. The bytes are lent until the next call.
	Next(it *HistoryItem) HistoryResult
	// Close is called once.
	Close()
}

// HistoryItem is what a HistoryReader gives.
type HistoryItem struct {
	Topic   string     // of HistoryTopic
	Shape   TopicShape // of HistoryTopic
	Message Message    // of HistoryMessage
}

// HistoryResult says what Next gave.
type HistoryResult uint8

// The results of HistoryReader.Next.
const (
	// HistoryTopic: a topic begins. Its messages end at the splice: where it stood at its mark.
	HistoryTopic HistoryResult = iota
	// HistoryMessage: a message of that topic, of this node, in the order of the ring.
	HistoryMessage
	// HistoryWait: something can be read only later.
	HistoryWait
	// HistoryEnd: that was all.
	HistoryEnd
)

// serving is a stream to a member.
type serving struct {
	peer   *Peer
	number uint32
	reader HistoryReader // nil: all is read
	since  HistoryMarks
	heard  Time
	after  Time // not read before

	rows   []byte // what was read
	taken  int    // of these, in chunks
	places []wire.HistoryRow

	chunks     [chunksMax]chunk // by number
	base, made uint32           // [base, made) is under way
	window     uint32
	last       bool // the last chunk was made
}

type chunk struct {
	frame  []byte
	sentAt Time
	here   bool // at the member
	again  bool // to be sent once more
}

// receiveUnicastAck begins a stream, or goes on with one.
func (e *Engine) receiveUnicastAck(now Time, p *Peer, body []byte, from netip.AddrPort) wire.Reason {
	var u wire.UnicastAck
	if r := wire.ParseUnicastAck(body, &u); r != wire.OK {
		return r
	}
	if !wellFormed(string(u.Name), true) {
		return wire.BadText
	}
	if from != p.from { // whose word could end the stream of another, or keep that from having one
		e.offend(now, from, OffenceFlood)
		return wire.OK
	}
	s := p.serving
	if u.Session != e.cfg.Session || (s == nil || s.number != u.Stream) && !e.mayServe(now, p, &u) {
		return wire.OK
	}
	if s == nil || s.number != u.Stream {
		s = e.serve(now, p, &u)
	}
	s.heard, p.begun.heard, s.window = now, now, min(uint32(u.Window), chunksMax)
	if u.Last {
		e.endServing(p)
		return wire.OK
	}
	if u.Next >= s.base && u.Next <= s.made {
		s.noteHere(&u)
		s.repeat(now, e.guard(), max(serveAgain, 4*e.roundTrip))
	}
	e.pumpServings(now)
	return wire.OK
}

// mayServe says whether a stream may begin: it is a new one, and what is published from now
// on is offered to the member.
func (e *Engine) mayServe(now Time, p *Peer, u *wire.UnicastAck) bool {
	if u.Last || u.Next != 0 || !p.begun.may(now, u.Stream) || int32(p.wants.version-u.WantVersion) < 0 || p.wants.version == 0 {
		return false
	}
	if !p.joined() || !p.members[LaneLive].joined {
		return false
	}
	return p.serving != nil || len(e.servings) < servedMax
}

// serve begins a stream, in place of one that there was.
func (e *Engine) serve(now Time, p *Peer, u *wire.UnicastAck) *serving {
	e.endServing(p)
	s := &serving{peer: p, number: u.Stream, after: longAgo}
	if e.historian != nil {
		s.since = HistoryMarks{Gated: p.countedAt(LaneGated, u.WantVersion), Live: p.countedAt(LaneLive, u.WantVersion)}
		s.reader = e.historian.History(p, string(u.Name), u.Back, s.since)
	}
	p.serving = s
	p.begun.note(now, u.Stream)
	e.servings = append(e.servings, s)
	e.count.HistoriesServed++
	return s
}

// endServing ends a peer's stream, if there is one.
func (e *Engine) endServing(p *Peer) {
	s := p.serving
	if s == nil {
		return
	}
	if s.reader != nil {
		s.reader.Close()
	}
	p.serving = nil
	e.servings = slices.DeleteFunc(e.servings, func(x *serving) bool { return x == s })
}

// noteHere takes what the member has.
func (s *serving) noteHere(u *wire.UnicastAck) {
	for ; s.base != u.Next; s.base++ {
		s.chunks[s.base%chunksMax] = chunk{}
	}
	for i := range uint32(chunksMax - 1) {
		if n := u.Next + 1 + i; u.Mask>>i&1 != 0 && n-s.base < s.made-s.base {
			s.chunks[n%chunksMax].here = true
		}
	}
}

// repeat has chunks sent again: those before one that came, and those of which nothing was
// heard for long.
func (s *serving) repeat(now Time, guard, long Duration) {
	passed := false
	for n := s.made; n != s.base; {
		n--
		c := &s.chunks[n%chunksMax]
		if c.here {
			passed = true
			continue
		}
		silence := now - c.sentAt
		c.again = c.again || silence > long || passed && silence > guard
	}
}

// pumpServings sends what the streams' share of the rate allows, one chunk of each in turn.
func (e *Engine) pumpServings(now Time) {
	rate := max(servedPart*e.lanes[LaneGated].pace.max, 1000)
	e.serveTokens = min(chunksMax, e.serveTokens+float64(now-e.serveAt)*rate/float64(Second))
	e.serveAt = now
	for more := true; more; {
		more = false
		for _, s := range e.servings {
			if e.serveTokens < 1 {
				e.arm(now + Duration(float64(Second)*paceBatch/rate))
				return
			}
			if c := e.nextChunk(now, s); c != nil {
				e.serveTokens--
				c.sentAt, c.again = now, false
				e.unicast(s.peer, c.frame)
				more = true
			}
		}
	}
}

// nextChunk returns what is to be sent of a stream, nil if nothing is.
func (e *Engine) nextChunk(now Time, s *serving) *chunk {
	for n := s.base; n != s.made; n++ {
		if c := &s.chunks[n%chunksMax]; c.again && !c.here {
			wire.Renumber(c.frame, e.nextNumber(), wire.FlagUnicast)
			e.count.ChunksRepeated++
			return c
		}
	}
	if s.last || s.made-s.base >= s.window {
		return nil
	}
	return e.makeChunk(now, s)
}

// makeChunk makes the next chunk, nil if nothing is there for one.
func (e *Engine) makeChunk(now Time, s *serving) *chunk {
	size := e.cfg.MTU - wire.ChunkOverhead
	for len(s.rows)-s.taken < size && s.reader != nil && now >= s.after {
		e.readHistory(now, s)
	}
	rest := s.rows[s.taken:]
	n := min(size, len(rest))
	s.last = s.reader == nil && n == len(rest)
	if n == 0 && !s.last {
		return nil
	}
	h := e.header(layout.FrameTypeUnicastData, layout.FrameFlagUnicast)
	u := wire.UnicastData{Session: s.peer.session, Stream: s.number, Chunk: s.made, Last: s.last, Bytes: rest[:n]}
	c := &s.chunks[s.made%chunksMax]
	*c = chunk{frame: u.AppendTo(wire.Begin(make([]byte, 0, e.cfg.MTU), &h))}
	s.made++
	e.count.ChunksSent++
	if s.taken += n; s.taken == len(s.rows) {
		s.rows, s.taken = s.rows[:0], 0
	} else if s.taken > len(s.rows)/2 {
		s.rows, s.taken = s.rows[:copy(s.rows, s.rows[s.taken:])], 0
	}
	return c
}

// readHistory takes one item off the reader.
func (e *Engine) readHistory(now Time, s *serving) {
	it := &e.history
	switch s.reader.Next(it) {
	case HistoryTopic:
		s.writePlaces()
		sh := it.Shape
		row := wire.TopicRow{SlotCount: sh.SlotCount, SlotPayload: sh.SlotPayload, History: sh.History, Mode: sh.Mode,
			Kind: sh.Kind, Purpose: sh.Purpose, Name: []byte(it.Topic)}
		if sh.Live {
			row.Lane = LaneLive
		}
		s.rows = wire.AppendHistoryTopic(s.rows, &row)
		s.places = e.placesOf(s.places[:0], it.Topic, s.since.Of(sh.Live))
	case HistoryMessage:
		m := &it.Message
		row := historyRow(m.Producer, m.Sequence, layout.HistoryRecordMessage)
		row.TimestampNs, row.SchemaHash, row.UserFlags = m.TimestampNs, m.SchemaHash, m.Flags
		row.Kind, row.Content, row.Block, row.Payload = m.Kind, m.Content, m.Block, m.Payload
		if len(m.Payload) <= e.cfg.MessageLimit {
			s.rows = row.AppendTo(s.rows)
		}
	case HistoryWait:
		s.after = now + serveApart
		e.arm(s.after)
	default:
		s.writePlaces()
		s.reader.Close()
		s.reader = nil
	}
}

func historyRow(a Address, seq uint64, record uint8) wire.HistoryRow {
	return wire.HistoryRow{Node: a.Node, Epoch: a.Epoch, Generation: a.Generation, Index: a.Index, Handle: a.Handle, Sequence: seq, Record: record}
}

// placesOf lists where the producers of a topic stand of which nothing was sent since a mark: of others the
// lane says what is missing before what was.
func (e *Engine) placesOf(places []wire.HistoryRow, topic string, mark uint64) []wire.HistoryRow {
	for _, r := range e.producers {
		if s := r.stream; r == s.rows[0] && s.begun && (s.lists < mark || faultPlaceAll) && s.last != noSequence && s.topic.name == topic {
			places = append(places, historyRow(s.producer, s.last, layout.HistoryRecordPlace))
		}
	}
	return places
}

// writePlaces ends a topic.
func (s *serving) writePlaces() {
	for i := range s.places {
		s.rows = s.places[i].AppendTo(s.rows)
	}
	s.places = s.places[:0]
}

// tickServings goes on with all streams, and ends those that nobody asks for any more.
func (e *Engine) tickServings(now Time) {
	for i := 0; i < len(e.servings); {
		s := e.servings[i]
		if now-s.heard > servedIdle {
			e.endServing(s.peer)
			continue
		}
		e.arm(s.heard + servedIdle + 1)
		if s.reader != nil && now < s.after {
			e.arm(s.after)
		}
		i++
	}
	e.pumpServings(now)
}
