package mcast

import "github.com/ringcast/ringcast/codec/layout"

// stall follows how long a lane stands still for members.
type stall struct {
	since Time     // 0: it does not
	used  Duration // of what it may in a second
	at    Time     // of used
}

// stallPause is a lateness of the owner's timers that is no member's fault: while a lane stands still one is due
// every 10 ms.
const stallPause = 2 * beatStall

// count brings what was used up to date: it leaks away in a second. Stopped is for how long of the time since
// the last count the owner was.
func (s *stall) count(now Time, budget, stopped Duration) {
	s.used = max(0, s.used-Duration(float64(now-s.at)*float64(budget)/float64(Second)))
	if s.since != 0 {
		s.used += max(0, now-max(s.since, s.at)-stopped)
	}
	s.at = now
}

// stopped is for how long this process was stopped, or had no processor, if that has not been noted yet.
func (e *Engine) stopped(now Time) Duration {
	if late := now - max(e.deadline, e.lastTick); late > stallPause && !faultNoPardon {
		return late
	}
	return 0
}

// pardon takes the owner's own stop out of what members have used of their patience: what they said meanwhile
// may still lie in the socket.
func (e *Engine) pardon(now Time, stopped Duration) {
	if stopped == 0 {
		return
	}
	for _, l := range e.lanes {
		l.pardon(now, stopped)
	}
	for _, l := range e.used {
		l.pardon(now, stopped)
	}
	for _, p := range e.peers {
		for i := range p.members[LaneGated].full {
			f := &p.members[LaneGated].full[i]
			f.since = min(now, f.since+stopped)
		}
	}
	for _, t := range e.moving {
		t.choice.since = min(now, t.choice.since+stopped)
	}
}

// pardon does it for one lane.
func (l *lane) pardon(now Time, stopped Duration) {
	if s := &l.stall; s.since != 0 {
		s.since, s.at = min(now, s.since+stopped), min(now, s.at+stopped)
	}
	l.beat.busy = min(now, l.beat.busy+stopped)
	for _, p := range l.peers() {
		m := &p.members[l.id]
		m.quiet, m.progress = min(now, m.quiet+stopped), min(now, m.progress+stopped)
	}
}

// standsStill notes that members don't let the lane go on.
func (l *lane) standsStill(now Time) {
	if l.stall.since != 0 {
		return
	}
	t := &l.engine.cfg.Timers
	l.stall.count(now, t.LaneStall, l.engine.stopped(now))
	l.stall.since = now
	l.engine.arm(now + min(t.StallBudget, t.Silence, t.LaneStall-min(l.stall.used, t.LaneStall), silentAsked))
}

// goesOn notes that they do.
func (l *lane) goesOn(now Time) {
	if l.stall.since != 0 {
		l.stall.count(now, l.engine.cfg.Timers.LaneStall, l.engine.stopped(now))
		l.stall.since = 0
	}
}

// loneWindow is the least window of which a member may be said to hold it alone: a
// smaller one stands still for every loss.
const loneWindow = 256

// lateLeast is what a member that comes back lacks at least if it begins put out.
const lateLeast = 1024

// comesLate says whether a member that has just joined was taken for dead and now
// lacks so much that it would soon hold the lane up, or let others wait for its repairs.
func (m *member) comesLate(l *lane) bool {
	return l.class == layout.LaneClassGated && l.lag(m.taken)-l.lag(max(m.since, m.taken)) >= max(l.window/2, lateLeast)
}

// checkStall puts out who holds a lane up for too long (spec/wire.md, Untethering).
func (e *Engine) checkStall(now Time, l *lane) {
	l.stall.count(now, e.cfg.Timers.LaneStall, 0)
	for _, p := range l.peers() {
		m := &p.members[l.id]
		window := l.reach(m.taken) <= l.head
		if !m.waitedFor() || !window && m.highest+m.credit > l.head || !window && m.silent(now, l) {
			continue
		}
		if from := m.silentFrom(l); !window && l.waited > 1 && from > now {
			e.arm(from)
		}
		if due := e.patience(now, m, l); now < due {
			e.arm(due)
			continue
		}
		e.untether(now, p, l)
	}
	e.updateLimit(now, l)
}

// patience is until when a member may hold a lane up.
func (e *Engine) patience(now Time, m *member, l *lane) Time {
	t := &e.cfg.Timers
	due := max(m.progress, l.stall.since) + t.StallBudget
	due = min(due, max(m.quiet, l.beat.busy)+max(t.Silence, 3*e.statusBusy()))
	if l.lone && l.window >= loneWindow*uint64(max(l.places.span, 1)) && l.reach(m.taken) <= l.head {
		due = min(due, now+t.LaneStall-min(l.stall.used, t.LaneStall))
	}
	return due
}

// untether lets the lane go on without a member, and tells it so.
func (e *Engine) untether(now Time, p *Peer, l *lane) {
	m := &p.members[l.id]
	m.tethered, m.putOutAt, m.share = false, now, shareBucket{at: now}
	e.count.Untethered++
	e.sink.Notice(p, l.id, MemberPutOut)
	e.tellOut(now, p, l)
}

// memberOut lets a member that was put out return, or tells it once more.
func (e *Engine) memberOut(now Time, p *Peer, l *lane) {
	m := &p.members[l.id]
	switch {
	case e.mayReturn(now, m, l):
		e.takeBack(now, p, l)
	case now-m.toldAt >= e.cfg.Timers.ReturnAfter/4: // it may be one that loses much
		e.tellOut(now, p, l)
	}
}

// tellOut tells a member that it is not waited for, again and again while it is not.
func (e *Engine) tellOut(now Time, p *Peer, l *lane) {
	m := &p.members[l.id]
	m.toldAt = now
	reason := uint8(layout.NcfReasonUntethered)
	if m.isolated {
		reason = layout.NcfReasonIsolated
	}
	e.sendNcf(p, l, m.taken, max(l.head, m.taken+1)-1, reason, 0)
}
