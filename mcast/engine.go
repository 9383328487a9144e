package mcast

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/internal/guard"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Lanes of a node. The lane number is in every frame; more may come.
const (
	// LaneGated carries topics whose window waits for tethered members.
	LaneGated uint32 = 0
	// LaneLive carries topics for which nobody is waited.
	LaneLive uint32 = 1

	// LaneDirected carries the gated topics that one member alone wants: each node has such a lane to each member.
	LaneDirected uint32 = wire.LaneDirected

	lanesMax   = 3
	lanesGroup = 2 // lanes of which all are members
	// windowMin is the least window in datagrams: a batch and its repairs.
	windowMin = 64
	// producersMax is what 16 bits can number, 0 left out.
	producersMax = 1<<16 - 1
	// pauseMin is a lateness of Tick that is this process's fault and nobody's death.
	pauseMin = 100 * Millisecond
)

// ErrTopics is wrapped by the error of Topic when there are too many.
var ErrTopics = errors.New("mcast: too many topics")

// Engine is the protocol of one node. An Engine must not be used by more than
// one goroutine at a time.
type Engine struct {
	// Immutable after New.
	cfg                  Config
	sink                 Sink
	copier               Copier // the sink, if it is one
	warden               Warden // the same
	historian            HistorySource
	lists                uint64 // of members, that were counted
	rnd                  *rand.Rand
	helloName, helloHost []byte
	ownLane              uint32 // what others call their lane to this node

	now      Time
	lastTick Time
	deadline Time // not later than any timer
	started  bool
	closed   bool
	number   uint64 // packet number last given

	// Sending.
	lanes        [lanesGroup]*lane
	directed     map[uint32]*lane // to each member, by node
	used         []*lane          // of these, those that have a window
	opened       []*lane          // that have or had an open datagram
	outLanes     []*lane          // directed ones of which datagrams wait for the sink
	probe        probing
	moving       []*ownTopic // that wait to go on another lane
	movesAt      Time
	movesDirty   bool
	topics       []*ownTopic // by TopicID, less 1
	topicByName  map[string]*ownTopic
	producers    []*ownRow    // by number, less 1
	passed       []*ownStream // to be told of in the lanes
	passedSpare  []*ownStream
	tableVersion uint32
	snapshot     uint32
	out          [][]byte // sealed datagrams that wait for the sink
	outAlone     [][]byte // repairs for one member that do
	alone        *Peer    // that member
	roomDue      bool
	servings     []*serving // streams of what was published before
	serveTokens  float64
	serveAt      Time
	history      HistoryItem
	roundTrip    Duration
	worst        worstTrip

	// Membership.
	peers     []*Peer
	turns     []Time // of each peer: see turns.go
	roundAt   Time   // when all have theirs
	byNode    map[uint32]*Peer
	last      *Peer // the one heard last
	memory    map[uint32]*nodeMemory
	wants     wantList
	beaconAt  Time
	burst     int
	greetAt   Time
	health    int        // 1: timers are in time; up to healthMax: they are late
	apart     []*Peer    // who does not hear multicast
	viaGroup  bool       // the frame in hand came by multicast
	hearFrom  int        // where the next vector begins
	gone      []goneNode // the oldest first
	rivalTill Time       // while another machine speaks under this id, and above this session
	alarmed   bool       // the sink was told of another one that is not heard here

	// Receiving.
	histories     []HistoryWant // the greatest first
	streamNumber  uint32
	holding       int // bytes held until what was published before is here, of all peers
	pool          pool
	parts         partPool
	ready         []readyStream
	localLossTill Time
	overruns      uint32
	lanesAt       Time // when lanesActive was counted; longAgo: it does not hold
	lanesActive   int
	large         int  // bytes of the largest datagram that came lately, where it was no small one
	largeAt       Time // when the last such came

	// Scratch, so that nothing escapes to the heap.
	control  []byte
	rows     []byte
	raw      []byte
	shares   []float64
	backlogs []uint64
	outgoing wire.Message
	incoming wire.Message
	delivery Message
	one      [1][]byte

	count    Counters
	refusals refusalTable
	sources  *guard.Table[netip.AddrPort]
}

