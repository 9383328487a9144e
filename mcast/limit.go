package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// updateLimit computes how far a gated lane may go: the window must keep what a
// tethered member that wants a topic of the lane still lacks, and a member's
// socket must have room for what is on its way, unless it is silent.
func (e *Engine) updateLimit(now Time, l *lane) {
	l.limit, l.lowest, l.limitCredit, l.waited, l.silents = wire.SequenceMax, wire.SequenceMax, false, 0, false
	if l.class != layout.LaneClassGated {
		return
	}
	for _, p := range l.peers() {
		m := &p.members[l.id]
		if !m.waitedFor() {
			continue
		}
		l.waited++
		l.lowest = min(l.lowest, m.taken)
		if x := l.reach(m.taken); x < l.limit {
			l.limit, l.limitCredit = x, false
		}
	}
	for _, p := range l.peers() {
		m := &p.members[l.id]
		x := m.highest + m.credit
		if !m.waitedFor() || x >= l.limit {
			continue
		}
		if m.silent(now, l) {
			m.beyond, l.silents = now, true
			continue
		}
		l.limit, l.limitCredit = x, true
	}
	if l.head >= l.limit {
		return
	}
	l.goesOn(now)
	if l.blocked && l.passable(now) {
		e.roomDue = true
	} else if l.blocked {
		e.arm(l.pace.when(now, l.throttle()))
	}
}

// standing is what a lane's limit takes of a member.
type standing struct {
	waitedFor      bool
	taken, credits uint64 // the second: what its socket has room for
}

func (m *member) standing() standing {
	return standing{waitedFor: m.waitedFor(), taken: m.taken, credits: m.highest + m.credit}
}

// moved updates the limit after a member's word, the member having stood as before says. To
// ask all members would cost as many looks as there are members for each of their words:
// most words are the same as the one before, or of a member that others lag behind.
func (e *Engine) moved(now Time, l *lane, m *member, before standing) {
	after := m.standing()
	steady := l.head < l.limit && !l.blocked && !l.silents
	if steady && (after == before || after.waitedFor == before.waitedFor && !before.binds(l) && !after.binds(l)) {
		return
	}
	e.updateLimit(now, l)
}

// binds says whether a lane's limit may be what it is because of this member.
func (s standing) binds(l *lane) bool {
	return s.waitedFor && (s.taken <= l.lowest || s.credits <= l.limit)
}

// waitedFor says whether the window of a gated lane goes by this member.
func (m *member) waitedFor() bool { return m.joined && m.tethered && m.wants != 0 }

// silent says whether a member whose credit is used up is one that has no processor,
// or is no more: others who want the lane need not wait for it as far as the window
// reaches.
func (m *member) silent(now Time, l *lane) bool {
	switch {
	case l.waited < 2 || l.head < m.highest+m.credit:
		return false
	case m.beyond > m.heard:
		return true // and has said nothing since
	}
	return now >= m.silentFrom(l)
}

// silentFrom is when a member that holds the lane will count as silent. The lane must
// have stood still, so that its heartbeats have asked: it may be this process that
// did not listen.
func (m *member) silentFrom(l *lane) Time {
	if l.stall.since == 0 {
		return Never
	}
	return max(m.quiet+silentFor, l.beat.busy+silentFor, l.stall.since+silentAsked)
}
