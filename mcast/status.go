package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

const (
	statusApart   = 5 * Millisecond  // between two SM asked for by losses or overruns
	tableApart    = 10 * Millisecond // between two requests for a table
	tablePart     = Millisecond / 10 // and by how much more for each part
	statusesLarge = 100              // members from which on SM come less often
	statusPerNode = Millisecond / 2  // and by how much for each
	activeSpan    = Second           // for how long a lane counts as one that sends
)

// statusTimer says when the next SM of a lane is due, and keeps what it compares with.
type statusTimer struct {
	at       Time
	sentAt   Time
	next     uint64 // as of the last SM
	highest  uint64
	received uint64 // datagrams since the last SM
	activeAt Time   // last data
	table    bool   // a Setup is wanted
	tableAt  uint64 // that speaks of at least this lane sequence
	overrun  bool
}

// credit is how many datagrams past the highest one this node can take: what is
// free of the reorder buffer, and this lane's share of the socket's.
func (e *Engine) credit(now Time, r *receiver) uint64 {
	free := r.reach - min(r.highest-r.next, r.reach)
	if e.cfg.ReceiveBuffer == 0 {
		return free
	}
	active := e.activeLanes(now)
	if !r.status.active(now) {
		active++
	}
	return min(free, e.socketCredit(active))
}

// active says whether the lane sent something a short while ago.
func (s *statusTimer) active(now Time) bool { return s.activeAt != 0 && now-s.activeAt < activeSpan }

// activeLanes counts the lanes of all peers that are active, once for all SM of an instant: idle ones go out
// together, one or two for each peer.
func (e *Engine) activeLanes(now Time) int {
	if e.lanesAt == now {
		return e.lanesActive
	}
	e.lanesAt, e.lanesActive = now, 0
	for _, p := range e.peers {
		for _, r := range p.receivers {
			if r != nil && r.status.active(now) {
				e.lanesActive++
			}
		}
	}
	return e.lanesActive
}

// socketCredit is the share of the socket's buffer in datagrams. The kernel counts
// about as much again for a datagram as it holds, and half is kept for control
// frames and for what is repaired.
func (e *Engine) socketCredit(active int) uint64 {
	return uint64(max(8, e.cfg.ReceiveBuffer/(2*(e.largest()+1024))/active))
}

// echoHello lets the next SM of a lane that was silent so far answer a HELLO's time:
// the round trip is known before the first data.
func (p *Peer) echoHello(now Time, send uint32) {
	for _, r := range p.receivers {
		if r != nil && r.status.activeAt == 0 {
			r.echo, r.echoAt = send, now
		}
	}
}

// statusAfterData sends an SM where enough was taken since the last one.
func (e *Engine) statusAfterData(now Time, r *receiver) {
	s := &r.status
	s.received++
	if !s.active(now) {
		e.lanesAt = longAgo // they are one more
	}
	s.activeAt = now
	step := r.reach / 4
	if e.cfg.ReceiveBuffer != 0 {
		step = min(step, e.socketCredit(1)/8)
	}
	if r.next-s.next >= step || r.highest-s.highest >= step {
		e.sendStatus(now, r)
		return
	}
	if due := s.sentAt + e.statusBusy(); due < s.at {
		s.at = due
		e.arm(due)
	}
}

func (e *Engine) statusBusy() Duration {
	if n := len(e.peers); n > statusesLarge {
		return max(e.cfg.Timers.StatusBusy, Duration(n)*statusPerNode)
	}
	return e.cfg.Timers.StatusBusy
}

// wantStatus makes an SM due soon: at once, unless one was just sent.
func (e *Engine) wantStatus(now Time, r *receiver) {
	due := max(now, r.status.sentAt+Millisecond)
	if due < r.status.at {
		r.status.at = due
		e.arm(due)
	}
}

// askTable asks for a snapshot that is not older than now.
func (e *Engine) askTable(now Time, r *receiver) {
	r.status.table, r.status.tableAt = true, max(r.status.tableAt, r.highest)
	e.wantStatus(now, r)
}