// New makes an Engine. It sends nothing before Start. The memory of a lane's
// window is taken with its first datagram, and touched as it is used. What rnd gives
// nobody else should be able to work out: see proof.go.
func New(cfg *Config, sink Sink, rnd *rand.Rand) (*Engine, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := cfg.withDefaults()
	e := &Engine{cfg: c, sink: sink, rnd: rnd, helloName: cut(c.Name), helloHost: cut(c.Host), deadline: Never, beaconAt: Never,
		ownLane: wire.DirectedLane(c.Node), movesAt: Never, directed: make(map[uint32]*lane),
		topicByName: make(map[string]*ownTopic), byNode: make(map[uint32]*Peer), memory: make(map[uint32]*nodeMemory),
		roundTrip: c.Timers.RoundTrip, health: 1, greetAt: longAgo, rivalTill: longAgo, localLossTill: longAgo, lanesAt: longAgo, largeAt: longAgo}
	e.probe.at, e.probe.began = Never, longAgo
	e.copier, _ = sink.(Copier)
	e.warden, _ = sink.(Warden)
	limits := c.Guard.list()
	e.sources = guard.NewTable[netip.AddrPort](sourcesMax, limits[:]...)
	e.historian, _ = sink.(HistorySource)
	e.lanes[LaneGated] = newLane(e, LaneGated, layout.LaneClassGated, c.Window)
	e.lanes[LaneLive] = newLane(e, LaneLive, layout.LaneClassLive, c.LiveWindow)
	e.control = make([]byte, 0, c.MTU+wire.HeaderSize)
	e.out = make([][]byte, 0, batchMax)
	e.pool.stride = c.MTU
	e.wants.set(1, nil)
	for _, roundTrip := range []Duration{c.Timers.RoundTripMin, c.Timers.RoundTrip} {
		if !guardHolds(roundTrip) {
			return nil, fmt.Errorf("%w: at a round trip of %d us the repair guard is not below half of the first retry", ErrConfig, roundTrip/Microsecond)
		}
	}
	return e, nil
}

func cut(s string) []byte { return []byte(s[:min(len(s), wire.TextMax)]) }

// Start says HELLO. Resume, ResumeStream, Topic and SetWants may come before.
func (e *Engine) Start(now Time) {
	e.now, e.lastTick = now, now
	e.started = true
	e.beaconAt, e.burst = now, burstHellos
	for _, l := range e.lanes {
		l.pace.at, l.repairs.at = now, now
	}
	e.serveAt = now
	e.arm(now)
	e.Tick(now)
}

// Close says BYE; the Engine then does nothing any more. Peers are told down.
func (e *Engine) Close(now Time) {
	if e.closed || !e.started {
		e.closed = true
		return
	}
	e.now = now
	e.Flush(now)
	for range byeRepeats {
		y := wire.Bye{Reason: layout.ByeReasonClosing}
		e.multicast(y.AppendTo(e.frame(layout.FrameTypeBye, layout.FrameFlagEndOfSession)))
	}
	for len(e.peers) > 0 {
		e.removePeer(e.peers[len(e.peers)-1], DownClosed)
	}
	e.closed = true
	e.deadline = Never
}

// Topic returns the number of one of the node's own topics, making it at the
// first call. A later call with another shape says that the topic's ring was
// replaced: the number stays if nobody was told of it yet, and a new one is made
// otherwise. The error wraps ErrTopics or ErrName.
func (e *Engine) Topic(name string, shape TopicShape) (TopicID, error) {
	before := e.topicByName[name]
	if t := before; t != nil {
		if !t.isAnnounced() && t.shape.Live == shape.Live {
			t.shape = shape
		}
		if t.shape == shape {
			return t.id, nil
		}
	}
	if err := ValidName(name); err != nil {
		return 0, err
	}
	if len(e.topics) >= e.cfg.Limits.Topics {
		return 0, fmt.Errorf("%w: %d", ErrTopics, len(e.topics))
	}
	t := e.addTopic(name, shape)
	t.follow(before)
	e.updateLimit(e.now, t.lane)
	return t.id, nil
}

