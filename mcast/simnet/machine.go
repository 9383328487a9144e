package simnet

import "github.com/ringcast/ringcast/mcast"

// machineClock is the running clock of a machine: it has nothing to do with that of
// the others, may jump forward (the machine slept), and runs a little fast or slow.
type machineClock struct {
	skew  mcast.Duration
	since mcast.Time // of the drift
	ppm   int64      // parts in a million by which it is fast
}

func (x *Node) clock() mcast.Time {
	c := &x.time
	return x.net.now + c.skew + (x.net.now-c.since)*mcast.Duration(c.ppm)/1e6
}

// whenClock returns when the node's clock will show a time.
func (x *Node) whenClock(at mcast.Time) mcast.Time {
	c := &x.time
	at -= c.skew
	if c.ppm == 0 || at <= c.since {
		return at
	}
	rate := mcast.Duration(1e6 + c.ppm)
	return c.since + ((at-c.since)*1e6+rate-1)/rate
}

// Jump lets the node's clock jump forward.
func (x *Node) Jump(by mcast.Duration) {
	x.net.Counts.Jumps++
	x.time.skew += by
	x.rouse()
}

// Drift lets the node's clock run fast by so many parts in a million, or slow.
func (x *Node) Drift(ppm int64) {
	x.net.Counts.Drifts++
	now := x.clock()
	x.time = machineClock{skew: now - x.net.now, since: x.net.now, ppm: ppm}
	x.rouse()
}

// rouse looks at the node's timers, whose times have changed.
func (x *Node) rouse() {
	x.setTick(mcast.Never, x.net.now)
}

// Slow makes the node need so long for each datagram.
func (x *Node) Slow(service mcast.Duration) {
	x.net.Counts.Slow++
	x.service = service
}

// SlowSender makes the node need so long for each datagram that it sends.
func (x *Node) SlowSender(sending mcast.Duration) {
	x.net.Counts.Slow++
	x.sending = sending
}

// spend takes the time of a datagram that is sent.
func (x *Node) spend() {
	if x.sending > 0 {
		x.busyTill = max(x.busyTill, x.net.now) + x.sending
	}
}

// Pause stops the node's process for a while; what comes waits in its socket.
func (x *Node) Pause(d mcast.Duration) {
	x.net.Counts.Pauses++
	x.busy(x.net.now + d)
}

// busy keeps the node from doing anything before a time.
func (x *Node) busy(till mcast.Time) {
	x.busyTill = max(x.busyTill, till)
	x.wake()
}

// wake goes on with what was postponed when the node is free again.
func (x *Node) wake() {
	if x.waking || len(x.backlog) == 0 {
		return
	}
	x.waking = true
	x.net.At(x.busyTill, func() {
		x.waking = false
		if x.net.now < x.busyTill {
			x.wake()
			return
		}
		x.goOn()
	})
}

// mustWait says that the node is busy, or that others come first.
func (x *Node) mustWait() bool {
	return x.busyTill > x.net.now || len(x.backlog) > 0 && !x.goingOn
}

// goOn does what was postponed, in order, until the node is busy again.
func (x *Node) goOn() {
	if x.dropped > 0 && x.up {
		x.engine.LocalLoss(x.clock(), uint32(x.dropped))
	}
	x.dropped = 0
	x.goingOn = true
	for len(x.backlog) > 0 && x.busyTill <= x.net.now {
		e := x.backlog[0]
		x.backlog = x.backlog[1:]
		if e.data != nil {
			x.waiting--
		}
		if x.net.step(e) {
			x.net.events.free(e)
		}
	}
	x.goingOn = false
	x.wake()
}

// postpone keeps an event of a busy node; datagrams only as far as its socket goes.
func (x *Node) postpone(e *event) {
	if e.data != nil {
		if limit := x.net.Options.Socket; limit > 0 && x.waiting >= limit {
			x.dropped++
			x.net.Counts.Overrun++
			x.net.events.free(e)
			return
		}
		x.waiting++
	}
	x.backlog = append(x.backlog, e)
	x.wake()
}

// receive gives a datagram to the engine, and takes the time that costs.
func (x *Node) receive(e *event) {
	x.inHand = e.data
	x.engine.Receive(x.clock(), e.data, e.from, e.multi)
	x.inHand = nil
	x.net.prompt.came(x, e.data)
	if x.service > 0 {
		x.busyTill = max(x.busyTill, x.net.now+x.service)
	}
}

// die stops the node; nothing that was meant for this life happens.
func (x *Node) die() {
	x.up = false
	x.life++
	keep := x.backlog[:0]
	for _, e := range x.backlog {
		if e.life < 0 {
			keep = append(keep, e)
		}
	}
	x.backlog = keep
	x.waiting = len(keep)
}
