package mcast

import (
	"net/netip"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

const (
	retryFirst  = 20 * Millisecond // of a WANT, and of a join
	retryLast   = 200 * Millisecond
	helloApart  = 10 * Millisecond // between two answers to one peer
	staleApart  = 100 * Millisecond
	byeRepeats  = 3
	burstHellos = 4 // at 0, 20, 60 and 140 ms after Start
)

// Peer is another node under one session of its forwarder. A Peer must not be
// used by other goroutines than the Engine's.
type Peer struct {
	node, epoch uint32
	session     uint64
	name, host  string
	from        netip.AddrPort
	index       int // in the engine's list; -1: it is gone
	// Data is the sink's own: the engine never touches it.
	Data any

	heard      Time
	groupHeard Time // the last frame by multicast
	askAt      Time // when it is asked whether it lives, while it is suspected
	votesAt    Time
	hears      hearVector
	hellos     mostFilter // of their packet numbers
	hearing    Hearing
	seenBefore uint64 // the greatest session of the node before this one
	helloAt    Time   // last HELLO sent to it alone
	roundTrip  Duration
	group      int // members of its lanes, as it says

	// What it sends.
	receivers    [lanesMax]*receiver
	catchup      *catchup // nil: nothing more is asked for
	topics       []*RemoteTopic
	streams      []*remoteStream
	snapshot     snapshotParts
	joinRetry    Time
	joinStep     Duration
	full         []*RemoteTopic
	heldBytes    int
	partBytes    int
	reassembling int

	// What it takes.
	members     [lanesMax]member
	lane        *lane // to it alone; nil: it takes none
	laneAskAt   Time  // when it is asked again to join it
	laneAskStep Duration
	wants       wantList
	takes       []bool // by own topic, less 1: counted in its wanted
	wantParts   wantParts
	toldWants   uint32
	counted     [lanesGroup][]countedList
	ackedWants  uint32 // version of our list that it has
	wantRetry   Time
	wantStep    Duration
	setupAt     Time
	setups      uint32   // snapshots that it was sent
	serving     *serving // nil: it has not asked, or has all
	begun       begunStreams

	// Whether large datagrams reach it; see probe.go.
	probes    bool    // it echoes Probes
	proved    bool    // it has shown that it is where it speaks; see proof.go
	proof     uint64  // packet number whose echo shows it; 0: of none that was sent
	echoes    uint8   // the ways by which it has, in this round
	shown     bool    // it has, in this round or before
	doubted   bool    // a round has failed for it, or it went before it had shown it
	tooLarge  bool    // it was told of that they do not
	thoughtOf bool    // it was one of the unshown nodes when it came, so that its place may be older than it
	echoedAt  [2]Time // when its own Probes were echoed, by unicast and by multicast
}

// Node returns the id of the node.
func (p *Peer) Node() uint32 { return p.node }

// Epoch returns the node's epoch, part of the addresses of its participants.
func (p *Peer) Epoch() uint32 { return p.epoch }

// Session returns the session of the node's forwarder.
func (p *Peer) Session() uint64 { return p.session }

// Name returns what the node calls itself.
func (p *Peer) Name() string { return p.name }

// Host returns the node's host as it says it.
func (p *Peer) Host() string { return p.host }

// From returns where the node's datagrams come from.
func (p *Peer) From() netip.AddrPort { return p.from }

// sayHello multicasts the beacon.
func (e *Engine) sayHello(now Time, flags uint16) {
	e.multicast(e.helloFrame(now, flags, 0))
	e.greetSeeds(now, flags)
}

// sendHello greets one peer.
func (e *Engine) sendHello(now Time, p *Peer, flags uint16) {
	if now-p.helloAt < helloApart {
		return
	}
	p.helloAt = now
	e.unicast(p, e.helloFrame(now, flags, layout.FrameFlagUnicast))
}

func (e *Engine) helloFrame(now Time, flags uint16, frameFlags uint8) []byte {
	h := wire.Hello{Epoch: e.cfg.Epoch, Features: e.features(), SendMicros: micros(now), RoundTripMicros: micros(e.roundTrip), TableVersion: e.tableVersion,
		WantVersion: e.wants.version, Members: uint16(1 + len(e.peers)), Flags: flags,
		VersionMin: layout.WireConstantVersion, VersionMax: layout.WireConstantVersion,
		Name: e.helloName, Host: e.helloHost}
	return e.appendHears(now, h.AppendTo(e.frame(layout.FrameTypeHello, frameFlags)))
}

// features are what this node can do.
func (e *Engine) features() (f uint32) {
	if !e.cfg.NoDirected {
		f |= wire.FeatureDirected
	}
	if !e.cfg.NoProbe {
		f |= wire.FeatureProbe
	}
	return f
}

// tickBeacon sends the HELLO that is due, +-10 %.
func (e *Engine) tickBeacon(now Time) {
	if now < e.beaconAt {
		e.arm(e.beaconAt)
		return
	}
	var flags uint16
	step := Duration(float64(e.cfg.Timers.Beacon) * (0.9 + 0.2*e.rnd.Float64()))
	if e.burst > 0 {
		flags = layout.HelloFlagAnswer
		step = retryFirst << (burstHellos - e.burst)
		e.burst--
	}
	if now-e.beaconAt <= pauseMin {
		e.setHealth(e.health - 1)
	}
	e.sayHello(now, flags)
	e.tellMissed(now)
	e.beaconAt = now + step
	e.arm(e.beaconAt)
}

// withBeacon is when an idle lane's next word is due: with the next HELLO. What goes
// out together wakes this process and each of the others once.
func (e *Engine) withBeacon(now Time) Time {
	if e.beaconAt > now && e.beaconAt != Never {
		return e.beaconAt
	}
	return now + e.cfg.Timers.Beacon
}

// receiveHello takes a HELLO: a new node, a new session of one, or a sign of life.
func (e *Engine) receiveHello(now Time, p *Peer, h *wire.Header, body []byte, from netip.AddrPort) wire.Reason {
	var w wire.Hello
	if r := wire.ParseHello(body, &w); r != wire.OK {
		return r
	}
	if !e.offend(now, from, OffenceHello) || e.joins(now, p, h) && !e.offend(now, from, OffenceJoin) {
		return wire.OK
	}
	if p != nil && h.Session > p.session {
		e.removePeer(p, DownRestarted)
		p = nil
	}
	if p == nil {
		if p = e.addPeer(now, h, &w, from); p == nil {
			return wire.OK
		}
	}
	e.speaksFrom(now, p, from)
	p.heard = now
	p.roundTrip, p.group = Duration(w.RoundTripMicros)*Microsecond, int(w.Members)
	if p.hears.there = w.HasHears; w.HasHears {
		e.receiveHears(now, p, &w.Hears)
	}
	p.echoHello(now, w.SendMicros)
	p.hellos.add(now, float64(h.Number))
	if w.Flags&layout.HelloFlagAnswer != 0 {
		e.sendHello(now, p, 0)
	}
	if w.Flags&layout.HelloFlagSetupWanted != 0 {
		e.sendSetup(now, p)
	}
	return wire.OK
}

// joins says whether a HELLO makes a peer, p being the one that there is.
func (e *Engine) joins(now Time, p *Peer, h *wire.Header) bool {
	if p != nil {
		return h.Session > p.session
	}
	m := e.memory[h.Node]
	return len(e.peers) < e.cfg.Limits.Peers && (m == nil || h.Session > m.ended || now >= m.endedTill)
}

// addPeer makes a peer and tells it everything at once.
func (e *Engine) addPeer(now Time, h *wire.Header, w *wire.Hello, from netip.AddrPort) *Peer {
	if !e.joins(now, nil, h) {
		return nil
	}
	m := e.memoryOf(h.Node)
	before := m.seen
	m.seen = max(m.seen, h.Session)
	p := &Peer{node: h.Node, epoch: w.Epoch, session: h.Session, name: string(w.Name), host: string(w.Host), from: from, heard: now, groupHeard: now, seenBefore: before,
		helloAt: longAgo, setupAt: longAgo, joinRetry: now + retryFirst, joinStep: retryFirst, wantRetry: now, wantStep: retryFirst}
	p.probes, p.echoedAt = w.Features&wire.FeatureProbe != 0, [2]Time{longAgo, longAgo}
	e.unproven(now, p) // before it is told where the lanes are: nothing that it will need is large
	e.laneTo(p, w.Features)
	if m.begun.session == p.session {
		p.begun = m.begun
	}
	p.begun.session = p.session
	if before == h.Session { // it was taken for dead: who has restarted is waited for
		for i, l := range e.lanes {
			p.members[i].since = l.head
		}
		if p.lane != nil {
			p.members[LaneDirected].since = p.lane.head
		}
	}
	e.join(p)
	e.byNode[p.node] = p
	if len(e.cfg.Seeds) != 0 && !e.viaGroup {
		p.groupHeard = longAgo // it may be out of multicast's reach: it is told so at once
	}
	e.found(p.node)
	e.arm(now)
	e.sink.PeerUp(p)
	e.beginCatchup(now, p, e.wantedBefore(m, h.Session), true)
	e.sendHello(now, p, layout.HelloFlagAnswer)
	e.sendSetup(now, p)
	return p
}

// removePeer forgets a peer, but for where it stood.
func (e *Engine) removePeer(p *Peer, reason DownReason) {
	if p.catchup != nil {
		e.endCatchup(e.now, p)
	}
	e.endServing(p)
	e.part(p)
	delete(e.byNode, p.node)
	e.noCopies(p)
	if e.last == p {
		e.last = nil
	}
	m := e.memoryOf(p.node)
	m.keepBegun(p)
	if reason == DownBye {
		m.ended, m.endedTill = max(m.ended, p.session), e.now+2*e.cfg.Timers.PeerTimeout
	} else if m.seen == p.session && !p.joinedAny() {
		m.seen = p.seenBefore // nothing came of it: whoever said that HELLO must not shut out the node
	}
	for i, r := range p.receivers {
		if r == nil {
			continue
		}
		m.lanes[i] = laneMemory{session: p.session, next: r.resumable()}
		for seq := r.next; r.holding > 0 && seq < r.next+r.reach; seq++ {
			if r.isHeld(seq) {
				e.release(r, seq)
			}
		}
	}
	for _, s := range p.streams {
		if s != nil && s.parts != nil {
			e.dropParts(p, s)
		}
	}
	for _, f := range p.members[LaneGated].full {
		if !f.ignored {
			e.topicFree(f.topic)
		}
	}
	for _, l := range e.lanes {
		l.repairs.leave(p, l)
	}
	e.leaveLane(p)
	for i, takes := range p.takes {
		if takes {
			e.topics[i].choice.heldTill = e.now + e.cfg.Timers.Absent
		}
	}
	e.leftRound(e.now, p)
	p.members = [lanesMax]member{}
	e.worst.stale = true
	e.wantsChanged(p)
	e.sink.PeerDown(p, reason)
}

// joinedAny says whether this node has joined a lane of the peer.
func (p *Peer) joinedAny() bool {
	for _, r := range p.receivers {
		if r != nil {
			return true
		}
	}
	return false
}

// tickPeer runs the timers of a peer. It says false when the peer is gone.
func (e *Engine) tickPeer(now Time, p *Peer) bool {
	if e.dead(now, p) {
		e.noteGone(now, p.node)
		e.removePeer(p, DownTimeout)
		return false
	}
	if p.ackedWants != e.wants.version {
		if now >= p.wantRetry {
			if !faultWantOnce || p.wantStep == retryFirst {
				e.sendWants(p)
			}
			p.wantRetry = now + p.wantStep
			p.wantStep = min(2*p.wantStep, retryLast)
		}
		e.arm(p.wantRetry)
	}
	e.askLane(now, p)
	if p.receivers[LaneGated] == nil {
		if now >= p.joinRetry {
			e.sendHello(now, p, layout.HelloFlagAnswer|layout.HelloFlagSetupWanted)
			p.joinRetry = now + p.joinStep
			p.joinStep = min(2*p.joinStep, retryLast)
		}
		e.arm(p.joinRetry)
	}
	for _, r := range p.receivers {
		if r != nil {
			e.tickGaps(now, r)
			e.tickStatus(now, r)
			e.tickPutOut(now, r)
		}
	}
	if p.catchup != nil {
		e.tickCatchup(now, p)
	}
	e.tickParts(now, p)
	e.tickFull(now, p)
	return true
}

// receiveOther takes a frame whose session is not the peer's.
func (e *Engine) receiveOther(now Time, p *Peer, h *wire.Header, from netip.AddrPort) {
	m := e.memory[h.Node]
	if m == nil || h.Session >= m.seen || p != nil && h.Session > p.session {
		e.count.UnknownPeer++
		if (h.Type == layout.FrameTypeNak || h.Type == layout.FrameTypeStatus) && e.offend(now, from, OffenceFlood) {
			e.greet(now, from)
		}
		return
	}
	e.count.OldSession++
	if !e.offend(now, from, OffenceFlood) {
		return
	}
	if now-m.staleAt >= staleApart && !faultNoStale {
		m.staleAt = now
		s := wire.SessionStale{Seen: m.seen}
		b := s.AppendTo(e.frame(layout.FrameTypeSessionStale, layout.FrameFlagUnicast))
		e.send(from, b)
	}
}

// greet answers somebody who takes this node for a member without being known here.
func (e *Engine) greet(now Time, to netip.AddrPort) {
	if now-e.greetAt < helloApart {
		return
	}
	e.greetAt = now
	e.send(to, e.helloFrame(now, layout.HelloFlagAnswer, layout.FrameFlagUnicast))
}

// receiveOwn takes a frame under this node's own id. Of two machines that live
// under one id the lower is fenced: if it went above the other, that one would do
// the same, without end.
func (e *Engine) receiveOwn(now Time, h *wire.Header, body []byte, from netip.AddrPort) {
	e.count.OwnFrames++
	if h.Session != e.cfg.Session && !e.offend(now, from, OffenceFlood) {
		return
	}
	if h.Type != layout.FrameTypeHello {
		return
	}
	var w wire.Hello
	if r := wire.ParseHello(body, &w); r != wire.OK || h.Session == e.cfg.Session && w.Epoch == e.cfg.Epoch {
		return
	}
	if h.Session > e.cfg.Session {
		e.rivalTill = now + e.cfg.Timers.PeerTimeout
	}
	e.sink.DuplicateNode(from, h.Session)
}
