package ring

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
	"golang.org/x/sys/unix"
)

// A testNode plays the node of rings without files: who lives is what the test says, and
// bells are channels' worth of a condition variable.
type testNode struct {
	dead  [layout.ParticipantCount]atomic.Bool
	bells [layout.ParticipantCount]testBell
}

type testBell struct {
	mu    sync.Mutex
	value atomic.Uint32
	wake  chan struct{}
}

func (b *testBell) Load() uint32 { return b.value.Load() }

func (b *testBell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.value.Add(1)
	if b.wake != nil {
		close(b.wake)
		b.wake = nil
	}
}

func (b *testBell) Wait(seen uint32, d time.Duration) bool {
	b.mu.Lock()
	if b.value.Load() != seen {
		b.mu.Unlock()
		return true
	}
	if b.wake == nil {
		b.wake = make(chan struct{})
	}
	wake := b.wake
	b.mu.Unlock()
	select {
	case <-wake:
		return true
	case <-time.After(d):
		return false
	}
}

// A testHost is one participant of a testNode.
type testHost struct {
	node  *testNode
	index uint16
}

func (h testHost) Index() uint16       { return h.index }
func (h testHost) Alive(i uint16) bool { return i != nobody && !h.node.dead[i].Load() }
func (h testHost) Ring(i uint16)       { h.node.bells[i].ring() }

func (h testHost) bell() *testBell { return &h.node.bells[h.index] }

func (h testHost) address() shm.Address {
	return shm.Address{Node: 1, Epoch: 1, Generation: 1, Index: h.index}
}

// testRing makes a ring in the memory that the tests run on (memoryVariable).
func testRing(t testing.TB, s Shape) (ctl, dat []byte) {
	t.Helper()
	s = s.Default()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	dat, id := testSpan(t, shm.Spec{Kind: layout.SegmentKindRingData, Size: s.dataSize()})
	ctl, _ = testSpan(t, shm.Spec{
		Kind: layout.SegmentKindRingControl, Size: s.controlSize(), FixedSize: fixedSize,
		Fill: func(b []byte) { putGeometry(b, s, id) },
	})
	return ctl, dat
}

// attach opens the ring as participant i.
func attach(t testing.TB, node *testNode, i uint16, ctl, dat []byte) *Ring {
	t.Helper()
	return attachAs(t, testHost{node, i}, ctl, dat, unix.PROT_READ|unix.PROT_WRITE)
}

// attachReader opens the ring as participant i, who never writes a slot.
func attachReader(t testing.TB, node *testNode, i uint16, ctl, dat []byte) *Ring {
	t.Helper()
	return attachAs(t, testHost{node, i}, ctl, dat, unix.PROT_READ)
}

func attachAs(t testing.TB, host Host, ctl, dat []byte, slots int) *Ring {
	t.Helper()
	r, err := Attach(viewOf(t, ctl, unix.PROT_READ|unix.PROT_WRITE), viewOf(t, dat, slots), host)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sequences checks that each producer's messages come in order, each once.
type sequences struct{ last map[shm.Address]uint64 }

func (s *sequences) check(m *Message) error {
	if s.last == nil {
		s.last = map[shm.Address]uint64{}
	}
	if want := s.last[m.Producer] + 1; m.Sequence != want {
		return fmt.Errorf("producer %v: sequence %d, want %d", m.Producer, m.Sequence, want)
	}
	s.last[m.Producer] = m.Sequence
	return nil
}

// payloadOf makes a message that says its own length and number.
func payloadOf(buf []byte, n int, number uint64) []byte {
	b := buf[:n]
	for i := range b {
		b[i] = byte(number + uint64(i))
	}
	if n >= 8 {
		binary.LittleEndian.PutUint64(b, number)
	}
	return b
}

func checkPayload(b []byte, number uint64) error {
	for i := range b {
		want := byte(number + uint64(i))
		if i < 8 && len(b) >= 8 {
			want = byte(number >> (8 * i))
		}
		if b[i] != want {
			return fmt.Errorf("message %d of %d bytes: byte %d is %d, want %d", number, len(b), i, b[i], want)
		}
	}
	return nil
}

// TestEveryMessageOnceInOrder runs producers and reliable readers at once over a
// small ring: every message reaches every reader, once, in order per producer.
func TestEveryMessageOnceInOrder(t *testing.T) {
	for _, kind := range []Kind{Shared, Exclusive} {
		for _, readers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%v/%d readers", kind, readers), func(t *testing.T) {
				producers := 3
				if kind == Exclusive {
					producers = 1
				}
				streamThrough(t, Shape{Slots: 64, Payload: 128, Kind: kind, StallBudget: time.Minute}, producers, readers, 3000)
			})
		}
	}
}

func streamThrough(t *testing.T, s Shape, producers, readers, each int) {
	node := &testNode{}
	ctl, dat := testRing(t, s)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for i := range readers {
		r := attachReader(t, node, uint16(100+i), ctl, dat)
		rd, err := r.Join(JoinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { readAll(t, ctx, rd, producers*each) })
	}
	for i := range producers {
		r := attach(t, node, uint16(i), ctl, dat)
		wg.Go(func() { writeAll(t, ctx, r, each) })
	}
	wg.Wait()
}

func readAll(t *testing.T, ctx context.Context, rd *Reader, want int) {
	w := NewWaiter(rd.ring.host.(testHost).bell(), Block)
	var seen sequences
	var m Message
	for got := 0; got < want; {
		switch err := rd.Next(&m); err {
		case nil:
			if err := seen.check(&m); err != nil {
				t.Error(err)
				return
			}
			if err := checkPayload(m.Payload, m.Sequence); err != nil {
				t.Error(err)
				return
			}
			got++
		case ErrEmpty:
			if err := w.Await(ctx, []*Reader{rd}); err != nil {
				t.Errorf("after %d messages: %v", got, err)
				return
			}
		default:
			t.Errorf("after %d messages: %v", got, err)
			return
		}
	}
}

func writeAll(t *testing.T, ctx context.Context, r *Ring, each int) {
	h := r.host.(testHost)
	p, err := r.NewProducer(h.address())
	if err != nil {
		t.Error(err)
		return
	}
	w := NewWaiter(h.bell(), Block)
	buf := make([]byte, r.shape.Limit())
	for n := 0; n < each; {
		size := n % 200
		if n%97 == 0 {
			size = n % (r.shape.Limit() / 2)
		}
		b := payloadOf(buf, size, p.Sequence()+1)
		switch err := p.TryPublish(b, &Meta{}); err {
		case nil:
			n++
		case ErrFull:
			if err := w.AwaitRoom(ctx, p, 1+size/r.shape.Payload); err != nil {
				t.Errorf("after %d messages: %v", n, err)
				return
			}
		case ErrStalled: // on a busy machine writers of few slots are slower than their deadline
			time.Sleep(time.Millisecond)
		case ErrFenced: // we were: nothing was sent
		default:
			t.Errorf("after %d messages: %v", n, err)
			return
		}
	}
}
