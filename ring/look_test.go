package ring

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// TestSoon: a look says what the word is, the last one, too, and ends.
func TestSoon(t *testing.T) {
	var word atomic.Uint64
	word.Store(7)
	if !soon(&word, 7, 1) {
		t.Error("the word is there, and one look did not find it")
	}
	if soon(&word, 1<<63|7, 3) || soon(&word, 6, 1) {
		t.Error("another word was taken for the one that is waited for")
	}
	time.AfterFunc(time.Millisecond, func() { word.Store(8) })
	for end := time.Now().Add(10 * time.Second); !soon(&word, 8, 1000); {
		if time.Now().After(end) {
			t.Fatal("a word stored by another goroutine is not seen")
		}
	}
}

// TestAsksForLinesOfOneSlot: what is asked for ahead are the lines of the next slot,
// and none of large slots; the last slot's next is the first.
func TestAsksForLinesOfOneSlot(t *testing.T) {
	for _, c := range []struct {
		payload int
		lines   uint64
	}{{64, 2}, {256, 5}, {1024, 17}, {1088, 0}, {2048, 0}} {
		for _, kind := range bothKinds {
			s := newScene(t, Shape{Slots: 64, Payload: c.payload, Kind: kind, StallBudget: time.Minute}, 2)
			p, rd := s.producer(0), s.reader(1)
			if p.ahead != c.lines {
				t.Errorf("%v, %d bytes: asks for %d lines, want %d", kind, c.payload, p.ahead, c.lines)
			}
			for range 130 {
				publishFor(t, p, "x")
				wantNext(t, rd, "x")
			}
		}
	}
}

// TestRoomForOneIsEnough: who waits for room would like more, and goes on with what
// there is.
func TestRoomForOneIsEnough(t *testing.T) {
	for _, policy := range []Policy{Block, Spin, Yield} {
		for _, kind := range bothKinds {
			s := newScene(t, small(kind), 2)
			p, rd := s.producer(0), s.reader(1)
			for p.TryPublish([]byte("x"), &Meta{}) == nil {
			}
			wantNext(t, rd, "x")
			rd.store()
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			w := NewWaiter(s.rings[0].host.(testHost).bell(), policy)
			if err := w.AwaitRoom(ctx, p, 1); err != nil {
				t.Errorf("%v, policy %d: %v with one slot free", kind, policy, err)
			}
			cancel()
			publishFor(t, p, "x")
		}
	}
}

// TestRoomEndsTheWait: a producer that would have liked more room than it found has
// waited no longer than until it went on: what it does then is not charged to readers.
func TestRoomEndsTheWait(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		p, rd := s.producer(0), s.reader(1)
		w := NewWaiter(s.rings[0].host.(testHost).bell(), Spin)
		w.procs = 2
		for range 100 {
			for p.TryPublish([]byte("x"), &Meta{}) == nil {
			}
			wantNext(t, rd, "x")
			rd.store()
			if err := w.AwaitRoom(context.Background(), p, 1); err != nil {
				t.Fatal(err)
			}
			publishFor(t, p, "x")
			s.clock.now += maxStep // the producer has other things to do
		}
		if spent := s.rings[1].entries[rd.index].blocked.Load() & (1<<layout.BlockedBits - 1); spent != 0 || rd.out() {
			t.Errorf("%v: a reader that held nobody up was charged %v", kind, time.Duration(spent))
		}
	}
}

// TestSinglesDoNotGiveWay: only in a stream does a waiter of Block give its core away.
func TestSinglesDoNotGiveWay(t *testing.T) {
	w := NewWaiter(&strangersBell{}, Block)
	w.procs, w.crowded = 2, true
	if w.spinLong(func() bool { return false }); !w.crowded { // a yield finds nobody, mostly
		t.Error("a wait for a single message gave way")
	}
}
