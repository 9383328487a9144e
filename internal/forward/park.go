package forward

import (
	"encoding/binary"
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// A parkQueue holds items that the ring had no room for, in order.
type parkQueue struct {
	items []item
	head  int
	bytes int
}

func (q *parkQueue) empty() bool  { return q.head == len(q.items) }
func (q *parkQueue) first() *item { return &q.items[q.head] }

// push copies an item in: its bytes are the engine's.
func (q *parkQueue) push(it *item) {
	c := *it
	c.payload = slices.Clone(it.payload)
	c.meta.Block = slices.Clone(it.meta.Block)
	q.items = append(q.items, c)
	q.bytes += it.size()
}

// pushLoss puts the loss of an item in its place. Losses that follow each other
// become one event, so that a flood of them takes no memory.
func (q *parkQueue) pushLoss(it *item) {
	e := it.lost()
	if !q.empty() && q.items[len(q.items)-1].join(&e) {
		return
	}
	q.items = append(q.items, e)
	q.bytes += e.size()
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
	size = q.items[q.head].size()
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
// uses the producer; it ends when nothing is parked any more.
func (in *inbound) drain() {
	w := ring.NewWaiter(in.f.self.Doorbell(), ring.Block)
	for {
		n, done := in.drainSome()
		if done {
			break
		}
		in.relieve()
		if err := w.AwaitRoom(in.f.ctx, in.producer, n); err != nil && in.f.ctx.Err() != nil {
			break
		}
	}
	in.relieve()
}

// drainSome publishes until the ring is full or nothing is parked. n is how many
// slots the next item needs.
func (in *inbound) drainSome() (n int, done bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for !in.closed && !in.queue.empty() {
		it := in.queue.first()
		if !in.publish(it) {
			return 1 + len(it.payload)/in.file.Shape().Payload, false
		}
		in.f.parked.Add(-int64(in.queue.pop()))
	}
	in.draining = false
	return 0, true
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

// checkFull is called after something was taken. Forwarder.mu is held.
func (in *inbound) checkFull() {
	in.mu.Lock()
	bytes := in.queue.bytes
	in.mu.Unlock()
	if bytes > parkHigh {
		in.setFull(true)
	}
}
