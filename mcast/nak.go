package mcast

import (
	"math"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// NAK timing (multicast.md, NAK timing and Timers).
const (
	fewMembers    = 3
	backoffTimes  = 6 // T = 6 * GRTT
	backoffMin    = 1500 * Microsecond
	backoffMax    = 50 * Millisecond
	backoffGroup  = 10
	retryTimes    = 3 // r0 = 3 * GRTT
	retryMin      = 800 * Microsecond
	retryMax      = 100 * Millisecond
	retryLeast    = 0.8 // of a retry, by its jitter
	retrySpread   = 0.4
	retryGrowth   = 1.1
	retriesCapped = 64
)

// short is the delay of one who need not fear to be one of many.
func (e *Engine) short(p *Peer) Duration {
	return Duration(e.rnd.Float64() * 0.5 * float64(e.groupTrip(p)))
}

// backoff draws how long to wait for another member's NAK: the truncated
// exponential distribution of RFC 5401, fed with the measured round trip and the
// known size of the group.
func (e *Engine) backoff(p *Peer) Duration {
	if faultNoBackoff {
		return 0
	}
	if p.group <= fewMembers {
		return e.short(p)
	}
	t := float64(min(max(backoffTimes*e.groupTrip(p), backoffMin), backoffMax))
	l := math.Log(float64(max(backoffGroup, p.group))) + 1
	x := e.rnd.Float64()*l/t + l/(t*math.Expm1(l))
	return Duration(t / l * math.Log(x*math.Expm1(l)*t/l))
}

// retry is how long a gap waits after it was asked for. The repair comes behind
// what waits in this node's own socket: that time is added, or a busy receiver
// would ask again and again for what is already in its queue.
func (e *Engine) retry(r *receiver, tries uint8) Duration {
	d := float64(firstRetry(e.groupTrip(r.peer))) * math.Pow(retryGrowth, float64(tries))
	return min(Duration(d*(retryLeast+retrySpread*e.rnd.Float64()))+r.queue, retryMax)
}

// firstRetry is the first retry's time but for its jitter.
func firstRetry(roundTrip Duration) Duration {
	return min(max(retryTimes*roundTrip, retryMin), retryMax)
}

// sendNak asks for all gaps that count. What has no room goes into the next NAK,
// one spacing later.
func (e *Engine) sendNak(now Time, r *receiver) {
	g := &r.gaps
	first := e.firstGap(g)
	if first < 0 {
		return
	}
	n := wire.Nak{Session: r.peer.session, Base: r.next, Lane: uint16(r.lane)}
	n.HighestDelta = uint32(min(r.highest-1-n.Base, math.MaxUint32))
	b := e.frame(layout.FrameTypeNak, layout.FrameFlagUnicast)
	head := len(b)
	b = n.AppendTo(b)
	ranges := 0
	g.from = 0
	for i := first; i < len(g.list); i++ {
		x := &g.list[i]
		if x.phase == gapReorder || x.to-n.Base >= math.MaxUint32 {
			continue
		}
		if b, ranges = appendRanges(b, &n, x, ranges); ranges >= wire.NakRangesMax {
			g.from = x.to + 1
		}
		n.Flags |= flagIf(x.local, layout.NakFlagLocalLoss)
		x.phase, x.due = gapRetry, min(now+e.retry(r, x.tries), max(x.born+e.cfg.Timers.GiveUp, now+1))
		x.tries = min(x.tries+1, retriesCapped)
		if g.from != 0 {
			break
		}
	}
	b[head+layout.NakHeadFlagsOffset] = byte(n.Flags | flagIf(g.from != 0, layout.NakFlagMore))
	e.nakSent(now, r, b, ranges)
}

// firstGap returns the first gap that counts, from where the last NAK ended.
func (e *Engine) firstGap(g *gapList) int {
	start, _ := g.find(g.from)
	for pass := range 2 {
		for i := start; i < len(g.list); i++ {
			if g.list[i].phase != gapReorder {
				return i
			}
		}
		if pass == 0 {
			start = 0
		}
	}
	return -1
}

// appendRanges appends one gap, in pieces of at most 65,535.
func appendRanges(b []byte, n *wire.Nak, x *gap, ranges int) ([]byte, int) {
	for from := x.from; from <= x.to && ranges < wire.NakRangesMax; ranges++ {
		count := min(x.to-from+1, wire.NakRangeCountMax)
		b = wire.AppendNakRange(b, uint32(from-n.Base), uint16(count))
		from += count
	}
	return b, ranges
}

func (e *Engine) nakSent(now Time, r *receiver, b []byte, ranges int) {
	if !faultNoBackoff {
		r.gaps.notBefore = now + nakApart + nakApartN*Duration(r.peer.group)
	}
	if faultNoNak {
		return
	}
	e.count.NakSent++
	e.count.NakRanges += uint64(ranges)
	e.unicast(r.peer, b)
}

func flagIf(on bool, flag uint16) uint16 {
	if on {
		return flag
	}
	return 0
}
