package simnet

import (
	"fmt"
	"math/rand/v2"

	"github.com/ringcast/ringcast/mcast"
)

// twinsMax is how many nodes may come that use another one's id.
const twinsMax = 4

// World is a network of actors under everything that may go wrong. After a time it
// becomes calm; then all that was published has to come, or to be told as lost.
type World struct {
	*Network
	actors    []*Actor
	twins     []*Actor // of a node id that another one has
	streams   map[expectKey]*actorStream
	rnd       *rand.Rand
	soft      bool // nothing happens that explains a loss
	joined    bool
	calm      bool
	moves     bool           // all nodes but the first change what they want without rest
	histories bool           // nodes ask for what was published before
	paths     *pathFaults    // nil: paths carry all
	kinds     bool           // ways lose datagrams of one kind alone
	patient   bool           // nobody may be put out
	pace      mcast.Duration // mean time between two publications
	ringHolds uint64         // messages of each stream
	fullness  int            // one delivery in so many fills a topic
	fullFor   int            // for up to so many ms
	sessions  uint64
	greatest  map[uint32]uint64 // session that began under each id
	begun     map[session]bool
	// Settled is how long it took from the calm until all had come to rest.
	Settled mcast.Duration
}

// NewWorld makes a world of its seed.
func NewWorld(o Options, soft bool) *World {
	n := New(o)
	w := &World{Network: n, rnd: rand.New(rand.NewPCG(o.Seed, 0xc4a05)), soft: soft, sessions: 1 << 40, pace: 3 * ms,
		streams: map[expectKey]*actorStream{}, greatest: map[uint32]uint64{}, begun: map[session]bool{}}
	w.fullness = []int{20, 100, 1000, 1 << 30}[w.rnd.IntN(4)]
	w.fullFor = []int{5, 100, 400}[w.rnd.IntN(3)]
	if !soft && w.rnd.IntN(2) == 0 {
		w.fullFor = 1500
	}
	for _, x := range n.Nodes {
		x.streams = nil
		x.session = w.newSession()
		w.actors = append(w.actors, newActor(w, x, actorEpoch))
		w.began(w.actors[len(w.actors)-1])
	}
	return w
}

func (w *World) newSession() uint64 {
	w.sessions += 1 + w.rnd.Uint64N(1000)
	return w.sessions
}

func (w *World) stream(topic string, producer mcast.Address) *actorStream {
	return w.streams[expectKey{topic: topic, producer: producer}]
}

// beginOf is the first sequence that was ever published of a producer.
func (w *World) beginOf(k expectKey) uint64 {
	if s := w.streams[k]; s != nil {
		return s.begin + 1
	}
	return 1
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

// publisher returns one of the nodes that have topics.
func (w *World) publisher() *Actor { return w.actors[w.rnd.IntN(w.publishers())] }

// publishers is how many nodes publish: the first ones.
func (w *World) publishers() int { return min(len(w.actors), publishersMax) }

// publishersMax bounds how many nodes of a large world publish.
const publishersMax = 6

// Live lets the world go on for a while, then calms it and waits for the end.
func (w *World) Live(d mcast.Duration) { w.liveWith(w.begin, d) }

// liveWith is Live with what happens given.
func (w *World) liveWith(begin func(), d mcast.Duration) {
	if w.soft {
		w.RunUntil(5*mcast.Second, w.allMet)
		if !w.allMet() {
			w.violate("progress", "the nodes did not join")
			return
		}
		w.joined = true
	}
	begin()
	w.Run(d, nil)
	w.calmDown()
	calm := w.now
	w.Run(w.Options.ReplayBy, nil)
	w.rest()
	w.Settled = w.now - calm
	w.Run(restFor, nil)
	w.check("tail", w.open(false))
	w.check("membership", w.apart())
	for _, a := range w.actors {
		for _, s := range a.streams {
			a.publish(s, 1)
		}
	}
	w.RunUntil(20*mcast.Second, func() bool { return w.open(true) == "" })
	w.check("progress", w.open(true))
}

// rest waits until all has come, and no longer than restMax, but for streams of what was published before:
// they have a tenth of their owner's rate, and may come for as long as that takes them.
func (w *World) rest() {
	done := func() bool { return w.open(false) == "" && w.apart() == "" && w.allRead() }
	w.RunUntil(restMax, done)
	for end := w.now + streamMax; !done() && w.now < end; {
		before := w.chunks()
		if w.RunUntil(streamApart, done); w.chunks() == before {
			return
		}
	}
}

// chunks counts the chunks that were made, of all streams.
func (w *World) chunks() (n uint64) {
	for _, a := range w.actors {
		n += a.engine.Counters().ChunksSent
	}
	return n
}

const (
	// restMax is by when the world has to be at rest, once it is calm: nodes that
	// are down for up to 4 s come back, are heard again, and holes are given up.
	restMax = 12 * mcast.Second
	// streamMax is how much longer what was published before may come, streamApart by when something of it has to.
	streamMax, streamApart = 60 * mcast.Second, mcast.Second
	// restFor is how long it has to stay so.
	restFor = 300 * mcast.Millisecond
)

// calmDown ends everything that goes wrong; every node is there and wants all.
func (w *World) calmDown() {
	w.calm = true
	o := &w.Options
	o.Loss, o.Duplicate, o.Reorder, o.Replay = 0, 0, 0, 0
	for _, x := range w.Nodes {
		x.loss, x.service = 0, 0
		for i := range x.links {
			x.links[i].cut, x.links[i].loss, x.links[i].kind = false, 0, losesKind{}
		}
	}
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
		if n := a.engine.CatchingUp(); n != 0 {
			return fmt.Sprintf("node %d still waits for what %d nodes published before", a.ID(), n)
		}
		if w.soft && len(a.owed) != 0 {
			return fmt.Sprintf("node %d: %d streams have not begun with what was published before", a.ID(), len(a.owed))
		}
		if what := a.lacksStable(); what != "" {
			return what
		}
		for _, k := range a.keys {
			x := a.accounts[k]
			s := w.stream(k.topic, k.producer)
			if s != nil && (all || s.sentIn == s.owner.session) && s.producer.Epoch == actorEpoch && s.producer.Node != a.ID() && !x.fresh && covers(a.wants, k.topic) && x.next != s.end+1 {
				return fmt.Sprintf("node %d stands at %d of %s %v, %d were published", a.ID(), x.next, k.topic, k.producer, s.end)
			}
		}
	}
	return ""
}

