package ring

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// TestNobodyAsleepNobodyRung: a million publishes, two readers that never sleep, and
// not one doorbell is rung.
func TestNobodyAsleepNobodyRung(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 20_000
	}
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 256, Payload: 64, Kind: kind, StallBudget: time.Minute}, 3)
		p, readers := s.producer(0), []*Reader{s.reader(1), s.reader(2)}
		var m Message
		for sent := 0; sent < n; sent += 100 {
			for range 100 {
				if err := p.TryPublish([]byte("payload"), &Meta{}); err != nil {
					t.Fatal(err)
				}
			}
			for _, rd := range readers {
				for range 100 {
					if err := rd.Next(&m); err != nil {
						t.Fatal(err)
					}
				}
				wantEmpty(t, rd)
			}
		}
		if c := s.rings[0].Counts(); c.Wakes != 0 || c.Tail != uint64(n) {
			t.Errorf("%v: %d doorbells rung and %d positions, want 0 and %d", kind, c.Wakes, c.Tail, n)
		}
	}
}

// TestOneProcessorNeverSpins: with one processor a wait looks once and goes to sleep,
// and producer and reader still come on.
func TestOneProcessorNeverSpins(t *testing.T) {
	old := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(old)
	for _, policy := range []Policy{Block, Spin, Yield} {
		s := newScene(t, small(Exclusive), 2)
		w := NewWaiter(s.rings[1].host.(testHost).bell(), policy)
		looks := 0
		look := func() bool { looks++; return false }
		w.spinFor(look, look)
		if policy != Yield && looks > 1 {
			t.Errorf("policy %d looks %d times without giving the processor away", policy, looks)
		}
		p, rd := s.producer(0), s.reader(1)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		var wg sync.WaitGroup
		wg.Go(func() {
			room := NewWaiter(s.rings[0].host.(testHost).bell(), policy)
			for range 1000 {
				for p.TryPublish([]byte("x"), &Meta{}) != nil {
					if room.AwaitRoom(ctx, p, 1) != nil {
						return
					}
				}
			}
		})
		for range 1000 {
			for {
				err := rd.Next(&Message{})
				if err == nil {
					break
				}
				if err := w.Await(ctx, []*Reader{rd}); err != nil {
					t.Fatalf("policy %d: %v", policy, err)
				}
			}
		}
		wg.Wait()
		cancel()
	}
}

// TestCursorStoredQuietlyIsTold: a cursor that was stored within a lease rings nobody,
// so the next idle look has to, though there is nothing more to store.
func TestCursorStoredQuietlyIsTold(t *testing.T) {
	s := newScene(t, Shape{Slots: 1024, Payload: 64, StallBudget: time.Minute}, 2)
	rd, p := s.reader(1), s.producer(0)
	for range rd.batch() {
		publishFor(t, p, "x")
	}
	for range rd.batch() {
		wantNext(t, rd, "x")
	}
	rd.show()
	s.rings[0].armProducer()
	bell := s.rings[0].host.(testHost).bell()
	before := bell.Load()
	wantEmpty(t, rd)
	if bell.Load() == before {
		t.Error("nobody rang the producer that waits for room")
	}
}

// TestHeaderWordsAreTheFields: a header is written as words and read as fields.
func TestHeaderWordsAreTheFields(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		p, rd := s.producer(0), s.reader(1)
		m := Meta{Kind: 1, Content: 2, Flags: layout.MessageFlagRemote, Schema: 0xa1b2c3d4, TimestampNs: 1<<60 + 5,
			Source: shm.Address{Node: 0x11223344, Epoch: 0x55667788, Generation: 0x99aabbcc, Index: 0xddee, Handle: 0xff01}, Sequence: 1<<50 + 7}
		if err := p.TryPublish([]byte("abc"), &m); err != nil {
			t.Fatal(err)
		}
		b := *bodyAt(s.rings[0].slot(0))
		want := slotBody{start: layout.SlotHeaderSize, length: 3, node: 0x11223344, epoch: 0x55667788, generation: 0x99aabbcc,
			index: 0xddee, handle: 0xff01, sequence: 1<<50 + 7, timestampNs: 1<<60 + 5, total: 3,
			flags:  wholeMessage | layout.MessageFlagTimestamped | layout.MessageFlagRemote,
			schema: 0xa1b2c3d4, kind: 1, content: 2}
		if b != want {
			t.Errorf("%v: header %+v, want %+v", kind, b, want)
		}
		var got Message
		if err := rd.Next(&got); err != nil {
			t.Fatal(err)
		}
		if got.Producer != m.Source || got.Sequence != m.Sequence || got.TimestampNs != m.TimestampNs || got.Schema != m.Schema ||
			got.Kind != 1 || got.Content != 2 || got.Flags != want.flags || string(got.Payload) != "abc" || got.Block != nil {
			t.Errorf("%v: message %+v of %+v", kind, got, m)
		}
	}
}
