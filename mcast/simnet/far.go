package simnet

import (
	"math/rand/v2"

	"github.com/ringcast/ringcast/mcast"
)

// runFar lives in a world of machines that have run for long: their clocks have nothing to do with each other and are anywhere,
// often about to pass what the wire has of a time, and so are the sequences of their producers.
func runFar(seed uint64) *World {
	soft := seed%2 == 0
	w := NewWorld(chaosOptions(seed, soft), soft)
	w.moves, w.histories = seed/2%4 == 1, seed/2%4 == 2
	w.ringHolds = 4000
	w.runLong(rand.New(rand.NewPCG(seed, 0xfa7)))
	d := 1500 * ms
	if !soft {
		d = 4 * mcast.Second
	}
	w.Live(d)
	return w
}

// runLong puts the clocks and the sequences where they are after a long time.
func (w *World) runLong(r *rand.Rand) {
	for _, a := range w.actors {
		a.time.skew = longTime(r)
		for _, s := range a.streams {
			s.begin = longSequence(r)
			s.next, s.end, s.cursor = s.begin+1, s.begin, s.begin+1
		}
	}
}

// longTime is how long a machine may have run: a time of the wire has 32 bits of microseconds.
func longTime(r *rand.Rand) mcast.Duration {
	const wraps = us << 32
	soon := mcast.Duration(r.Int64N(int64(5 * mcast.Second)))
	switch r.IntN(4) {
	case 0:
		return wraps - soon
	case 1:
		return wraps/2 - soon
	case 2:
		return mcast.Duration(r.Int64N(int64(1000 * wraps)))
	}
	return 0
}

// longSequence is how much a producer may have published: a sequence of the wire has 32 bits.
func longSequence(r *rand.Rand) uint64 {
	soon := r.Uint64N(500)
	switch r.IntN(4) {
	case 0:
		return 1<<32 - soon
	case 1:
		return 1<<31 - soon
	case 2:
		return 1<<40 + r.Uint64N(1<<33)
	}
	return 0
}