// apart names a node that does not see all others, each in its present session.
func (w *World) apart() string {
	for _, a := range w.actors {
		for _, b := range w.actors {
			p := a.peers[b.ID()]
			switch {
			case a == b && p == nil:
			case p == nil || a == b:
				return fmt.Sprintf("node %d sees node %d: %v", a.ID(), b.ID(), p != nil)
			case p.Session() != b.session:
				return fmt.Sprintf("node %d sees session %d of node %d, which is in %d", a.ID(), p.Session(), b.ID(), b.session)
			}
		}
		if len(a.peers) >= len(w.actors) {
			return fmt.Sprintf("node %d sees %d others of %d", a.ID(), len(a.peers), len(w.actors)-1)
		}
	}
	return ""
}

// allRead says whether all nodes have read the lanes of the others to their ends. Who has just come back knows nothing
// yet of what stands there, so that nothing of it is open.
func (w *World) allRead() bool {
	for _, a := range w.actors {
		for _, b := range w.actors {
			for _, lane := range []uint32{mcast.LaneGated, mcast.LaneLive} {
				if _, next, ok := a.engine.Position(b.ID(), lane); ok && next < b.engine.Head(lane) {
					return false
				}
			}
		}
	}
	return true
}

// check breaks an invariant for what is wrong, if anything is.
func (w *World) check(invariant, what string) {
	if !w.failed() && what != "" {
		w.violate(invariant, "%s", what)
	}
}

// session names one of an id.
type session struct {
	id     uint32
	number uint64
}

// began notes that a machine begins a session. They are times in ms: no two of an id are the same.
func (w *World) began(a *Actor) {
	w.greatest[a.ID()] = max(w.greatest[a.ID()], a.session)
	w.begun[session{a.ID(), a.session}] = true
}

// unused returns the nearest session, upwards or downwards by the step, that did not begin under an id.
func (w *World) unused(id uint32, number uint64, step int) uint64 {
	for w.begun[session{id, number}] {
		number += uint64(step)
	}
	return number
}

// left holds the invariant war: nobody leaves a session for SESSION_STALE but below another of its id, and of those
// that a process leaves the second is left a second after the first, and each that follows twice as long after the one
// before, up to 64 s, by the machine's clock. After two minutes without one it begins anew.
func (w *World) left(a *Actor) {
	since := a.clock() - a.leftAt
	if since >= 2*60*mcast.Second {
		a.wars = 0
	}
	a.overtaken++
	a.wars++
	a.leftAt = a.clock()
	switch {
	case w.greatest[a.ID()] <= a.session:
		w.violate("war", "node %d was overtaken in session %d, which is the greatest", a.ID(), a.session)
	case a.wars > 1 && since < mcast.Second<<min(a.wars-2, 6):
		w.violate("war", "node %d(%d) was overtaken %d times, the last %d ms after the one before", a.ID(), a.index, a.wars, since/ms)
	}
}
