package simnet

import (
	"hash/maphash"
	"math/rand/v2"
	"net/netip"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Node is one node of the network: an Engine, its sink, and an application that
// publishes and checks.
type Node struct {
	net     *Network
	index   int
	address netip.AddrPort
	engine  *mcast.Engine
	session uint64
	above   mcast.Overtaken // the process's
	reboots uint32          // see Begin
	life    int
	up      bool
	tickAt  mcast.Time
	tick    uint64 // order of the event that is the timer
	links   []link // to each node
	loss    float64
	watch   steps

	// Publisher.
	streams []*outStream
	resume  int
	pumping bool

	// Checker.
	expect map[expectKey]*expectation
	stood  map[[2]uint32][2]uint64 // by node and lane: session and next, when it was killed
	Missed uint64                  // messages told as lost
	Taken  uint64                  // messages delivered
	// OnDeliver, if set, sees every message after the checks.
	OnDeliver func(p *mcast.Peer, t *mcast.RemoteTopic, m *mcast.Message)
	// OnNotice, if set, sees what the engine says about lanes.
	OnNotice func(p *mcast.Peer, lane uint32, what mcast.Notice)
	// Events lists what the engine said about peers, in words.
	Events []string
	naks   uint64

	// A stand-in for this node's application; nil: its own.
	app application

	card  port // the way out
	inlet port // the switch's port to this node

	// Faults of the machine: see machine.go.
	id         uint32
	undirected bool // of an earlier release
	time       machineClock
	service    mcast.Duration
	sending    mcast.Duration
	busyTill   mcast.Time
	backlog    []*event
	waiting    int    // datagrams in backlog
	dropped    int    // datagrams that found the socket full
	inHand     []byte // datagram that the engine is given
	waking     bool
	goingOn    bool
}

// application is what an engine is started for, in place of the publisher and
// checker of a Node.
type application interface {
	mcast.Sink
	prepare(e *mcast.Engine)
}

type laneKey struct {
	node    uint32
	session uint64
	lane    uint32
	seq     uint64
}

func newNode(n *Network, i int) *Node {
	x := &Node{net: n, index: i, id: uint32(i + 1), session: uint64(1000 + i), expect: make(map[expectKey]*expectation), stood: make(map[[2]uint32][2]uint64),
		address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte((i + 1) >> 8), byte(i + 1)}), 7000),
		links:   make([]link, n.Options.Nodes+twinsMax)}
	x.makeStreams()
	return x
}

// Engine returns the node's engine.
func (x *Node) Engine() *mcast.Engine { return x.engine }

// ID returns the node's id.
func (x *Node) ID() uint32 { return x.id }

// Start makes the engine of the node's present session and starts it.
func (x *Node) Start() {
	n := x.net
	c := n.Options.Config
	c.Node, c.Session, c.Epoch, c.Overtaken = x.ID(), x.session, 7+x.reboots, x.above
	c.DomainHash = 0xd0
	c.NoDirected, c.NoProbe = c.NoDirected || x.undirected, c.NoProbe || x.undirected
	c.Name = "node"
	sink := mcast.Sink(x)
	if x.app != nil {
		sink = x.app
	}
	e, err := mcast.New(&c, sink, rand.New(rand.NewPCG(n.Options.Seed, x.session)))
	if err != nil {
		panic(err) // the options of a test are wrong
	}
	x.tally()
	x.engine = e
	x.up = true
	x.tickAt = mcast.Never
	if x.app != nil {
		x.app.prepare(e)
	} else {
		x.openTopics()
		if err := e.SetWants(n.now, []string{">"}); err != nil {
			panic(err)
		}
		x.resumeFrom(e)
	}
	e.Start(x.clock())
	x.after()
}

// tally adds up what an engine that is over did.
func (x *Node) tally() {
	if x.engine == nil {
		return
	}
	c, e := &x.net.Counts, x.engine.Counters()
	c.Directed += e.DirectedSent
	c.DirectedResumes += e.DirectedResumed
	c.MovesDirected += e.MovesDirected
	c.MovesShared += e.MovesShared
	c.Enlarged += e.Enlarged
	c.Shrunk += e.Shrunk
}

// resumeFrom tells a new engine where its predecessor stood, as a forwarder reads
// it from its segment.
func (x *Node) resumeFrom(e *mcast.Engine) {
	for k, s := range x.stood {
		e.Resume(k[0], k[1], s[0], s[1])
	}
	for k, ex := range x.expect {
		e.ResumeStream(k.producer.Node, k.topic, k.producer, ex.next-1)
	}
}

// Kill stops the node without a word.
func (x *Node) Kill() {
	for _, y := range x.net.Nodes {
		for lane := range uint32(3) {
			if session, next, ok := x.engine.Position(y.ID(), lane); ok {
				x.stood[[2]uint32{y.ID(), lane}] = [2]uint64{session, next}
			}
		}
	}
	x.die()
	x.net.restarts++
	x.net.Counts.Restarts++
}

