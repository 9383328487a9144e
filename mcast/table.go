package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

const (
	setupApart = 5 * Millisecond // between two snapshots for one peer
	reachMax   = 1 << 20         // datagrams past a hole that are held, whatever the owner's window is
)

func (t *ownTopic) row() wire.TopicRow {
	s := &t.topic.shape
	return wire.TopicRow{Topic: uint32(t.id), Lane: t.lane.id, SlotCount: s.SlotCount, SlotPayload: s.SlotPayload,
		History: s.History, Mode: s.Mode, Kind: s.Kind, Purpose: s.Purpose, Name: []byte(t.name)}
}

func (r *ownRow) row() wire.ProducerRow {
	s, a, last := r.stream, r.stream.producer, r.last
	if s.row == r {
		last = s.last
	}
	return wire.ProducerRow{Node: a.Node, Epoch: a.Epoch, Generation: a.Generation, Index: a.Index, Handle: a.Handle,
		First: r.first, Last: last, FirstLane: r.firstLane, Topic: uint32(r.facet.id), Producer: r.number}
}

// sendSetup sends a snapshot of the lanes and of the table to a peer: what it
// needs to join, and after a loss what tells it how much it lost.
func (e *Engine) sendSetup(now Time, p *Peer) {
	if now-p.setupAt < setupApart {
		return
	}
	p.setupAt = now
	e.Flush(now) // what the rows speak of is below head
	e.snapshot++
	frames := e.setupFrames(p)
	first := setupTurn(p.setups, len(frames))
	p.setups++
	for i := range frames {
		b := frames[(first+i)%len(frames)]
		wire.SetParts(b, uint16(len(frames)))
		wire.Finish(b)
		e.count.ControlSent++
		e.sink.Unicast(p.from, b)
	}
}

// setupTurn is the part with which the snapshot of a number begins. A socket that has not room for all of a large table
// loses the end of each burst: parts of several snapshots make a whole only where that is another part each time. Steps of
// the golden section are far from all before.
func setupTurn(number uint32, parts int) int {
	const golden = 0x9e3779b9
	return int(uint64(number*golden) * uint64(parts) >> 32)
}

// setupFrames builds the parts of a snapshot for a peer; each names the lanes.
func (e *Engine) setupFrames(p *Peer) [][]byte {
	var frames [][]byte
	limit := e.cfg.MTU - wire.TagSize
	b := e.setupFrame(p, len(frames))
	room := func(n int) bool { return len(b)+n <= limit }
	for _, t := range e.topics {
		if !t.announced || t.lane.to != 0 && t.lane != p.lane {
			continue
		}
		row := t.row()
		if !room(row.Size()) {
			frames = append(frames, b)
			b = e.setupFrame(p, len(frames))
		}
		b = wire.AppendTopic(b, &row)
	}
	for _, r := range e.producers {
		if l := r.facet.lane; !r.announced || l.to != 0 && l != p.lane {
			continue
		}
		row := r.row()
		if !room(wire.ProducerRowSize) {
			frames = append(frames, b)
			b = e.setupFrame(p, len(frames))
		}
		b = wire.AppendProducer(b, &row)
	}
	return append(frames, b)
}

func (e *Engine) setupFrame(p *Peer, part int) []byte {
	h := e.header(layout.FrameTypeSetup, layout.FrameFlagUnicast)
	b := wire.Begin(make([]byte, 0, e.cfg.MTU), &h)
	version := e.tableVersion
	if p.lane != nil {
		version += p.lane.version
	}
	s := wire.Setup{TableVersion: version, Snapshot: e.snapshot, Part: uint16(part), Parts: 1}
	b = s.AppendTo(b)
	for _, l := range e.lanes {
		b = l.appendRow(b)
	}
	if p.lane != nil {
		b = p.lane.appendRow(b)
	}
	return b
}

func (l *lane) appendRow(b []byte) []byte {
	return wire.AppendLane(b, &wire.LaneRow{Next: l.head, Trail: l.trail(), Lane: l.id, Window: uint32(l.window), Class: l.class})
}

// snapshotParts collects the parts of a peer's snapshots. Two snapshots of one
// version of the table have the same rows in the same parts: what the one lacks is
// taken from the other, or a large table would never come whole where frames are lost.
type snapshotParts struct {
	version uint32
	number  uint32 // of the newest snapshot
	missing int
	parts   []snapshotPart
}

type snapshotPart struct {
	have   bool
	number uint32
	next   [lanesMax]uint64 // where the lanes were
}

// snapshotsLate is how many numbers back a snapshot is one that was delayed; one
// further back is real, and the newest number was forged.
const snapshotsLate = 1000

