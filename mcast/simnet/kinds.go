package simnet

import "github.com/ringcast/ringcast/mcast"

// losesKind is a way that loses datagrams of one kind alone: a filter that lets the group's port pass and no other, a
// switch without multicast, a tunnel whose packets are smaller than others'.
type losesKind struct {
	loss    float64
	unicast bool
	group   bool
	beyond  int // bytes; 0: of any length
}

// of says whether a datagram is of the kind.
func (k *losesKind) of(data []byte, multi bool) bool {
	return len(data) > k.beyond && (multi && k.group || !multi && k.unicast)
}

// runKinds lives in a world whose ways lose datagrams of one kind alone.
func runKinds(seed uint64) *World {
	soft := seed%2 == 0
	w := NewWorld(chaosOptions(seed, soft), soft)
	w.kinds = true
	w.moves, w.histories = seed/2%4 == 1, seed/2%4 == 2
	w.ringHolds = 4000
	d := 1500 * ms
	if !soft {
		d = 6 * mcast.Second
	}
	w.Live(d)
	return w
}

// loseKind makes ways lossy for one kind of datagrams, for a while: one way, all of one node, or all to it.
func (w *World) loseKind() {
	k, d := w.someKind()
	from, to := w.rnd.IntN(len(w.actors)), w.rnd.IntN(len(w.actors))
	which := w.rnd.IntN(3)
	for i, x := range w.Nodes {
		for j := range w.Nodes {
			if (i == from || which == 2) && (j == to || which == 1) {
				x.links[j].kind = k
			}
		}
	}
	w.After(d, func() {
		for i, x := range w.Nodes {
			for j := range w.Nodes {
				if (i == from || which == 2) && (j == to || which == 1) && x.links[j].kind == k {
					x.links[j].kind = losesKind{}
				}
			}
		}
	})
}

// someKind draws what is lost and for how long; in a soft world no more than other losses there.
func (w *World) someKind() (k losesKind, d mcast.Duration) {
	k = []losesKind{{unicast: true}, {group: true}, {unicast: true, group: true, beyond: 100 + w.rnd.IntN(1200)}}[w.rnd.IntN(3)]
	if w.soft {
		k.loss = 0.1 + 0.2*w.rnd.Float64()
		return k, w.upTo(100 * ms)
	}
	k.loss = []float64{0.5, 1, 1}[w.rnd.IntN(3)]
	return k, w.upTo([]mcast.Duration{300 * ms, 3 * mcast.Second, 12 * mcast.Second}[w.rnd.IntN(3)])
}
