package mcast

import (
	"math"
	"slices"

	"github.com/ringcast/ringcast/mcast/wire"
)

// What loses (spec/wire.md, Lossy).
const (
	lossMemory  = 256   // datagrams over which a member's loss is averaged
	lossBatch   = 32    // least number that says anything
	lossyShare  = 0.05  // of a lossy member, at least
	lossyMedian = 0.005 // of the lane's members meanwhile, at most
	missedRun   = 16    // what one run of missed sequences counts at most
)

// lossMeter follows how much of a lane a member misses at first. Repairs don't
// count, nor does what comes in another order.
type lossMeter struct {
	known            bool
	at               Time   // of the last SM
	highest          uint64 // as of it
	missed, overran  uint32
	seen             uint64  // of what was sent
	newSent, newLost float64 // not yet in share
	share            float64 // of what was sent, averaged
	overrunAt        Time    // when most of what it missed was dropped by its own socket

	// For trials of the rate; see trial.go.
	span    lossSpan
	suspect bool
	before  float64 // share lost before the trial
	base    float64 // share lost that has nothing to do with the rate
}

// lossSpan counts what was sent in one epoch of a trial.
type lossSpan struct {
	epoch               uint32
	sent, lost, overran uint64
	received            float64 // the most it took in a second
}

func (s *lossSpan) share() float64 {
	if s.sent == 0 {
		return 0
	}
	return min(1, float64(s.lost)/float64(s.sent))
}

// add takes an SM.
func (x *lossMeter) add(now Time, s *wire.Status, t *trial) {
	if !x.known {
		x.known, x.overrunAt, x.at = true, longAgo, now
		x.highest, x.missed, x.overran = s.Highest, s.FirstLost, s.Overruns
		return
	}
	sent := s.Highest - min(s.Highest, x.highest)
	lost, overran := s.FirstLost-x.missed, s.Overruns-x.overran
	if int32(lost) < 0 || int32(overran) < 0 {
		lost, overran = 0, 0 // a forged SM, or one that was overtaken
	}
	if x.highest >= t.from {
		if x.span.epoch != t.epoch {
			x.span = lossSpan{epoch: t.epoch}
		}
		x.span.sent += sent
		x.span.lost += uint64(lost)
		x.span.overran += uint64(overran)
		if now-x.at >= drainedSpan {
			x.span.received = max(x.span.received, float64(s.ReceivedRate))
		}
	}
	if overran != 0 && 2*overran >= lost {
		x.overrunAt = now
	}
	x.at = now
	x.highest, x.missed, x.overran = max(x.highest, s.Highest), s.FirstLost, s.Overruns
	x.seen += sent
	x.newSent += float64(sent)
	x.newLost += float64(lost)
	if x.newSent >= lossBatch {
		x.share += (min(1, x.newLost/x.newSent) - x.share) * (1 - math.Exp(-x.newSent/lossMemory))
		x.newSent, x.newLost = 0, 0
	}
}

// counts says whether the lane's members are judged by this one, too.
func (m *member) counts() bool { return m.joined && m.wants != 0 }

// assess looks at who loses what in a lane: who is lossy, how much may be repaired,
// from where on the window throttles, and whether the rate has to do with it.
func (e *Engine) assess(now Time, l *lane) {
	shares, backlogs := e.shares[:0], e.backlogs[:0]
	losing := 0
	for _, p := range l.peers() {
		if m := &p.members[l.id]; m.counts() {
			if m.loss.seen >= lossMemory {
				shares = append(shares, m.loss.share)
			}
			backlogs = append(backlogs, l.lag(m.taken))
			if m.loss.share > repairLossy {
				losing++
			}
		}
	}
	e.shares, e.backlogs = shares, backlogs
	n := len(backlogs)
	if n == 0 {
		l.lone = false
		return
	}
	slices.Sort(shares)
	slices.Sort(backlogs)
	l.repairs.share = repairShare
	if losing >= min(n, max(2, n/4)) {
		l.repairs.share = repairShareMost
	}
	l.lone = n > 1 && backlogs[(n-1)/2] < l.window/4
	known := len(shares)
	e.findLossy(now, l, known > 1 && shares[(known-1)/2] < lossyMedian)
	e.watchLoss(now, l)
}

// findLossy marks the members that alone lose much.
func (e *Engine) findLossy(now Time, l *lane, others bool) {
	for _, p := range l.peers() {
		m := &p.members[l.id]
		if !m.joined {
			continue
		}
		lossy := others && m.counts() && m.loss.share > lossyShare
		if lossy && !m.lossy {
			m.lossyFrom, m.lossyAt = now, m.loss.highest
		}
		if m.lossy = lossy; lossy && e.cries(now, m) {
			e.isolate(now, p, l)
		}
		if m.isolated {
			m.calm(now)
		}
	}
}
