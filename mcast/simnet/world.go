package simnet

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/ringcast/ringcast/mcast"
)

// twinsMax is how many nodes may come that use another one's id.
const twinsMax = 4

// World is a network of actors under everything that may go wrong. After a time it
// becomes calm; then all that was published has to come, or to be told as lost.
type World struct {
	*Network
	actors   []*Actor
	twins    []*Actor // of a node id that another one has
	rnd      *rand.Rand
	soft     bool // nothing happens that explains a loss
	joined   bool
	calm     bool
	fullness int // one delivery in so many fills a topic
	fullFor  int // for up to so many ms
	alarms   int
	lost     uint64
	sessions uint64
}

// NewWorld makes a world of its seed.
func NewWorld(o Options, soft bool) *World {
	n := New(o)
	w := &World{Network: n, rnd: rand.New(rand.NewPCG(o.Seed, 0xc4a05)), soft: soft, sessions: 1 << 40}
	w.fullness = []int{20, 100, 1000, 1 << 30}[w.rnd.IntN(4)]
	w.fullFor = []int{5, 100, 400}[w.rnd.IntN(3)]
	if !soft && w.rnd.IntN(2) == 0 {
		w.fullFor = 1500
	}
	for _, x := range n.Nodes {
		x.streams = nil
		x.session = w.newSession()
		w.actors = append(w.actors, newActor(w, x, 7))
	}
	return w
}

func (w *World) newSession() uint64 {
	w.sessions += 1 + w.rnd.Uint64N(1000)
	return w.sessions
}

func (w *World) stream(topic string, producer mcast.Address) *actorStream {
	for _, list := range [][]*Actor{w.actors, w.twins} {
		for _, a := range list {
			for _, s := range a.streams {
				if s.producer == producer && s.topic.name == topic {
					return s
				}
			}
		}
	}
	return nil
}

// every does something again and again, at random times of the mean given, while
// the world is not calm.
func (w *World) every(mean mcast.Duration, f func()) {
	w.After(1+mcast.Duration(w.rnd.Int64N(2*int64(mean))), func() {
		if !w.calm {
			f()
			w.every(mean, f)
		}
	})
}

func (w *World) anyone() *Actor { return w.actors[w.rnd.IntN(len(w.actors))] }

// Live lets the world go on for a while, then calms it and waits for the end.
func (w *World) Live(d mcast.Duration) {
	if w.soft {
		w.Run(5*mcast.Second, w.allMet)
		if !w.allMet() {
			w.violate("progress", "the nodes did not join")
			return
		}
		w.joined = true
	}
	w.begin()
	w.Run(d, nil)
	w.calmDown()
	w.Run(w.Options.ReplayBy+12*mcast.Second, nil)
	w.check("tail")
	for _, a := range w.actors {
		for _, s := range a.streams {
			a.publish(s, 1)
		}
	}
	w.Run(20*mcast.Second, w.settled)
	w.check("progress")
}

// begin starts what goes wrong.
func (w *World) begin() {
	w.every(3*mcast.Millisecond, func() {
		a := w.anyone()
		a.publish(a.streams[w.rnd.IntN(len(a.streams))], 1+w.rnd.Uint64N(20))
	})
	for _, a := range w.actors {
		w.every(5*mcast.Millisecond, func() {
			if a.up {
				a.save()
			}
		})
	}
	if !w.soft || w.Options.Seed%2 == 0 { // an owner waits for nobody whose new list it has not got
		w.every(100*mcast.Millisecond, w.changeWants)
	}
	w.every(300*mcast.Millisecond, func() {
		x := w.anyone()
		x.Pause(mcast.Duration(1+w.rnd.IntN(200)) * mcast.Millisecond)
	})
	w.every(200*mcast.Millisecond, func() {
		if x := w.anyone(); x.up {
			x.Jump(mcast.Duration(w.rnd.Int64N(int64(200 * mcast.Millisecond))))
			x.engine.LocalLoss(x.clock(), 1)
		}
	})
	if !w.soft {
		w.beginHard()
	}
}

