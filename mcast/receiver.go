package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// receiver follows one lane of a peer: it reads datagrams in the lane's order,
// holds what comes past a hole, and asks for what is missing. Messages past a hole
// are handed over where their stream misses nothing: see ahead.go.
//
//	read             | holes and held datagrams |  not seen
//	─────────────────┼──────────────────────────┼──────────▶ lane sequence
//	               next                       highest
type receiver struct {
	// Immutable after the join.
	peer   *Peer
	lane   uint32
	class  uint8
	reach  uint64 // how far past next a datagram is held
	joined uint64 // nothing below was ever asked for

	next    uint64
	highest uint64  // one more than the highest seen
	trail   uint64  // nothing below can be repaired
	held    []int32 // by lane sequence: a piece of the pool, heldTaken, or 0
	holding int     // datagrams held

	gaps    gapList
	cuts    []*remoteStream // that wait for a hole to close between two fragments
	rowless remoteStream    // stands for all whose rows are not here

	// A datagram that waits, in part delivered, for rows of the table.
	waiting   bool
	waitSince Time
	offset    int // bytes of its messages that were delivered

	missed     uint64 // sequences missed at first, reordering not counted
	skipEnd    uint64 // one more than the last sequence given up
	skipReason LossReason
	tabled     uint64 // rows of what lies below have come, if there are any
	gaveUp     uint64 // below this no repair is waited for
	putOutTill Time   // until when the owner counts as not waiting for this node; 0: it waits
	isolated   bool   // that is because this node alone loses much

	tailAt uint64 // where a snapshot says how far streams went; 0: nothing open

	aheadSince Time // since when the owner speaks only of what lies behind; 0: it does not

	status statusTimer
	echo   uint32 // send_us of the last frame
	echoAt Time   // 0: none yet
	delay  uint32 // least one-way delay since the last SM
	timed  bool
	path   delayFilter
	queue  Duration // how long the last frame waited in queues
}

// receiveData takes a datagram of a lane.
func (e *Engine) receiveData(now Time, p *Peer, h *wire.Header, frame []byte) wire.Reason {
	var d wire.Data
	if r := wire.ParseData(frame[wire.HeaderSize:], h.Flags, &d); r != wire.OK {
		return r
	}
	lane, ok := e.laneIn(d.Lane, h.Flags)
	if !ok {
		return e.strayLane(d.Lane)
	}
	e.count.DataReceived++
	if len(frame) > e.cfg.MTU {
		e.sawLarge(now, len(frame))
	}
	if h.Flags&layout.FrameFlagRepair != 0 {
		e.count.RepairsReceived++
	}
	r := p.receivers[lane]
	if r == nil {
		e.notJoined(now, p, lane)
		e.count.NotJoined++
		return wire.OK
	}
	r.clock(now, d.SendMicros)
	if h.Flags&layout.FrameFlagRepair == 0 && e.misled(now, r, h.Number, d.LaneSequence+1) {
		return wire.OK
	}
	trail := d.LaneSequence - uint64(d.TrailDelta)
	if faultTrailOffByOne && trail > 0 {
		trail++
	}
	if trail > r.trail {
		r.trail = trail
		if trail > r.next {
			e.drain(now, r)
		}
	}
	reason := e.intake(now, r, &d, h.Flags, frame)
	if r.tailAt != 0 && r.next >= r.tailAt {
		e.tellTails(r)
	}
	e.statusAfterData(now, r)
	return reason
}

// clock notes a frame's time for the echo and for the queue's delay.
func (r *receiver) clock(now Time, send uint32) {
	r.echo, r.echoAt = send, now
	delay := micros(now) - send
	r.queue = r.path.add(now, delay)
	if !r.timed || int32(delay-r.delay) < 0 {
		r.delay, r.timed = delay, true
	}
}

