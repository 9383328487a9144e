package mcast

import (
	"net/netip"
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Whether large datagrams reach all peers (spec/wire.md, 16).
const (
	probeTries   = 5            // in a round
	probeAgain   = 2 * Second   // between two rounds while large datagrams are sent
	probeFirst   = 10 * Second  // after a round that failed, twice as long after each
	probeLast    = 160 * Second // and at most
	probeForgets = 60 * Second  // of large datagrams, after which that begins anew
	roundsApart  = 2 * Second   // between the beginnings of two rounds, whatever comes and goes
	proofBytes   = wire.HeaderSize + wire.ProbeSize
	proofGap     = 1 << 20          // packet numbers passed over before and behind a Probe of proofBytes, at most
	echoApart    = 10 * Millisecond // between two echoes to one peer, each way
	unshownSpan  = goneSpan         // for which a node is thought of that went and had not shown it
	unshownMost  = goneMost         // how many of them
	echoedGroup  = uint8(1)         // the ways of Peer.echoes
	echoedAlone  = uint8(2)         //
	echoedBoth   = echoedGroup | echoedAlone
)

// probing is what a node knows of whether large datagrams reach its peers.
type probing struct {
	large  bool     // all peers have shown that they do: datagrams may be large
	used   bool     // one was sent since the last round
	at     Time     // when the next Probe is due; Never: none is
	tries  int      // of the round; 0: none has begun
	first  uint64   // packet number of its first Probe
	began  Time     // when the last round began
	waits  bool     // one is due, and waits until all have proved their addresses
	done   Time     // when a round last showed that they do
	since  Time     // since when datagrams are large
	wait   Duration // after the next round that fails
	next   Time     // when the round after this one is due, if it fails or is broken off
	buffer []byte

	unshown []unshownNode // those that went, in the order in which they did
}

// unshownNode is a node that went and had not shown that large datagrams reach it. When it is back, or its
// successor, it reads on where it stood: nothing that it will need may be large.
type unshownNode struct {
	node uint32
	at   Time
	told bool // as Peer.tooLarge
}

// unproven makes datagrams small, since it is not known whether a peer that is there, or comes,
// receives others, and finds that out.
func (e *Engine) unproven(now Time, p *Peer) {
	p.shown = false
	if e.cfg.MTULarge <= e.cfg.MTU || faultKeepLarge && e.probe.large {
		return
	}
	e.shrink(now)
	for i, u := range e.probe.unshown {
		if u.node == p.node {
			p.tooLarge, p.doubted, p.thoughtOf = u.told, true, true
			e.probe.unshown = slices.Delete(e.probe.unshown, i, i+1)
			break
		}
	}
	e.beginRound(e.nextRound(now, p))
}

// nextRound is when to ask once something has changed: soon, but as long as a peer is there, or comes, for which
// a round has failed, or that went before it had shown anything, not before the next one is due.
func (e *Engine) nextRound(now Time, comes *Peer) Time {
	at, doubted := now+e.cfg.Timers.Beacon, comes != nil && comes.doubted
	for _, p := range e.peers {
		doubted = doubted || p.doubted
	}
	if doubted {
		at = max(at, e.probe.next)
	}
	return at
}

// beginRound begins to ask all peers, at a time: somewhat later, as other owners do so at the same one, and not soon after the
// last beginning, however often somebody comes.
func (e *Engine) beginRound(at Time) {
	x := &e.probe
	later := Duration(e.rnd.Int64N(int64(e.cfg.Timers.Beacon)))
	x.tries, x.waits, x.at = 0, false, max(at, x.began+roundsApart)+later
	e.arm(x.at)
}

// leftRound looks again after a peer has gone: it may have been the one that receives no large datagrams.
// If so, it may come back.
func (e *Engine) leftRound(now Time, gone *Peer) {
	x := &e.probe
	if e.cfg.MTULarge <= e.cfg.MTU {
		return
	}
	if !gone.shown && (gone.readsOn() || gone.thoughtOf) && !faultForgetNarrow {
		if len(x.unshown) >= unshownMost {
			x.unshown = slices.Delete(x.unshown, 0, 1)
		}
		x.unshown = append(x.unshown, unshownNode{gone.node, now, gone.tooLarge})
	}
	if !x.large {
		e.beginRound(e.nextRound(now, nil))
	}
}

// readsOn says whether a peer may stand in a lane of this node: one of which no more than a HELLO came, which anybody
// may have said, does not.
func (p *Peer) readsOn() bool {
	return p.members[LaneGated].joined || p.wants.version != 0 || p.joinedAny()
}

// waitsTill is until when a node is waited for that went and had not shown that large datagrams
// reach it; a time that is over: nobody is.
func (x *probing) waitsTill(now Time) Time {
	for len(x.unshown) != 0 && now-x.unshown[0].at >= unshownSpan {
		x.unshown = slices.Delete(x.unshown, 0, 1)
	}
	if n := len(x.unshown); n != 0 {
		return x.unshown[n-1].at + unshownSpan
	}
	return now
}

// tickProbe sends the Probe that is due, or ends its round.
func (e *Engine) tickProbe(now Time) {
	x := &e.probe
	if x.large && x.used && x.at == Never && now-x.done >= probeAgain {
		x.at, x.tries = now, 0
	}
	switch {
	case x.at == Never:
	case now < x.at:
		e.arm(x.at)
	case !e.allEcho():
		x.at, x.tries, x.used = Never, 0, false
	case x.tries != 0 && e.proven():
		e.endRound(now)
	case x.tries >= probeTries && e.giveUpRound(now):
	case x.waitsTill(now) > now:
		e.beginRound(x.waitsTill(now))
	case x.tries == 0 && e.awaitsProof():
		x.at = now + e.cfg.Timers.Beacon
		e.arm(x.at)
	default:
		e.sendProbes(now)
		x.at = now + e.cfg.Timers.Beacon
		e.arm(x.at)
	}
}

// allEcho says whether there are peers, and all are of a release that echoes Probes.
func (e *Engine) allEcho() bool {
	for _, p := range e.peers {
		if !p.probes {
			return false
		}
	}
	return len(e.peers) != 0
}

// lacks says whether a peer has not shown yet that large datagrams reach it, in this round, by each
// way on which it is sent some.
func (p *Peer) lacks() bool {
	need := echoedBoth
	if p.hearing == HearsUnicast {
		need = echoedAlone
	}
	return p.echoes&need != need
}

// proven says whether all peers have.
func (e *Engine) proven() bool {
	for _, p := range e.peers {
		if p.lacks() {
			return faultRaiseEarly && p != e.peers[0]
		}
	}
	return true
}

// sendProbes asks all, by both ways.
func (e *Engine) sendProbes(now Time) {
	x := &e.probe
	if x.tries++; x.tries == 1 {
		x.first, x.used, x.began = e.number+1, false, now
		x.next = now + max(x.wait, probeFirst)
		for _, p := range e.peers {
			p.echoes = 0
		}
	}
	e.flushOut()
	e.one[0] = e.probeFrame(0)
	e.count.ProbesSent++
	e.sink.Multicast(e.one[:])
	for _, p := range e.peers {
		if p.echoes&echoedAlone == 0 {
			e.count.ProbesSent++
			e.sink.Unicast(p.from, e.probeFrame(layout.FrameFlagUnicast))
		}
	}
}

func (e *Engine) probeFrame(flags uint8) []byte {
	x := &e.probe
	if x.buffer == nil {
		x.buffer = make([]byte, 0, e.cfg.MTULarge)
	}
	h := e.header(layout.FrameTypeProbe, flags)
	w := wire.Probe{Bytes: e.cfg.MTULarge}
	b := w.AppendTo(wire.Begin(x.buffer[:0], &h))
	wire.Finish(b)
	return b
}

// endRound begins with large datagrams, or goes on with them: all peers have shown that they come.
func (e *Engine) endRound(now Time) {
	x := &e.probe
	x.at, x.tries, x.done = Never, 0, now
	if !x.large {
		x.large, x.since = true, now
		e.count.Enlarged++
	}
	for _, p := range e.peers {
		p.shown, p.tooLarge, p.doubted = true, false, false
	}
}

// giveUpRound goes back to small datagrams, as a peer has not shown that others reach it. It says
// false where nothing at all comes of that peer: that says nothing about sizes, and will end.
func (e *Engine) giveUpRound(now Time) bool {
	x := &e.probe
	for _, p := range e.peers {
		if p.lacks() && now-p.heard >= 2*e.cfg.Timers.Beacon {
			return false
		}
	}
	e.shrink(now)
	x.wait = max(x.wait, probeFirst)
	e.count.ProbesFailed++
	x.next = now + x.wait
	e.beginRound(x.next)
	x.wait = min(2*x.wait, probeLast)
	for _, p := range e.peers {
		if !p.lacks() {
			continue
		}
		p.shown, p.doubted = false, true
		if !p.tooLarge && p.hearing != HearsNothing {
			p.tooLarge = true
			e.sink.Notice(p, LaneGated, NotReached)
		}
	}
	return true
}

// receiveProbe takes a Probe: one that asks is echoed, an echo counts.
func (e *Engine) receiveProbe(now Time, p *Peer, number uint64, body []byte, from netip.AddrPort) wire.Reason {
	if e.cfg.NoProbe {
		return wire.BadType
	}
	var w wire.Probe
	if r := wire.ParseProbe(body, &w); r != wire.OK {
		return r
	}
	if from != p.from {
		e.count.ProbesRefused++
		e.offend(now, from, OffenceFlood)
		return wire.OK
	}
	if w.Echo {
		e.receiveEcho(now, p, &w)
		return wire.OK
	}
	at := &p.echoedAt[0]
	if e.viaGroup {
		at = &p.echoedAt[1]
	}
	if now-*at < echoApart {
		e.count.ProbesRefused++
		return wire.OK
	}
	*at = now
	e.count.EchoesSent++
	echo := wire.Probe{Session: p.session, Number: number, Bytes: w.Bytes, Echo: true, Group: e.viaGroup}
	e.unicast(p, echo.AppendTo(e.frame(layout.FrameTypeProbe, layout.FrameFlagUnicast)))
	return wire.OK
}

// receiveEcho takes the word of a peer that a Probe of this round has come.
func (e *Engine) receiveEcho(now Time, p *Peer, w *wire.Probe) {
	x := &e.probe
	if w.Bytes == proofBytes && !w.Group {
		e.receiveProof(now, p, w)
		return
	}
	if x.tries == 0 || w.Session != e.cfg.Session || w.Number < x.first || w.Number > e.number || w.Bytes != e.cfg.MTULarge {
		e.count.ProbesRefused++
		return
	}
	way := echoedAlone
	if w.Group {
		way = echoedGroup
	}
	p.echoes |= way
	p.shown = p.shown || !p.lacks()
	if e.proven() {
		e.endRound(now)
	}
}
