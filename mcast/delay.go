package mcast

import "github.com/ringcast/ringcast/mcast/wire"

const (
	delaySpan = 5 * Second
	// echoHeldMax is how long a member may have held an echo whose round trip is compared with
	// others: it is the member's clock that says so.
	echoHeldMax = 10 * Millisecond
)

// delayFilter tells how far a time that is measured again and again lies above the
// least of the last five to ten seconds: of one-way delays, the two clocks being
// unrelated, how long frames wait in a queue. Clocks that drift apart look like a
// queue to it: see queueMeter.
type delayFilter struct {
	zero              uint32 // of the clocks' difference; the rest counts from it
	present, previous int32
	since             Time
	known             bool
}

func (f *delayFilter) add(now Time, delay uint32) (queue Duration) {
	if !f.known {
		*f = delayFilter{zero: delay, since: now, known: true}
	}
	d := int32(delay - f.zero)
	if now-f.since > delaySpan {
		f.previous, f.present, f.since = f.present, d, now
	}
	f.present = min(f.present, d)
	return min(Duration(d-min(f.present, f.previous))*Microsecond, Second)
}

// queueMeter tells how long frames to a member wait in queues, whatever its clock does.
//
// A one-way delay has the difference of two clocks in it, which grows while the member's
// clock is the faster one, and when it jumps. A round trip has not; but it has the way
// back in it, and what an SM waits for the owner's process. What it exceeds its least by
// is the most that the frame waited, and the delay less that is at most what it is on an
// empty path, as the clocks are now. The greatest of these is taken for it: one SM that
// came back fast is enough to follow the clocks, and a queue that stands, which is in
// delay and round trip alike, does not move it.
type queueMeter struct {
	delay delayFilter // one-way delays
	trip  delayFilter // round trips
	empty delayFilter // what the trip exceeds its least by, less the delay
}

// add takes an SM that bears a delay. It returns the lesser of what the delays alone say
// and of what they say with the round trips.
func (q *queueMeter) add(now Time, s *wire.Status) (queue Duration) {
	queue = q.delay.add(now, s.DelayMicros)
	trip := tripOf(now, s)
	if trip < 0 || Duration(s.HoldMicros)*Microsecond > echoHeldMax {
		return queue
	}
	waited := q.trip.add(now, uint32(trip/Microsecond))
	least := uint32(waited/Microsecond) - s.DelayMicros
	here := waited - q.empty.add(now, least)
	if here < 0 { // less than on an empty path: the clocks have changed, or the path
		q.empty = delayFilter{}
		here = waited - q.empty.add(now, least)
	}
	return min(queue, here)
}
