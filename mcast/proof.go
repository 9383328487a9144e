package mcast

import (
	"net/netip"
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Who writes another's address into a Hello must not have large Probes sent there (spec/wire.md, 16.8): a peer first
// echoes a Probe as short as any, whose packet number only somebody at its address can know.

// speaksFrom takes where a peer's HELLO came from. From another address it is asked anew: what goes there may take another way. What was
// asked where it spoke before is known there, and says nothing of here.
func (e *Engine) speaksFrom(now Time, p *Peer, from netip.AddrPort) {
	if from == p.from {
		return
	}
	p.from, p.proved, p.proof = from, false, 0
	e.unproven(now, p)
}

// askProof asks a peer to echo a short Probe.
func (e *Engine) askProof(p *Peer) {
	e.number += e.rnd.Uint64N(proofGap)
	w := wire.Probe{Bytes: proofBytes}
	b := w.AppendTo(e.frame(layout.FrameTypeProbe, layout.FrameFlagUnicast))
	p.proof = e.number
	e.number += e.rnd.Uint64N(proofGap)
	e.unicast(p, b)
}

// awaitsProof asks those that have not proved their addresses, and says whether there are any, for whom the round that is due waits.
func (e *Engine) awaitsProof() bool {
	x := &e.probe
	x.waits = false
	for _, p := range e.peers {
		if !p.proved {
			x.waits = true
			e.askProof(p)
		}
	}
	return x.waits
}

// receiveProof takes the echo of a short Probe. One that names another one is a guess: there is no second for the same.
// With the last of them the round begins that waits.
func (e *Engine) receiveProof(now Time, p *Peer, w *wire.Probe) {
	if w.Session != e.cfg.Session { // of before a restart, perhaps
		e.count.ProbesRefused++
		return
	}
	if p.proof == 0 || w.Number != p.proof {
		p.proof = 0
		e.count.ProbesRefused++
		return
	}
	p.proved, p.proof = true, 0
	if e.probe.waits && !slices.ContainsFunc(e.peers, func(p *Peer) bool { return !p.proved }) {
		e.probe.waits, e.probe.at = false, now+echoApart // or the Probe would not be echoed
		e.arm(e.probe.at)
	}
}
