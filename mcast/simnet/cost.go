package simnet

import (
	"runtime"
	"slices"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Cost is what the protocol costs with so many nodes, of which one sends.
type Cost struct {
	Nodes int

	// One packet lost by all receivers.
	Naks    float64           // NAKs a loss
	Repairs float64           // datagrams sent again a loss
	Repair  [3]mcast.Duration // from when it would have come until the repair has: mean, p99, greatest

	// Independent loss of 0.1 % at every receiver.
	NaksEach    float64 // NAKs a datagram that a receiver lacks
	RepairsEach float64 // datagrams sent again a datagram that a receiver lacks

	// Bytes of control frames a second.
	IdleSent, IdleReceived float64 // of a node, while nobody sends
	BusySender             float64 // sent by the sender
	BusyReceiver           float64 // sent by each receiver
	BusyReceived           float64 // received by each receiver

	Memory float64        // bytes a node once all have joined, without the window
	Join   mcast.Duration // from the start of the first until all see all
	Err    error
}

// traffic counts what nodes put on the wire, by node.
type traffic struct {
	control, repairs []uint64 // bytes and datagrams sent by a node
	received         []uint64 // control bytes that came to a node
}

func (n *Network) count() *traffic {
	t := &traffic{make([]uint64, len(n.Nodes)), make([]uint64, len(n.Nodes)), make([]uint64, len(n.Nodes))}
	n.traffic = t
	return t
}

// sent notes a datagram that a node puts on the wire, once for all receivers.
func (t *traffic) sent(x *Node, b []byte) {
	switch {
	case wire.TypeOf(b) != wire.TypeData:
		t.control[x.index] += uint64(len(b))
	case wire.FlagsOf(b)&wire.FlagRepair != 0:
		t.repairs[x.index]++
	}
}

func (t *traffic) came(x *Node, b []byte) {
	if wire.TypeOf(b) != wire.TypeData {
		t.received[x.index] += uint64(len(b))
	}
}

func mean(of []uint64, span mcast.Duration) float64 {
	var sum uint64
	for _, v := range of {
		sum += v
	}
	return float64(sum) / float64(len(of)) / float64(span) * float64(mcast.Second)
}

// CostOf measures with one sender and nodes-1 receivers, in virtual time but for
// the memory. It uses some tens of seconds of processor for 500 nodes.
func CostOf(seed uint64, nodes int) *Cost {
	c := &Cost{Nodes: nodes}
	n := New(Options{Seed: seed, Nodes: nodes, Messages: 3000, SizeMax: 1000, Interval: 100 * us, Jitter: 20 * us, Delay: 100 * us})
	before := heap()
	begin := n.now
	n.RunUntil(10*mcast.Second, n.AllJoined)
	c.Join = n.now - begin
	n.Run(600*ms, nil)
	c.Memory = float64(heap()-before) / float64(nodes)

	t := n.count()
	n.Run(mcast.Second, nil)
	c.IdleSent, c.IdleReceived = mean(t.control, mcast.Second), mean(t.received, mcast.Second)

	n.costOfCommonLoss(c)
	n.costOfEachLoss(c)
	n.CheckProgress()
	runtime.KeepAlive(n)
	c.Err = n.Err()
	return c
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// CommonLoss measures only what one packet costs that all of nodes receivers lose.
func CommonLoss(seed uint64, receivers int) *Cost {
	c := &Cost{Nodes: receivers + 1}
	n := New(Options{Seed: seed, Nodes: c.Nodes, Messages: 3000, SizeMax: 1000, Interval: 100 * us, Jitter: 20 * us, Delay: 100 * us})
	n.RunUntil(10*mcast.Second, n.AllJoined)
	n.costOfCommonLoss(c)
	n.CheckProgress()
	c.Err = n.Err()
	return c
}

// costOfCommonLoss lets every fortieth datagram of the sender get lost for all.
func (n *Network) costOfCommonLoss(c *Cost) {
	n.publishAll() // so that round trips have been measured
	n.Run(400*ms, nil)
	lost, seen := map[uint64]mcast.Time{}, 0
	var ages []mcast.Duration
	n.Drop = func(from, to *Node, b []byte) bool {
		seq, repair, ok := laneSequence(b)
		if from.index != 0 || !ok || repair {
			return false
		}
		if to.index == 1 {
			if seen++; seen%40 == 20 {
				lost[seq] = n.now + n.Options.Delay
			}
		}
		_, gone := lost[seq]
		return gone
	}
	n.OnData = func(to *Node, b []byte) {
		if seq, repair, ok := laneSequence(b); ok && repair && lost[seq] != 0 {
			ages = append(ages, n.now-lost[seq])
		}
	}
	t := n.count()
	x := n.Nodes[0]
	naks, start := x.engine.Counters().NakReceived, n.now
	n.publishAll()
	span := n.now - start
	c.BusySender = float64(t.control[0]) / float64(span) * float64(mcast.Second)
	c.BusyReceiver, c.BusyReceived = mean(t.control[1:], span), mean(t.received[1:], span)
	n.Drop, n.OnData = nil, nil
	if len(lost) == 0 || len(ages) == 0 {
		n.violate("repair", "nothing was lost, or nothing repaired")
		return
	}
	c.Naks = float64(x.engine.Counters().NakReceived-naks) / float64(len(lost))
	c.Repairs = float64(t.repairs[0]) / float64(len(lost))
	slices.Sort(ages)
	var sum mcast.Duration
	for _, a := range ages {
		sum += a
	}
	c.Repair = [3]mcast.Duration{sum / mcast.Duration(len(ages)), ages[len(ages)*99/100], ages[len(ages)-1]}
}

// costOfEachLoss lets every receiver lose one datagram in a thousand of its own.
func (n *Network) costOfEachLoss(c *Cost) {
	t := n.count()
	x := n.Nodes[0]
	naks, lost := x.engine.Counters().NakReceived, uint64(0)
	n.Drop = func(from, to *Node, b []byte) bool {
		if _, repair, ok := laneSequence(b); !ok || repair || from != x || n.rnd.IntN(1000) != 0 {
			return false
		}
		lost++
		return true
	}
	n.publishAll()
	n.Drop = nil
	c.NaksEach = float64(x.engine.Counters().NakReceived-naks) / float64(max(lost, 1))
	c.RepairsEach = float64(t.repairs[0]) / float64(max(lost, 1))
}

// publishAll lets the first node publish, until everybody has everything.
func (n *Network) publishAll() {
	n.Nodes[0].Publish()
	n.RunUntil(10*mcast.Second, n.AllTaken)
}

// laneSequence reads the lane sequence of a Data frame.
func laneSequence(b []byte) (seq uint64, repair, ok bool) {
	if wire.TypeOf(b) != wire.TypeData {
		return 0, false, false
	}
	var d wire.Data
	flags := wire.FlagsOf(b)
	wire.ParseData(b[wire.HeaderSize:], flags, &d)
	return d.LaneSequence, flags&wire.FlagRepair != 0, true
}
