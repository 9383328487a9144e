package simnet

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

// witness takes what comes and keeps the last of each producer.
type witness struct {
	*Node
	last map[uint32]uint64 // by node: what the sender wrote into the last message
}

// Deliver is the sink's.
func (w *witness) Deliver(_ *mcast.Peer, _ *mcast.RemoteTopic, m *mcast.Message) {
	if len(m.Payload) == 8 {
		w.last[m.Producer.Node] = binary.LittleEndian.Uint64(m.Payload)
	}
}

// Lost is the sink's.
func (w *witness) Lost(*mcast.Peer, *mcast.RemoteTopic, mcast.Address, uint64, uint64, mcast.LossReason) {
}

// Room is the sink's.
func (w *witness) Room() {}

// Stale is the sink's.
func (w *witness) Stale(seen uint64) {
	life := w.life
	w.net.After(0, func() {
		if w.life == life {
			w.die()
			w.session = seen + 1
			w.above.Again(w.clock())
			w.net.After(mcast.Millisecond, w.Start)
		}
	})
}

func (w *witness) prepare(e *mcast.Engine) {
	if err := e.SetWants(w.clock(), []string{">"}); err != nil {
		panic(err)
	}
}

// publish sends the number count, if the node is up.
func (w *witness) publish(count uint64) {
	if !w.up {
		return
	}
	id, err := w.engine.Topic("t", mcast.TopicShape{SlotCount: 64})
	if err != nil {
		panic(err)
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], count)
	m := mcast.Message{Producer: mcast.Address{Node: w.ID(), Epoch: 7}, Sequence: count, Payload: b[:]}
	w.engine.Send(w.clock(), id, &m)
	w.engine.Flush(w.clock())
	w.after()
}

// mutate returns a copy of a frame in which something behind the first 16 bytes is
// not as it was: of Data the head only, since nothing here proves who sent a message.
func mutate(r *rand.Rand, frame []byte) []byte {
	b := append([]byte(nil), frame...)
	end := len(b)
	if wire.TypeOf(b) == wire.TypeData {
		end = min(end, wire.HeaderSize+wire.DataHeadSize)
	}
	for range 1 + r.IntN(3) {
		at := 16 + 4*r.IntN((end-16)/4)
		values := []uint64{0, 1, 1<<64 - 1, 1<<61 - 1, 1 << 31, r.Uint64(), uint64(r.IntN(1000))}
		v := values[r.IntN(len(values))]
		switch {
		case r.IntN(2) == 0 && at+8 <= end:
			binary.LittleEndian.PutUint64(b[at:], v)
		case r.IntN(2) == 0 && at+4 <= end:
			x := binary.LittleEndian.Uint32(b[at:])
			binary.LittleEndian.PutUint32(b[at:], x+uint32(v))
		default:
			b[at] ^= byte(1 << r.IntN(8))
		}
	}
	if wire.TypeOf(b) != wire.TypeData && r.IntN(8) == 0 {
		b = b[:16+r.IntN(len(b)-16)]
	}
	wire.Finish(b)
	return b
}

// runForged sends, beside what the nodes send, frames that nobody sent. They may
// cost messages and sessions, but in the end no node may stay outside.
func runForged(seed uint64) *Network {
	n := New(Options{Seed: seed, Nodes: 2 + int(seed%2), SamePort: true, Jitter: 50 * mcast.Microsecond})
	r := rand.New(rand.NewPCG(seed, 9))
	calm, inside := false, false
	n.Drop = func(from, to *Node, datagram []byte) bool {
		if !calm && !inside && r.IntN(20) == 0 && len(datagram) > 40 {
			inside = true
			n.Counts.Forged++
			n.send(from, to, mutate(r, datagram), true)
			inside = false
		}
		return false
	}
	var all []*witness
	for _, x := range n.Nodes {
		w := &witness{Node: x, last: map[uint32]uint64{}}
		x.app, x.session = w, 1<<40+uint64(x.index)
		all = append(all, w)
	}
	count := uint64(0)
	var publish func()
	publish = func() {
		count++
		for _, w := range all {
			w.publish(count)
		}
		n.After(5*mcast.Millisecond, publish)
	}
	n.After(0, publish)
	n.Run(3*mcast.Second, nil)
	calm = true
	n.Run(10*mcast.Second, nil)
	for _, w := range all {
		for _, x := range n.Nodes {
			if got := w.last[x.ID()]; x != w.Node && got+10 < count {
				n.violate("progress", "node %d has message %d of node %d, %d were sent", w.ID(), got, x.ID(), count)
			}
		}
	}
	return n
}
