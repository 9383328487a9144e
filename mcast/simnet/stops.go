package simnet

import "github.com/ringcast/ringcast/mcast"

// runStops lives in a world in which processes are stopped for long, and go on: for 5 to 60 s, one or several at a time, in
// all that else goes wrong.
func runStops(seed uint64) *World {
	o := chaosOptions(seed, false)
	w := NewWorld(o, false)
	w.moves, w.histories = seed%4 == 1, seed%4 == 2
	w.ringHolds = 1000
	w.pace = 30 * ms
	const life = 70 * mcast.Second
	end := w.now + life
	w.every(8*mcast.Second, func() {
		for range []int{1, 1, 2, len(w.actors) - 1}[w.rnd.IntN(4)] {
			if x, d := w.anyone(), 5*mcast.Second+w.upTo(55*mcast.Second); x.busyTill <= w.now {
				x.Pause(min(d, end-w.now))
			}
		}
	})
	w.Live(life)
	return w
}

// runOwnStops lives in a world in which nothing goes wrong but that the owner of lanes is stopped for up to 900 ms, again and
// again, and just when its lanes stand still: nobody is put out for that.
func runOwnStops(seed uint64) *World {
	o := chaosOptions(seed, true)
	o.Loss, o.Duplicate, o.Reorder, o.Replay, o.Socket = 0, 0, 0, 0, 0
	o.Config.Timers.LaneStall, o.Config.Timers.Silence = 0, 0
	o.Config.Window, o.Config.ReceiveBuffer = windowSmall*max(o.Config.MTU, mcast.MTUMin), 0
	w := NewWorld(o, true)
	w.patient, w.fullness = true, 1<<30
	owner, service := w.actors[0], w.upTo(300*us)
	w.liveWith(func() {
		for _, a := range w.actors[1:] {
			a.Slow(service) // of all alike: nobody holds the lane alone
		}
		w.every(2*ms, func() {
			if s := owner.streams[w.rnd.IntN(len(owner.streams))]; s.end+1-s.next < 300 {
				owner.publish(s, 1+w.rnd.Uint64N(200))
			}
		})
		before := uint64(0)
		w.every(200*us, func() {
			c := owner.engine.Counters()
			if stands := c.BusyWindow + c.BusyCredit; stands != before && owner.busyTill+200*ms < w.now {
				before = stands
				owner.Pause(w.upTo(900 * ms))
			}
		})
	}, 2*mcast.Second)
	return w
}

// windowSmall is the least window, in datagrams.
const windowSmall = 64
