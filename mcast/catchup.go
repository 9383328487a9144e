package mcast

import (
	"fmt"
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Times and bounds of asking for what was published before (spec/wire.md, 14).
const (
	askFirst     = 5 * Millisecond // without a new chunk, until it is asked again
	askLast      = 200 * Millisecond
	askRestart   = Second     // until the stream is asked for from its beginning
	askGiveUp    = 2 * Second // until nothing more is expected
	ackEach      = 16         // chunks
	ackApart     = Millisecond
	ackHoleApart = Millisecond / 2
	ackLasts     = 3
)

// HistoryWant says that what was published before is wanted of the topics that a name or a
// pattern covers.
type HistoryWant struct {
	Pattern string
	Back    uint32 // positions of the owner's ring; HistoryAll: all that it holds
}

// SetHistories says of which names and patterns this node wants what was published before:
// the full list. Each node is asked once for each of them, also one that comes up later; what
// it sends is delivered before anything newer of the same topic. Call it before the SetWants by
// which the names begin to be wanted. What is dropped from the list and taken up again is
// asked for again.
func (e *Engine) SetHistories(now Time, list []HistoryWant) error {
	if len(list) > e.cfg.Limits.Wants {
		return fmt.Errorf("%w: %d histories, at most %d are allowed", ErrName, len(list), e.cfg.Limits.Wants)
	}
	for _, h := range list {
		if err := ValidPattern(h.Pattern); err != nil {
			return err
		}
	}
	e.histories = slices.Clone(list)
	slices.SortStableFunc(e.histories, func(a, b HistoryWant) int { return int(min(b.Back, 1<<30)) - int(min(a.Back, 1<<30)) })
	gone := func(pattern string) bool {
		return !slices.ContainsFunc(list, func(h HistoryWant) bool { return h.Pattern == pattern })
	}
	for _, m := range e.memory {
		for pattern := range m.asked {
			if gone(pattern) {
				delete(m.asked, pattern)
			}
		}
	}
	for _, p := range e.peers {
		if c := p.catchup; c != nil {
			e.dropAsks(now, c, gone)
		}
		e.beginCatchup(now, p, e.wants, false)
	}
	return nil
}

// CatchingUp returns of how many peers something published before is still to come.
func (e *Engine) CatchingUp() (n int) {
	for _, p := range e.peers {
		if p.catchup != nil {
			n++
		}
	}
	return n
}

// catchup is what this node still wants of what a peer's participants published before.
type catchup struct {
	peer    *Peer
	asks    []ask                 // not done yet; the first is being asked for
	partial bool                  // a stream did not come to its end, or a hole of a lane was, or may have been, given up
	covered []string              // names for which something is held
	lists   []wantList            // what was wanted since it began
	joins   map[placeKey]*joining // producers that are not followed, as far as anything came
	stays   map[placeKey]bool     // producers that were followed when it began
	read    int                   // of joins, those that the stream's rows have added
	behind  reach

	// What came by the lanes meanwhile, in order.
	held     []heldItem
	bytes    int
	overflow bool
	since    [lanesMax]uint64 // where the holding began
	holds    [lanesMax]bool

	// The stream.
	number   uint32 // 0: not begun
	next     uint32
	chunks   [chunksMax][]byte // by number, [next, next+chunksMax)
	end      uint32            // number of the last chunk, if ended
	ended    bool
	rows     []byte // the beginning of a row
	topic    *RemoteTopic
	unsaid   int // chunks since the last UnicastAck
	ackedAt  Time
	ackAt    Time // when one is due because of chunks
	askAt    Time // because none came
	askStep  Duration
	begun    Time // of the stream
	progress Time // the last new chunk
}

// ask is a name that is asked for.
type ask struct {
	HistoryWant
	version uint32   // of the first list that has it; 0: that is the next
	before  wantList // what was wanted when it was taken up
	lists   int      // of catchup.lists there were then
}

// joining is a producer of which history and lane are put together.
type joining struct {
	next  uint64 // nothing below is delivered
	given bool   // something was: what is missing from now on is told
	held  bool   // something of the lane's is held
	first uint64 // with which that begins
}

// heldItem is a message, or a loss, that waits for what comes before it.
type heldItem struct {
	topic       *RemoteTopic
	lane        uint32
	loss        bool
	first, last uint64
	reason      LossReason
	message     Message
}

// beginCatchup asks a peer for what it was not asked for yet. What before has was wanted of it already. told: it is
// told the present list, which has the names; otherwise the next one is the first that has them.
func (e *Engine) beginCatchup(now Time, p *Peer, before wantList, told bool) {
	asked := e.memoryOf(p.node).asked
	for _, h := range e.histories {
		c := p.catchup
		if asked[h.Pattern] || c != nil && slices.ContainsFunc(c.asks, func(x ask) bool { return x.Pattern == h.Pattern }) {
			continue
		}
		if c == nil {
			c = &catchup{peer: p, joins: map[placeKey]*joining{}, stays: map[placeKey]bool{}, ackedAt: longAgo, ackAt: Never, askAt: now, progress: now}
			c.partial = told && before.version != 0 // of its lanes something may have been given up before
			p.catchup = c
			e.count.HistoriesAsked++
		}
		x := ask{HistoryWant: h, before: before, lists: len(c.lists)}
		if told && slices.Contains(e.wants.list, h.Pattern) {
			x.version = e.wants.version
		}
		c.asks = append(c.asks, x)
		if !slices.Contains(c.covered, h.Pattern) {
			c.covered = append(c.covered, h.Pattern)
		}
		e.cover(c, h.Pattern)
	}
	e.touch(p)
	e.arm(now)
}

// cover notes where the producers of topics stand that are held from now on.
func (e *Engine) cover(c *catchup, pattern string) {
	for _, t := range c.peer.topics {
		if t != nil && Match(pattern, t.Name) {
			t.held = true
		}
	}
	for k, at := range e.memoryOf(c.peer.node).places {
		if c.stays[k] || c.joins[k] != nil || !Match(pattern, k.topic) {
			continue
		}
		if at.known && (at.begun || at.session != c.peer.session) { // not by a row of this session alone
			c.stays[k] = true
		} else {
			c.joins[k] = &joining{next: at.done}
		}
	}
}

func (c *catchup) covers(name string) bool {
	return slices.ContainsFunc(c.covered, func(pattern string) bool { return Match(pattern, name) })
}

// joining returns what is known of a producer, nil if it is followed.
func (c *catchup) joining(k placeKey) *joining {
	if c.stays[k] {
		return nil
	}
	j := c.joins[k]
	if j == nil {
		j = &joining{}
		c.joins[k] = j
	}
	return j
}

// dropAsks takes names off what is asked for. What is held stays so until the rest is here.
func (e *Engine) dropAsks(now Time, c *catchup, gone func(pattern string) bool) {
	first := len(c.asks) != 0 && gone(c.asks[0].Pattern)
	for i := len(c.asks) - 1; i > 0; i-- {
		if gone(c.asks[i].Pattern) {
			c.asks = slices.Delete(c.asks, i, i+1)
		}
	}
	if first {
		c.partial = true
		e.askedAll(now, c)
	}
}

// tickCatchup goes on with what a peer is asked for.
func (e *Engine) tickCatchup(now Time, p *Peer) {
	c := p.catchup
	if p.receivers[LaneGated] == nil && len(c.asks) != 0 { // nothing is asked for before
		c.askAt, c.progress, c.begun = now, now, now
		return
	}
	if c.topic != nil && c.topic.full {
		c.progress, c.begun = now, now
		c.askAt = now + askFirst
	} else if c.number != 0 && len(c.asks) != 0 { // else the last name was taken off, and chunks may wait
		e.takeChunks(now, c)
	}
	late := false
	if c.behind.waits && p.catchup == c {
		c.progress, c.begun = now, now
		late = now-c.behind.since >= reachGiveUp
		e.askReach(now, c)
	}
	switch {
	case p.catchup == nil:
		return
	case len(c.asks) == 0:
		e.endCatchup(now, p)
		return
	case c.overflow:
		e.count.HistoriesGivenUp++
		c.partial = true
		for p.catchup == c {
			e.nextAsk(now, c)
		}
		return
	case late, now-c.progress >= askGiveUp:
		e.count.HistoriesGivenUp++
		c.partial = true
		e.nextAsk(now, c)
	case now-c.begun >= askRestart && now-c.progress >= askRestart || c.number == 0:
		e.beginStream(now, c)
	}
	if p.catchup == nil {
		return
	}
	if now >= c.askAt {
		e.sendUnicastAck(now, c, false)
		c.askAt = now + c.askStep
		c.askStep = min(2*c.askStep, askLast)
	} else if now >= c.ackAt {
		e.sendUnicastAck(now, c, false)
	}
	e.arm(min(c.askAt, c.ackAt, max(c.begun, c.progress)+askRestart, c.progress+askGiveUp))
}

// beginStream asks for the first of what is wanted, from its beginning.
func (e *Engine) beginStream(now Time, c *catchup) {
	e.streamNumber++
	c.number = e.streamNumber
	c.next, c.ended, c.rows, c.topic, c.unsaid = 0, false, c.rows[:0], nil, 0
	c.behind.already, c.behind.waits = false, false
	c.chunks = [chunksMax][]byte{}
	c.begun, c.askAt, c.askStep, c.ackAt = now, now, askFirst, Never
}

// nextAsk goes on with the next name, or ends.
func (e *Engine) nextAsk(now Time, c *catchup) {
	if e.askedAll(now, c); len(c.asks) == 0 {
		e.endCatchup(now, c.peer)
	}
}

// askedAll takes the first name off, and begins with the next.
func (e *Engine) askedAll(now Time, c *catchup) {
	for i := 0; i < ackLasts && c.number != 0; i++ {
		e.sendUnicastAck(now, c, true)
	}
	m := e.memoryOf(c.peer.node)
	if m.asked == nil {
		m.asked = map[string]bool{}
	}
	pattern := c.asks[0].Pattern
	m.asked[pattern] = slices.ContainsFunc(e.histories, func(h HistoryWant) bool { return h.Pattern == pattern })
	c.asks = c.asks[1:]
	c.behind = reach{}
	c.progress = now
	if len(c.asks) != 0 {
		e.beginStream(now, c)
	}
	e.arm(now)
}

// sendUnicastAck says what is here of the stream; last: no more is wanted.
func (e *Engine) sendUnicastAck(now Time, c *catchup, last bool) {
	if c.asks[0].version == 0 {
		c.asks[0].version = e.wants.version
	}
	u := wire.UnicastAck{Session: c.peer.session, Stream: c.number, Next: c.next, Back: c.asks[0].Back,
		WantVersion: c.asks[0].version, Window: chunksMax, Last: last, Name: []byte(c.asks[0].Pattern)}
	for i := range uint32(chunksMax - 1) {
		if c.chunks[(c.next+1+i)%chunksMax] != nil {
			u.Mask |= 1 << i
		}
	}
	c.unsaid, c.ackedAt, c.ackAt = 0, now, Never
	e.unicast(c.peer, u.AppendTo(e.frame(layout.FrameTypeUnicastAck, layout.FrameFlagUnicast)))
}

// receiveUnicastData takes a chunk, of a frame of a number.
func (e *Engine) receiveUnicastData(now Time, p *Peer, number uint64, body []byte) wire.Reason {
	var u wire.UnicastData
	if r := wire.ParseUnicastData(body, &u); r != wire.OK {
		return r
	}
	c := p.catchup
	if u.Session != e.cfg.Session || c == nil || c.number != u.Stream || len(c.asks) == 0 {
		return wire.OK
	}
	at := &c.chunks[u.Chunk%chunksMax]
	if u.Chunk-c.next >= chunksMax || *at != nil {
		c.unsaid++ // it was sent again because our word was lost
		c.ackAt = min(c.ackAt, now+ackApart)
		e.arm(c.ackAt)
		return wire.OK
	}
	*at = append(make([]byte, 0, max(1, len(u.Bytes))), u.Bytes...)
	if c.behind.answer == 0 {
		c.behind.answer = number
	}
	if u.Last {
		c.ended, c.end = true, u.Chunk
	}
	c.progress, c.askStep, c.askAt = now, askFirst, now+askFirst
	hole := u.Chunk != c.next
	e.takeChunks(now, c)
	if p.catchup != c || c.number != u.Stream {
		return wire.OK
	}
	if c.unsaid++; hole {
		c.ackAt = min(c.ackAt, max(now, c.ackedAt+ackHoleApart))
	}
	c.ackAt = min(c.ackAt, now+ackApart)
	if c.unsaid >= ackEach || now >= c.ackAt {
		e.sendUnicastAck(now, c, false)
	}
	e.arm(min(c.ackAt, c.askAt))
	return wire.OK
}

// takeChunks reads what is here in order.
func (e *Engine) takeChunks(now Time, c *catchup) {
	for c.topic == nil || !c.topic.full {
		if c.behind.waits {
			if !c.laneRead() {
				return
			}
			c.behind.waits = false
		} else if !c.nextChunk(now) {
			return
		}
		whole := e.takeRows(c)
		c.partial = c.partial || !whole
		if !whole || c.ended && c.next == c.end+1 && !c.behind.waits {
			e.nextAsk(now, c)
			return
		}
	}
}

// nextChunk takes the next chunk's rows. It says false where that is not here.
func (c *catchup) nextChunk(now Time) bool {
	at := &c.chunks[c.next%chunksMax]
	if *at == nil {
		return false
	}
	c.rows = append(c.rows, *at...)
	*at = nil
	c.next++
	c.askAt = now + askFirst
	return true
}

// takeRows reads the rows that are whole. It says false where they cannot be.
func (e *Engine) takeRows(c *catchup) bool {
	rows := c.rows
	for !c.behind.waits {
		n, reason := wire.HistoryRowSizeOf(rows)
		if reason != wire.OK {
			e.count.Refused[reason]++
			return false
		}
		if n == 0 || n > len(rows) {
			break
		}
		var row wire.HistoryRow
		wire.ParseHistoryRow(rows[:n], &row)
		if !e.takeRow(c, &row) {
			e.count.Refused[wire.BadMessage]++
			return false
		}
		rows = rows[n:]
	}
	c.rows = c.rows[:copy(c.rows, rows)]
	return true
}

// takeRow takes one row.
func (e *Engine) takeRow(c *catchup, row *wire.HistoryRow) bool {
	if row.Record == layout.HistoryRecordTopic {
		return e.takeTopic(c, row.Payload)
	}
	if c.topic == nil {
		return false
	}
	a := Address{Node: row.Node, Epoch: row.Epoch, Generation: row.Generation, Index: row.Index, Handle: row.Handle}
	k := placeKey{topic: c.topic.Name, producer: a}
	if c.joins[k] == nil && !c.stays[k] {
		if c.read >= e.cfg.Limits.Streams {
			return false // more producers than a node is remembered by
		}
		c.read++
	}
	j := c.joining(k)
	if j == nil || !c.topic.wanted || row.Sequence >= noSequence-1 {
		return true
	}
	if c.behind.already && e.laneHas(c, k, j, row) {
		return true
	}
	if row.Record == layout.HistoryRecordPlace {
		if j.given && !faultHistoryGap {
			e.tellBefore(c, j, c.topic, a, row.Sequence+1)
		}
		return true
	}
	m := &e.delivery
	*m = Message{Producer: a, Sequence: row.Sequence, Kind: row.Kind, Content: row.Content, Flags: row.UserFlags, SchemaHash: row.SchemaHash,
		TimestampNs: row.TimestampNs, Block: row.Block, Payload: row.Payload}
	e.deliverJoining(c, j, c.topic, m)
	return true
}

// takeTopic finds the topic of the rows that follow, or makes one that the table has not.
func (e *Engine) takeTopic(c *catchup, payload []byte) bool {
	var row wire.TopicRow
	if wire.ParseHistoryTopic(payload, &row) != wire.OK || row.Lane >= lanesMax || !wellFormed(string(row.Name), false) || !c.covers(string(row.Name)) {
		return false
	}
	c.topic = nil
	for _, t := range c.peer.topics {
		if t != nil && t.Name == string(row.Name) {
			c.topic = t
		}
	}
	if c.topic == nil {
		c.topic = &RemoteTopic{Name: string(row.Name), Lane: row.Lane, Shape: shapeOfRow(&row)}
	}
	if c.topic.ID == 0 {
		c.topic.wanted = e.wants.matches(c.topic.Name)
	}
	c.behind.already = c.already(c.topic.Name) && !faultHistoryAnew
	if c.behind.already && !c.laneRead() {
		c.behind.waits, c.behind.since = true, e.now
		e.arm(e.now)
	}
	return true
}

// tellBefore tells what is missing of a producer below a sequence.
func (e *Engine) tellBefore(c *catchup, j *joining, t *RemoteTopic, a Address, below uint64) {
	if j.next < below {
		e.tellLost(c.peer, t, a, j.next, below-1, LossSource)
		j.next = below
	}
}

// deliverJoining delivers a message once, and tells what is missing before it.
func (e *Engine) deliverJoining(c *catchup, j *joining, t *RemoteTopic, m *Message) {
	if m.Sequence < j.next && !faultHistoryTwice {
		return
	}
	if j.given && !faultHistoryGap {
		e.tellBefore(c, j, t, m.Producer, m.Sequence)
	}
	j.next, j.given = m.Sequence+1, true
	e.count.Delivered++
	e.sink.Deliver(c.peer, t, m)
}
