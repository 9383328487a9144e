package forward

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A parkQueue holds items that the ring had no room for, in order.
type parkQueue struct {
	items []item
	head  int
	bytes int
}

func (q *parkQueue) empty() bool  { return q.head == len(q.items) }
func (q *parkQueue) first() *item { return &q.items[q.head] }

// push copies an item in: its bytes are the engine's. It returns what that takes.
func (q *parkQueue) push(it *item) int {
	c := *it
	c.payload = slices.Clone(it.payload)
	c.meta.Block = slices.Clone(it.meta.Block)
	return q.append(c)
}

func (q *parkQueue) append(it item) int {
	it.parked = it.size()
	q.items = append(q.items, it)
	q.bytes += it.parked
	return it.parked
}

// pushLoss puts the loss of an item in its place, and returns what that takes.
// Losses of a producer that follow each other become one event, so that a flood of
// them takes no memory. The first item is the drainer's and stays as it is.
func (q *parkQueue) pushLoss(it *item) int {
	e := it.lost()
	for i := len(q.items) - 1; i > q.head && q.items[i].meta.Kind == layout.MessageKindEvent; i-- {
		if q.items[i].join(&e) {
			return 0
		}
	}
	return q.append(e)
}

// join makes one event of two losses of one producer that follow each other.
func (it *item) join(next *item) bool {
	m := &it.meta
	if m.Kind != layout.MessageKindEvent || m.Source != next.meta.Source {
		return false
	}
	le := binary.LittleEndian
	first := le.Uint64(next.payload[layout.EventRecordFirstOffset:])
	if le.Uint64(it.payload[layout.EventRecordLastOffset:])+1 != first {
		return false
	}
	last := le.Uint64(next.payload[layout.EventRecordLastOffset:])
	le.PutUint64(it.payload[layout.EventRecordLastOffset:], last)
	le.PutUint64(it.payload[layout.EventRecordCountOffset:],
		last-le.Uint64(it.payload[layout.EventRecordFirstOffset:])+1)
	m.Sequence = last
	return true
}

// pop drops the first item.
func (q *parkQueue) pop() (size int) {
	size = q.items[q.head].parked
	q.items[q.head] = item{}
	q.head++
	q.bytes -= size
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	} else if q.head > 1024 && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return size
}

// drain puts what is parked into the ring as room comes. While it runs it alone
// uses the ring; it ends when nothing is parked any more.
func (in *inbound) drain() {
	guardFaults()
	w := ring.NewWaiter(in.f.self.Doorbell(), ring.Block)
	for {
		n, done := in.drainSome()
		in.relieve()
		if done {
			return
		}
		// Whatever the wait ends with, the next look says what to do.
		if cutOff(func() {
			if w.AwaitRoom(in.ctx, in.producer, n) == nil && in.stalled {
				time.Sleep(time.Millisecond) // there is room, but none that can be used yet
			}
		}) {
			in.breakOff()
		}
	}
}

// drainSome publishes until the ring is full or nothing is parked. n is how many
// slots the next item needs. The lock is not held meanwhile: the network loop must
// not wait for as long as a full queue takes.
func (in *inbound) drainSome() (n int, done bool) {
	for {
		it, ok := in.first()
		if !ok {
			return 0, true
		}
		published := in.publishGuarded(&it)
		if !published || in.untold >= tellBatch {
			in.tellNow()
		}
		if !published {
			return 1 + len(it.payload)/in.file.Shape().Payload, false
		}
		in.popped()
	}
}

// first returns the next parked item. Where there is none the drainer's time is
// over, and nothing of the topic may be used by it any more.
func (in *inbound) first() (item, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	over := in.f.ctx.Err() != nil
	if !in.closed && !over && !in.queue.empty() {
		return *in.queue.first(), true
	}
	in.tellNow()
	switch {
	case in.closed:
		in.unmap()
	case over:
		in.over = true // draining stays set: nothing may overtake what is parked
		return item{}, false
	}
	in.draining = false
	return item{}, false
}

func (in *inbound) popped() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.closed {
		in.f.parked.Add(-int64(in.queue.pop()))
	}
}

// relieve lets the topic's owners go on once little is parked.
func (in *inbound) relieve() {
	in.mu.Lock()
	low := in.queue.bytes < parkLow
	in.mu.Unlock()
	if !low {
		return
	}
	in.f.mu.Lock()
	defer in.f.mu.Unlock()
	in.setFull(false)
}

// setFull tells the owners of the topic whether it takes more. Forwarder.mu is held.
func (in *inbound) setFull(full bool) {
	if in.full == full {
		return
	}
	in.full = full
	for topic, peer := range in.remote {
		in.f.engine.SetTopicFull(peer, topic, full)
	}
	if !full {
		in.f.conn.Wake() // the status goes out with the next tick
	}
}

// parkedLast says what is parked of each producer.
func (in *inbound) parkedLast(note func(producer shm.Address, sequence uint64)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, it := range in.queue.items[in.queue.head:] {
		note(it.meta.Source, it.meta.Sequence)
	}
}