// take notes a part; it says false where that is nothing new.
func (c *snapshotParts) take(s *wire.Setup) bool {
	older := len(c.parts) != 0 && c.number-s.Snapshot-1 < snapshotsLate
	if s.TableVersion != c.version || int(s.Parts) != len(c.parts) {
		if older {
			return false
		}
		*c = snapshotParts{version: s.TableVersion, missing: int(s.Parts), parts: make([]snapshotPart, s.Parts)}
	}
	if !older {
		c.number = s.Snapshot
	}
	x := &c.parts[s.Part]
	if x.have && x.number-s.Snapshot < snapshotsLate {
		return false
	}
	if !x.have {
		c.missing--
	}
	*x = snapshotPart{have: true, number: s.Snapshot, next: laneNexts(s)}
	return true
}

// early takes a part back that named topics of which no row is here, if one before it is missing: they may be in that.
func (c *snapshotParts) early(part uint16) {
	for i := range c.parts[:part] {
		if !c.parts[i].have {
			c.parts[part] = snapshotPart{}
			c.missing++
			return
		}
	}
}

// span returns the oldest and the newest place of a lane among the parts.
func (c *snapshotParts) span(lane uint32) (oldest, newest uint64) {
	oldest = wire.SequenceMax
	for i := range c.parts {
		next := c.parts[i].next[lane]
		oldest, newest = min(oldest, next), max(newest, next)
	}
	return oldest, newest
}

// receiveSetup takes a part of a snapshot. Rows are taken as they come; the join,
// and the ends of streams, when the snapshot is whole.
func (e *Engine) receiveSetup(now Time, p *Peer, number uint64, body []byte) wire.Reason {
	var s wire.Setup
	if r := wire.ParseSetup(body, &s); r != wire.OK {
		return r
	}
	if c := p.catchup; c != nil && c.noteReach(number, &s) {
		e.touch(p)
		e.arm(now)
	}
	if !p.snapshot.take(&s) {
		return wire.OK
	}
	lanes := s.Lanes()
	if !e.readTable(p, nil, &s.Table, laneNexts(&s)) {
		p.snapshot.early(s.Part)
	}
	if p.snapshot.missing == 0 {
		for i := range lanes {
			e.snapshotCame(now, p, s.Lane(i))
		}
	}
	return wire.OK
}

// snapshotCame ends the wait for a whole snapshot in a lane. The table is complete
// as of the newest of its parts, the ends of streams as of the oldest.
func (e *Engine) snapshotCame(now Time, p *Peer, row wire.LaneRow) {
	if row.Lane >= lanesMax || row.Lane == LaneDirected && e.cfg.NoDirected {
		return
	}
	oldest, newest := p.snapshot.span(row.Lane)
	if p.receivers[row.Lane] == nil {
		row.Next = newest
		e.joinLane(now, p, row)
		if oldest == newest {
			return
		}
		e.askTable(now, p.receivers[row.Lane])
	}
	e.tableCame(now, p.receivers[row.Lane], oldest)
}

// laneNexts returns each lane's next, by number.
func laneNexts(s *wire.Setup) (next [lanesMax]uint64) {
	for i := range s.Lanes() {
		if r := s.Lane(i); r.Lane < lanesMax {
			next[r.Lane] = r.Next
		}
	}
	return next
}

// joinLane makes the receiver of a lane.
func (e *Engine) joinLane(now Time, p *Peer, row wire.LaneRow) {
	r := &receiver{peer: p, lane: row.Lane, class: row.Class, joined: row.Next, next: row.Next, highest: row.Next, trail: row.Trail}
	r.reach = min(uint64(row.Window), reachMax) + 1
	r.gaps.due = Never
	r.status.at = Never
	r.tabled = row.Next
	p.receivers[row.Lane] = r
	e.lanesAt = longAgo
	e.resumeLane(now, p, r, &row)
	r.status.next, r.status.highest = r.next, r.highest
	e.wantStatus(now, r)
	e.baselines(p, r)
	// What a predecessor of this receiver stood short of, and will not come, is told now.
	if r.tailAt = row.Next; r.next >= r.tailAt {
		e.tellTails(r)
	}
}

// tableCame takes word of how far streams went below next.
func (e *Engine) tableCame(now Time, r *receiver, next uint64) {
	if next < r.status.tableAt {
		return // older than what it was wanted for
	}
	r.status.table = false
	r.tabled = next
	if r.waiting {
		r.waiting = false // what still has no rows is given up
		e.drain(now, r)
	}
	r.tailAt = next
	if r.next >= r.tailAt {
		e.tellTails(r)
	}
}

// readRows takes rows that came in the lane.
func (e *Engine) readRows(now Time, r *receiver, payload []byte) {
	var t wire.Table
	if reason := wire.ParseTable(payload, &t); reason != wire.OK {
		e.count.Refused[reason]++
		return
	}
	e.readTable(r.peer, r, &t, [lanesMax]uint64{})
}

