package mcast

import "github.com/ringcast/ringcast/codec/layout"

// Copies for peers that multicast does not reach (spec/wire.md, 4.7). Whether it does,
// each peer says in its hear-vector, so that every direction is decided by itself.

// setHearing notes how a peer hears this node.
func (e *Engine) setHearing(p *Peer, hearing Hearing) {
	was := p.hearing
	if was == hearing {
		return
	}
	p.hearing = hearing
	if was == HearsGroup {
		e.apart = append(e.apart, p)
		e.sink.Notice(p, LaneGated, Deaf)
	} else if hearing == HearsGroup {
		e.noCopies(p)
		e.unproven(e.now, p)
		e.sink.Notice(p, LaneGated, HearsAgain)
	}
}

// noCopies takes a peer out of those who get copies.
func (e *Engine) noCopies(p *Peer) {
	for i, q := range e.apart {
		if q == p {
			e.apart = append(e.apart[:i], e.apart[i+1:]...)
			return
		}
	}
}

// copyOut sends frames for the group also to those who hear unicast only. Who hears
// nothing gets the control frames: they show when something gets through.
func (e *Engine) copyOut(frames [][]byte, control bool) {
	for _, p := range e.apart {
		if p.hearing != HearsUnicast && !control || faultNoCopies {
			continue
		}
		e.count.CopiesSent += uint64(len(frames))
		e.copies(p, frames)
	}
}

// copies sends frames to one peer, at once where the sink can.
func (e *Engine) copies(p *Peer, frames [][]byte) {
	if e.copier != nil {
		e.copier.Copies(p.from, frames)
		return
	}
	for _, b := range frames {
		e.sink.Unicast(p.from, b)
	}
}

// greetSeeds says HELLO to the addresses that no peer speaks from.
func (e *Engine) greetSeeds(now Time, flags uint16) {
next:
	for _, to := range e.cfg.Seeds {
		for _, p := range e.peers {
			if p.from == to {
				continue next
			}
		}
		e.send(to, e.helloFrame(now, flags|layout.HelloFlagAnswer, layout.FrameFlagUnicast))
	}
}
