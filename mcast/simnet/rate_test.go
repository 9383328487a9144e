package simnet

import (
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

// offer publishes every so often; noise, if set, disturbs a node now and then.
func offer(t *testing.T, o Options, every, d mcast.Duration, set func(n *Network)) *offered {
	t.Helper()
	o.Nodes, o.SizeMax = 2, 1
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