// intake delivers, holds or drops a datagram.
func (e *Engine) intake(now Time, r *receiver, d *wire.Data, flags uint8, frame []byte) wire.Reason {
	seq := d.LaneSequence
	if seq == r.next && !r.waiting && (r.holding == 0 || r.held[seq%r.reach] == 0) {
		raw, reason := e.unfold(d, flags)
		if reason != wire.OK {
			return reason
		}
		r.seen(now, e, seq)
		if !e.deliverRaw(now, r, raw) {
			e.hold(r, seq, frame)
			e.ahead(now, r, seq, raw)
			return wire.OK
		}
		r.next++
		if r.holding != 0 || r.trail > r.next {
			e.drain(now, r)
		}
		return wire.OK
	}
	switch {
	case seq < r.next:
		e.count.Duplicates++
		if faultDuplicate {
			if raw, reason := e.unfold(d, flags); reason == wire.OK {
				e.deliverRaw(now, r, raw)
			}
		}
		return wire.OK
	case seq >= r.next+r.reach:
		e.count.ReorderFull++
		return wire.OK
	case r.isHeld(seq):
		e.count.Duplicates++
		return wire.OK
	}
	raw, reason := e.unfold(d, flags)
	if reason != wire.OK {
		return reason
	}
	if e.ahead(now, r, seq, raw) {
		e.mark(r, seq)
	} else if !e.hold(r, seq, frame) {
		e.count.ReorderFull++
		return wire.OK
	}
	r.seen(now, e, seq)
	return wire.OK
}

// seen notes that a sequence has come: it opens the gap before it or closes its own.
func (r *receiver) seen(now Time, e *Engine, seq uint64) {
	switch {
	case seq == r.highest:
		r.highest++
	case seq > r.highest:
		e.openGap(now, r, r.highest, seq-1)
		r.highest = seq + 1
	default:
		r.gaps.fill(seq)
		if len(r.cuts) != 0 {
			e.mended(r)
		}
	}
}

// unfold checks the messages of a datagram, decompressing them first if need be.
func (e *Engine) unfold(d *wire.Data, flags uint8) (raw []byte, reason wire.Reason) {
	raw = d.Body
	if flags&layout.FrameFlagLz4 != 0 {
		if raw = e.decompress(d); raw == nil {
			return nil, wire.BadCompression
		}
	}
	return raw, wire.CheckMessages(raw, int(d.Count))
}

func (r *receiver) isHeld(seq uint64) bool {
	return r.holding != 0 && r.held[seq%r.reach] != 0
}

// hold keeps a datagram past a hole. It says false where there is no memory for it.
func (e *Engine) hold(r *receiver, seq uint64, frame []byte) bool {
	if r.peer.heldBytes+len(frame) > e.cfg.ReorderBuffer && seq != r.next {
		return false
	}
	if r.held == nil {
		r.held = make([]int32, r.reach)
	}
	r.peer.heldBytes += len(frame)
	r.held[seq%r.reach] = e.pool.put(frame)
	r.holding++
	return true
}

func (e *Engine) release(r *receiver, seq uint64) {
	i := seq % r.reach
	if piece := r.held[i]; piece != heldTaken {
		r.peer.heldBytes -= len(e.pool.get(piece))
		e.pool.free(piece)
	}
	r.held[i] = 0
	r.holding--
}

// drain delivers what is held at next, and steps over holes below the trail.
func (e *Engine) drain(now Time, r *receiver) {
	for !r.waiting {
		switch {
		case r.isHeld(r.next):
			if !e.deliverHeld(now, r) {
				return
			}
		case r.next < r.trail:
			e.skip(now, r)
		default:
			return
		}
	}
}

// deliverHeld delivers the held datagram at next; it was checked when it came.
func (e *Engine) deliverHeld(now Time, r *receiver) bool {
	piece := r.held[r.next%r.reach]
	if piece == heldTaken {
		r.offset = 0
		e.release(r, r.next)
		r.next++
		return true
	}
	frame := e.pool.get(piece)
	var d wire.Data
	flags := frame[layout.FrameHeaderFlagsOffset]
	wire.ParseData(frame[wire.HeaderSize:], flags, &d)
	raw, reason := e.unfold(&d, flags)
	if reason == wire.OK && !e.deliverRaw(now, r, raw) {
		return false
	}
	e.release(r, r.next)
	r.next++
	return true
}

