package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// The heartbeat's series after data stops: 1, 4, 16, 64 and 128 ms, each after the one before, so that the
// loss of the last datagram is seen in a few milliseconds, and hardly later if the first one is lost, too; then
// with each HELLO.
const (
	beatFirst = Millisecond
	beatLast  = 128 * Millisecond
	beatTimes = 4
	beatStall = 10 * Millisecond
	busyPause = 50 * Millisecond
)

// heartbeat is the timer of a lane's HB.
type heartbeat struct {
	last Time // when data was sent last
	busy Time // since when data flows, without pauses of more than busyPause
	step Duration
	at   Time // Never before the first data
}

// data notes that a datagram was sent; it says whether that is the first after a pause.
func (h *heartbeat) data(now Time) (first bool) {
	if first = now-h.last > busyPause; first {
		h.busy = now
	}
	h.last = now
	h.step = beatFirst
	h.at = now + beatFirst
	return first
}

// next moves on in the series, to beacon at its end.
func (h *heartbeat) next(now, beacon Time) {
	if h.at = beacon; h.step < beatLast {
		h.step = min(h.step*beatTimes, beatLast)
		h.at = now + h.step
	}
}

// tickHeartbeat sends the HB of a lane if it is due.
func (e *Engine) tickHeartbeat(l *lane, now Time) {
	if now >= l.beat.at {
		if !faultNoBeat {
			e.sendHeartbeat(l, now, e.asks(now, l))
		}
		if l.beat.next(now, e.withBeacon(now)); l.to != 0 && l.beat.step >= beatLast && (l.taken() || l.one[0] == nil) {
			l.beat.at = Never // nobody lacks anything: with many members such words would be most of what idle nodes say
		}
	}
	if l.stall.since != 0 {
		l.beat.at = min(l.beat.at, now+beatStall) // somebody is waited for: let him speak
	}
	e.arm(l.beat.at)
}

// sendHeartbeat says where a lane is, and asks its members the same.
func (e *Engine) sendHeartbeat(l *lane, now Time, asks bool) {
	e.flushOut() // an HB must not overtake the data that it speaks of
	h := wire.Heartbeat{Next: l.head, Trail: l.trail(), Lane: l.number, SendMicros: micros(now),
		RoundTripMicros: micros(e.roundTrip), Members: uint16(1 + len(e.peers))}
	var flags uint8
	if asks {
		flags = layout.FrameFlagStatusWanted
	}
	if l.to != 0 {
		flags |= layout.FrameFlagUnicast
	}
	b := e.frame(layout.FrameTypeHeartbeat, flags)
	b = h.AppendTo(b)
	e.count.HeartbeatsSent++
	switch p := l.one[0]; {
	case l.to == 0:
		e.multicast(b)
	case p != nil:
		e.unicast(p, b)
	}
}

// asks says whether an HB asks the members where they stand. While data flows they say so by themselves
// often enough: asked after each message of a slow stream, all of them would answer each, which costs a node more
// than the message does (doc/decisions/312).
func (e *Engine) asks(now Time, l *lane) bool {
	switch {
	case l.blocked || l.stall.since != 0:
		return true
	case l.lowest >= l.head: // they have all
		return false
	case now-l.beat.last > e.statusBusy(): // and should have said so: it was lost
		return true
	}
	return l.limit-min(l.limit, l.head) < l.head-l.lowest // more than half of what may be on its way is
}
