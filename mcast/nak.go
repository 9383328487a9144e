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
	nakRoomMin    = 64 // sequences that a NAK may ask for at least
)

// group is how many members the receiver's lane has, its owner counted.
func (r *receiver) group() int {
	if r.lane == LaneDirected {
		return 2
	}
	return r.peer.group
}

// short is the delay of one who need not fear to be one of many.
func (e *Engine) short(p *Peer) Duration {
	return Duration(e.rnd.Float64() * 0.5 * float64(e.groupTrip(p)))
}

// backoff draws how long to wait for another member's NAK: the truncated
// exponential distribution of RFC 5401, fed with the measured round trip and the
// known size of the group.
func (e *Engine) backoff(r *receiver) Duration {
	p := r.peer
	if faultNoBackoff {
		return 0
	}
	if r.group() <= fewMembers {
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

// sendNak asks for the gaps that count, but for those that were asked for and are not soon due again: what is on its
// way, or waits in this node's socket, would come twice. What has no room in the NAK goes into the next one, one
// spacing later; what the socket has no room for, when it is due again.
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
	ranges, room := 0, e.nakRoom()
	soon := now + firstRetry(e.groupTrip(r.peer))/2
	g.from = 0
	for i := first; i < len(g.list); i++ {
		x := &g.list[i]
		if x.phase == gapReorder || x.to-n.Base >= math.MaxUint32 || x.phase == gapRetry && x.due > soon {
			continue
		}
		size := x.to - x.from + 1
		asked := min(size, room)
		if room -= asked; asked > 0 {
			b, ranges = appendRanges(b, &n, x.from, x.from+asked-1, ranges)
		}
		if ranges >= wire.NakRangesMax {
			g.from = x.to + 1
		}
		n.Flags |= flagIf(x.local, layout.NakFlagLocalLoss)
		x.phase, x.due = gapRetry, min(now+e.retry(r, x.tries), max(x.born+e.cfg.Timers.GiveUp, now+1))
		if asked == size {
			x.tries = min(x.tries+1, retriesCapped)
		}
		if g.from != 0 {
			break
		}
	}
	if ranges == 0 {
		return
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

// nakRoom is how many sequences one NAK may ask for: as many as this node's socket has room for, the owners of other lanes
// being asked at the same time. What comes beyond would be dropped there, and asked for again.
func (e *Engine) nakRoom() uint64 {
	if e.cfg.ReceiveBuffer == 0 {
		return math.MaxUint64
	}
	lacking := 0
	for _, p := range e.peers {
		for _, r := range p.receivers {
			if r != nil && len(r.gaps.list) != 0 {
				lacking++
			}
		}
	}
	return max(nakRoomMin, e.socketCredit(max(1, lacking)))
}

// appendRanges appends one gap, in pieces of at most 65,535.
func appendRanges(b []byte, n *wire.Nak, from, to uint64, ranges int) ([]byte, int) {
	for from <= to && ranges < wire.NakRangesMax {
		count := min(to-from+1, wire.NakRangeCountMax)
		b = wire.AppendNakRange(b, uint32(from-n.Base), uint16(count))
		from += count
		ranges++
	}
	return b, ranges
}

func (e *Engine) nakSent(now Time, r *receiver, b []byte, ranges int) {
	if !faultNoBackoff {
		r.gaps.notBefore = now + nakApart + nakApartN*Duration(r.group())
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
