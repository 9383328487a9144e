package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Directed lanes (spec/wire.md, 15): each node has one to each member that can take it. It
// belongs to the member's node and outlives its session, as a lane of all outlives that of any
// member.

const (
	directedKept = 60 * Second // for which what a node that is gone has not taken is kept
	directedMost = 4096        // nodes to which there may be a lane
)

// newDirected makes the lane to a member.
func newDirected(e *Engine, node uint32) *lane {
	l := newLane(e, LaneDirected, layout.LaneClassGated, e.cfg.DirectedWindow)
	l.to, l.number = node, wire.DirectedLane(node)
	l.pace.at, l.repairs.at = e.now, e.now
	return l
}

// laneTo gives a peer its lane, where it takes one.
func (e *Engine) laneTo(p *Peer, features uint32) {
	if e.cfg.NoDirected || features&wire.FeatureDirected == 0 {
		return
	}
	l := e.directed[p.node]
	if l == nil {
		if len(e.directed) >= directedMost {
			return
		}
		l = newDirected(e, p.node)
		e.directed[p.node] = l
	}
	p.lane, l.one[0] = l, p
	p.laneAskAt, p.laneAskStep = e.now+retryFirst, retryFirst
}

// leaveLane takes a peer that is gone off its lane, which stays for when it is back.
func (e *Engine) leaveLane(p *Peer) {
	l := p.lane
	if l == nil || l.one[0] != p {
		return
	}
	l.repairs.leave(p, l)
	l.one[0] = nil
	clear(l.out)
	l.out = l.out[:0]
	if l.head == 0 && l.facets == 0 {
		delete(e.directed, l.to)
	}
}

// laneOf returns the own lane that a peer means by a number; nil: it has none.
func (e *Engine) laneOf(p *Peer, number uint32) *lane {
	switch {
	case number < lanesGroup:
		return e.lanes[number]
	case number == LaneDirected:
		return p.lane
	}
	return nil
}

// peers are those of whom some are members of the lane.
func (l *lane) peers() []*Peer {
	switch {
	case l.to == 0:
		return l.engine.peers
	case l.one[0] == nil:
		return nil
	}
	return l.one[:]
}

// laneIn returns which of a peer's lanes a frame with the flags given means by a number.
func (e *Engine) laneIn(number uint32, flags uint8) (lane uint32, ok bool) {
	switch {
	case number < lanesGroup:
		return number, true
	case number == e.ownLane && flags&layout.FrameFlagUnicast != 0:
		return LaneDirected, true
	}
	return 0, false
}

// strayLane says what a frame of a lane is that this node does not have.
func (e *Engine) strayLane(number uint32) wire.Reason {
	if number&0xff != LaneDirected {
		return wire.BadLane
	}
	e.count.NotJoined++ // for another node, which had this address
	return wire.OK
}

// notJoined asks for the lane to this node, where its owner speaks of it and no snapshot has: without
// it the owner takes this node for one that wants nothing.
func (e *Engine) notJoined(now Time, p *Peer, lane uint32) {
	if lane == LaneDirected && p.receivers[LaneGated] != nil && !e.cfg.NoDirected {
		e.sendHello(now, p, layout.HelloFlagAnswer|layout.HelloFlagSetupWanted)
	}
}

// queue keeps a datagram of a directed lane for the sink.
func (l *lane) queue(b []byte) {
	e := l.engine
	l.out = append(l.out, b)
	if !l.queued {
		l.queued = true
		e.outLanes = append(e.outLanes, l)
	}
	if len(l.out) >= batchMax {
		l.flush()
	}
}

// flush hands what waits of a directed lane to the sink.
func (l *lane) flush() {
	if p := l.one[0]; p != nil && len(l.out) != 0 {
		l.engine.copies(p, l.out)
	}
	clear(l.out)
	l.out = l.out[:0]
}

