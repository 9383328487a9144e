package simnet

import (
	"math/rand/v2"

	"github.com/ringcast/ringcast/mcast"
)

// options makes a run of its seed: 2 to 4 nodes, loss 0-20 %, reordering,
// duplication, windows so small that they fill.
func options(seed uint64) Options {
	r := rand.New(rand.NewPCG(seed, 99))
	o := Options{Seed: seed, Nodes: 2 + r.IntN(3), Topics: 1 + r.IntN(2), Producers: 1 + r.IntN(3), Messages: 150 + r.IntN(250)}
	o.Loss = []float64{0, 0.001, 0.01, 0.05, 0.1, 0.2}[r.IntN(6)]
	o.BurstMean = []float64{1, 1, 3}[r.IntN(3)]
	o.Duplicate = []float64{0, 0.01, 0.1}[r.IntN(3)]
	o.Reorder = []float64{0, 0.01, 0.1}[r.IntN(3)]
	o.Jitter = mcast.Duration(r.IntN(200)+1) * mcast.Microsecond
	o.Delay = mcast.Duration(30+r.IntN(500)) * mcast.Microsecond
	o.Replay = []float64{0, 0.002}[r.IntN(2)]
	o.Large = []float64{0, 0.02, 0.1}[r.IntN(3)]
	o.Interval = mcast.Duration(20+r.IntN(400)) * mcast.Microsecond
	o.Config.MTU = []int{0, 576, 1408}[r.IntN(3)]
	mtu := max(o.Config.MTU, mcast.MTUMin)
	if o.Config.MTU == 0 {
		mtu = mcast.MTUDefault
	}
	// Windows so small stand still for every loss.
	o.Config.Timers.LaneStall, o.Config.Timers.Silence = 500*mcast.Millisecond, 500*mcast.Millisecond
	o.Config.Window = mtu * []int{64, 200, 2000}[r.IntN(3)]
	o.Config.Compression = []mcast.Compression{mcast.CompressPaced, mcast.CompressAlways, mcast.CompressNever}[r.IntN(3)]
	o.Text = r.IntN(2) == 0
	if r.IntN(4) == 0 {
		o.Config.Rate = 2000 + float64(r.IntN(20000))
	}
	if r.IntN(3) == 0 {
		o.Config.ReceiveBuffer = 2 * (mtu + 1024) * (16 + r.IntN(200))
	}
	directedOptions(&o, r)
	return o
}

// directedOptions lets topics go from lane to lane as soon as they may, or hardly ever.
func directedOptions(o *Options, r *rand.Rand) {
	t := &o.Config.Timers
	t.Alone = []mcast.Duration{mcast.Millisecond, 30 * mcast.Millisecond, mcast.Second}[r.IntN(3)]
	t.Absent = []mcast.Duration{mcast.Millisecond, 200 * mcast.Millisecond, 10 * mcast.Second}[r.IntN(3)]
	t.DirectedIdle = []mcast.Duration{20 * mcast.Millisecond, 10 * mcast.Second}[r.IntN(2)]
	o.Mixed = r.IntN(3) == 0
}

// runSeed joins, publishes and waits until everything has arrived.
func runSeed(o Options) *Network {
	n := New(o)
	n.RunUntil(5*mcast.Second, n.AllJoined)
	if !n.AllJoined() {
		n.violate("progress", "the nodes did not join")
		return n
	}
	n.prompt = newPromptness()
	for _, x := range n.Nodes {
		x.Publish()
	}
	n.RunUntil(60*mcast.Second, n.AllTaken)
	n.CheckProgress()
	n.CheckNaks(naksPerLoss)
	return n
}

// naksPerLoss bounds the NAKs for each lost datagram: each of its receivers asks
// in turn until the repair comes, and one NAK names all holes.
const naksPerLoss = 3

// restartOptions makes a run in which nodes are killed and come back in a new
// session, while datagrams of the old one are still on their way.
func restartOptions(seed uint64) Options {
	o := options(seed)
	o.LossAllowed = true
	o.Messages = 600
	o.Replay = 0.02
	o.Interval = 500 * mcast.Microsecond
	return o
}

// runRestart joins, publishes, kills one node after the other, and waits until
// every message was delivered or told as lost.
func runRestart(o Options) *Network {
	n := New(o)
	n.RunUntil(5*mcast.Second, n.AllJoined)
	for _, x := range n.Nodes {
		x.Publish()
	}
	r := rand.New(rand.NewPCG(o.Seed, 7))
	for i := range 3 {
		victim := n.Nodes[r.IntN(len(n.Nodes))]
		n.After(mcast.Duration(5+i*60)*mcast.Millisecond, func() {
			if victim.up {
				victim.Restart(mcast.Duration(r.IntN(30)+1) * mcast.Millisecond)
			}
		})
	}
	n.Run(mcast.Second, nil)
	n.RunUntil(20*mcast.Second, n.AllJoined)
	for _, x := range n.Nodes {
		x.schedulePump(0)
	}
	n.RunUntil(10*mcast.Second, n.allHandedOver)
	for _, x := range n.Nodes { // one message more of each, which shows what is missing before it
		x.publishMore(1)
	}
	n.RunUntil(30*mcast.Second, n.AllTaken)
	n.CheckProgress()
	return n
}

func (n *Network) allHandedOver() bool {
	for _, x := range n.Nodes {
		if !x.Done() {
			return false
		}
	}
	return true
}

// chaosOptions make a world of a seed.
func chaosOptions(seed uint64, soft bool) Options {
	r := rand.New(rand.NewPCG(seed, 31))
	o := options(seed)
	o.Nodes = 2 + r.IntN(4)
	o.SamePort = true
	o.Replay = []float64{0, 0.003, 0.02}[r.IntN(3)]
	o.ReplayBy = mcast.Duration(1+r.IntN(3)) * mcast.Second
	o.ReorderBy = []mcast.Duration{300 * mcast.Microsecond, 5 * mcast.Millisecond, 300 * mcast.Millisecond}[r.IntN(3)]
	if r.IntN(4) == 0 {
		o.Large, o.LargeMax = 0.01, 300_000
	}
	if soft {
		o.Loss = min(o.Loss, 0.1)
	}
	o.Config.Rate = max(o.Config.Rate, 5000)
	o.Socket = []int{0, 300, 2000}[r.IntN(3)]
	return o
}

func runChaos(seed uint64, soft bool) *World {
	w := NewWorld(chaosOptions(seed, soft), soft)
	d := 1500 * mcast.Millisecond
	if !soft {
		d = 6 * mcast.Second
	}
	w.Live(d)
	return w
}

// runMoves lives in a world in which topics go from lane to lane as fast as they can.
func runMoves(seed uint64) *World {
	soft := seed%2 == 0
	o := chaosOptions(seed, soft)
	o.Mixed = seed%8 == 0
	o.Config.Timers.Alone = []mcast.Duration{mcast.Millisecond, 30 * mcast.Millisecond}[seed/2%2]
	o.Nodes = max(o.Nodes, 3)
	w := NewWorld(o, soft)
	w.moves = true
	d := 1500 * mcast.Millisecond
	if !soft {
		d = 4 * mcast.Second
	}
	w.Live(d)
	return w
}
