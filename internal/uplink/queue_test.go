package uplink

import (
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// What waits for a node whose lane takes nothing is bounded, in number and in bytes: who asks is
// told at once, what nobody waits for is dropped and counted, and answers have room beyond that.
func TestQueueOfANode(t *testing.T) {
	for _, c := range []struct {
		name                 string
		kind                 uint8
		payload, most, bytes int
	}{
		{"requests", layout.MessageKindRequest, 10, queueMax, queueBytes},
		{"large requests", layout.MessageKindRequest, 64 << 10, queueBytes / (64 << 10), queueBytes},
		{"one-way messages", layout.MessageKindData, 10, queueMax, queueBytes},
		{"answers", layout.MessageKindReply, 10, answerMax, 4 * queueBytes},
		{"large answers", layout.MessageKindReply, 64 << 10, 4 * queueBytes / (64 << 10), 4 * queueBytes},
	} {
		w := newWorld(1, 2, 0)
		here, there := w.nodes[0], w.nodes[1]
		here.busy = true
		r, n := here.router, here.router.nodes[2]
		for i := range uint64(2 * answerMax) {
			r.FromHere(w.now, &Message{Kind: c.kind, Source: here.people[0].address, Correlation: i, Left: time.Hour, Payload: make([]byte, c.payload),
				Destination: shm.Address{Node: 2, Epoch: there.epoch, Index: 1, Generation: 1}})
		}
		waits, left := len(n.queue)-n.head, uint64(2*answerMax-c.most)
		if waits != c.most || n.bytes > c.bytes || r.queued != waits {
			t.Errorf("%s: %d of %d bytes wait, want %d, at most %d bytes", c.name, waits, n.bytes, c.most, c.bytes)
		}
		if count := r.Counts(); c.kind == layout.MessageKindRequest && (count.Refused != left || len(r.away) != waits) || c.kind != layout.MessageKindRequest && count.Dropped != left {
			t.Errorf("%s: %+v, %d open, want %d told or counted", c.name, count, len(r.away), left)
		}
		here.busy = false
		if r.Pump(w.now); len(n.queue) != n.head || r.queued != 0 {
			t.Errorf("%s: %d wait for a lane that has room", c.name, r.queued)
		}
	}
}

// Nodes that were given up are remembered in a bounded number.
func TestPartedNodes(t *testing.T) {
	w := newWorld(1, 2, 0)
	r := w.nodes[0].router
	for id := uint32(10); id < 10+2*partedMax; id++ {
		n := r.NodeUp(id, 1, 1)
		r.push(w.now, n, &Message{Kind: layout.MessageKindReply, Destination: shm.Address{Node: id, Epoch: 1}})
		r.NodeDown(w.now, n)
	}
	if len(r.parted) != partedMax || r.queued != 0 {
		t.Errorf("%d parted nodes, at most %d; %d wait", len(r.parted), partedMax, r.queued)
	}
}