// tickStatus sends the SM that is due.
func (e *Engine) tickStatus(now Time, r *receiver) {
	if now >= r.status.at {
		e.sendStatus(now, r)
		return
	}
	e.arm(r.status.at)
}

func (e *Engine) sendStatus(now Time, r *receiver) {
	s := &r.status
	w := wire.Status{Session: r.peer.session, Taken: r.next, Highest: max(r.highest, r.next), Lane: r.lane,
		Credit: uint32(min(e.credit(now, r), 1<<31)), Overruns: e.overruns, WantVersion: r.peer.wants.version,
		HoldMicros: wire.NoEcho, DelayMicros: wire.NoEcho, FirstLost: uint32(r.missed)}
	if span := now - s.sentAt; span > 0 && s.sentAt != 0 {
		w.ReceivedRate = uint32(min(float64(s.received)/float64(span)*float64(Second), 1<<31))
	}
	if r.echoAt != 0 {
		w.EchoMicros, w.HoldMicros = r.echo, micros(now-r.echoAt)
	}
	if r.timed {
		w.DelayMicros = r.delay
		r.timed = false
	}
	if s.overrun {
		w.Flags |= layout.StatusFlagOverrun
		s.overrun = false
	}
	busy := s.received != 0
	if s.table {
		w.Flags |= layout.StatusFlagSetupWanted
	}
	s.next, s.highest, s.received, s.sentAt = r.next, r.highest, 0, now
	if s.at = e.withBeacon(now); r.lane == LaneDirected {
		s.at = Never // its owner asks
	}
	if busy {
		s.at = now + e.statusBusy()
	}
	if s.table {
		s.at = now + tableApart + Duration(len(r.peer.snapshot.parts))*tablePart
	}
	e.arm(s.at)
	b := w.AppendTo(e.frame(layout.FrameTypeStatus, layout.FrameFlagUnicast))
	if r.lane == LaneGated {
		b = e.appendFull(r.peer, b)
	}
	e.count.StatusSent++
	e.unicast(r.peer, b)
}

// appendFull lists the peer's topics that have no room here, as far as they fit.
func (e *Engine) appendFull(p *Peer, b []byte) []byte {
	for _, t := range p.full {
		if len(b)+wire.FullTopicSize > e.cfg.MTU-wire.TagSize {
			break
		}
		b = wire.AppendFullTopic(b, uint32(t.ID), uint32(t.fullSeq))
	}
	return b
}

// SetTopicFull says that the ring behind a remote gated topic has no room, or has
// room again. The topic's owner then stops sending it, within its stall budget;
// what is on its way still comes and has to be parked or given up by the caller.
// It may be called from within Deliver. It takes effect with the next Tick.
func (e *Engine) SetTopicFull(peer *Peer, topic *RemoteTopic, full bool) {
	if topic.full == full || topic.Shape.Live {
		return
	}
	topic.full = full
	if full {
		topic.fullSeq = topic.lastSeq + 1
		if topic.ID != 0 { // else its owner's table has it not: only its history waits
			peer.full = append(peer.full, topic)
		}
	} else {
		keep := peer.full[:0]
		for _, t := range peer.full {
			if t != topic {
				keep = append(keep, t)
			}
		}
		peer.full = keep
	}
	if r := peer.receivers[LaneGated]; r != nil {
		r.status.at = e.now
		e.touch(peer)
		e.arm(e.now)
	}
}

// LocalLoss says that the kernel has dropped datagrams of this socket (its
// overflow counter moved by count): new holes are then asked for without back-off.
func (e *Engine) LocalLoss(now Time, count uint32) {
	e.localLossTill = now + e.cfg.Timers.LocalLossSpan
	e.overruns += count
	e.count.LocalLosses += uint64(count)
	e.touchAll()
	for _, p := range e.peers {
		for _, r := range p.receivers {
			if r == nil || r.status.activeAt == 0 || now-r.status.activeAt > activeSpan {
				continue
			}
			r.status.overrun = true
			if due := max(now, r.status.sentAt+statusApart); due < r.status.at {
				r.status.at = due
				e.arm(due)
			}
		}
	}
}
