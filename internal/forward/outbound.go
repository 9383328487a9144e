package forward

import (
	"errors"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/ring"
)

// An outbound is a local topic that other nodes asked for. It is guarded by
// Forwarder.mu.
type outbound struct {
	name   string
	topic  mcast.TopicID
	lane   uint32
	file   *ring.File
	id     uint64 // of the ring
	reader *ring.Reader

	lease [pumpLease]ring.Message
	lent  []ring.Message // of lease: what the ring has lent, the message in hand first
	wire  mcast.Message  // the message in hand, as the engine takes it
	held  bool           // the engine has not taken it yet

	// What was sent and is not yet with every member: the ring's position behind
	// it, and the lane's head at that time. Ascending. Messages of several slots are in
	// large, too, with the position from which they have to be read.
	unsettled []mark
	large     []mark
	cursor    uint64 // behind what was settled
	from      uint64 // where what is lent has to be read from, if it has such messages
	place     uint64 // what a successor was told

	splices splices // where it stood at the engine's marks

	rewound uint64 // positions below it are read again after we were put out
	missed  uint64 // positions that passed us by since the topic is forwarded
	leaving bool   // its publishers are gone: it ends when all of it was handed over
}

// openOut begins to forward a topic, from a position if it is set, otherwise
// from its tail.
func (f *Forwarder) openOut(name string, fresh bool) (*outbound, error) {
	file, err := ring.OpenFile(f.topicPath(name), f.host, ring.FileOptions{})
	if err != nil {
		return nil, err
	}
	options := ring.JoinOptions{Latest: file.Shape().Mode == ring.Latest}
	if at, ok := f.seat.Cursor(file.ID()); ok {
		options.From, options.FromSet = at, true
	} else if fresh {
		options.FromSet = true // its publisher has just come: from the first message
	}
	reader, err := file.Join(options)
	if err != nil {
		if reader != nil {
			reader.Close()
		}
		return nil, errors.Join(err, file.Close())
	}
	topic, err := f.engine.Topic(name, shapeOf(file.Shape()))
	if err != nil {
		reader.Close()
		return nil, errors.Join(err, file.Close())
	}
	f.noteErr(f.seat.SetCursor(file.ID(), reader.Cursor()))
	return &outbound{
		name: name, topic: topic, lane: laneOf(file.Shape()),
		file: file, id: file.ID(), reader: reader, cursor: reader.Cursor(), from: noPosition, place: reader.Cursor(),
		rewound: file.Tail(), splices: f.splicesOf(file.ID(), reader.Cursor()),
	}, nil
}

func laneOf(s ring.Shape) uint32 {
	if s.Mode == ring.Latest {
		return mcast.LaneLive
	}
	return mcast.LaneGated
}

// shapeOf is a ring's shape as the other nodes are told.
func shapeOf(s ring.Shape) mcast.TopicShape {
	return mcast.TopicShape{
		SlotCount: uint32(s.Slots), SlotPayload: uint32(s.Payload), History: uint32(s.History),
		Mode: uint8(s.Mode), Kind: uint8(s.Kind), Purpose: uint8(s.Purpose), Live: s.Mode == ring.Latest,
	}
}

// closeOut ends the forwarding of a topic.
func (f *Forwarder) closeOut(name string) {
	o := f.out[name]
	delete(f.out, name)
	f.writeLater()
	if cutOff(func() {
		f.keepSplices(o)
		o.reader.Close()
		if err := o.file.Close(); err != nil {
			f.cfg.Log("close topic %q: %v", name, err)
		}
	}) {
		f.dropOut(o)
	}
}

// forgetUnwanted ends the forwarding of what peers have just let go of, and its
// place with it: who asks for the topic later begins then. (A peer that is merely
// gone goes on where it stood.)
func (f *Forwarder) forgetUnwanted() {
	for name, o := range f.out {
		if f.engine.WantedBy(name) != 0 {
			continue
		}
		f.cfg.Log("topic %q is no longer forwarded", name)
		id := o.id
		f.closeOut(name)
		f.seat.SweepCursors(func(ring uint64) bool { return ring != id })
	}
}

// A turn is what became of a topic's turn.
type turn struct {
	moved int  // messages
	busy  bool // the engine takes no more now
	more  bool // there was more than one turn takes
	open  bool // the last datagram was left open, for what may come yet
}

func (t *turn) add(o turn) {
	t.moved += o.moved
	t.busy = t.busy || o.busy
	t.more = t.more || o.more
}

// pump hands up to pumpBatch messages to the engine.
//
// While nobody wants a gated topic nothing is taken: the scan ends the topic at this
// place, and a peer that comes back goes on here. (To the engine a message that is
// offered to nobody is passed, and told as missed.)
func (o *outbound) pump(f *Forwarder, now mcast.Time) (t turn) {
	if f.renewal.holds() || o.lane == mcast.LaneGated && f.engine.WantedBy(o.name) == 0 {
		return turn{busy: true}
	}
	sent, clock := uint64(0), 0
	for t.more = true; t.moved < pumpBatch; t.moved++ {
		if !o.held && !o.next(f) {
			t.more = false
			break
		}
		if !o.held {
			continue // not for the network
		}
		if clock += len(o.wire.Payload); clock >= clockBytes {
			now, clock = f.now(), 0
		}
		result := f.engine.Send(now, o.topic, &o.wire)
		if result == mcast.Busy || result == mcast.NoProducers && f.renew("producers") {
			t.busy, t.more = true, false
			break
		}
		if result == mcast.Sent {
			sent++
			o.mark(f.engine.Placed(o.topic))
		} else {
			f.unsent(o, result)
		}
		o.held, o.lent = false, o.lent[1:]
	}
	if sent != 0 {
		f.counters.sent.Add(sent)
	}
	return t
}

