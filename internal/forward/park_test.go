package forward

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

func parkItem(index uint16, sequence uint64, size int) *item {
	return &item{
		meta:    ring.Meta{Source: shm.Address{Node: 1, Index: index}, Sequence: sequence, Flags: layout.MessageFlagRemote},
		payload: make([]byte, size),
	}
}

// TestFloodOfLossesTakesNoMemory drops messages of producers that take turns: one
// event each, with the exact range.
func TestFloodOfLossesTakesNoMemory(t *testing.T) {
	const producers, rounds = 3, 1000
	var q parkQueue
	total := q.push(parkItem(9, 1, 100)) // the drainer has this one in hand
	for sequence := uint64(1); sequence <= rounds; sequence++ {
		for p := range uint16(producers) {
			total += q.pushLoss(parkItem(p, sequence, 1000))
		}
	}
	if n := len(q.items); n != 1+producers {
		t.Fatalf("%d items parked for the losses of %d producers", n-1, producers)
	}
	for _, it := range q.items[1:] {
		le := binary.LittleEndian
		first := le.Uint64(it.payload[layout.EventRecordFirstOffset:])
		last := le.Uint64(it.payload[layout.EventRecordLastOffset:])
		count := le.Uint64(it.payload[layout.EventRecordCountOffset:])
		if first != 1 || last != rounds || count != rounds || it.meta.Sequence != rounds {
			t.Errorf("event of producer %d: %d..%d, count %d, sequence %d; want 1..%d", it.meta.Source.Index, first, last, count, it.meta.Sequence, rounds)
		}
	}
	if total != q.bytes {
		t.Errorf("told %d bytes, holds %d", total, q.bytes)
	}
	for !q.empty() {
		total -= q.pop()
	}
	if total != 0 || q.bytes != 0 {
		t.Errorf("empty queue still counts for %d bytes, told %d", q.bytes, total)
	}
}

// TestLossKeepsItsPlace checks that a loss does not move before a message that
// was parked earlier, nor change the item that the drainer has in hand.
func TestLossKeepsItsPlace(t *testing.T) {
	var q parkQueue
	q.pushLoss(parkItem(1, 1, 0))
	q.pushLoss(parkItem(1, 2, 0)) // not joined: the first may be on its way into the ring
	q.push(parkItem(1, 3, 0))
	q.pushLoss(parkItem(1, 4, 0))
	q.pushLoss(parkItem(1, 5, 0))
	var sequences []uint64
	for !q.empty() {
		sequences = append(sequences, q.first().meta.Sequence)
		q.pop()
	}
	if len(sequences) != 4 || sequences[0] != 1 || sequences[1] != 2 || sequences[2] != 3 || sequences[3] != 5 {
		t.Errorf("parked %v, want 1 2 3 5", sequences)
	}
}

// TestEventFromTheNetworkIsLost checks that a message that pretends to be an event
// is neither passed on nor read as one.
func TestEventFromTheNetworkIsLost(t *testing.T) {
	var it item
	fromWire(&it, &mcast.Message{Kind: layout.MessageKindEvent, Sequence: 7, Payload: []byte("short")})
	if len(it.payload) != layout.EventRecordSize || it.meta.Kind != layout.MessageKindEvent {
		t.Fatalf("kind %d, %d bytes: want an event of our own", it.meta.Kind, len(it.payload))
	}
	if first := binary.LittleEndian.Uint64(it.payload[layout.EventRecordFirstOffset:]); first != 7 {
		t.Errorf("event names sequence %d, want 7", first)
	}
	var q parkQueue
	q.push(parkItem(0, 5, 0))
	q.pushLoss(parkItem(0, 6, 0))
	q.pushLoss(&it)
}

// stoppedReader floods a topic whose one reader on B does nothing, until messages
// are parked there.
func stoppedReader(t *testing.T, topic string) (a, b *testNode, reader *program, rd *ring.Reader, ctx context.Context, stop func()) {
	a, b = newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx = testContext(t, 20*time.Second)
	reader, rd = b.reader(topic)
	a.awaitWanted(ctx, topic)
	writer, w := a.writer(topic, ring.Shape{})
	flooding, stop := context.WithCancel(ctx)
	background(t, flooding, func(flood context.Context) {
		payload := make([]byte, 2000)
		for flood.Err() == nil && writer.publish(flood, w, payload) == nil {
		}
	})
	for b.f.parked.Load() < 1<<20 {
		if ctx.Err() != nil {
			t.Fatal("nothing is parked though nobody reads")
		}
		time.Sleep(time.Millisecond)
	}
	return a, b, reader, rd, ctx, stop
}

// TestSubscriberLeavesWhileParked lets a stopped subscriber go: what is parked for
// it is given up, the ring is closed under nobody's feet, and the next subscriber
// is served.
func TestSubscriberLeavesWhileParked(t *testing.T) {
	a, b, reader, rd, ctx, _ := stoppedReader(t, "left")
	if err := reader.self.SetInfo(shm.Info{Name: "gone"}); err != nil {
		t.Fatal(err)
	}
	for a.f.Stats().Map()["forward.unwanted"] == 0 && len(a.outNames()) != 0 {
		if ctx.Err() != nil {
			t.Fatal("topic is forwarded though nobody wants it")
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // a drainer in the closed ring would have crashed by now
	rd.Close()
	if parked := b.f.parked.Load(); parked != 0 {
		t.Errorf("%d bytes parked for nobody", parked)
	}
	again, rd2 := b.reader("left")
	var m ring.Message
	for range 1000 {
		if err := again.next(ctx, rd2, &m); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNothingStaysParked checks that after a flood that a slow reader was put out
// for, the account of parked bytes comes back to zero, so that places are saved again.
func TestNothingStaysParked(t *testing.T) {
	_, b, reader, rd, ctx, stop := stoppedReader(t, "slow")
	stop()
	var m ring.Message
	for b.f.parked.Load() != 0 && ctx.Err() == nil {
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		_ = reader.next(short, rd, &m) // a message, what was missed, or nothing for now
		cancel()
	}
	if parked := b.f.parked.Load(); parked != 0 {
		t.Errorf("%d bytes parked", parked)
	}
}

// outNames lists the topics that the node forwards.
func (n *testNode) outNames() (names []string) {
	n.f.mu.Lock()
	defer n.f.mu.Unlock()
	for name := range n.f.out {
		names = append(names, name)
	}
	return names
}
