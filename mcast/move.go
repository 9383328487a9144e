package mcast

// Which lane a topic goes on, and how it moves to another one (spec/wire.md, 15).

// moveOptional is how long a topic is held up to go to one member alone.
const moveOptional = 50 * Millisecond

// choice is how far the choice of a topic's lane is.
type choice struct {
	at        Time // when it has to be made; Never: it stands
	changedAt Time // when another number of members wanted the topic
	heldTill  Time // until when one that wanted it and went is thought of
	moving    bool // nothing is sent before what lies on its lanes was taken
	since     Time // when that began
	waits     bool // in Engine.moving
}

// origin makes numbers that only grow of the heads of the lanes that a topic goes on.
type origin struct{ mark, head uint64 }

// isAnnounced says whether any member was told of the topic.
func (t *ownTopic) isAnnounced() bool {
	if t.announced {
		return true
	}
	for _, f := range t.facets {
		if f.announced {
			return true
		}
	}
	return false
}

// facetOn returns the facet on a lane, making it if need be.
func (e *Engine) facetOn(t *ownTopic, l *lane) *ownTopic {
	if l == t.lane {
		return t
	}
	for _, f := range t.facets {
		if f.lane == l {
			return f
		}
	}
	f := &ownTopic{id: TopicID(len(e.topics) + 1), name: t.name, lane: l, topic: t}
	e.topics = append(e.topics, f)
	t.facets = append(t.facets, f)
	l.facets++
	if p := l.one[0]; p != nil {
		p.countWant(f)
		e.updateLimit(e.now, l)
	}
	return f
}

// has says whether there is a facet on a lane.
func (t *ownTopic) has(l *lane) bool {
	for _, f := range t.facets {
		if f.lane == l {
			return true
		}
	}
	return l == t.lane
}

// follow lets a topic go on where the one before it of the same name was: nothing may
// overtake what lies on that one's lanes.
func (t *ownTopic) follow(before *ownTopic) {
	if before == nil || before.shape.Live || t.shape.Live {
		return
	}
	e := t.lane.engine
	for _, f := range before.facets {
		if f.end != 0 || f == before.current {
			e.facetOn(t, f.lane).end = f.end
		}
	}
	t.end = before.end
	t.current = e.facetOn(t, before.current.lane)
	t.origin = before.origin
}

// wantedBy notes that one member more, or one less, wants a topic.
func (t *ownTopic) wantedBy(n int) {
	t.wanted += n
	if t.choice.at == Never && t.shape.Live {
		return
	}
	e := t.lane.engine
	t.choice.at, t.choice.changedAt = longAgo, e.now
	t.uneven = t.uneven || n > 0
	if t.current != t { // who is new has to learn how far its producers have got, though nothing may follow
		e.wait(t)
	}
	e.movesDirty = true
}

// continues says whether a message is in the lane in part: it is finished there.
func (t *ownTopic) continues(m *Message) bool {
	s := t.last
	return s != nil && s.offset != 0 && s.producer == m.Producer && s.partial == m.Sequence && s.row != nil && !t.choice.moving
}

// behind is the lane sequence behind the datagram that was written to last, or above it: of what
// is packed to be folded nobody knows yet how many it will be.
func (l *lane) behind() uint64 {
	if l.packed {
		return l.head + splitMost
	}
	return l.head + 1
}

// chosen says whether a topic is on the lane that is right for it now, or moves it there. It
// says false while members must take first what lies on its lanes; Room comes when they have.
func (e *Engine) chosen(now Time, t *ownTopic) bool {
	c := &t.choice
	l, again := e.choose(now, t)
	if l == t.current.lane { // also of a move that is not wanted any more: nothing went elsewhere
		c.moving, c.at = false, again
		return true
	}
	if !c.moving {
		e.beginMove(now, t)
	}
	if l.to != 0 && t.current == t && now-c.since >= moveOptional && !e.cleared(now, t) { // all is well where it is
		c.moving, c.changedAt, c.at = false, now, now+e.cfg.Timers.Alone
		return true
	}
	if !faultNoMoveWait && !e.cleared(now, t) {
		e.wait(t)
		e.movesAt = min(e.movesAt, now+beatStall)
		e.arm(e.movesAt)
		return false
	}
	c.moving, c.at = false, again
	if l != t.current.lane {
		e.move(t, e.facetOn(t, l))
	}
	return true
}

// wait has a topic's lane looked at again, though nothing may be sent.
func (e *Engine) wait(t *ownTopic) {
	if !t.choice.waits {
		t.choice.waits = true
		e.moving = append(e.moving, t)
	}
}

// choose returns the lane that is right for a topic, and when to look again.
func (e *Engine) choose(now Time, t *ownTopic) (l *lane, again Time) {
	all, current, c := t.lane, t.current.lane, &t.choice
	if t.wanted == 0 {
		return current, Never
	}
	if t.wanted > 1 || t.shape.ForAll {
		return all, Never
	}
	p := e.taker(t)
	if p == nil || p.lane == nil || e.crowded(t, p.lane) {
		return all, Never
	}
	switch alone := c.changedAt + e.cfg.Timers.Alone; {
	case current == p.lane:
		return p.lane, Never
	case now < c.heldTill:
		return all, c.heldTill
	case !p.members[LaneDirected].tethered: // there it would not be waited for
		return all, now + e.cfg.Timers.Alone
	case current == all && now < alone && !t.taken(p):
		return all, alone
	}
	return p.lane, Never
}

