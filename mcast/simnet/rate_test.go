package simnet

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// offered is a run in which node 1 publishes at a steady rate for some seconds.
type offered struct {
	net           *Network
	taken         uint64         // messages node 2 took meanwhile
	lowest        float64        // least rate the lane had
	late          mcast.Duration // greatest age of a message at the sender, while the sender was free
	cuts, overrun uint64
}

// offer publishes every so often, on the lane of all, whose rate it looks at; set disturbs the nodes.
func offer(t *testing.T, o Options, every, d mcast.Duration, set func(n *Network)) *offered {
	t.Helper()
	o.Nodes, o.SizeMax = 2, 1
	o.Config.NoDirected = true
	n := New(o)
	n.Run(5*mcast.Second, n.AllJoined)
	set(n)
	x := n.Nodes[0]
	f := &offered{net: n, lowest: 1e9}
	s := x.streams[0]
	begin, end := n.now, n.now+d
	taken := n.Nodes[1].Taken
	var step func()
	step = func() {
		s.last = uint64((n.now - begin) / every)
		if !x.mustWait() {
			for s.next <= s.last {
				m := mcast.Message{Producer: s.producer, Sequence: s.next, Payload: x.payload(s)}
				if x.engine.Send(n.now, s.id, &m) != mcast.Sent {
					f.late = max(f.late, n.now-begin-every*mcast.Duration(s.next))
					break
				}
				x.engine.Flush(n.now)
				s.next++
				s.sentIn = append(s.sentIn, 0)
			}
			x.after()
		}
		f.lowest = min(f.lowest, x.engine.Rate(mcast.LaneGated))
		if n.now < end {
			n.After(every, step)
		}
	}
	n.After(0, step)
	n.Run(d, nil)
	f.taken = n.Nodes[1].Taken - taken
	f.cuts, f.overrun = x.engine.Counters().RateCuts, n.Counts.Overrun
	if err := n.Err(); err != nil {
		t.Fatal(err)
	}
	return f
}

// noise pauses a node for 5 to 50 ms, about every so often, as a scheduler does.
func noise(n *Network, x *Node, mean mcast.Duration) {
	r := rand.New(rand.NewPCG(n.Options.Seed, uint64(x.index)+5))
	var again func()
	again = func() {
		x.Pause(mcast.Duration(5+r.IntN(46)) * mcast.Millisecond)
		n.After(1+mcast.Duration(r.Int64N(2*int64(mean))), again)
	}
	n.After(mean, again)
}

// A scheduler's noise on either side is no reason to go below what is offered.
func TestNoiseDoesNotThrottle(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to bool
		mean     mcast.Duration
	}{{"receiver", false, true, 60 * mcast.Millisecond}, {"sender", true, false, 60 * mcast.Millisecond}, {"both", true, true, 60 * mcast.Millisecond},
		{"busy machine", true, true, 30 * mcast.Millisecond}} {
		f := offer(t, Options{Seed: 1, Jitter: 50 * mcast.Microsecond}, 500*mcast.Microsecond, mcast.Duration(few(10, 3))*mcast.Second, func(n *Network) {
			if c.from {
				noise(n, n.Nodes[0], c.mean)
			}
			if c.to {
				noise(n, n.Nodes[1], c.mean)
			}
		})
		t.Logf("%s: lowest rate %.0f, %d cuts, refused for %d us at most", c.name, f.lowest, f.cuts, f.late/mcast.Microsecond)
		if f.lowest < 4000 {
			t.Errorf("%s: the rate fell to %.0f, 2000 are offered", c.name, f.lowest)
		}
	}
}

// A path that becomes longer is no queue: the rate must not fall for ever.
func TestLongerPathDoesNotThrottle(t *testing.T) {
	f := offer(t, Options{Seed: 1, Jitter: 50 * mcast.Microsecond}, 500*mcast.Microsecond, 6*mcast.Second, func(n *Network) {
		n.After(mcast.Second, func() { n.Options.Delay += 5 * mcast.Millisecond })
	})
	t.Logf("lowest rate %.0f, %d cuts", f.lowest, f.cuts)
	if f.lowest < 4000 {
		t.Errorf("the rate fell to %.0f, 2000 are offered", f.lowest)
	}
}

