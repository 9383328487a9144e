package simnet

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/ringcast/ringcast/mcast"
)

// Actor is a node that uses its engine as a forwarder would, but at random: topics
// of both lanes, several producers, wants that change, topics that are full for a
// while, restarts with places of any age. It pumps a topic that was refused only
// after Room, so that a Room that does not come shows.
type Actor struct {
	*Node
	world *World
	rnd   *rand.Rand

	topics    []*actorTopic
	streams   []*actorStream
	wants     []string
	histories []mcast.HistoryWant
	owed      map[expectKey]uint64 // first sequence that has to come, where a history was asked for
	wanted    mcast.Time           // when they last changed
	stable    stable

	accounts map[expectKey]*account
	keys     []expectKey                 // of accounts, in order of appearance
	sessions map[uint32]uint64           // greatest session that something was delivered of, by node
	saves    []map[[2]uint32][2]uint64   // lane places, oldest first
	full     map[*mcast.RemoteTopic]bool // since they are not free again
	peers    map[uint32]*mcast.Peer      // by node

	pumping bool
	late    bool   // it does without a topic, to want it with its history soon
	stale   uint64 // greatest session that it was told of, to begin above it soon; 0: none
	// overtaken counts the sessions that it left for SESSION_STALE, wars those of its present process, of which the
	// last was left at leftAt, by its own clock: see World.left.
	overtaken, wars int
	leftAt          mcast.Time
	alarms          int // of other machines under its id
}

type actorTopic struct {
	name string
	live bool
	slot uint32 // of its shape; another one is another ring
	id   mcast.TopicID
	made bool // the engine knows it in this shape
}

// actorStream is a producer; its messages up to end lie in a ring of this node.
type actorStream struct {
	owner    *Actor
	topic    *actorTopic
	producer mcast.Address
	begin    uint64 // nothing up to it was ever published
	next     uint64 // to be sent
	end      uint64 // last one published
	cursor   uint64 // next, as a successor finds it
	marks    []actorMark
	splices  []splice
	sentIn   uint64 // session in which something of it was sent last
	tried    bool   // next was refused before, and may be in a lane in part
	refused  bool
	since    mcast.Time // of the refusal
}

type actorMark struct{ next, head uint64 }

// account is what a node knows of a producer.
type account struct {
	next  uint64 // nothing below may come
	fresh bool   // anything from next on may come first
}

// actorEpoch is the epoch of the nodes of a world; twins have others.
const actorEpoch = 7

func newActor(w *World, x *Node, epoch uint32) *Actor {
	a := &Actor{Node: x, world: w, rnd: rand.New(rand.NewPCG(w.Options.Seed, uint64(x.index)+77)),
		accounts: map[expectKey]*account{}, sessions: map[uint32]uint64{}, stable: newStable()}
	x.app = a
	a.owed = map[expectKey]uint64{}
	topics := 1 + a.rnd.IntN(3)
	if epoch == actorEpoch && x.index >= publishersMax {
		topics = 0
	}
	for t := range topics {
		topic := &actorTopic{name: fmt.Sprintf("t%d.n%d", t, x.ID()), live: t == 1, slot: 64}
		a.topics = append(a.topics, topic)
		for p := range 1 + a.rnd.IntN(3) {
			s := &actorStream{owner: a, topic: topic, next: 1, cursor: 1,
				producer: mcast.Address{Node: x.ID(), Epoch: epoch, Generation: 1, Index: uint16(p), Handle: uint16(t)}}
			a.streams = append(a.streams, s)
			w.streams[expectKey{topic: topic.name, producer: s.producer}] = s
		}
	}
	a.wants = []string{">"}
	return a
}