// taker returns a peer that wants a topic.
func (e *Engine) taker(t *ownTopic) *Peer {
	for _, p := range e.peers {
		if t.takenBy(p) {
			return p
		}
	}
	return nil
}

// takenBy says whether a peer is counted as one that wants a topic.
func (t *ownTopic) takenBy(p *Peer) bool {
	i := int(t.id) - 1
	return i < len(p.takes) && p.takes[i]
}

// crowded says whether too many numbers are given out for facets: half is kept for topics
// and producers.
func (e *Engine) crowded(t *ownTopic, l *lane) bool {
	more := len(t.order)
	if t.has(l) {
		more = 0
	} else if 2*len(e.topics) >= e.cfg.Limits.Topics {
		return true
	}
	return 2*(len(e.producers)+more) >= e.cfg.Limits.Producers
}

// taken says whether a member has taken all that was sent of a topic.
func (t *ownTopic) taken(p *Peer) bool {
	own := true
	for _, f := range t.facets {
		own = own && (f.lane != p.lane || p.members[LaneDirected].taken >= f.end)
	}
	return own && p.members[LaneGated].taken >= t.end
}

// beginMove has members asked for what they have taken; nothing more of the topic is sent.
func (e *Engine) beginMove(now Time, t *ownTopic) {
	f := t.current
	f.lane.seal(now)
	f.end = min(f.end, f.lane.head)
	t.choice.moving, t.choice.since = true, now
}

// cleared says whether every member that wants a topic has taken what lies on the lanes that
// reach it. Who does not get on is put out.
func (e *Engine) cleared(now Time, t *ownTopic) bool {
	all := true
	for _, p := range e.peers {
		if !t.takenBy(p) {
			continue
		}
		all = e.clearedOn(now, p, t) && all
		for _, f := range t.facets {
			if f.lane == p.lane {
				all = e.clearedOn(now, p, f) && all
			}
		}
	}
	return all
}

// clearedOn is cleared for one member and facet. A member that was put out is waited for, too,
// as it may still get what it lacks, but not again and again.
func (e *Engine) clearedOn(now Time, p *Peer, f *ownTopic) bool {
	l, m := f.lane, &p.members[f.lane.id]
	if f.end > l.head {
		l.seal(now)
		f.end = min(f.end, l.head) // it was more than is known of a folded datagram
	}
	switch {
	case m.taken >= f.end:
		return true
	case l.trail() >= f.end:
		f.topic.uneven = true
		return true
	}
	budget, since := e.cfg.Timers.StallBudget, f.topic.choice.since
	if m.tethered && now >= max(m.progress, since)+budget {
		e.untether(now, p, l)
		e.updateLimit(now, l)
	}
	if !m.tethered && now >= since+budget {
		f.topic.uneven = true
		return true
	}
	if now-l.askedAt >= beatStall {
		l.askedAt = now
		e.sendHeartbeat(l, now, true)
	}
	return false
}

// move lets a topic go on on another facet. Rows say how far its producers have got, also
// where nothing follows: to those who were not there, or were not waited for. That the lane had as much
// before is no word to them: they may have read it while they did not want the topic, and
// a snapshot comes only to who asks.
func (e *Engine) move(t *ownTopic, f *ownTopic) {
	if f.lane.to != 0 {
		e.count.MovesDirected++
	} else {
		e.count.MovesShared++
	}
	t.origin = origin{mark: t.origin.mark + t.current.lane.head - t.origin.head, head: f.lane.head}
	t.current = f
	for _, s := range t.order {
		if s.row != nil {
			s.row.last = s.last
		}
		s.row, s.offset = nil, 0
		if t.uneven && !s.passed && s.told() && !faultMoveRows {
			s.passed = true
			e.passed = append(e.passed, s)
		}
	}
	t.uneven = false
}

// tickMoves looks again at the topics that wait to go on another lane.
func (e *Engine) tickMoves(now Time) {
	if !e.movesDirty && now < e.movesAt {
		e.arm(e.movesAt)
		return
	}
	e.movesDirty, e.movesAt = false, Never
	waiting := e.moving
	e.moving = nil
	for _, t := range waiting {
		t.choice.waits = false
		if t.wanted == 0 {
			t.choice.moving = false
		}
		if t.wanted == 0 || e.chosen(now, t) {
			e.roomDue = true
		}
	}
}

// Alone returns the node to which alone a topic goes now; 0: it goes to all.
func (e *Engine) Alone(topic TopicID) uint32 { return e.topics[topic-1].current.lane.to }

// Placed returns a number for where the message of a topic lies that was Sent last. It only
// grows; see Settled.
func (e *Engine) Placed(topic TopicID) uint64 {
	t := e.topics[topic-1]
	return t.origin.mark + t.current.lane.head - t.origin.head
}

// Settled says how far all that was sent of a topic is with the members it was sent to: a
// message that was Sent when Placed was h is once Settled is greater than h. Then a forwarder may
// move its cursor past it. A member that was put out does not count.
func (e *Engine) Settled(topic TopicID) uint64 {
	t := e.topics[topic-1]
	settled := t.current.lane.settled()
	return t.origin.mark + max(settled, t.origin.head) - t.origin.head
}

// settled returns the lane sequence below which every tethered member has taken everything,
// the head if there are no members.
func (l *lane) settled() uint64 {
	settled := l.head
	for _, p := range l.peers() {
		if m := &p.members[l.id]; m.joined && m.tethered && m.wants != 0 {
			settled = min(settled, m.taken)
		}
	}
	return settled
}
