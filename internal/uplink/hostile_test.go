package uplink

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// TestNonsense feeds routers with messages of anybody about anything: nothing grows beyond
// its bound, nothing breaks, and a node that fills its part of a table leaves room to others.
func TestNonsense(t *testing.T) {
	w := newWorld(1, 3, 0)
	r := rand.New(rand.NewPCG(1, 2))
	address := func() shm.Address {
		return shm.Address{Node: r.Uint32N(5), Epoch: 99 + r.Uint32N(5), Index: uint16(r.Uint32N(5)), Generation: r.Uint32N(3)}
	}
	for i := range 40_000 {
		n := w.nodes[r.IntN(3)]
		m := Message{Kind: uint8(r.Uint32N(8)), More: r.IntN(2) == 0, Source: address(), Destination: address(), Correlation: r.Uint64N(1 << 40),
			Service: r.Uint64N(2) * 7, Left: time.Duration(r.Int64N(int64(time.Hour))), Code: r.Uint32N(12), Hops: r.Uint32(),
			SentAt: time.Duration(r.Int64()), Payload: make([]byte, r.IntN(6))}
		if p := n.peers[r.IntN(3)]; i%2 == 0 && p != nil {
			n.router.FromNode(n.clock(), p, &m)
		} else {
			n.router.FromHere(n.clock(), &m)
		}
		for k := range w.lanes {
			delete(w.lanes, k)
		}
		for _, p := range n.people {
			p.mail, p.replies = nil, nil
		}
	}
	for _, n := range w.nodes {
		if away, here := n.router.Open(); away > tableMax || here > tableMax || n.router.queued > len(n.peers)*answerMax {
			t.Errorf("node %d keeps %d, %d and %d", n.index+1, away, here, n.router.queued)
		}
	}
}

// TestOneNodeFillsTheTable has one node open as many requests as it may: another one still can.
func TestOneNodeFillsTheTable(t *testing.T) {
	w := newWorld(1, 3, 0)
	n := w.nodes[0]
	ask := func(from int, correlation uint64) int {
		m := Message{Kind: kindRequest, Source: w.nodes[from].people[0].address, Destination: n.people[0].address, Correlation: correlation,
			Left: time.Second, Code: uint32(n.session), SentAt: w.nodes[from].clock(), Payload: numbered(0)}
		n.router.FromNode(n.clock(), n.peers[from], &m)
		n.people[0].mail = nil
		_, here := n.router.Open()
		return here
	}
	for i := range uint64(nodeMax + 10) {
		ask(1, i+1)
	}
	if here := ask(1, 1<<30); here != nodeMax {
		t.Errorf("%d requests of one node are here, want %d", here, nodeMax)
	}
	if here := ask(2, 1); here != nodeMax+1 {
		t.Errorf("another node's request was not taken: %d are here", here)
	}
}

// TestBlock writes blocks and reads them again.
func TestBlock(t *testing.T) {
	m := Message{Kind: kindRequest, Source: shm.Address{Node: 1, Epoch: 2, Generation: 3, Index: 4}, Destination: shm.Address{Node: 5, Epoch: 6, Generation: 7, Index: 8},
		Correlation: 9, Service: 10, Left: time.Second, Code: 11, Hops: 12}
	var b [layout.AddressBlockSize]byte
	m.Write(b[:], time.Minute, false)
	got := Message{Kind: kindRequest}
	if !got.ReadSent(b[:]) || got.Code != 11 || got.Left != time.Second || got.Source != m.Source || got.Destination != m.Destination || got.Hops != 12 {
		t.Errorf("got %+v, want %+v", got, m)
	}
	m.Write(b[:], time.Minute, true)
	if got.Read(b[:], time.Minute+300*time.Millisecond); got.Left != 700*time.Millisecond {
		t.Errorf("300 ms later %v are left of a second", got.Left)
	}
	if got.Read(b[:layout.AddressBlockSize-1], 0) {
		t.Error("a part of a block was taken for one")
	}
}

// FuzzBlock reads any block, and writes it again as far as it means something.
func FuzzBlock(f *testing.F) {
	var b [layout.AddressBlockSize]byte
	(&Message{Kind: kindRequest, Left: time.Second, Code: 7}).Write(b[:], time.Second, false)
	f.Add(b[:], uint8(kindRequest))
	f.Fuzz(func(t *testing.T, data []byte, kind uint8) {
		m := Message{Kind: kind}
		if !m.ReadSent(data) {
			return
		}
		if m.Left < 0 || m.Left > timeMax {
			t.Fatalf("time left %v", m.Left)
		}
		var first, second [layout.AddressBlockSize]byte
		m.Write(first[:], 0, false)
		again := Message{Kind: kind}
		again.ReadSent(first[:])
		if again.Write(second[:], 0, false); !bytes.Equal(first[:], second[:]) {
			t.Fatalf("%x became %x", first, second)
		}
	})
}