// prepare is what a forwarder does between New and Start.
func (a *Actor) prepare(e *mcast.Engine) {
	a.full, a.peers = map[*mcast.RemoteTopic]bool{}, map[uint32]*mcast.Peer{}
	a.sessions = map[uint32]uint64{}
	if len(a.saves) > 0 && a.rnd.IntN(5) > 0 {
		for k, s := range a.saves[a.rnd.IntN(len(a.saves))] {
			e.Resume(k[0], k[1], s[0], s[1])
			a.sessions[k[0]] = max(a.sessions[k[0]], s[0])
		}
	}
	a.saves = nil
	for _, k := range a.keys {
		if x := a.accounts[k]; x.next > 1 {
			e.ResumeStream(k.producer.Node, k.topic, k.producer, x.next-1)
		}
	}
	a.stable = newStable()
	a.tellWants(e)
	for _, t := range a.topics {
		t.id, t.made = 0, false
	}
	for _, s := range a.streams {
		s.refused, s.tried = false, false
		s.marks, s.splices = s.marks[:0], s.splices[:0]
	}
	a.pumping = false
	a.pumpSoon(0)
}

// save writes down where the node stands, as a forwarder does every few milliseconds.
func (a *Actor) save() {
	places := map[[2]uint32][2]uint64{}
	for _, y := range a.world.actors {
		for lane := range uint32(3) {
			if session, next, ok := a.engine.Position(y.ID(), lane); ok {
				places[[2]uint32{y.ID(), lane}] = [2]uint64{session, next}
			}
		}
	}
	if a.saves = append(a.saves, places); len(a.saves) > 20 {
		a.saves = a.saves[1:]
	}
	for _, s := range a.streams {
		n := 0
		for n < len(s.marks) && s.marks[n].head < a.engine.Settled(s.topic.id) {
			s.cursor = s.marks[n].next
			n++
		}
		s.marks = s.marks[:copy(s.marks, s.marks[n:])]
		if len(s.marks) == 0 {
			s.cursor = s.next
		}
	}
}

// restart kills the node; a successor, another process, goes on where it stood.
func (a *Actor) restart(session uint64, after mcast.Duration) {
	a.above, a.wars = mcast.Overtaken{}, 0
	a.begin(session, after)
}

// begin ends a session and begins another one.
func (a *Actor) begin(session uint64, after mcast.Duration) {
	a.die()
	a.net.Counts.Restarts++
	a.note2("restart", session)
	a.session = session
	a.world.began(a)
	for _, s := range a.streams {
		s.next = s.cursor
		if !a.world.soft && a.rnd.IntN(4) == 0 { // the ring does not hold it any more
			s.next = min(s.end+1, s.next+a.rnd.Uint64N(20))
		}
	}
	a.net.After(after, func() {
		if !a.up {
			a.Start()
		}
	})
}

// publish puts more messages into a stream's ring.
func (a *Actor) publish(s *actorStream, n uint64) {
	s.end += n
	a.pumpSoon(0)
}

func (a *Actor) pumpSoon(after mcast.Duration) {
	if a.pumping {
		return
	}
	a.pumping = true
	a.net.push(&event{at: a.net.now + after, node: a.Node, life: -1, call: func() {
		a.pumping = false
		a.pump()
		a.after()
	}})
}

// pump hands over what the engine takes.
func (a *Actor) pump() {
	more := false
	for i := range a.streams {
		s := a.streams[(i+a.resume)%len(a.streams)]
		for round := 1 + a.rnd.IntN(30); round > 0 && s.next <= s.end && !s.refused; round-- {
			a.sendOne(s)
		}
		more = more || s.next <= s.end && !s.refused
	}
	a.resume++
	if a.rnd.IntN(8) > 0 || !more {
		a.engine.Flush(a.clock())
	}
	if more {
		a.pumpSoon(mcast.Duration(a.rnd.IntN(300)) * mcast.Microsecond)
	}
}

