package simnet

import "github.com/ringcast/ringcast/mcast"

// steps is what is known of a node's engine from step to step.
type steps struct {
	at    mcast.Time // of the last step
	spins int        // steps at that time
	count uint64
}

const (
	// spinsMax is how often a timer may be due again at the very same time.
	spinsMax = 2000
	// footprintEvery is how many steps lie at least between two looks at an engine's tables, and footprintByNode the
	// same for each node: the looks walk the tables.
	footprintEvery  = 64
	footprintByNode = 4
)

// watched holds the invariants timers and memory after a step of the node at now,
// its clock; next is the timer that the engine asks for.
func (x *Node) watched(now, next mcast.Time) {
	w := &x.watch
	w.count++
	if now != w.at {
		w.at, w.spins = now, 0
	} else if w.spins++; next <= now && w.spins > spinsMax {
		x.net.violate("timers", "node %d: due again at once %d times", x.ID(), w.spins)
	}
	if next > now+2*mcast.Second {
		x.net.violate("timers", "node %d: the next timer is in %d ms", x.ID(), (next-now)/mcast.Millisecond)
	}
	if w.count%uint64(max(footprintEvery, footprintByNode*len(x.net.Nodes))) == 0 {
		x.checkFootprint()
	}
}

// checkFootprint holds the invariant memory: every table within its bound.
func (x *Node) checkFootprint() {
	f, limit := x.engine.Footprint(), x.engine.Bounds()
	f.Each(&limit, func(table string, has, may int) {
		if has > may {
			x.net.violate("memory", "node %d: %d %s, at most %d are allowed", x.ID(), has, table, may)
		}
	})
}
