package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

const (
	messagesStart = wire.HeaderSize + wire.DataHeadSize
	// batchMax is how many datagrams wait for one call of Sink.Multicast.
	batchMax = 32
	// longAgo is before every Time that a caller gives.
	longAgo Time = -1 << 62
)

// lane is an own lane: the window of datagrams, and the one that is being packed.
//
// The datagrams of [trail, head) can be repaired. The open one has the sequence
// head and is written in its place, which held head-window-1 where all are small: that is why
// there is one place more than the window has datagrams.
type lane struct {
	// Immutable.
	engine *Engine
	id     uint32
	class  uint8
	window uint64 // small datagrams that can be repaired
	to     uint32 // the node of the one member of a directed lane; 0: all are
	number uint32 // as Data and Heartbeat name it

	// The size of the datagrams that begin now; see size.go.
	mtu   int
	whole int // bytes of messages that fit into one as they are
	span  int // places that one takes

	// The window; what it is kept in is made with the first datagram.
	places  places   // for the open datagram, too; of a directed lane they may be fewer than the window has
	starts  []uint64 // by sequence: its first place, of all that were ever laid; nil where each datagram takes one
	lengths []int32
	head    uint64
	laid    uint64 // places, ever
	edge    int    // of these, modulo how many there are: where they end
	slot    int    // place(head)
	spot    int    // the first place of head
	low     int    // place(floor)
	floor   uint64 // nothing below can be repaired: its places were taken by others, or given back

	// The open datagram.
	open   bool
	packed bool   // in the compressor's buffer, not in its place
	pack   []byte // where it is packed
	at     int    // bytes used of pack
	room   int    // bytes left for messages
	filled int    // zeros behind them
	count  uint16

	// Who is waited for; see flow.go.
	limit       uint64 // first sequence that may not be sent now
	lowest      uint64 // lowest sequence a tethered member lacks
	waited      int    // members that are waited for
	limitCredit bool   // limit is a matter of credit, not of the window
	silents     bool   // limit passes over a member that is silent
	blocked     bool   // Send was refused; Room is owed
	stall       stall
	lone        bool // most members lack little: who holds it does so alone
	refusedAt   Time // when Send was last refused for members

	pace     pacer
	trial    trial
	repairs  repairQueue
	beat     heartbeat
	askedAt  Time // when members were last asked because of a move
	compress compressor

	// Of a directed lane.
	one     [1]*Peer // the member; nil: it is not here
	out     [][]byte // sealed datagrams that wait for the sink
	queued  bool     // in Engine.outLanes
	listed  bool     // in Engine.opened
	facets  int      // of topics
	version uint32   // of the rows that are told this member alone
}

func newLane(e *Engine, id uint32, class uint8, bytes int) *lane {
	l := &lane{engine: e, id: id, number: id, class: class, limit: wire.SequenceMax}
	l.setSize(e.cfg.MTU)
	_, span := e.cfg.places()
	l.window = uint64(max(bytes/l.mtu, windowMin*span))
	l.pace.init(&e.cfg)
	l.repairs.init()
	l.beat.at, l.refusedAt, l.askedAt = Never, longAgo, longAgo
	return l
}

// allocate makes the window, at the first datagram; the memory of the datagrams comes as they do.
func (l *lane) allocate(places int) {
	unit, span := l.engine.cfg.places()
	l.places = newPlaces(places, unit, span)
	if l.laid, l.edge = 0, 0; span > 1 {
		l.starts = make([]uint64, l.places.count)
	}
	l.slot = l.place(l.floor) // which is where the head begins
	l.low = l.slot
	l.lengths = make([]int32, l.places.count)
	l.repairs.allocate(l.places.count)
}

// take makes the window with which a lane begins.
func (l *lane) take() {
	places := int(l.window) + 1
	if l.to != 0 {
		places = min(places, directedPlaces)
		l.engine.used = append(l.engine.used, l)
	}
	l.allocate(places)
	l.claim()
}

// place is where of a sequence in the window is kept what is not its bytes.
func (l *lane) place(seq uint64) int { return int(seq % uint64(l.places.count)) }

// datagram returns the bytes of a sequence in [trail, head).
func (l *lane) datagram(seq uint64) []byte { return l.bytesOf(seq, int(l.lengths[l.place(seq)])) }