func (a *Actor) sendOne(s *actorStream) {
	t := s.topic
	if !t.made {
		id, err := a.engine.Topic(t.name, mcast.TopicShape{SlotCount: t.slot, SlotPayload: 2048, Live: t.live})
		if err != nil {
			panic(err)
		}
		t.id, t.made = id, true
	}
	m := mcast.Message{Producer: s.producer, Sequence: s.next, Payload: a.bytesOf(s), TimestampNs: s.next & 1}
	r := a.engine.Send(a.clock(), t.id, &m)
	s.tried = r == mcast.Busy
	switch r {
	case mcast.Sent:
		s.next++
		s.sentIn = a.session
		s.marks = append(s.marks, actorMark{s.next, a.engine.Placed(t.id)})
	case mcast.Unwanted:
		s.next++
	case mcast.Busy:
		s.refused, s.since = true, a.net.now
	default:
		panic(fmt.Sprintf("send: %d", r))
	}
}

func (a *Actor) bytesOf(s *actorStream) []byte {
	b := make([]byte, sizeOf(&a.net.Options, s.producer, s.next))
	fill(&a.net.Options, b, s.producer, s.next)
	if len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, a.session)
	}
	return b
}

// Room is the sink's: what was refused is tried again, once the engine's call is over.
func (a *Actor) Room() {
	for _, s := range a.streams {
		s.refused = false
	}
	a.pumpSoon(0)
}

// setWants changes what the node wants.
func (a *Actor) setWants(list []string) {
	a.beginStable(list)
	a.wants, a.wanted = list, a.net.now
	for _, k := range a.keys {
		if !covers(list, k.topic) {
			a.accounts[k].fresh = true
			delete(a.owed, k)
		}
	}
	if a.up {
		a.tellWants(a.engine)
		a.after()
	}
}

func covers(list []string, name string) bool {
	for _, p := range list {
		if mcast.Match(p, name) {
			return true
		}
	}
	return false
}

// PeerUp is the sink's.
func (a *Actor) PeerUp(p *mcast.Peer) {
	a.peers[p.Node()] = p
	a.note2("up", uint64(p.Node())<<32|p.Session())
}

// PeerDown is the sink's.
func (a *Actor) PeerDown(p *mcast.Peer, reason mcast.DownReason) {
	delete(a.peers, p.Node())
	if a.world.soft {
		a.net.violate("alive", "node %d takes node %d for gone (%v), which is there", a.ID(), p.Node(), reason)
	}
	a.note2("down", uint64(p.Node())<<32|p.Session()|uint64(reason)<<60)
}

// Wants is the sink's.
func (a *Actor) Wants(p *mcast.Peer, _ []string) { a.promiseStable(p) }

// Notice is the sink's.
func (a *Actor) Notice(p *mcast.Peer, lane uint32, what mcast.Notice) {
	a.note2(what.String(), uint64(p.Node())<<32|uint64(lane)<<8|uint64(what))
	if what == mcast.MemberPutOut && a.world.patient {
		a.net.violate("patience", "node %d puts node %d out of lane %d, though nobody but itself was stopped", a.ID(), p.Node(), lane)
	}
}

// Stale is the sink's. All who refuse a session say so, maybe at once, and after a pause all that was said is
// read at once: that is one session that is over, and the next one begins above all that was named.
func (a *Actor) Stale(seen uint64) {
	a.note2("stale", seen)
	told := a.stale != 0
	if a.stale = max(a.stale, seen); told {
		return
	}
	life := a.life
	a.net.After(0, func() {
		seen := a.stale
		a.stale = 0
		if a.up && a.life == life {
			a.world.left(a)
			a.above.Again(a.clock())
			a.begin(a.world.unused(a.ID(), seen+1+a.rnd.Uint64N(1000), 1), mcast.Millisecond)
		}
	})
}

// DuplicateNode is the sink's.
func (a *Actor) DuplicateNode(_ netip.AddrPort, session uint64) { a.alarms++ }

func (a *Actor) note2(what string, x uint64) {
	a.net.mix(x)
	if Verbose {
		fmt.Printf("%10d node %d(%d) %s %x\n", a.net.now/mcast.Microsecond, a.ID(), a.index, what, x)
	}
}

// Verbose prints what actors do.
var Verbose bool