// Receive takes one datagram as it came from the socket; multicast says by which
// of the two it came. It never blocks; a datagram in order and without
// compression allocates nothing. The datagram may be re-used after it returns.
// Repairs go to Sink.Multicast at once; everything else waits for its timer.
func (e *Engine) Receive(now Time, datagram []byte, from netip.AddrPort, multicast bool) {
	if e.closed || !e.started {
		return
	}
	e.now, e.viaGroup = now, multicast
	if e.sources.Held(from) {
		e.count.QuarantineIgnored++
		return
	}
	var h wire.Header
	if r := wire.ParseHeader(datagram, e.cfg.DomainHash, &h); r != wire.OK {
		e.malformed(r, from)
		e.otherVersion(r, datagram, from)
		return
	}
	body := datagram[wire.HeaderSize:]
	if h.Node == e.cfg.Node {
		e.receiveOwn(now, &h, body, from)
		return
	}
	p := e.last
	if p == nil || p.node != h.Node {
		p = e.byNode[h.Node]
	}
	if p == nil || p.session != h.Session {
		newer := p == nil && h.Session >= e.seen(h.Node) || p != nil && h.Session > p.session
		if !(newer && h.Type == layout.FrameTypeHello || faultOldSession && p != nil) {
			e.receiveStranger(now, p, &h, body, from)
			return
		}
	} else {
		e.last = p
		e.touch(p)
		p.heard = now
		if multicast {
			p.groupHeard = now
		}
	}
	if r := e.dispatch(now, p, &h, datagram, from); r != wire.OK {
		e.malformed(r, from)
		e.otherVersion(r, datagram, from)
	}
	if len(e.ready) != 0 {
		e.pullReady(now)
	}
}

func (e *Engine) seen(node uint32) uint64 {
	if m := e.memory[node]; m != nil {
		return m.seen
	}
	return 0
}

// receiveStranger takes a frame that is of no peer's present session.
func (e *Engine) receiveStranger(now Time, p *Peer, h *wire.Header, body []byte, from netip.AddrPort) {
	if h.Type == layout.FrameTypeSessionStale {
		e.receiveStale(now, h, body, from)
		return
	}
	e.receiveOther(now, p, h, from)
}

const (
	// memberFresh is how long ago a member's last word proves that it takes this
	// session for the present one: idle members speak with every HELLO.
	memberFresh = 450 * Millisecond
	// sessionJump bounds how far above a session another one is believed: 35 years
	// of milliseconds. Without a bound one frame could use up all sessions.
	sessionJump = 1 << 40
)

// receiveStale takes the word that this session was overtaken. It costs a new
// session, so it is believed only of a node that is known and does not listen to
// this one, and not while another machine lives under this id.
func (e *Engine) receiveStale(now Time, h *wire.Header, body []byte, from netip.AddrPort) wire.Reason {
	var s wire.SessionStale
	if r := wire.ParseSessionStale(body, &s); r != wire.OK {
		return r
	}
	switch {
	case s.Seen <= e.cfg.Session:
	case s.Seen-e.cfg.Session > sessionJump, now < e.rivalTill, !e.fences(now, h, from), e.waits(now, s.Seen):
		e.count.StaleRefused++
	default:
		e.sink.Stale(s.Seen)
	}
	return wire.OK
}

// fences says whether it can be that a node refuses this one. That node need not
// be a peer: each of two may refuse the other.
func (e *Engine) fences(now Time, h *wire.Header, from netip.AddrPort) bool {
	p := e.byNode[h.Node]
	if p == nil {
		return e.memory[h.Node] != nil
	}
	return p.session == h.Session && p.from == from && !p.listens(now)
}

// listens says whether the peer has just named this node's session.
func (p *Peer) listens(now Time) bool {
	for i := range p.members {
		if m := &p.members[i]; m.joined && now-m.heard < memberFresh {
			return true
		}
	}
	return false
}