func (w *World) beginHard() {
	w.every(400*mcast.Millisecond, func() {
		if x := w.anyone(); x.up {
			x.restart(w.newSession(), mcast.Duration(1+w.rnd.IntN(60))*mcast.Millisecond)
		}
	})
	w.every(2*mcast.Second, func() { // gone for long, or with a clock that was set back
		if x := w.anyone(); x.up {
			session := w.newSession()
			if w.rnd.IntN(2) == 0 {
				session = x.session - 1
			}
			x.restart(session, mcast.Duration(w.rnd.IntN(4000))*mcast.Millisecond)
		}
	})
	w.every(800*mcast.Millisecond, func() {
		w.anyone().Pause(mcast.Duration(w.rnd.IntN(3000)) * mcast.Millisecond)
	})
	w.every(700*mcast.Millisecond, func() {
		from, to := w.rnd.IntN(len(w.Nodes)), w.rnd.IntN(len(w.Nodes))
		both := w.rnd.IntN(2) == 0
		w.cutFor(from, to, both, mcast.Duration(w.rnd.IntN(3000))*mcast.Millisecond)
	})
	w.every(300*mcast.Millisecond, func() {
		a := w.anyone()
		t := a.topics[w.rnd.IntN(len(a.topics))]
		t.slot, t.id = t.slot*2, 0
		for _, s := range a.streams {
			s.sentIn = 0 // another table, which has not named them yet
		}
	})
	w.every(500*mcast.Millisecond, func() {
		w.Options.Loss = []float64{0, 0.01, 0.2, 0.5}[w.rnd.IntN(4)]
	})
	if w.rnd.IntN(3) == 0 {
		w.every(2*mcast.Second, w.twin)
	}
}

func (w *World) cutFor(from, to int, both bool, d mcast.Duration) {
	set := func(on bool) {
		w.Partition(from, to, on)
		if both {
			w.Partition(to, from, on)
		}
	}
	set(true)
	w.After(d, func() { set(false) })
}

// changeWants gives a node another list.
func (w *World) changeWants() {
	a := w.anyone()
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

// twin lets another machine speak under a node's id for a while.
func (w *World) twin() {
	if len(w.twins) >= twinsMax {
		return
	}
	x := newNode(w.Network, len(w.Nodes))
	of := w.anyone()
	x.id, x.session = of.ID(), w.newSession()
	if w.rnd.IntN(2) == 0 {
		x.session = of.session - 1 - w.rnd.Uint64N(5)
	}
	x.streams = nil
	w.Nodes = append(w.Nodes, x)
	a := newActor(w, x, uint32(100+len(w.twins)))
	w.twins = append(w.twins, a)
	x.Start()
	for _, s := range a.streams {
		a.publish(s, 50)
	}
	w.After(mcast.Duration(w.rnd.IntN(3000))*mcast.Millisecond, func() { w.killTwin(a) })
}

func (w *World) killTwin(a *Actor) {
	if a.up {
		a.die()
	}
}

// calmDown ends everything that goes wrong; every node is there and wants all.
func (w *World) calmDown() {
	w.calm = true
	w.cut = map[[2]int]bool{}
	o := &w.Options
	o.Loss, o.Duplicate, o.Reorder, o.Replay = 0, 0, 0, 0
	for _, a := range w.twins {
		w.killTwin(a)
	}
	for _, a := range w.actors {
		for _, s := range a.streams {
			s.since = max(s.since, w.now)
		}
	}
}

// allMet says whether every node can send to all others.
func (w *World) allMet() bool {
	for _, a := range w.actors {
		if !a.up || a.engine.WantedBy("any") != len(w.actors)-1 {
			return false
		}
	}
	return true
}

// settled says whether every node stands at the end of every stream it wants.
func (w *World) settled() bool { return w.open(true) == "" }

// open names something that has not come. What a session sent nothing of is known
// to be missing only with its next message.
func (w *World) open(all bool) string {
	for _, a := range w.actors {
		if !a.up {
			return fmt.Sprintf("node %d is not up", a.ID())
		}
		for _, s := range a.streams {
			if s.next <= s.end {
				return fmt.Sprintf("%s of node %d: %d of %d were sent, refused %v", s.topic.name, a.ID(), s.next-1, s.end, s.refused)
			}
		}
		for _, k := range a.keys {
			x := a.accounts[k]
			s := w.stream(k.topic, k.producer)
			if s != nil && (all || s.sentIn == s.owner.session) && s.producer.Epoch == 7 && s.producer.Node != a.ID() && !x.fresh && covers(a.wants, k.topic) && x.next != s.end+1 {
				return fmt.Sprintf("node %d stands at %d of %s %v, %d were published", a.ID(), x.next, k.topic, k.producer, s.end)
			}
		}
	}
	return ""
}

func (w *World) check(invariant string) {
	if w.failed() {
		return
	}
	if what := w.open(invariant != "tail"); what != "" {
		w.violate(invariant, "%s", what)
	}
	for _, a := range slices.Concat(w.actors, w.twins) {
		if a.overtook > 30 {
			w.violate("war", "node %d was overtaken %d times", a.ID(), a.overtook)
		}
	}
}
