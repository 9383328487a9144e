package simnet

import (
	"fmt"

	"github.com/ringcast/ringcast/mcast"
)

const (
	ms = mcast.Millisecond
	us = mcast.Microsecond
)

// begin starts what goes wrong in every world, and what is done in it.
func (w *World) begin() {
	w.every(w.pace, func() {
		a := w.publisher()
		a.publish(a.streams[w.rnd.IntN(len(a.streams))], 1+w.rnd.Uint64N(20))
	})
	for _, a := range w.actors {
		w.every(mcast.Duration(5+len(w.actors))*ms, func() {
			if a.up {
				a.save()
			}
		})
	}
	if w.moves {
		w.often([]mcast.Duration{12 * ms, 60 * ms, 300 * ms}[w.Options.Seed/8%3], w.comeOrGo)
	} else if !w.soft || w.Options.Seed%2 == 0 { // an owner waits for nobody whose new list it has not got
		w.often(100*ms, w.changeWants)
	}
	if w.histories {
		w.often(60*ms, w.joinLate)
	}
	if w.kinds {
		w.often(100*ms, w.loseKind)
	}
	if w.paths != nil && !w.steady {
		w.often(700*ms, w.changePath)
	}
	w.often(300*ms, func() {
		if x, d := w.anyone(), w.upTo(200*ms); !w.soft || x.busyTill <= w.now {
			x.Pause(d)
		}
	})
	w.often(200*ms, func() {
		if x := w.anyone(); x.up {
			x.Jump(w.upTo(200 * ms))
			x.engine.LocalLoss(x.clock(), 1)
		}
	})
	w.often(500*ms, func() {
		if x := w.anyone(); x.up {
			x.Drift(w.rnd.Int64N(401) - 200)
		}
	})
	if w.paths != nil && w.paths.visits {
		w.often(300*ms, w.visit)
	} else if !w.soft {
		w.beginHard()
	}
}

// often does something to some node at the mean given for a world of a few nodes, and
// more often in a larger one.
func (w *World) often(mean mcast.Duration, f func()) {
	w.every(mean*4/mcast.Duration(max(4, len(w.actors))), f)
}

// upTo is a random span.
func (w *World) upTo(d mcast.Duration) mcast.Duration {
	return 1 + mcast.Duration(w.rnd.Int64N(int64(d)))
}

// beginHard starts what explains losses.
func (w *World) beginHard() {
	w.often(400*ms, func() {
		if x := w.anyone(); x.up {
			x.restart(w.newSession(), w.upTo(60*ms))
		}
	})
	w.often(2*mcast.Second, func() { // gone for long, or with a clock that was set back
		if x := w.anyone(); x.up {
			session := w.newSession()
			if w.rnd.IntN(2) == 0 {
				session = w.unused(x.ID(), x.session-1, -1)
				w.Counts.ClocksBack++
			}
			x.restart(session, w.upTo(4000*ms))
		}
	})
	w.often(800*ms, func() { w.anyone().Pause(w.upTo(3000 * ms)) })
	w.often(700*ms, func() {
		from, to := w.rnd.IntN(len(w.Nodes)), w.rnd.IntN(len(w.Nodes))
		w.cutFor(from, to, w.rnd.IntN(2) == 0, w.upTo(3000*ms))
	})
	w.every(mcast.Second, w.cutInTwo)
	w.often(600*ms, w.loseSomewhere)
	w.often(600*ms, w.slowSomebody)
	w.often(500*ms, func() {
		if x := w.anyone(); x.up {
			x.Drift(w.rnd.Int64N(40_001) - 20_000)
		}
	})
	w.often(300*ms, w.replaceRing)
	w.every(500*ms, func() { w.Options.Loss = []float64{0, 0.01, 0.2, 0.5}[w.rnd.IntN(4)] })
	if w.rnd.IntN(3) == 0 {
		w.every(2*mcast.Second, w.twin)
	}
}