func (e *Engine) flushDirected() {
	for i, l := range e.outLanes {
		l.queued = false
		l.flush()
		e.outLanes[i] = nil
	}
	e.outLanes = e.outLanes[:0]
}

// tickUsed runs the timers of the directed lanes that have a window.
func (e *Engine) tickUsed(now Time) {
	keep := e.used[:0]
	for _, l := range e.used {
		if e.tickLane(now, l); l.rests(now) {
			l.release()
		} else {
			keep = append(keep, l)
		}
	}
	clear(e.used[len(keep):])
	e.used = keep
}

// taken says whether the member of a directed lane has all of it.
func (l *lane) taken() bool {
	p := l.one[0]
	return p != nil && p.members[l.id].joined && p.members[l.id].taken >= l.head
}

// rests says whether a directed lane's window is of no use any more.
func (l *lane) rests(now Time) bool {
	switch idle := now - l.beat.last; {
	case l.open || l.blocked || len(l.out) != 0 || !l.repairs.empty():
		return false
	case l.one[0] == nil:
		return idle >= directedKept
	default:
		return idle >= l.engine.cfg.Timers.DirectedIdle && l.taken()
	}
}

// directedPlaces is how many datagrams a directed lane's memory is for at first; it grows as the member lags.
const directedPlaces = windowMin + 1

// widen makes room for more datagrams in a directed lane, where its member lacks nearly as many
// as there is room for.
func (l *lane) widen() {
	lacks := l.trail()
	if p := l.one[0]; p != nil && p.members[l.id].joined {
		lacks = max(lacks, p.members[l.id].taken)
	}
	if l.places.count > int(l.window) || int(l.lag(lacks))+l.most() <= l.places.count {
		return
	}
	l.engine.flushOut() // what waits lies in the old memory
	old := *l
	l.floor = old.trail()
	l.allocate(min(4*l.places.count, int(l.window)+1))
	l.head = l.floor
	for seq := l.floor; seq < old.head; seq++ {
		from, to, b := old.place(seq), l.place(seq), old.datagram(seq)
		l.span = 1
		if len(b) > l.places.unit {
			l.span = l.places.span
		}
		l.claim()
		copy(l.bytesOf(seq, len(b)), b)
		l.settle(len(b))
		q, r := &l.repairs, &old.repairs
		q.wanted[to], q.sentTo[to], q.sentAt[to] = r.wanted[from], r.sentTo[from], r.sentAt[from]
	}
	l.span = old.span
	l.claim()
}

// most is how many places may be taken until widen looks again: by what one datagram that was packed to be folded
// comes to, by the one after it, and by the way to where a large one may begin.
func (l *lane) most() int {
	if l.places.span == 1 {
		return splitMost + 1
	}
	return (splitMost + 2) * l.places.span
}

// release gives the window's memory back.
func (l *lane) release() {
	l.places, l.starts, l.lengths, l.compress = places{}, nil, nil, compressor{}
	l.setSize(l.engine.cfg.MTU)
	l.repairs.wanted, l.repairs.sentTo, l.repairs.sentAt = nil, nil, nil
	l.floor = l.head
	l.beat.at = Never
}

// askLane asks a peer that has not joined its lane where it stands: a Status of a lane on
// which nothing is sent comes only once by itself.
func (e *Engine) askLane(now Time, p *Peer) {
	if p.lane == nil || p.members[LaneDirected].joined || !p.members[LaneGated].joined {
		return
	}
	if now >= p.laneAskAt {
		e.sendHeartbeat(p.lane, now, true)
		p.laneAskAt = now + p.laneAskStep
		p.laneAskStep = min(2*p.laneAskStep, retryLast)
	}
	e.arm(p.laneAskAt)
}

// joined says whether a peer is a member of all lanes by which topics may reach it: before,
// it wants nothing.
func (p *Peer) joined() bool {
	return p.members[LaneGated].joined && (p.lane == nil || p.members[LaneDirected].joined)
}
