package forward

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// An inbound is a topic that other nodes publish and participants here subscribe
// to. Messages go straight into the local ring; while that is full they are parked,
// in order, and a goroutine of the topic puts them in as the readers make room or
// are put out.
type inbound struct {
	// Immutable after openIn.
	f      *Forwarder
	name   string
	ctx    context.Context // ends with close
	cancel context.CancelFunc

	// Owned by whoever publishes: the drainer while there is one, otherwise who
	// holds mu.
	file     *ring.File
	id       atomic.Uint64 // of file's ring; anybody may look
	producer *ring.Producer
	cells    map[shm.Address]*atomic.Uint64 // the streams' rows in the forwarder segment
	last     lastCell                       // the row last looked up
	broken   atomic.Bool                    // its file was cut off: nothing of it may be touched
	stalled  bool                           // the last try found slots that are free and cannot be used
	untold   int                            // messages put into the ring since its readers were woken

	mu       sync.Mutex
	queue    parkQueue
	draining bool // there is a drainer: it publishes what is parked, then closes if need be
	over     bool // the drainer has stopped with the forwarder; the rest stays parked
	closed   bool

	// Guarded by Forwarder.mu.
	remote map[*mcast.RemoteTopic]*mcast.Peer // the topic as its owners know it
	full   bool                               // its owners were asked to stop
	gone   bool                               // it is no longer in Forwarder.in
}

// A lastCell is a producer and the word of what was delivered of it.
type lastCell struct {
	source shm.Address
	cell   *atomic.Uint64
}

// tellBatch is how many messages at most are put into a ring before its readers are
// woken: a wake-up costs more than the message, and a reader that is awake takes all.
const tellBatch = 32

// openIn opens the local ring of a remote topic, in the shape its owner gave it.
// Where it cannot have that (it was written under another one, or there is no
// room) it stays as it is: what does not fit there is told as lost.
func (f *Forwarder) openIn(name string, s mcast.TopicShape) (*inbound, error) {
	options := ring.FileOptions{Write: true, Shape: ring.Shape{
		Slots: int(s.SlotCount), Payload: int(s.SlotPayload), Mode: ring.Mode(s.Mode), Kind: ring.Shared,
		History: int(s.History),
	}}
	file, err := ring.OpenFile(f.topicPath(name), f.host, options)
	if err != nil {
		f.cfg.Log("topic %q: %v: messages that do not fit will be lost", name, err)
		file, err = ring.OpenFile(f.topicPath(name), f.host, ring.FileOptions{Write: true})
	}
	if err != nil {
		return nil, err
	}
	producer, err := file.NewProducer(f.self.Address())
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	in := &inbound{
		f: f, name: name, file: file, producer: producer,
		cells:  map[shm.Address]*atomic.Uint64{},
		remote: map[*mcast.RemoteTopic]*mcast.Peer{},
	}
	in.id.Store(file.ID())
	in.ctx, in.cancel = context.WithCancel(f.ctx)
	return in, nil
}

// A refusal stands in RemoteTopic.Data for a ring that could not be opened.
type refusal struct{ again mcast.Time }

// refusalSpan is for how long a ring that could not be opened is left alone:
// trying it for every message would hold up the other topics.
const refusalSpan = mcast.Second

// inboundOf finds or opens the local ring of a peer's topic; nil if it cannot be.
func (f *Forwarder) inboundOf(peer *mcast.Peer, topic *mcast.RemoteTopic) *inbound {
	if known, ok := topic.Data.(*inbound); ok && !known.gone && !known.broken.Load() {
		return known
	}
	in := f.in[topic.Name]
	if in != nil && in.broken.Load() {
		f.closeIn(topic.Name)
		in = nil
	}
	if in == nil {
		if r, ok := topic.Data.(refusal); ok && f.now() < r.again {
			f.counters.unopened.Add(1)
			return nil
		}
		var err error
		if in, err = f.openIn(topic.Name, topic.Shape); err != nil {
			f.counters.unopened.Add(1)
			f.cfg.Log("topic %q from node %d: %v", topic.Name, peer.Node(), err)
			topic.Data = refusal{f.now() + refusalSpan}
			return nil
		}
		f.in[topic.Name] = in
	}
	if in.remote == nil {
		in.remote = map[*mcast.RemoteTopic]*mcast.Peer{}
	}
	in.remote[topic] = peer
	topic.Data = in
	if in.full { // another owner had to stop; this one has not heard of it
		f.engine.SetTopicFull(peer, topic, true)
	}
	return in
}