// unsent counts a message that the engine will not send.
func (f *Forwarder) unsent(o *outbound, result mcast.SendResult) {
	if result == mcast.Unwanted {
		f.counters.unwanted.Add(1)
		return
	}
	if result == mcast.NoProducers {
		o.missed++ // who has a row in the next session is told what it can be
	}
	f.counters.unsendable.Add(1)
	f.cfg.Log("topic %q: message %d of %v was not sent: %v", o.name, o.wire.Sequence, o.wire.Producer, result)
}

// next takes a message off the ring. It returns false when there is none; a
// message that is not for the network is passed over (held stays false).
func (o *outbound) next(f *Forwarder) bool {
	if len(o.lent) == 0 {
		from := o.reader.Unfinished()
		n, err := o.reader.NextBatch(o.lease[:])
		if err != nil {
			return o.refused(f, err)
		}
		o.lent = o.lease[:n]
		o.noteLarge(from)
	}
	m := &o.lent[0]
	if m.Flags&layout.MessageFlagRemote != 0 || m.Kind == layout.MessageKindEvent {
		o.lent = o.lent[1:]
		return true
	}
	o.held = true
	toWire(&o.wire, m)
	o.wire.Missed = o.missed
	return true
}

// refused looks why the ring gave nothing. It returns false when there is nothing.
func (o *outbound) refused(f *Forwarder, err error) bool {
	var lagged *ring.LaggedError
	switch {
	case errors.Is(err, ring.ErrEmpty):
		return false
	case errors.As(err, &lagged):
		return o.lagged(f, lagged)
	case errors.Is(err, ring.ErrRetired):
		return o.follow(f)
	case errors.Is(err, ring.ErrTooManyReaders): // put out, and no way back in now
		return o.giveUp(f, err)
	}
	f.counters.damaged.Add(1)
	return true
}

// follow goes on in the ring that took this one's place. The replacer has entered
// our reader there, so nothing is missed.
func (o *outbound) follow(f *Forwarder) bool {
	file, err := ring.OpenFile(f.topicPath(o.name), f.host, ring.FileOptions{})
	if err != nil {
		return o.giveUp(f, err)
	}
	topic, err := f.engine.Topic(o.name, shapeOf(file.Shape()))
	if errors.Is(err, mcast.ErrTopics) && f.renew("topics") {
		_ = file.Close()
		return false // the next session follows
	}
	if err == nil {
		err = o.reader.Follow(file.Ring)
	}
	if err != nil {
		return o.giveUp(f, errors.Join(err, file.Close()))
	}
	o.topic = topic
	if err := o.file.Close(); err != nil {
		f.cfg.Log("topic %q: %v", o.name, err)
	}
	o.file, o.id = file, file.ID()
	o.cursor, o.unsettled, o.large, o.rewound = o.reader.Cursor(), o.unsettled[:0], o.large[:0], 0
	o.place = noPosition // of another ring
	o.splices = splices{list: []splice{{0, o.reader.Cursor()}}}
	o.lane = laneOf(file.Shape())
	return o.next(f)
}

// giveUp ends the forwarding of a topic until a scan, soon, opens it again.
func (o *outbound) giveUp(f *Forwarder, err error) bool {
	f.cfg.Log("topic %q: %v", o.name, err)
	f.closeOut(o.name)
	f.again = f.now() + openAgain
	return false
}

// lagged is reached when we were put out of the ring for slowness, or have found
// that positions are gone. In the first case the reader begins at the tail; but
// the ring still holds a lap of what lies before it, and whatever was published
// last: that is read first. What is gone the receivers learn exactly from the
// producers' sequences; of a producer that nothing was read of before, they are told
// all it can be.
func (o *outbound) lagged(f *Forwarder, lag *ring.LaggedError) bool {
	if o.file.Shape().Mode != ring.Latest && lag.First >= o.rewound {
		reader, err := o.file.Join(ring.JoinOptions{From: lag.First, FromSet: true})
		if err == nil {
			o.reader.Close()
			o.reader, o.rewound = reader, o.file.Tail()
			return true
		}
		if reader != nil {
			reader.Close()
		}
	}
	f.counters.lagged.Add(lag.Missed)
	o.missed += lag.Missed
	f.cfg.Log("topic %q: %v", o.name, lag)
	return true
}

// toWire makes the engine's message of the ring's; the bytes stay where they are.
func toWire(w *mcast.Message, m *ring.Message) {
	w.Producer = mcast.Address(m.Producer)
	w.Sequence = m.Sequence
	w.Kind = m.Kind
	w.Content = m.Content
	w.Flags = m.Flags
	w.SchemaHash = m.Schema
	w.TimestampNs = m.TimestampNs
	w.Block = m.Block
	w.Payload = m.Payload
}

// done reports whether everything in the ring was handed over.
func (o *outbound) done() bool {
	return len(o.lent) == 0 && len(o.unsettled) == 0 && o.reader.Cursor() >= o.file.Tail()
}
