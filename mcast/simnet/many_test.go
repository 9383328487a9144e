package simnet

import (
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// A slow stream to many members: they say where they stand as often as while data flows, and not after
// each message.
func TestSlowStreamIsNotAnswered(t *testing.T) {
	const nodes, rate, seconds = 10, 250, 4
	o := Options{Seed: 3, Nodes: nodes, Loss: 0.01, Jitter: 20 * mcast.Microsecond, SizeMax: 1}
	o.Config.ReceiveBuffer = 8 << 20
	r := startLoad(t, o, rate)
	before := make([]uint64, nodes)
	for i, x := range r.all {
		before[i] = x.engine.Counters().StatusSent
	}
	r.run(t, seconds*mcast.Second)
	most := uint64(0)
	for i, x := range r.all[1:] {
		most = max(most, x.engine.Counters().StatusSent-before[1+i])
	}
	t.Logf("%d messages, at most %d Status of a member, %d heartbeats", len(r.sent)-1, most, r.all[0].engine.Counters().HeartbeatsSent)
	// Every 50 ms of the stream; 10 a second with each of two lanes' Hello, before, beside and for the 3 s after.
	if bound := uint64(20*seconds + 10*(seconds+4)*nodes); most > bound {
		t.Errorf("a member said %d times where it stands, want %d at most", most, bound)
	}
}

// A node that takes few datagrams a second, and was cut off for a while, lacks something of everybody: what all send
// it again at once must not be more than it takes, or they would send it again and again.
func TestManyRepairOne(t *testing.T) {
	const us, ms = mcast.Microsecond, mcast.Millisecond
	o := Options{Seed: 9, Nodes: 10, Messages: 15_000, Interval: 2 * ms, Jitter: 20 * us, Socket: 2000, LossAllowed: true}
	o.Config.ReceiveBuffer = o.Socket * (mcast.MTUDefault + 1024)
	n := New(o)
	n.Run(5*mcast.Second, n.AllJoined)
	last, begin := n.Nodes[9], n.Now()
	last.Slow(50 * us)
	for _, x := range n.Nodes {
		x.Publish()
	}
	cut := func(on bool) {
		for i := range 9 {
			n.Partition(i, 9, on)
			n.Partition(9, i, on)
		}
	}
	n.After(500*ms, func() { cut(true) })
	n.After(1500*ms, func() { cut(false) })
	n.Run(30*mcast.Second, n.AllTaken)
	repairs, alone := uint64(0), uint64(0)
	for _, x := range n.Nodes[:9] {
		repairs += x.engine.Counters().RepairsSent
		alone += x.engine.Counters().RepairsUnicast
	}
	holes := last.engine.Counters().Holes
	t.Logf("it missed %d datagrams, %d messages for ever; %d repairs, %d to it alone; %d overran its socket; all was there after %d ms",
		holes, last.Missed, repairs, alone, n.Counts.Overrun, (n.Now()-begin)/ms)
	if err := n.Err(); err != nil {
		t.Error(err)
	}
	if repairs > 4*holes { // 2.4 times as many; 16 times when all were asked for that it lacked
		t.Errorf("%d repairs for %d datagrams", repairs, holes)
	}
}