func (e *Engine) dispatch(now Time, p *Peer, h *wire.Header, frame []byte, from netip.AddrPort) wire.Reason {
	body := frame[wire.HeaderSize:]
	switch h.Type {
	case layout.FrameTypeData:
		return e.receiveData(now, p, h, frame)
	case layout.FrameTypeHeartbeat:
		return e.receiveHeartbeat(now, p, h, body)
	case layout.FrameTypeNak:
		return e.receiveNak(now, p, body, from)
	case layout.FrameTypeNcf:
		return e.receiveNcf(now, p, body)
	case layout.FrameTypeStatus:
		return e.receiveStatus(now, p, h.Number, body)
	case layout.FrameTypeHello:
		return e.receiveHello(now, p, h, body, from)
	case layout.FrameTypeSetup:
		return e.receiveSetup(now, p, h.Number, body)
	case layout.FrameTypeWant:
		return e.receiveWant(p, body)
	case layout.FrameTypeSessionStale:
		return e.receiveStale(now, h, body, from)
	case layout.FrameTypeProbe:
		return e.receiveProbe(now, p, h.Number, body, from)
	case layout.FrameTypeUnicastAck:
		return e.receiveUnicastAck(now, p, body, from)
	case layout.FrameTypeUnicastData:
		return e.receiveUnicastData(now, p, h.Number, body)
	case layout.FrameTypeBye:
		var y wire.Bye
		if r := wire.ParseBye(body, &y); r != wire.OK {
			return r
		}
		if from == p.from {
			e.removePeer(p, DownBye)
		}
	}
	return wire.OK
}

// arm makes t a time at which Tick has work.
func (e *Engine) arm(t Time) { e.deadline = min(e.deadline, t) }

// NextTimer returns when Tick has to be called at the latest.
func (e *Engine) NextTimer() Time { return e.deadline }

// Tick runs the timers that are due and hands over what waits to be sent. It is
// cheap when nothing is due: call it after every batch of Receive and Send.
func (e *Engine) Tick(now Time) {
	if e.closed || !e.started {
		return
	}
	e.now = now
	if now >= e.deadline {
		e.runTimers(now)
	}
	if len(e.moving) != 0 {
		e.tickMoves(now)
	}
	if len(e.passed) != 0 {
		e.tellPassed(now)
	}
	e.flushOut()
	e.sayRoom()
}

func (e *Engine) runTimers(now Time) {
	e.pardon(now, e.stopped(now))
	if late := now - max(e.deadline, e.lastTick); late > pauseMin {
		// This process was stopped: what it did not hear meanwhile is nobody's silence.
		for _, p := range e.peers {
			p.heard = min(now, p.heard+late-pauseMin)
			p.groupHeard = min(now, p.groupHeard+late-pauseMin)
		}
		e.late(late)
		e.touchAll()
	}
	e.deadline = now + Second
	e.lastTick = now
	e.tickSources(now)
	e.tickBeacon(now)
	e.tickPeers(now)
	e.tickProbe(now)
	for _, l := range e.lanes {
		e.tickLane(now, l)
	}
	e.tickUsed(now)
	if len(e.servings) != 0 {
		e.tickServings(now)
	}
	if len(e.ready) != 0 {
		e.pullReady(now)
	}
	if faultSpin {
		e.arm(now)
	}
}

// tickLane runs the timers of an own lane.
func (e *Engine) tickLane(now Time, l *lane) {
	e.tickHeartbeat(l, now)
	if !l.repairs.empty() {
		e.pumpRepairs(now, l, l.repairTurn(now))
	}
	e.tickFlow(now, l)
}

func (e *Engine) nextNumber() uint64 {
	e.number++
	return e.number
}

func (e *Engine) header(typ, flags uint8) wire.Header {
	return wire.Header{Flags: flags, Type: typ, Domain: e.cfg.DomainHash, Node: e.cfg.Node, Session: e.cfg.Session, Number: e.nextNumber()}
}

// frame begins a control frame in the scratch buffer; one lives at a time.
func (e *Engine) frame(typ, flags uint8) []byte {
	h := e.header(typ, flags)
	return wire.Begin(e.control[:0], &h)
}

// multicast ends a control frame and sends it to the group, after what waits.
func (e *Engine) multicast(b []byte) {
	wire.Finish(b)
	e.flushOut()
	e.one[0] = b
	e.count.ControlSent++
	e.sink.Multicast(e.one[:])
	if len(e.apart) != 0 {
		e.copyOut(e.one[:], true)
	}
}

// unicast ends a control frame and sends it to a peer.
func (e *Engine) unicast(p *Peer, b []byte) { e.send(p.from, b) }

func (e *Engine) send(to netip.AddrPort, b []byte) {
	wire.Finish(b)
	e.count.ControlSent++
	e.sink.Unicast(to, b)
}
