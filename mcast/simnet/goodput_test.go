package simnet

import (
	"math/rand/v2"
	"testing"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

// A forger sends NAKs in other nodes' names to the first node of a run.
type forger struct {
	name  string
	least float64 // of the rate that is left for what is new
	from  func(r *loadRun, rnd *rand.Rand) (node uint32, session uint64, as *Node)
}

var forgers = []forger{
	{"nodes that are made up", 0.9, func(r *loadRun, rnd *rand.Rand) (uint32, uint64, *Node) {
		return 1000 + rnd.Uint32N(1<<16), 1 + rnd.Uint64N(1<<40), newNode(r.net, 90)
	}},
	{"a member, from another address", 0.9, func(r *loadRun, _ *rand.Rand) (uint32, uint64, *Node) {
		return r.all[1].ID(), r.all[1].session, newNode(r.net, 90)
	}},
	{"a member, from its own address", 0, func(r *loadRun, _ *rand.Rand) (uint32, uint64, *Node) {
		return r.all[1].ID(), r.all[1].session, r.all[1].Node
	}},
}

// forge sends NAKs at a rate, each of which asks for much of what the lane still has.
func (f *forger) forge(r *loadRun, rate int) {
	rnd := rand.New(rand.NewPCG(r.net.Options.Seed, 0xf09e))
	to := r.all[0].Node
	var one func()
	one = func() {
		if r.stop {
			return
		}
		node, session, as := f.from(r, rnd)
		head, trail := to.engine.Head(mcast.LaneGated), to.engine.Trail(mcast.LaneGated)
		if head > trail {
			base := trail + rnd.Uint64N(head-trail)
			n := wire.Nak{Session: to.session, Base: base, HighestDelta: uint32(head - base - 1)}
			b := n.AppendTo(begin(node, session, wire.TypeNak))
			b = wire.AppendNakRange(b, 0, uint16(min(head-base, wire.NakRangeCountMax)))
			r.net.Counts.Forged++
			r.net.arrive(r.net.now, as, to, finish(b), false)
		}
		r.net.After(mcast.Second/mcast.Duration(rate), one)
	}
	r.net.After(0, one)
}

// Guarantee test 25, forged NAKs: what is new keeps nine tenths of its rate. Not where they come from a member's own
// address: that can't be told from a member who lacks all of it, and repairs go first; but nothing is lost by it.
func TestForgedNaks(t *testing.T) {
	base := goodput(t, nil, 0)
	for i := range forgers {
		f := &forgers[i]
		for _, rate := range []int{100, 3000, 100_000} {
			share := goodput(t, f, rate) / base
			t.Logf("NAKs of %s, %d a second: %.1f %% of the rate without", f.name, rate, 100*share)
			if share < f.least {
				t.Errorf("NAKs of %s, %d a second: %.1f %% of the rate without, want %.0f", f.name, rate, 100*share, 100*f.least)
			}
		}
	}
}

// goodput is how many new messages both receivers take a second beside a forger.
func goodput(t *testing.T, f *forger, rate int) (got float64) {
	const d = 400 * mcast.Millisecond
	o := Options{Seed: 25, Nodes: 3, Delay: 100 * us, Jitter: 20 * us, SizeMax: 1}
	o.Config.Rate = 20_000
	r := startLoad(t, o, 0)
	r.net.flooded = true
	if f != nil {
		f.forge(r, rate)
	}
	r.net.After(d, func() { got = float64(min(r.all[1].got, r.all[2].got)) / float64(d) * float64(mcast.Second) })
	r.run(t, d)
	for _, l := range r.all[1:] {
		if l.lost != 0 {
			t.Errorf("node %d: %d lost", l.ID(), l.lost)
		}
	}
	return got
}
