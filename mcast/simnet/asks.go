package simnet

import (
	"math/rand/v2"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

// forgeAsks lets somebody forge asks for what was published before, from the address of who asked, until the calm: in soft
// worlds one now and then, which nobody may be given up for.
func (w *World) forgeAsks() {
	r := rand.New(rand.NewPCG(w.Options.Seed, 0xa5c))
	apart, next, inside := ms, mcast.Time(0), false
	if w.soft {
		apart = 3 * mcast.Second
	}
	w.Drop = func(from, to *Node, datagram []byte) bool {
		if w.calm || inside || w.now < next || wire.TypeOf(datagram) != wire.TypeUnicastAck || r.IntN(4) != 0 {
			return false
		}
		inside, next = true, w.now+apart
		w.Counts.Forged++
		w.send(from, to, mutateAsk(r, datagram), false)
		inside = false
		return false
	}
}

// mutateAsk returns an UnicastAck with other numbers: one that begins a stream, ends it, or says other chunks.
func mutateAsk(r *rand.Rand, frame []byte) []byte {
	var u wire.UnicastAck
	if wire.ParseUnicastAck(frame[wire.HeaderSize:], &u) != wire.OK {
		return frame
	}
	switch r.IntN(4) {
	case 0:
		u.Next += uint32(r.IntN(5) - 2)
		u.Mask = r.Uint64()
	case 1:
		u.Last = true
	default:
		u.Stream += []uint32{1 << 30, 1<<31 - 1, 1 << 31, 1, 2, 1<<32 - 1}[r.IntN(6)]
		u.Next, u.Mask = 0, 0
	}
	b := u.AppendTo(append([]byte(nil), frame[:wire.HeaderSize]...))
	wire.Finish(b)
	return b
}