// skip gives up the hole at next, or all of them if nothing is held.
func (e *Engine) skip(now Time, r *receiver) {
	to := r.next + 1
	if r.holding == 0 {
		to = max(r.trail, to)
	}
	e.count.HolesLost += to - r.next
	if c := r.peer.catchup; c != nil {
		c.partial = true // a producer that is not known yet may have ended there
	}
	r.next = to
	r.highest = max(r.highest, to)
	r.gaps.drop(to)
	r.skipEnd = to
	switch {
	case now < r.putOutTill:
		r.skipReason = LossUntethered
	case to <= r.gaveUp:
		r.skipReason = LossGaveUp
	default:
		r.skipReason = LossTrail
	}
	e.abortReassemblies(r, to)
	e.askTable(now, r)
}

// receiveHeartbeat takes an HB: what it says to be sent and was not seen is missing.
func (e *Engine) receiveHeartbeat(now Time, p *Peer, h *wire.Header, body []byte) wire.Reason {
	var b wire.Heartbeat
	if r := wire.ParseHeartbeat(body, &b); r != wire.OK {
		return r
	}
	lane, ok := e.laneIn(b.Lane, h.Flags)
	if !ok {
		return e.strayLane(b.Lane)
	}
	p.roundTrip, p.group = Duration(b.RoundTripMicros)*Microsecond, int(b.Members)
	r := p.receivers[lane]
	if r == nil {
		e.notJoined(now, p, lane)
		return wire.OK
	}
	r.clock(now, b.SendMicros)
	if e.misled(now, r, h.Number, b.Next) {
		return wire.OK
	}
	r.trail = max(r.trail, b.Trail)
	if r.trail > r.next {
		e.drain(now, r)
	}
	if r.tailAt != 0 && r.next >= r.tailAt {
		e.tellTails(r)
	}
	if next := min(b.Next, r.next+r.reach); next > r.highest {
		e.openGap(now, r, r.highest, next-1)
		r.highest = next
	}
	if h.Flags&layout.FrameFlagStatusWanted != 0 {
		e.wantStatus(now, r)
	}
	return wire.OK
}

// misledSpan is how long an owner may speak of nothing but what lies behind.
const misledSpan = Second

// misled finds a receiver that stands above its lane's head: only a forged frame can
// have brought it there, and nothing would ever come again. It begins anew with
// the peer's next HELLO.
func (e *Engine) misled(now Time, r *receiver, number, head uint64) bool {
	switch {
	case head >= r.next:
		r.aheadSince = 0
	case r.lane == LaneDirected && float64(number) <= r.peer.hellos.value():
		// It is old: where nothing is sent, nothing else would say that all is well.
	case r.aheadSince == 0:
		r.aheadSince = now
	case now-r.aheadSince > misledSpan:
		e.count.Misled++
		e.removePeer(r.peer, DownTimeout)
		return true
	}
	return false
}

// receiveNcf takes a refusal.
func (e *Engine) receiveNcf(now Time, p *Peer, body []byte) wire.Reason {
	var n wire.Ncf
	if r := wire.ParseNcf(body, &n); r != wire.OK {
		return r
	}
	if n.Lane >= lanesMax {
		return wire.BadLane
	}
	r := p.receivers[n.Lane]
	if n.Session != e.cfg.Session || r == nil {
		return wire.OK
	}
	switch n.Reason {
	case layout.NcfReasonTooOld:
		r.trail = max(r.trail, min(n.Trail, r.highest))
		e.drain(now, r)
	case layout.NcfReasonUntethered, layout.NcfReasonIsolated:
		e.putOut(now, r, n.Reason == layout.NcfReasonIsolated)
	case layout.NcfReasonNotMember:
		e.sendHello(now, p, layout.HelloFlagAnswer)
	case layout.NcfReasonWait, layout.NcfReasonRate:
		r.gaps.notBefore = now + min(Duration(n.WaitMillis)*Millisecond, retryMax)
	}
	return wire.OK
}
