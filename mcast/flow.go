package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// member is what the owner of a lane knows of one peer in it.
type member struct {
	since    uint64 // the lane's head when its peer came back; 0: it begins
	joined   bool   // it has said where it stands in this session
	taken    uint64 // first sequence it has not taken
	highest  uint64 // one more than the highest it has seen
	credit   uint64
	heard    Time   // its last SM or NAK
	quiet    Time   // the same, later by the stops of this process since
	number   uint64 // of its last SM
	progress Time   // when taken or highest last grew
	beyond   Time   // when the lane last went beyond its credit, it being silent
	tethered bool
	putOutAt Time
	toldAt   Time // when it was last told that it is out
	wants    int  // own topics of the lane that it wants

	roundTrip rttFilter
	delay     queueMeter
	late      lateness
	drained   mostFilter // datagrams a second that it took
	saidAt    Time       // its last SM
	overruns  uint32

	nakTokens float64
	nakAt     Time
	quietTill Time     // until when an NCF told it to be quiet
	repairs   seqQueue // what waits to be sent to it again
	loss      lossMeter
	lossy     bool // it alone loses much
	lossyFrom Time
	lossyAt   uint64 // its highest by then
	isolated  bool   // and that whatever the rate
	calmFrom  Time   // since when an isolated member loses little; 0: it does not
	share     shareBucket

	full []fullTopic
}

// fullTopic is an own topic that a member cannot take.
type fullTopic struct {
	topic   TopicID
	since   Time
	ignored bool // longer than the stall budget: the lane no longer waits for it
	seen    bool // in the SM being read
}

const (
	// lateSpan is how long a queue must be long to be more than a scheduler's whim.
	lateSpan = 25 * Millisecond
	// silentFor is how long nothing came from a member that counts as silent, silentAsked
	// how long it was asked, by the heartbeats of a lane that stands still; beyondFor is for how
	// long its overruns are then explained.
	silentFor   = 20 * Millisecond
	silentAsked = 8 * Millisecond
	beyondFor   = 100 * Millisecond
	// drainedSpan is the least time between two SM for the rate of the second to mean anything.
	drainedSpan = 5 * Millisecond
)

// memberAt notes where a member stands, from an SM or a NAK.
func (e *Engine) memberAt(now Time, p *Peer, l *lane, taken, highest uint64) {
	m := &p.members[l.id]
	before := m.standing()
	m.heard, m.quiet = now, now
	if !m.joined {
		m.joined, m.tethered = true, true
		e.worst.stale = true
		m.taken, m.highest, m.progress, m.beyond = taken, highest, now, longAgo
		m.credit = l.window
		e.wantsChanged(p)
		if l.to != 0 && taken < l.head {
			l.beat.at = now // it may have no word of what lies there
			e.arm(now)
		}
		if m.comesLate(l) {
			e.untether(now, p, l)
		}
	}
	if taken > m.taken || highest > m.highest {
		m.progress = now
		e.movesDirty = true
		m.taken = max(m.taken, taken)
		m.highest = max(m.highest, highest)
	}
	if !m.tethered {
		e.memberOut(now, p, l)
	}
	e.moved(now, l, m, before)
}

// statusOrder is for how long an SM makes those before it void. It ends, so that
// one forged number does not silence a member.
const statusOrder = 300 * Millisecond

// receiveStatus takes an SM.
func (e *Engine) receiveStatus(now Time, p *Peer, number uint64, body []byte) wire.Reason {
	var s wire.Status
	if r := wire.ParseStatus(body, &s); r != wire.OK {
		return r
	}
	if s.Lane >= lanesMax {
		return wire.BadLane
	}
	l := e.laneOf(p, s.Lane)
	if l == nil || s.Session != e.cfg.Session {
		return wire.OK // meant for a predecessor
	}
	if s.Highest > l.head {
		// A forged frame has led it there. Of a lane on which nothing is sent nothing else says so.
		if now-l.askedAt >= beatStall {
			l.askedAt = now
			e.sendHeartbeat(l, now, false)
		}
		return wire.BadRange
	}
	m := &p.members[s.Lane]
	if number < m.number && now-m.saidAt < statusOrder {
		return wire.OK // overtaken by a later one: what it says of topics and credit is past
	}
	m.number = number
	if s.Lane == LaneDirected {
		e.measure(now, &p.members[LaneGated], &s) // it is the pair's: of a lane on which nothing is sent it would grow old
	} else {
		e.measure(now, m, &s)
	}
	m.loss.add(now, &s, &l.trial)
	if l.class == layout.LaneClassGated && m.tethered {
		e.complaints(l, m, &s)
	}
	p.ackedWants = s.WantVersion
	if ahead := s.WantVersion - e.wants.version; ahead != 0 && ahead < versionJump {
		e.wants.version += ahead + 1 // somebody spoke in our name: our list has to be the newer one
		e.touchAll()
		e.arm(now)
	}
	e.readFull(now, m, &s)
	e.memberAt(now, p, l, s.Taken, s.Highest)
	before := m.standing()
	m.credit = uint64(s.Credit)
	e.moved(now, l, m, before)
	if s.Flags&layout.StatusFlagSetupWanted != 0 {
		e.sendSetup(now, p)
	}
	return wire.OK
}

