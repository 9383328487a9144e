package simnet

import (
	"math/rand/v2"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

// pathFaults are what paths carry in a world: large datagrams, or none.
type pathFaults struct {
	large, small int // bytes
	narrow       float64
	visits       bool // nodes come and go, and nothing else goes wrong but what does in a soft world
}

// runSizes lives in a world whose ways carry no large datagrams: of four seeds one soft, and three hard: one in which
// nodes come and go and ways stay as they are, one where all goes wrong and ways stay, and one where they change, too.
func runSizes(seed uint64) *World {
	soft := seed%4 == 0
	r := rand.New(rand.NewPCG(seed, 1500))
	o := chaosOptions(seed, soft)
	small := o.Config.MTU
	if small == 0 {
		small = mcast.MTUDefault
	}
	large := []int{small + 64, 2*small - 1, 3000, 8932}[r.IntN(4)]
	o.Config.MTULarge = max(large, small+8)
	o.Mixed = seed%16 == 1
	o.Large, o.LargeMax = 0.1, small*[]int{14, 40}[r.IntN(2)] // more takes longer to come than the world waits
	w := NewWorld(o, soft)
	w.steady = seed%4 != 3
	w.moves, w.histories = seed/4%4 == 1, seed/4%4 == 2
	if w.ringHolds = 4000; !soft {
		w.ringHolds = uint64([]int{20, 100, 1000}[r.IntN(3)])
	}
	w.paths = &pathFaults{large: o.Config.MTULarge, small: small, narrow: []float64{0, 0.1, 0.5}[r.IntN(3)]}
	if w.paths.visits = seed%4 == 1; w.paths.visits {
		w.narrowOne()
	}
	for range len(w.actors) {
		if r.Float64() < w.paths.narrow && !w.paths.visits {
			w.changePath()
		}
	}
	d := 1500 * ms
	if !soft {
		d = 8 * mcast.Second
	}
	w.Live(d)
	w.checkLarge()
	return w
}

// changePath makes one way, all of a node, or all to it narrow, or wide.
func (w *World) changePath() {
	w.Counts.Paths++
	path := 0
	if w.rnd.Float64() < max(w.paths.narrow, 0.1) {
		path = w.paths.small + w.rnd.IntN(w.paths.large-w.paths.small)
	}
	from, to := w.rnd.IntN(len(w.actors)), w.rnd.IntN(len(w.actors))
	which := w.rnd.IntN(4)
	for i, x := range w.Nodes {
		for j := range w.Nodes {
			switch which {
			case 0:
				if i != from || j != to {
					continue
				}
			case 1, 2: // its own interface, more often than another thing
				if i != from && j != from {
					continue
				}
			default:
				if j != to {
					continue
				}
			}
			x.links[j].path = path
		}
	}
}

// narrowOne makes all ways of the last node narrow.
func (w *World) narrowOne() {
	last := len(w.actors) - 1
	for i, x := range w.Nodes {
		for j := range w.Nodes {
			if i == last || j == last {
				x.links[j].path = w.paths.small
			}
		}
	}
}

// visit ends a node, more often than others the narrow one, with a word or without, and begins it again soon or after all
// others have taken it for dead.
func (w *World) visit() {
	a := w.anyone()
	if w.rnd.IntN(2) == 0 {
		a = w.actors[len(w.actors)-1]
	}
	if !a.up {
		return
	}
	if w.rnd.IntN(3) > 0 {
		a.engine.Close(a.clock())
	}
	a.restart(w.newSession(), w.upTo([]mcast.Duration{50 * ms, 800 * ms, 3 * mcast.Second}[w.rnd.IntN(3)]))
}

// tooLong holds the invariant size: where paths stay as they are, no peer is sent what does not come, and none asks for
// such. A repair for all is one that others ask for.
func (n *Network) tooLong(from, to *Node, data []byte) {
	if !n.steady || !from.up || wire.TypeOf(data) != wire.TypeData || wire.FlagsOf(data)&(wire.FlagRepair|wire.FlagUnicast) == wire.FlagRepair {
		return
	}
	if a, ok := from.app.(*Actor); ok && to.up && to.app != nil && a.peers[to.ID()] != nil && a.peers[to.ID()].Session() == to.session {
		n.violate("size", "node %d sends node %d, a peer, a datagram of %d bytes, which does not come", from.ID(), to.ID(), len(data))
	}
}

// checkLarge holds the invariant that datagrams are large at the end of a soft world where all paths are wide, and small
// where one is not.
func (w *World) checkLarge() {
	if !w.soft || w.failed() {
		return
	}
	for _, a := range w.actors {
		want := w.paths.large
		for _, b := range w.actors {
			if p := a.links[b.index].path; a != b && (p > 0 && p < w.paths.large || b.undirected) || a.undirected {
				want = w.paths.small
			}
		}
		if a.engine.Counters().ProbesFailed != 0 && a.engine.Datagram() < want {
			continue // all of a round's Probes or echoes were lost, and the next one comes too late for this world
		}
		if got := a.engine.Datagram(); got != want {
			w.violate("large", "node %d: datagrams of up to %d bytes, want %d", a.ID(), got, want)
		}
	}
}