// readTable takes rows of topics and producers. In a lane (r not nil) they stand
// before what they explain; in a snapshot next says where each lane was. It says false where a producer is of a
// topic that is not known.
func (e *Engine) readTable(p *Peer, r *receiver, t *wire.Table, next [lanesMax]uint64) (known bool) {
	var topic wire.TopicRow
	for t.NextTopic(&topic) {
		e.addRemoteTopic(p, &topic)
	}
	known = true
	var producer wire.ProducerRow
	for t.NextProducer(&producer) {
		s := e.addRemoteStream(p, &producer)
		if s == nil {
			known = known && p.hasTopic(producer.Topic)
			continue
		}
		lane := s.topic.Lane
		if q := p.receivers[lane]; q != nil {
			e.baseline(q, s, &producer)
		}
		if r != nil && r.lane == lane {
			e.passedOver(r, s, producer.Last)
		}
		if r == nil && next[lane] != 0 {
			if s.last, s.lastAt = producer.Last, next[lane]; s.last == noSequence {
				s.lastAt = 0
			}
			s.firstLane, s.first = producer.FirstLane, producer.First
		}
	}
	return known
}

// hasTopic says whether a row of a topic is here.
func (p *Peer) hasTopic(id uint32) bool { return int(id) < len(p.topics) && p.topics[id] != nil }

// passedOver takes the last sequence of a row in the lane: what it covers lies
// below, or will not come.
func (e *Engine) passedOver(r *receiver, s *remoteStream, last uint64) {
	if last == noSequence {
		return
	}
	s.near = max(s.near, last)
	if s.topic.wanted && s.place.known && s.place.next <= last {
		e.lost(r, s, last)
	}
}

func (e *Engine) addRemoteTopic(p *Peer, row *wire.TopicRow) {
	if row.Lane >= lanesMax || int(row.Topic) > e.cfg.Limits.Topics {
		return
	}
	for int(row.Topic) >= len(p.topics) {
		p.topics = append(p.topics, nil)
	}
	if p.topics[row.Topic] != nil || !wellFormed(string(row.Name), false) {
		return
	}
	t := &RemoteTopic{Name: string(row.Name), ID: TopicID(row.Topic), Lane: row.Lane, Shape: shapeOfRow(row)}
	t.wanted = e.wants.matches(t.Name)
	t.held = p.catchup != nil && p.catchup.covers(t.Name)
	p.topics[row.Topic] = t
}

func shapeOfRow(row *wire.TopicRow) TopicShape {
	return TopicShape{SlotCount: row.SlotCount, SlotPayload: row.SlotPayload, History: row.History, Mode: row.Mode, Kind: row.Kind,
		Purpose: row.Purpose, Live: row.Lane == LaneLive}
}

func (e *Engine) addRemoteStream(p *Peer, row *wire.ProducerRow) *remoteStream {
	if !p.hasTopic(row.Topic) {
		return nil
	}
	for int(row.Producer) >= len(p.streams) {
		p.streams = append(p.streams, nil)
	}
	s := p.streams[row.Producer]
	if s == nil {
		t := p.topics[row.Topic]
		a := Address{Node: row.Node, Epoch: row.Epoch, Generation: row.Generation, Index: row.Index, Handle: row.Handle}
		s = &remoteStream{topic: t, producer: a, near: row.First}
		if row.Last != noSequence {
			s.near = max(s.near, row.Last)
		}
		s.place = e.placeOf(p.node, t.Name, a)
		s.fresh = s.place.session != p.session
		s.place.session = p.session
		if s.place.known {
			s.near = max(s.near, s.place.next)
		}
		p.streams[row.Producer] = s
		if r := p.receivers[t.Lane]; r != nil {
			e.rowsCame(r)
		}
	}
	if s.topic.ID != TopicID(row.Topic) {
		return nil
	}
	return s
}

// baseline sets what must come first of a stream that begins after this node had
// joined and wanted its topic: then nothing can be missed unseen.
func (e *Engine) baseline(r *receiver, s *remoteStream, row *wire.ProducerRow) {
	t := s.topic
	if s.place.known || !t.wanted || row.FirstLane < r.joined || row.FirstLane < t.wantedSince {
		return
	}
	s.place.known, s.place.next = true, max(s.place.next, row.First)
	s.at, s.fresh = r.next, false
	e.advanced(r, s)
}

// baselines does so for the rows that came before the join.
func (e *Engine) baselines(p *Peer, r *receiver) {
	for _, s := range p.streams {
		if s != nil && s.topic.Lane == r.lane {
			e.baseline(r, s, &wire.ProducerRow{First: s.first, FirstLane: s.firstLane})
		}
	}
}