// A receiver that drains half of what is offered is not overrun, and gets nearly
// what it can take.
func TestSlowReceiver(t *testing.T) {
	o := Options{Seed: 1, Jitter: 50 * mcast.Microsecond, Socket: 1000}
	o.Config.ReceiveBuffer = 1000 * (mcast.MTUDefault + 1024)
	d := mcast.Duration(few(5, 2)) * mcast.Second
	f := offer(t, o, 50*mcast.Microsecond, d, func(n *Network) { n.Nodes[1].service = 100 * mcast.Microsecond })
	share := float64(f.taken) / (float64(d) / float64(100*mcast.Microsecond))
	t.Logf("took %.3f of what it can, lowest rate %.0f, %d cuts", share, f.lowest, f.cuts)
	if share < 0.85 || f.overrun != 0 {
		t.Errorf("took %.3f of what it can; %d datagrams overran the socket", share, f.overrun)
	}
}

// A stream that takes all of its rate is not slowed where nothing waits: clocks that drift apart are no queue, however
// long they do and whichever is the faster one, nor is a clock that jumps.
func TestClocksDoNotThrottle(t *testing.T) {
	d := mcast.Duration(few(25, 12)) * mcast.Second
	check := func(name string, set func(n *Network)) {
		o := Options{Seed: 1, Jitter: 50 * mcast.Microsecond}
		o.Config.Rate = 5000
		f := offer(t, o, 100*mcast.Microsecond, d, set)
		t.Logf("%s: %d cuts, lowest rate %.0f", name, f.cuts, f.lowest)
		if f.cuts != 0 {
			t.Errorf("%s: %d cuts down to %.0f where nothing waits", name, f.cuts, f.lowest)
		}
	}
	for _, ppm := range []int64{200, 500, 10_000, -200, -500, -10_000} {
		check(fmt.Sprint(ppm, " ppm"), func(n *Network) { n.Nodes[1].Drift(ppm) })
	}
	check("jump", func(n *Network) { n.After(3*mcast.Second, func() { n.Nodes[1].Jump(200 * mcast.Millisecond) }) })
	check("drift that turns", func(n *Network) {
		n.Nodes[1].Drift(10_000)
		n.After(d/2, func() { n.Nodes[1].Drift(-10_000) })
	})
	check("drift, and a way back that waits", func(n *Network) {
		n.Nodes[1].Drift(500)
		noise(n, n.Nodes[0], 60*mcast.Millisecond)
	})
}

// A queue that stands is found whatever the clocks do: a link of 50,000 a second with room for 100 ms, behind a rate of four times that.
func TestQueueIsFoundDespiteDrift(t *testing.T) {
	const path = 50_000
	for _, ppm := range []int64{0, 200, 500, 10_000, -200, -500, -10_000} {
		o := Options{Seed: 7}
		o.Config.NoDirected = true
		o.Config.Rate = 4 * path
		o.Config.Window = 20_000 * mcast.MTUDefault
		s := runShallow(t, o, 0, 1, func(n *Network) {
			n.Nodes[0].card = port{rate: path, queue: path / 10}
			n.Nodes[1].Drift(ppm)
			n.Nodes[2].Drift(ppm)
		}, mcast.Duration(few(6, 3))*mcast.Second)
		t.Logf("%d ppm: %.3f of the path, %.4f dropped by it, rate %.2f..%.2f, %d cuts, p50 %d p99 %d max %d us", ppm, s.goodput/path, s.dropped, s.low/path, s.high/path, s.k.RateCuts, s.ages.us(.5), s.ages.us(.99), s.ages.us(1))
		if s.k.RateCuts < 10 || s.high > 3*path || s.goodput < 0.8*path || s.lost != 0 {
			t.Errorf("%d ppm: %d cuts, the rate up to %.2f of the path, goodput %.3f of it, %d lost", ppm, s.k.RateCuts, s.high/path, s.goodput/path, s.lost)
		}
	}
}