// cutInTwo parts the nodes below an index from the others, for a while.
func (w *World) cutInTwo() {
	at := w.rnd.IntN(len(w.actors))
	both, d := w.rnd.IntN(2) == 0, w.upTo(3000*ms)
	for from := range at {
		for to := at; to < len(w.actors); to++ {
			w.cutFor(from, to, both, d)
		}
	}
}

// loseSomewhere makes one node, or one way, lossy for a while.
func (w *World) loseSomewhere() {
	from, to, loss, d := w.rnd.IntN(len(w.Nodes)), w.rnd.IntN(len(w.Nodes)), 0.05+0.5*w.rnd.Float64(), w.upTo(2000*ms)
	set := w.LoseAt
	if w.rnd.IntN(2) == 0 {
		set = func(from int, loss float64) { w.LoseOneWay(from, to, loss) }
	}
	set(from, loss)
	w.After(d, func() { set(from, 0) })
}

// slowSomebody makes a node need long for every datagram, for a while.
func (w *World) slowSomebody() {
	x := w.anyone()
	x.Slow(w.upTo(300 * us))
	w.After(w.upTo(1500*ms), func() { x.service = 0 })
}

// replaceRing gives a topic another shape: another ring.
func (w *World) replaceRing() {
	a := w.publisher()
	t := a.topics[w.rnd.IntN(len(a.topics))]
	w.Counts.Rings++
	t.slot, t.made = t.slot*2, false
	for _, s := range a.streams {
		s.sentIn = 0 // another table, which has not named them yet
	}
}

func (w *World) cutFor(from, to int, both bool, d mcast.Duration) {
	set := func(on bool) {
		w.Partition(from, to, on)
		if both {
			w.Partition(to, from, on)
		}
	}
	w.Counts.Partitions++
	set(true)
	w.After(d, func() { set(false) })
}

// changeWants gives a node another list.
func (w *World) changeWants() {
	a := w.anyone()
	w.Counts.Wants++
	var list []string
	switch w.rnd.IntN(4) {
	case 0:
		list = []string{">"}
	case 1:
		list = []string{fmt.Sprintf("t%d.*", w.rnd.IntN(3)), "t0.*"}
	default:
		for _, b := range w.actors {
			for _, t := range b.topics {
				if w.rnd.IntN(3) > 0 {
					list = append(list, t.name)
				}
			}
		}
	}
	a.setWants(list)
}

// comeOrGo has a node begin to want everything, or a topic, or nothing.
func (w *World) comeOrGo() {
	a, b := w.actors[1+w.rnd.IntN(len(w.actors)-1)], w.publisher()
	w.Counts.Wants++
	switch w.rnd.IntN(4) {
	case 0:
		a.setWants([]string{">"})
	case 1:
		a.setWants([]string{b.topics[w.rnd.IntN(len(b.topics))].name})
	default:
		a.setWants(nil)
	}
}

// twin lets another machine speak under a node's id for a while.
func (w *World) twin() {
	if len(w.twins) >= twinsMax {
		return
	}
	of := w.anyone()
	session := w.newSession()
	if w.rnd.IntN(2) == 0 {
		session = w.unused(of.ID(), of.session-1-w.rnd.Uint64N(5), -1)
	}
	a := w.addTwin(of, session)
	w.After(mcast.Duration(w.rnd.IntN(3000))*mcast.Millisecond, func() { w.killTwin(a) })
}

// addTwin starts another machine under a node's id.
func (w *World) addTwin(of *Actor, session uint64) *Actor {
	w.Counts.Twins++
	x := newNode(w.Network, len(w.Nodes))
	x.id, x.session, x.streams = of.ID(), session, nil
	w.Nodes = append(w.Nodes, x)
	a := newActor(w, x, uint32(100+len(w.twins)))
	w.twins = append(w.twins, a)
	w.began(a)
	x.Start()
	for _, s := range a.streams {
		a.publish(s, 50)
	}
	return a
}

func (w *World) killTwin(a *Actor) {
	if a.up {
		a.die()
	}
}