// take puts one item into the ring, or parks it, and returns how many bytes are
// parked now. It never blocks. Forwarder.mu is held.
func (in *inbound) take(it *item) (parked int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
	case !in.draining && in.publishGuarded(it):
		if in.untold == 1 {
			in.f.untold = append(in.f.untold, in)
		}
		if in.untold >= tellBatch {
			in.tellNow()
		}
	default:
		in.park(it)
	}
	return in.queue.bytes
}

// tell wakes the ring's readers, if they were not woken yet.
func (in *inbound) tell() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.closed && !in.draining {
		in.tellNow()
	}
}

// tellNow is tell for who may publish.
func (in *inbound) tellNow() {
	if in.untold != 0 && !in.broken.Load() {
		in.untold = 0
		if cutOff(in.producer.Tell) {
			in.breakOff()
		}
	}
}

// park keeps an item for the drainer; mu is held.
func (in *inbound) park(it *item) {
	if in.f.parked.Load() > parkTotalMax || in.queue.bytes > parkMax {
		in.f.counters.dropped.Add(1)
		in.f.parked.Add(int64(in.queue.pushLoss(it)))
	} else {
		in.f.parked.Add(int64(in.queue.push(it)))
	}
	if !in.draining {
		in.tellNow()
		in.draining = true
		in.f.wg.Go(in.drain)
	}
}

// publish tries to put one item into the ring; false: there is no room now.
func (in *inbound) publish(it *item) bool {
	for {
		cell := in.cell(it.meta.Source) // before the message: a successor must know that there is a stream
		err := in.producer.TryPublishQuietly(it.payload, &it.meta)
		if err == nil {
			in.untold++
			in.stalled = false
			in.count(it)
			cell.Store(it.meta.Sequence)
			return true
		}
		if done, published := in.refused(it, err); done {
			return published
		}
	}
}

// refused looks why the ring did not take an item: for now, in which case it was not
// published, or because something has to be done first.
func (in *inbound) refused(it *item, err error) (done, published bool) {
	in.stalled = err == ring.ErrStalled
	var large *ring.TooLargeError
	switch {
	case err == ring.ErrFull, err == ring.ErrStalled:
		return true, false
	case err == ring.ErrFenced: // we were stopped in mid-write: again, but not in the network loop
		return true, false
	case errors.Is(err, ring.ErrRetired):
		if err := in.reopen(); err != nil {
			in.f.counters.dropped.Add(1)
			in.f.cfg.Log("topic %q: %v", in.name, err)
			return true, true
		}
	case errors.As(err, &large):
		in.f.counters.dropped.Add(1)
		*it = it.lost()
	default:
		in.f.counters.damaged.Add(1)
		in.f.cfg.Log("topic %q: %v", in.name, err)
		in.file.Retire()
		if in.reopen() != nil {
			in.f.counters.dropped.Add(1)
			return true, true
		}
	}
	return false, false
}

func (in *inbound) count(it *item) {
	if it.meta.Kind == layout.MessageKindEvent {
		in.f.counters.events.Add(1)
	} else {
		in.f.counters.delivered.Add(1)
	}
}

// cell finds the row of a stream, where word of what was delivered is left for a
// successor, or makes one: 0, nothing yet. Where there is no row left, the place
// goes nowhere.
func (in *inbound) cell(source shm.Address) *atomic.Uint64 {
	if in.last.source != source || in.last.cell == nil {
		in.last = lastCell{source, in.findCell(source)}
	}
	return in.last.cell
}

func (in *inbound) findCell(source shm.Address) *atomic.Uint64 {
	if cell := in.cells[source]; cell != nil {
		return cell
	}
	in.f.places.Lock()
	defer in.f.places.Unlock()
	cell, err := in.f.seat.StreamCell(in.file.ID(), source)
	if err != nil {
		in.f.noteErr(err)
		cell = new(atomic.Uint64)
	}
	in.cells[source] = cell
	return cell
}