// Restart kills the node and starts it in a new session after a while.
func (x *Node) Restart(after mcast.Duration) {
	x.Kill()
	x.session += 100
	x.above = mcast.Overtaken{}
	x.net.After(after, x.Start)
}

// after runs what the engine has to do now and sets its timer.
func (x *Node) after() {
	if !x.up {
		return
	}
	now := x.clock()
	x.engine.Tick(now)
	at := x.engine.NextTimer()
	x.watched(now, at)
	if at < x.tickAt {
		x.setTick(at, x.whenClock(at))
	}
}

// setTick makes an event of the timer, in place of the one that there was.
func (x *Node) setTick(tickAt, at mcast.Time) {
	e := x.net.events.fresh()
	*e = event{at: at, node: x, life: x.life, tick: true}
	x.tickAt, x.tick = tickAt, x.net.order
	x.net.push(e)
}

// Multicast is the sink's: every other node gets a copy through the faults.
func (x *Node) Multicast(datagrams [][]byte) {
	for _, d := range datagrams {
		c := append([]byte(nil), d...)
		x.checkSequence(c)
		x.spend()
		if x.net.traffic != nil {
			x.net.traffic.sent(x, c)
		}
		if !x.card.pass(x.net.now) {
			x.net.Counts.PortFull++
			continue
		}
		for _, to := range x.net.Nodes {
			if to != x {
				x.net.send(x, to, c, true)
			}
		}
	}
}

// Unicast is the sink's.
func (x *Node) Unicast(to netip.AddrPort, datagram []byte) {
	c := append([]byte(nil), datagram...)
	x.spend()
	if wire.TypeOf(c) == wire.TypeNak {
		x.naks++
	}
	if x.net.traffic != nil {
		x.net.traffic.sent(x, c)
	}
	if wire.FlagsOf(c)&(wire.FlagRepair|wire.FlagUnicast) != 0 { // what is new of a lane of all goes to many, a copy to each
		x.checkSequence(c)
	}
	if !x.card.pass(x.net.now) {
		x.net.Counts.PortFull++
		return
	}
	if i := x.net.indexOf(to); i >= 0 {
		x.net.send(x, x.net.Nodes[i], c, false)
	}
}

// indexOf returns the index of the node with an address, -1 if there is none.
func (n *Network) indexOf(a netip.AddrPort) int {
	b := a.Addr().As4()
	if i := (int(b[2])<<8 | int(b[3])) - 1; i >= 0 && i < len(n.Nodes) && n.Nodes[i].address == a {
		return i
	}
	return -1
}

// checkSequence holds the invariant that a lane sequence always bears the same.
func (x *Node) checkSequence(frame []byte) {
	if wire.TypeOf(frame) != wire.TypeData {
		return
	}
	flags := wire.FlagsOf(frame)
	var d wire.Data
	if r := wire.ParseData(frame[wire.HeaderSize:], flags, &d); r != wire.OK {
		x.net.violate("sequence", "node %d sent bad data: %v", x.ID(), r)
		return
	}
	if flags&wire.FlagRepair == 0 {
		x.net.prompt.sent(x, frame, &d)
	}
	k := laneKey{node: x.ID(), session: x.session, lane: d.Lane, seq: d.LaneSequence}
	h := maphash.Bytes(hashSeed, d.Body)
	old, known := x.net.lanes[k]
	repair := flags&wire.FlagRepair != 0
	if repair && d.Lane&0xff == wire.LaneDirected {
		x.net.Counts.DirectedRepairs++
	}
	if known != repair || known && old != h {
		x.net.violate("sequence", "node %d lane sequence %d: repair %v, sent before %v, same bytes %v", x.ID(), d.LaneSequence, repair, known, old == h)
	}
	x.net.lanes[k] = h
}

// PeerUp is the sink's.
func (x *Node) PeerUp(p *mcast.Peer) { x.note("up", p, 0) }

// PeerDown is the sink's.
func (x *Node) PeerDown(p *mcast.Peer, reason mcast.DownReason) { x.note("down", p, uint64(reason)) }

func (x *Node) note(what string, p *mcast.Peer, extra uint64) {
	x.net.mix(uint64(p.Node())<<32 | p.Session() | extra<<56)
	x.Events = append(x.Events, what)
}

// Wants is the sink's.
func (x *Node) Wants(*mcast.Peer, []string) {}

// Notice is the sink's.
func (x *Node) Notice(p *mcast.Peer, lane uint32, what mcast.Notice) {
	x.note(what.String(), p, uint64(what))
	if x.OnNotice != nil {
		x.OnNotice(p, lane, what)
	}
}

// Room is the sink's: publishing goes on, after the engine's call has returned.
func (x *Node) Room() { x.schedulePump(0) }

// Stale is the sink's.
func (x *Node) Stale(seen uint64) {
	x.Events = append(x.Events, "stale")
	if seen >= x.session {
		x.Kill()
		x.session = seen + 1
		x.above.Again(x.clock())
		x.net.After(mcast.Millisecond, x.Start)
	}
}

// DuplicateNode is the sink's.
func (x *Node) DuplicateNode(netip.AddrPort, uint64) { x.Events = append(x.Events, "duplicate-node") }