// trail is the oldest sequence that can be repaired.
func (l *lane) trail() uint64 { return max(l.floor, l.head-min(l.head, l.window)) }

// begin opens a datagram if the members, the credit and the rate allow one.
func (l *lane) begin(now Time) bool {
	if l.head >= l.limit && !faultNoWindow {
		l.refuse(now)
		return false
	}
	if !l.repairs.empty() {
		l.engine.pumpRepairs(now, l, repairNew) // they come first
	}
	if !l.pace.take(now, l.throttle()) {
		l.engine.count.BusyPacing++
		l.compress.limited, l.pace.refusedAt = now, now
		l.block(now)
		return false
	}
	if l.places.count == 0 {
		l.take()
	} else if l.to != 0 {
		l.widen()
	}
	if l.places.span > 1 {
		l.enlarge(now)
	}
	l.goesOn(now)
	l.open = true
	if !l.listed {
		l.listed = true
		l.engine.opened = append(l.engine.opened, l)
	}
	l.at = messagesStart
	l.count = 0
	l.pack = l.space()
	l.room = l.whole
	if n := l.packRoom(l.room, now); n > 0 {
		l.pack, l.packed = l.compress.raw[:messagesStart+n], true
		l.room = n
	}
	return true
}

// put writes a message that fits into the open datagram.
func (l *lane) put(m *wire.Message) {
	n := m.Put(l.pack[l.at:])
	l.at += n
	l.room -= n
	l.count++
}

// fill makes the open datagram, to which nothing fits any more, as long as all full
// ones are, so that the kernel can join them.
func (l *lane) fill() {
	if l.open && !l.packed && l.room <= wire.FillMax {
		l.filled = l.room
		clear(l.pack[l.at : l.at+l.room])
	}
}

// seal ends the open datagram and gives it to the batch.
func (l *lane) seal(now Time) {
	if !l.open {
		return
	}
	l.open = false
	if l.packed {
		l.packed = false
		l.sealPacked(now)
		return
	}
	filled := l.filled
	l.filled = 0
	l.finish(l.pack[:l.at+filled], uint16(l.at-messagesStart), l.count, 0, now)
}

// finish makes a frame of b, which is of the place of head and has the body, and
// moves on. It may run more than once for one packed datagram.
func (l *lane) finish(b []byte, raw, count uint16, flags uint8, now Time) {
	e := l.engine
	head, length := l.head, len(b)
	b = b[:length:length]
	l.repairs.fresh(l.slot)
	l.settle(length) // the trail, as it is once this one counts
	if l.to != 0 {
		flags |= layout.FrameFlagUnicast
	}
	h := wire.Header{Flags: flags, Type: layout.FrameTypeData, Length: uint16(length),
		Domain: e.cfg.DomainHash, Node: e.cfg.Node, Session: e.cfg.Session, Number: e.nextNumber()}
	wire.PutHeader(b, &h)
	d := wire.Data{Lane: l.number, Count: count, RawLength: raw, LaneSequence: head, TrailDelta: l.trailDelta(head), SendMicros: micros(now)}
	wire.PutDataHead(b[wire.HeaderSize:], &d)
	if l.beat.data(now) {
		l.trial.afresh(now, l)
	}
	e.arm(l.beat.at)
	e.count.DataSent++
	e.count.BytesSent += uint64(length)
	e.probe.used = e.probe.used || length > e.cfg.MTU
	if l.to != 0 {
		e.count.DirectedSent++
		l.queue(b)
		return
	}
	e.out = append(e.out, b)
	if len(e.out) >= batchMax {
		e.flushOut()
	}
}

func (l *lane) trailDelta(seq uint64) uint32 {
	t := l.trail()
	if t > seq {
		return 0
	}
	return uint32(seq - t)
}

// block remembers that somebody waits for Sink.Room.
func (l *lane) block(now Time) {
	l.blocked = true
	l.engine.arm(l.pace.when(now, l.throttle()))
}

// refuse counts a datagram that members do not let out.
func (l *lane) refuse(now Time) {
	if l.limitCredit {
		l.engine.count.BusyCredit++
	} else {
		l.engine.count.BusyWindow++
	}
	l.blocked, l.refusedAt = true, now
	l.standsStill(now)
}

// passable says whether begin would succeed.
func (l *lane) passable(now Time) bool {
	return l.head < l.limit && l.pace.ready(now, l.throttle())
}
