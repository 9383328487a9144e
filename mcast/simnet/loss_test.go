package simnet

import (
	"slices"
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// lossRun sends for some seconds of virtual time to two receivers and returns how
// long it took until they had everything, as a multiple of the time in which it was
// offered (at random intervals, so that differs from run to run by a percent), and
// how old messages were.
func lossRun(t *testing.T, loss float64) (took float64, ages []mcast.Duration, n *Network) {
	t.Helper()
	n = New(Options{Seed: 3, Nodes: 3, Loss: loss, Delay: 100 * mcast.Microsecond, Jitter: 20 * mcast.Microsecond,
		Messages: few(40_000, 8_000), SizeMax: 1200, Interval: 100 * mcast.Microsecond})
	n.Run(5*mcast.Second, n.AllJoined)
	start := n.Now()
	var offered, last mcast.Time
	for _, x := range n.Nodes[1:] {
		x.OnDeliver = func(_ *mcast.Peer, _ *mcast.RemoteTopic, m *mcast.Message) {
			last = n.Now()
			if m.TimestampNs != 0 {
				ages = append(ages, n.Now()-mcast.Time(m.TimestampNs))
				offered = max(offered, mcast.Time(m.TimestampNs))
			}
		}
	}
	n.Nodes[0].Publish()
	n.Run(20*mcast.Second, n.AllTaken)
	n.CheckProgress()
	if err := n.Err(); err != nil {
		t.Fatalf("loss %v: %v", loss, err)
	}
	slices.Sort(ages)
	return float64(last-start) / float64(offered-start), ages, n
}

// Loss costs little: what is offered still arrives in about the time it was
// offered in, and the age of a message grows by about a repair. All in virtual time.
func TestLossCostsLittle(t *testing.T) {
	base, _, _ := lossRun(t, 0)
	for _, c := range []struct {
		loss    float64
		goodput float64 // at least, of the lossless
		p99     mcast.Duration
	}{
		{0.001, 0.99, 3 * mcast.Millisecond}, {0.01, 0.95, 3 * mcast.Millisecond},
		{0.05, 0.80, 6 * mcast.Millisecond}, {0.2, 0.40, 20 * mcast.Millisecond},
	} {
		took, ages, n := lossRun(t, c.loss)
		p := func(q float64) mcast.Duration { return ages[int(q*float64(len(ages)-1))] / mcast.Microsecond }
		goodput := base / took
		k := n.Nodes[0].engine.Counters()
		t.Logf("loss %g: goodput %.3f, age us p50 %d p99 %d p99.9 %d max %d; %d datagrams, %d repairs, %d NAKs",
			c.loss, goodput, p(.5), p(.99), p(.999), p(1), k.DataSent, k.RepairsSent, k.NakReceived)
		if goodput < c.goodput {
			t.Errorf("loss %g: goodput %.3f, want %.2f", c.loss, goodput, c.goodput)
		}
		if p(.99) > c.p99/mcast.Microsecond {
			t.Errorf("loss %g: p99 %d us, want %d", c.loss, p(.99), c.p99/mcast.Microsecond)
		}
	}
}

// A node that is cut off for a while gets everything after, as far as the window
// holds it; the gated sender waits for it within its budget.
func TestBlackout(t *testing.T) {
	for _, outage := range []mcast.Duration{mcast.Millisecond, 10 * mcast.Millisecond, 100 * mcast.Millisecond, 300 * mcast.Millisecond} {
		n := New(Options{Seed: 5, Nodes: 3, Messages: few(20_000, 10_000), Jitter: 10 * mcast.Microsecond})
		n.Run(5*mcast.Second, n.AllJoined)
		n.Nodes[0].Publish()
		cut := func(on bool) {
			for _, other := range []int{0, 1} {
				n.Partition(other, 2, on)
				n.Partition(2, other, on)
			}
		}
		n.After(50*mcast.Millisecond, func() { cut(true) })
		n.After(50*mcast.Millisecond+outage, func() { cut(false) })
		n.Run(20*mcast.Second, n.AllTaken)
		n.CheckProgress()
		if err := n.Err(); err != nil {
			t.Errorf("outage %d ms: %v", outage/mcast.Millisecond, err)
		}
	}
}

// A node that is cut off for longer than a peer may be silent is taken for dead,
// and comes back in the same session: what the window still holds it gets, the
// rest is told exactly. Also when only one direction is cut.
func TestPartition(t *testing.T) {
	for seed := uint64(1); seed <= uint64(few(6, 2)); seed++ {
		o := Options{Seed: seed, Nodes: 3, Messages: 4000, Interval: 5 * mcast.Millisecond, Loss: 0.01, LossAllowed: true, Jitter: 10 * mcast.Microsecond}
		o.Config.Window = 200 * mcast.MTUDefault
		n := New(o)
		n.Run(5*mcast.Second, n.AllJoined)
		for _, x := range n.Nodes {
			x.Publish()
		}
		oneWay := seed%2 == 0
		cut := func(on bool) {
			for _, other := range []int{0, 1} {
				n.Partition(other, 2, on)
				if !oneWay {
					n.Partition(2, other, on)
				}
			}
		}
		n.After(50*mcast.Millisecond, func() { cut(true) })
		n.After(4050*mcast.Millisecond, func() { cut(false) })
		n.Run(6*mcast.Second, nil)
		for _, x := range n.Nodes {
			x.publishMore(1)
		}
		n.Run(30*mcast.Second, n.AllTaken)
		n.CheckProgress()
		if err := n.Err(); err != nil {
			t.Fatalf("seed %d, one way %v: %v", seed, oneWay, err)
		}
		if n.Nodes[2].Missed == 0 {
			t.Errorf("seed %d: the node that was cut off missed nothing", seed)
		}
	}
}

// The last datagram of a burst is lost: the fast series of heartbeats shows it.
func TestLostTail(t *testing.T) {
	var ages []mcast.Duration
	for seed := uint64(1); seed <= 40; seed++ {
		n := New(Options{Seed: seed, Nodes: 3, Messages: 3, SizeMax: 100})
		n.Run(5*mcast.Second, n.AllJoined)
		dropped := false
		n.Drop = func(from, to *Node, d []byte) bool {
			if from.index == 0 && to.index == 2 && d[4] == 1 && !dropped {
				dropped = true
				return true
			}
			return false
		}
		start := n.Now()
		n.Nodes[0].Publish()
		n.Run(5*mcast.Second, n.AllTaken)
		n.CheckProgress()
		if err := n.Err(); err != nil || !dropped {
			t.Fatalf("seed %d: dropped %v, %v", seed, dropped, err)
		}
		ages = append(ages, n.Now()-start)
	}
	slices.Sort(ages)
	t.Logf("tail repaired after p50 %d us, max %d us", ages[20]/mcast.Microsecond, ages[39]/mcast.Microsecond)
	if ages[39] > 10*mcast.Millisecond {
		t.Errorf("a lost tail took %d us", ages[39]/mcast.Microsecond)
	}
}

// One datagram lost by all of many receivers costs a few NAKs and one repair, and
// is there soon: guarantee 14. More receivers: make sim.
func TestCommonLoss(t *testing.T) {
	for _, g := range []struct {
		receivers int
		naks      float64
	}{{12, 3}, {50, 4}}[:few(2, 1)] {
		c := CommonLoss(9, g.receivers)
		t.Logf("%d receivers: %.2f NAKs and %.3f repairs a loss, repaired after %d us, p99 %d us", g.receivers, c.Naks, c.Repairs, c.Repair[0]/us, c.Repair[1]/us)
		if c.Err != nil || c.Naks > g.naks || c.Repairs > 1.1 || c.Repair[0] > ms {
			t.Errorf("%d receivers: %.2f NAKs, at most %.0f are allowed; %.3f repairs, 1.1; %d us, 1000; %v", g.receivers, c.Naks, g.naks, c.Repairs, c.Repair[0]/us, c.Err)
		}
	}
}
