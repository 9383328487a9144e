package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Rules of the hear-vector and of death (spec/wire.md, 4.3).
const (
	hearMissed  = 3 // intervals without a multicast frame, to be named
	healthMax   = 8 // of a node whose timers are late
	votesLook   = 10 * Millisecond
	goneSpan    = 600 * Second // for which the dead are named
	goneMost    = 64           // how many of them
	millisecond = uint64(Millisecond)
)

// hearVector is what a peer said last of the nodes that it does not hear.
type hearVector struct {
	there bool
	at    Time
	rows  []wire.HearRow // upwards
}

// goneNode is a node that was taken for dead.
type goneNode struct {
	node uint32
	at   Time
}

// Hearing says how a peer hears this node, as it says itself.
type Hearing uint8

// What a peer may hear.
const (
	HearsGroup   Hearing = iota // multicast, or it says nothing else
	HearsUnicast                // unicast only: it gets copies of what is for the group
	HearsNothing                // neither
)

// Hears returns how the peer hears this node: a link may carry one direction only.
func (p *Peer) Hears() Hearing { return p.hearing }

// appendHears appends the vector to a Hello, as many rows as fit; the next one goes on
// where this one ends.
func (e *Engine) appendHears(now Time, b []byte) []byte {
	b = wire.AppendHears(b, &wire.Hears{Known: uint16(min(len(e.peers), 1<<16-1)), Health: uint8(e.health)})
	head := len(b) - wire.HearHeadSize
	e.dropGone(now)
	total := len(e.peers) + len(e.gone)
	for i := range total {
		if len(b)+wire.HearRowSize > e.cfg.MTU-wire.TagSize {
			e.hearFrom = (e.hearFrom + i) % total
			return b
		}
		if r, named := e.hearRow(now, (e.hearFrom+i)%total); named {
			b = wire.AppendHearRow(b, head, &r)
		}
	}
	return b
}

// hearRow makes the row of a peer, or of a node that was taken for dead.
func (e *Engine) hearRow(now Time, i int) (r wire.HearRow, named bool) {
	if i >= len(e.peers) {
		x := e.gone[i-len(e.peers)]
		return wire.HearRow{Node: x.node, SilenceMillis: 1<<16 - 1, Flags: wire.HearSuspected | wire.HearGone}, true
	}
	p := e.peers[i]
	if now-p.groupHeard < hearMissed*e.cfg.Timers.Beacon {
		return r, false
	}
	silence := now - p.heard
	r = wire.HearRow{Node: p.node, SilenceMillis: uint16(min(uint64(silence)/millisecond, 1<<16-1))}
	if silence < hearMissed*e.cfg.Timers.Beacon {
		r.Flags |= wire.HearUnicast
	}
	if silence >= e.suspicion() {
		r.Flags |= wire.HearSuspected
	}
	return r, true
}

// tellMissed says HELLO by unicast to the peers whose multicast does not come: ours may
// not reach them either.
func (e *Engine) tellMissed(now Time) {
	for _, p := range e.peers {
		if now-p.groupHeard >= hearMissed*e.cfg.Timers.Beacon && now-p.heard < e.suspicion() {
			e.sendHello(now, p, 0)
		}
	}
}

// dropGone forgets nodes that have been dead for long.
func (e *Engine) dropGone(now Time) {
	for len(e.gone) != 0 && now-e.gone[0].at >= goneSpan {
		e.gone = append(e.gone[:0], e.gone[1:]...)
	}
}

// found forgets that a node was taken for dead.
func (e *Engine) found(node uint32) {
	for i := range e.gone {
		if e.gone[i].node == node {
			e.gone = append(e.gone[:i], e.gone[i+1:]...)
			return
		}
	}
}

// noteGone remembers that a node was taken for dead.
func (e *Engine) noteGone(now Time, node uint32) {
	e.found(node)
	if len(e.gone) >= goneMost {
		e.gone = append(e.gone[:0], e.gone[1:]...)
	}
	e.gone = append(e.gone, goneNode{node, now})
}

// receiveHears takes what a peer says of others, and of this node.
func (e *Engine) receiveHears(now Time, p *Peer, h *wire.Hears) {
	v := &p.hears
	v.at, v.rows = now, v.rows[:0]
	hearing := HearsGroup
	for i := range min(h.Rows(), e.cfg.Limits.Peers) {
		r := h.Row(i)
		switch {
		case r.Node != e.cfg.Node:
			v.rows = append(v.rows, r)
		case r.Flags&wire.HearSuspected != 0:
			hearing = HearsNothing
		case r.Flags&wire.HearUnicast != 0:
			hearing = HearsUnicast
		default:
			hearing = p.hearing // a silence that may yet be this node's own pause
		}
	}
	e.setHearing(p, hearing)
}

// suspects says whether the vector holds a node for suspected.
func (v *hearVector) suspects(node uint32) bool {
	for i := range v.rows {
		if v.rows[i].Node == node {
			return v.rows[i].Flags&wire.HearSuspected != 0
		}
	}
	return false
}

// suspicion is the silence from which on a peer may be dead.
func (e *Engine) suspicion() Duration { return Duration(e.health) * e.cfg.Timers.PeerTimeout / 2 }

// late notes by how much this node's timers were late: while they are, it distrusts
// what it has not heard.
func (e *Engine) late(by Duration) {
	if by > pauseMin {
		e.setHealth(e.health + int((by-pauseMin+e.cfg.Timers.Beacon-1)/e.cfg.Timers.Beacon))
	}
}

// setHealth changes when peers are suspected.
func (e *Engine) setHealth(h int) {
	if h = min(max(h, 1), healthMax); h != e.health {
		e.health = h
		e.touchAll()
	}
}

// dead looks at a peer's silence. A peer that is suspected is asked, and is dead when
// half of the others miss it, too, or when it has been silent for the whole timeout.
func (e *Engine) dead(now Time, p *Peer) bool {
	t := &e.cfg.Timers
	silence, suspicion := now-p.heard, e.suspicion()
	if silence < suspicion {
		e.arm(p.heard + suspicion)
		return false
	}
	if now >= p.askAt {
		p.askAt = now + t.Beacon
		e.sendHello(now, p, layout.HelloFlagAnswer)
	}
	e.arm(p.askAt)
	agreed := max(t.PeerTimeout*4/5, suspicion)
	if faultHasty {
		agreed = suspicion
	}
	switch {
	case silence >= max(t.PeerTimeout, suspicion):
		return true
	case silence < agreed:
		e.arm(p.heard + agreed)
		return false
	case now < p.votesAt:
		e.arm(p.votesAt)
		return false
	}
	p.votesAt = now + votesLook
	e.arm(min(p.votesAt, p.heard+max(t.PeerTimeout, suspicion)))
	return e.agreed(now, p)
}

// agreed says whether at least half of the others that speak of what they hear miss a
// peer, too.
func (e *Engine) agreed(now Time, p *Peer) bool {
	votes, voters := 0, 0
	for _, q := range e.peers {
		if q == p || !q.hears.there || now-q.hears.at > hearMissed*e.cfg.Timers.Beacon+e.cfg.Timers.Beacon/2 {
			continue
		}
		voters++
		if q.hears.suspects(p.node) {
			votes++
		}
	}
	return voters != 0 && 2*votes >= voters
}