// complaints feeds the rate's law with what a member says of its socket. An overrun
// counts at once. A delay counts where it stands: a process that was not scheduled
// for a while says a long delay once, and then a short one. And it counts only
// against a lane whose rate has something to do with it: one that the member falls
// behind of, or that sends no more than its rate lets through.
func (e *Engine) complaints(l *lane, m *member, s *wire.Status) {
	now := e.now
	over := int32(s.Overruns-m.overruns) > 0 && m.joined
	m.overruns = s.Overruns
	if now-m.saidAt >= drainedSpan {
		m.drained.add(now, float64(s.ReceivedRate))
	}
	m.saidAt = now
	late := s.DelayMicros != wire.NoEcho && m.delay.add(now, s) > max(paceDelay, 2*e.roundTrip)
	behind := m.late.look(now, late, l.head, s.Highest)
	switch {
	case over && now-m.beyond > beyondFor, behind:
		l.pace.complain(float64(s.ReceivedRate), 0)
	case m.late.stands(now) && now-l.pace.refusedAt < paceSlow:
		l.pace.complain(float64(s.ReceivedRate), 0.9*m.drained.value())
	}
}

// lateness follows a member whose queue is long, over spans of lateSpan.
type lateness struct {
	since         Time // 0: its queue is short
	at            Time // of the present span
	head, highest uint64
}

// look takes an SM; it reports whether the member has taken less than nine tenths
// of what was sent in a span that was late throughout.
func (x *lateness) look(now Time, late bool, head, highest uint64) (behind bool) {
	switch {
	case !late:
		x.since = 0
		return false
	case x.since == 0:
		x.since = now
	case now-x.at < lateSpan:
		return false
	default:
		behind = highest > x.highest && 10*(highest-x.highest) < 9*(head-x.head)
	}
	x.at, x.head, x.highest = now, head, max(x.highest, highest)
	return behind
}

// stands says whether the queue has been long for a whole span.
func (x *lateness) stands(now Time) bool { return x.since != 0 && now-x.since >= lateSpan }

// mostFilter keeps the greatest rate of the last five to ten seconds.
type mostFilter struct {
	present, previous float64
	since             Time
}

func (f *mostFilter) add(now Time, rate float64) {
	if now-f.since > delaySpan {
		f.previous, f.present, f.since = f.present, 0, now
	}
	f.present = max(f.present, rate)
}

func (f *mostFilter) value() float64 { return max(f.present, f.previous) }

// readFull replaces the list of topics that a member cannot take.
func (e *Engine) readFull(now Time, m *member, s *wire.Status) {
	if s.Lane != LaneGated {
		return
	}
	for i := range m.full {
		m.full[i].seen = false
	}
next:
	for i := range min(s.FullTopics(), e.cfg.Limits.Topics) {
		topic, _ := s.FullTopic(i)
		if uint(topic)-1 >= uint(len(e.topics)) {
			continue
		}
		for j := range m.full {
			if m.full[j].topic == TopicID(topic) {
				m.full[j].seen = true
				continue next
			}
		}
		m.full = append(m.full, fullTopic{topic: TopicID(topic), since: now, seen: true})
		e.topics[topic-1].topic.full++
		e.arm(now + e.cfg.Timers.StallBudget)
	}
	keep := m.full[:0]
	for _, f := range m.full {
		if f.seen {
			keep = append(keep, f)
		} else if !f.ignored {
			e.topicFree(f.topic)
		}
	}
	m.full = keep
}

// topicFree takes one member's stop off a topic.
func (e *Engine) topicFree(id TopicID) {
	t := e.topics[id-1].topic
	if t.full--; t.full == 0 && t.blocked {
		t.blocked = false
		e.roomDue = true
	}
}

// throttle slows a gated lane whose window fills, from half full on; the limit is
// what stops it.
func (l *lane) throttle() float64 {
	backlog := l.lag(l.lowest)
	knee := l.window / 2
	if l.lone {
		knee = l.window * 9 / 10
	}
	if l.class != layout.LaneClassGated || backlog <= knee {
		return 1
	}
	return max(0.05, float64(l.window-min(backlog, l.window))/float64(l.window-knee))
}

// tickFlow puts out who stalls a lane for longer than its budget, and says Room.
func (e *Engine) tickFlow(now Time, l *lane) {
	if l.stall.since != 0 && l.head >= l.limit {
		e.checkStall(now, l)
	}
	if now >= l.pace.lookAt {
		e.assess(now, l)
		if l.pace.look(now) {
			e.count.RateCuts++
		}
	}
	if l.blocked {
		if l.passable(now) {
			e.roomDue = true
		} else if l.head < l.limit {
			e.arm(l.pace.when(now, l.throttle()))
		}
	}
}

// tickFull ignores topics that a member has not been able to take for longer than
// the stall budget: that member has to put its readers out.
func (e *Engine) tickFull(now Time, p *Peer) {
	m := &p.members[LaneGated]
	for i := range m.full {
		f := &m.full[i]
		if f.ignored {
			continue
		}
		if due := f.since + e.cfg.Timers.StallBudget; now < due {
			e.arm(due)
			continue
		}
		f.ignored = true
		e.topicFree(f.topic)
	}
}

// sayRoom tells the sink that Send may succeed again.
func (e *Engine) sayRoom() {
	if !e.roomDue {
		return
	}
	e.roomDue = false
	for _, l := range e.lanes {
		l.blocked = false
	}
	for _, l := range e.used {
		l.blocked = false
	}
	e.sink.Room()
}

// Head returns the lane sequence that the next new datagram of an own lane will
// have; what was sent so far lies below or in it.
func (e *Engine) Head(lane uint32) uint64 { return e.lanes[lane].head }

// Trail returns the oldest lane sequence of an own lane that can be repaired.
func (e *Engine) Trail(lane uint32) uint64 { return e.lanes[lane].trail() }

// Rate returns how many datagrams a second an own lane may send now.
func (e *Engine) Rate(lane uint32) float64 { return e.lanes[lane].pace.rate }
