package mcast

// Which peers have something to do. Most ticks are for one peer's timer, and a look at each
// of two hundred peers costs as many cache misses and more: so the engine keeps for each when
// it has to be looked at, close together, and passes over all others.
//
// Two things bring a peer's turn: its time, which tickPeer armed, and a touch. Whatever changes
// a peer's timers from outside tickPeer touches the peer: each frame of its own (Receive), and
// each call that is about it or about all. Should one be forgotten, all have their turn once
// a second.

// touch makes the next tick look at a peer.
func (e *Engine) touch(p *Peer) {
	if p.index >= 0 { // else it is gone
		e.turns[p.index] = 0
	}
}

// touchAll makes the next tick look at all peers.
func (e *Engine) touchAll() { clear(e.turns) }

// tickPeers runs the timers of the peers whose turn it is.
func (e *Engine) tickPeers(now Time) {
	if now >= e.roundAt {
		e.touchAll()
		e.roundAt = now + Second
	}
	for i := 0; i < len(e.peers); {
		if at := e.turns[i]; now < at {
			e.arm(at)
			i++
			continue
		}
		if e.takeTurn(now, i) {
			i++
		}
	}
}

// takeTurn runs the timers of one peer, and notes when its next turn is. It says false
// when the peer is gone.
func (e *Engine) takeTurn(now Time, i int) bool {
	others, p := e.deadline, e.peers[i]
	e.deadline, e.turns[i] = Never, Never
	stays := e.tickPeer(now, p)
	if stays {
		e.turns[i] = min(e.turns[i], e.deadline)
	}
	e.deadline = min(e.deadline, others)
	return stays
}

// join appends a peer, whose turn it is.
func (e *Engine) join(p *Peer) {
	p.index = len(e.peers)
	e.peers, e.turns = append(e.peers, p), append(e.turns, 0)
}

// part takes a peer out, if it is there.
func (e *Engine) part(p *Peer) {
	i := p.index
	if i < 0 {
		return
	}
	e.peers, e.turns = append(e.peers[:i], e.peers[i+1:]...), append(e.turns[:i], e.turns[i+1:]...)
	for j := i; j < len(e.peers); j++ {
		e.peers[j].index = j
	}
	p.index = -1
	e.lanesAt = longAgo
}
