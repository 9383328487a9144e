package mcast

import "slices"

// Phases of a gap.
const (
	gapReorder uint8 = iota // it may be no more than reordering
	gapBackoff              // it counts; somebody else may ask first
	gapRetry                // it was asked for
)

// gap is a run of lane sequences that are missing and share one timer.
type gap struct {
	from, to  uint64 // inclusive
	born, due Time
	phase     uint8
	tries     uint8
	local     bool // the kernel said that this socket dropped it
}

// gapList holds the gaps of a lane, upwards.
type gapList struct {
	list []gap
	// due is not later than any gap's: filling one may leave it too early.
	due Time
	// notBefore keeps NAKs apart.
	notBefore Time
	// from is where the next NAK goes on, when one had no room for all.
	from uint64
}

// add appends a gap above all others.
func (g *gapList) add(x gap) {
	if len(g.list) == 0 || x.due < g.due {
		g.due = x.due
	}
	g.list = append(g.list, x)
}

// find returns the index of the gap that holds seq, or of the first above it.
func (g *gapList) find(seq uint64) (i int, in bool) {
	i, _ = slices.BinarySearchFunc(g.list, seq, func(x gap, s uint64) int {
		if x.to < s {
			return -1
		}
		return 1
	})
	return i, i < len(g.list) && g.list[i].from <= seq
}

// fill takes a sequence out of its gap.
func (g *gapList) fill(seq uint64) {
	i, in := g.find(seq)
	if !in {
		return
	}
	x := &g.list[i]
	switch {
	case x.from == x.to:
		g.list = slices.Delete(g.list, i, i+1)
	case seq == x.from:
		x.from++
	case seq == x.to:
		x.to--
	default:
		upper := *x
		upper.from = seq + 1
		x.to = seq - 1
		g.list = slices.Insert(g.list, i+1, upper)
	}
}

// drop forgets everything below to.
func (g *gapList) drop(to uint64) {
	i, in := g.find(to)
	if in {
		g.list[i].from = to
	}
	g.list = slices.Delete(g.list, 0, i)
}

// next returns when tickGaps has to look, Never if there is no gap.
func (g *gapList) next() Time {
	if len(g.list) == 0 {
		return Never
	}
	return max(g.due, g.notBefore)
}

// tolerance is how long a hole may be no more than reordering.
func (e *Engine) tolerance(p *Peer) Duration {
	return max(100*Microsecond, e.groupTrip(p)/2)
}

// groupTrip is the round trip that a peer's group has, as the peer says.
func (e *Engine) groupTrip(p *Peer) Duration {
	if p.roundTrip == 0 {
		return e.cfg.Timers.RoundTrip
	}
	return min(max(p.roundTrip, e.cfg.Timers.RoundTripMin), 100*Millisecond)
}

// openGap notes that from..to are missing.
func (e *Engine) openGap(now Time, r *receiver, from, to uint64) {
	x := gap{from: from, to: to, born: now, due: now + e.tolerance(r.peer), local: now < e.localLossTill}
	if x.local {
		x.phase, x.due = gapBackoff, now+e.short(r.peer)
	}
	if faultNoBackoff {
		x.phase, x.due = gapBackoff, now
	}
	if x.phase == gapBackoff {
		e.missed(r, &x)
	}
	r.gaps.add(x)
	e.arm(x.due)
}

// missed counts a gap that is no reordering.
func (e *Engine) missed(r *receiver, x *gap) {
	n := x.to - x.from + 1
	e.count.Holes += n
	r.missed += min(n, missedRun)
}

// tickGaps moves the gaps of a lane on and sends the NAK that is due.
func (e *Engine) tickGaps(now Time, r *receiver) {
	g := &r.gaps
	if now < g.next() {
		e.arm(g.next())
		return
	}
	fire := false
	for i := range g.list {
		x := &g.list[i]
		if x.due > now {
			continue
		}
		if x.phase == gapReorder {
			x.phase = gapBackoff
			x.due = now + e.backoff(r)
			e.missed(r, x)
		}
		if now-x.born >= e.cfg.Timers.GiveUp {
			e.giveUp(r, x)
		}
		fire = fire || x.due <= now
	}
	if r.trail > r.next {
		e.drain(now, r)
	}
	if fire && len(g.list) != 0 {
		e.sendNak(now, r)
	}
	g.due = Never
	for i := range g.list {
		g.due = min(g.due, g.list[i].due)
	}
	e.arm(g.next())
}

// giveUp counts a gap, and what lies below it, as lost.
func (e *Engine) giveUp(r *receiver, x *gap) {
	r.trail = max(r.trail, x.to+1)
	r.gaveUp = r.trail
	x.due = Never
}