// reopen follows the topic's name to the ring that took this one's place.
func (in *inbound) reopen() error {
	file, err := ring.OpenFile(in.f.topicPath(in.name), in.f.host, ring.FileOptions{Write: true})
	if err != nil {
		return err
	}
	producer, err := file.NewProducer(in.f.self.Address())
	if err != nil {
		return errors.Join(err, file.Close())
	}
	in.tellNow() // who sleeps on the old ring
	old := in.file
	in.file, in.producer, in.last = file, producer, lastCell{}
	clear(in.cells)
	in.id.Store(file.ID())
	return old.Close()
}

// idle says that no drainer uses the topic: who holds Forwarder.mu may then touch what belongs to whoever publishes.
func (in *inbound) idle() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return !in.draining
}

// forgetCells has the streams' rows looked up anew. Forwarder.mu is held.
func (in *inbound) forgetCells() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.draining {
		clear(in.cells)
		in.last = lastCell{}
	}
}

// close lets go of the ring, at once or when the drainer has let go of it; what is
// parked is given up.
func (in *inbound) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	if !in.draining {
		in.tellNow()
	}
	in.f.parked.Add(-int64(in.queue.bytes))
	in.queue = parkQueue{}
	in.cancel()
	if in.draining && !in.over {
		in.f.self.Doorbell().Ring()
		return
	}
	in.unmap()
}

// unmap closes the ring of a closed topic.
func (in *inbound) unmap() {
	if cutOff(func() {
		if err := in.file.Close(); err != nil {
			in.f.cfg.Log("close topic %q: %v", in.name, err)
		}
	}) {
		in.breakOff()
	}
}

// An item is a message, or an event, on its way into a local ring.
type item struct {
	meta    ring.Meta
	payload []byte
	parked  int // what it counts for while it is parked, whatever becomes of it
}

// size is what an item takes while it is parked.
func (it *item) size() int { return len(it.payload) + len(it.meta.Block) + itemOverhead }

const itemOverhead = 128

// fromWire makes an item of a message; its bytes are still the engine's. Events are
// made where they happen and never sent: one that comes is told as lost.
func fromWire(it *item, m *mcast.Message) {
	if m.Kind == layout.MessageKindEvent {
		*it = lossItem(shm.Address(m.Producer), m.Sequence, m.Sequence, layout.LossReasonSource)
		return
	}
	it.meta = ring.Meta{
		Kind: m.Kind, Content: m.Content, Flags: m.Flags | layout.MessageFlagRemote,
		Schema: m.SchemaHash, TimestampNs: m.TimestampNs, Block: m.Block,
		Source: shm.Address(m.Producer), Sequence: m.Sequence,
	}
	it.payload = m.Payload
}

// lossItem is the event that stands in the place of messages first..last.
func lossItem(source shm.Address, first, last uint64, reason uint32) item {
	e := make([]byte, layout.EventRecordSize)
	source.Put(e[layout.EventRecordSourceOffset:])
	le := binary.LittleEndian
	le.PutUint32(e[layout.EventRecordCodeOffset:], layout.EventCodeLoss)
	le.PutUint32(e[layout.EventRecordReasonOffset:], reason)
	le.PutUint64(e[layout.EventRecordCountOffset:], last-first+1)
	le.PutUint64(e[layout.EventRecordFirstOffset:], first)
	le.PutUint64(e[layout.EventRecordLastOffset:], last)
	return item{payload: e, meta: ring.Meta{
		Kind: layout.MessageKindEvent, Flags: layout.MessageFlagRemote, Source: source, Sequence: last,
	}}
}

// reasonHere is the reason of a loss that happened between the network and the
// local ring: parking was full, or the message does not fit the ring.
const reasonHere = layout.LossReasonReceiver

// lost is the event in place of this item.
func (it *item) lost() item {
	if it.meta.Kind == layout.MessageKindEvent {
		return *it
	}
	return lossItem(it.meta.Source, it.meta.Sequence, it.meta.Sequence, reasonHere)
}
