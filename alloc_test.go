package ringcast

import (
	"context"
	"errors"
	"testing"
	"time"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast/examples/schema/orders"
)

// TestHotPathsDoNotAllocate publishes and reads in every way, many times around
// the ring.
func TestHotPathsDoNotAllocate(t *testing.T) {
	ctx := context.Background()
	b := openBus(t, t.TempDir())
	payload := make([]byte, 200)
	for _, shape := range []PublisherConfig{
		{Slots: 64}, {Slots: 64, Exclusive: true}, {Slots: 64, Mode: Latest}, {Slots: 64, Timestamps: true}, {Slots: 64, Exclusive: true, Solo: true},
	} {
		pub := publisher(t, b, "hot", &shape)
		sub := subscribe(t, b, "hot", nil)
		wild := subscribe(t, b, "*", nil)
		read := func(s *Subscription) *Message {
			m, err := s.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		number := uint64(0)
		for _, way := range []struct {
			name string
			do   func() error
		}{
			{"Publish", func() error { return pub.Publish(ctx, payload) }},
			{"TryPublish", func() error { return pub.TryPublish(payload) }},
			{"Claim and Commit", func() error {
				c, err := pub.Claim(ctx, 100)
				if err != nil {
					return err
				}
				c.Bytes()[0] = 1
				return c.Commit()
			}},
			{"PublishBatch", func() error { _, err := pub.PublishBatch(ctx, [][]byte{payload}); return err }},
			{"ClaimBatch and Commit", func() error { return claimAndCommit(ctx, pub) }},
			{"a table in the slot", func() error {
				c, err := pub.Claim(ctx, 100)
				if err != nil {
					return err
				}
				buildSmallOrder(c.Builder(), number)
				return c.Commit()
			}},
		} {
			n := testing.AllocsPerRun(500, func() {
				number++
				if err := way.do(); err != nil {
					t.Fatal(err)
				}
				m := read(sub)
				if m.Content() == ContentFlatBuffer {
					var o orders.Order
					at := m.Payload()
					o.Init(at, flatbuffers.GetUOffsetT(at))
					if o.Number() != number {
						t.Fatalf("order %d, want %d", o.Number(), number)
					}
				}
				read(wild)
			})
			if n != 0 {
				t.Errorf("%v: %s and Next allocate %v times a message, want 0", shape, way.name, n)
			}
		}
		for _, c := range []interface{ Close() error }{pub, sub, wild} {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// claimAndCommit sends one message as a batch that is written in place.
func claimAndCommit(ctx context.Context, pub *Publisher) error {
	c, err := pub.ClaimBatch(ctx, 1, 100)
	if err != nil {
		return err
	}
	c.Bytes(0)[0] = 1
	_, err = c.Commit()
	return err
}

// TestNoStyleAllocates reads in every way, after a sleep and without.
func TestNoStyleAllocates(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background()) // one that can end, as users have
	defer cancel()
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "style", &PublisherConfig{Slots: 64})
	sub, selected := subscribe(t, b, "style", nil), subscribe(t, b, "style", nil)
	merged := merge(t, b, subscribe(t, b, "style", nil), subscribe(t, b, "other", nil))
	member, mixed := joinGroup(t, b, "style"), merge(t, b, subscribe(t, b, "style", &SubscriberConfig{Group: "others"}), subscribe(t, b, "more", nil))
	enough, got := errors.New("enough"), 0
	handler := func(*Message, error) error { got++; return enough }
	polled := func(*Message) { got++ }
	ready := selected.Ready()
	styles := map[string]func(){
		"Handle":             func() { _ = sub.Handle(ctx, handler) },
		"Poll":               func() { _, _ = sub.Poll(10, polled) },
		"NextBatch":          func() { ms, _ := sub.NextBatch(ctx, 0); got += len(ms) },
		"Merged.NextBatch":   func() { ms, _ := merged.NextBatch(ctx, 3); got += len(ms) },
		"Merged.Next":        func() { _, _ = merged.Next(ctx); got++ },
		"Merged.Poll":        func() { _, _ = merged.Poll(10, polled) },
		"Next of a member":   func() { _, _ = member.Next(ctx); got++ },
		"Handle of a member": func() { _ = member.Handle(ctx, handler) },
		"Merged with one":    func() { _, _ = mixed.Next(ctx); got++ },
		"Ready, TryNext":     func() { <-ready; _, _ = selected.TryNext(); got++ },
		"Ready, Poll":        func() { <-ready; _, _ = selected.Poll(10, polled) },
	}
	for name, read := range styles {
		for _, slow := range []bool{false, true} {
			go func() {}() // the runtime keeps a dead goroutine for the next
			n := testing.AllocsPerRun(100, func() {
				if err := pub.Publish(ctx, nil); err != nil {
					t.Fatal(err)
				}
				if slow {
					time.Sleep(100 * time.Microsecond)
				}
				for got = 0; got == 0; {
					read()
				}
				for _, s := range []interface{ TryNext() (*Message, error) }{sub, selected, merged, member, mixed} {
					for _, err := s.TryNext(); err == nil; _, err = s.TryNext() {
					}
				}
			})
			if n != 0 {
				t.Errorf("%s allocates %v times a message, want 0", name, n)
			}
		}
	}
}

// TestSleepingDoesNotAllocate: each message finds its reader asleep.
func TestSleepingDoesNotAllocate(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b := openBus(t, t.TempDir())
	pub, sub, idle := publisher(t, b, "asleep", nil), subscribe(t, b, "asleep", nil), subscribe(t, b, "idle", nil)
	go func() { _, _ = idle.Next(ctx) }()
	got := make(chan struct{})
	go func() {
		for range sub.Messages(ctx) {
			got <- struct{}{}
		}
	}()
	n := testing.AllocsPerRun(50, func() {
		asleep(t, b, 2)
		if err := pub.Publish(ctx, nil); err != nil {
			t.Fatal(err)
		}
		<-got
	})
	if n != 0 {
		t.Errorf("a sleep allocates %v times, want 0", n)
	}
}

func BenchmarkPublishAndRead(b *testing.B) {
	for _, size := range []int{64, 2000} {
		b.Run(map[int]string{64: "64B", 2000: "2000B"}[size], func(b *testing.B) {
			bus := openBus(b, b.TempDir())
			pub, sub := publisher(b, bus, "bench", nil), subscribe(b, bus, "bench", nil)
			payload := make([]byte, size)
			ctx := context.Background()
			b.SetBytes(int64(size))
			for b.Loop() {
				if err := pub.Publish(ctx, payload); err != nil {
					b.Fatal(err)
				}
				if _, err := sub.Next(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
