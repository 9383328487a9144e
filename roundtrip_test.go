package ringcast

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// openBus joins a domain of the test's own.
func openBus(t testing.TB, dir string) *Bus {
	t.Helper()
	b, err := Open(t.Context(), &Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// within gives a test that waits an end.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func publisher(t testing.TB, b *Bus, topic string, cfg *PublisherConfig) *Publisher {
	t.Helper()
	p, err := b.Publisher(topic, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func subscribe(t testing.TB, b *Bus, pattern string, cfg *SubscriberConfig) *Subscription {
	t.Helper()
	s, err := b.Subscribe(pattern, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// next wants a message.
func next(t testing.TB, ctx context.Context, s *Subscription) *Message {
	t.Helper()
	m, err := s.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPublishedIsReceivedInOrder(t *testing.T) {
	dir := t.TempDir()
	ctx := within(t, 10*time.Second)
	a, b := openBus(t, dir), openBus(t, dir)
	sub := subscribe(t, b, "orders.eu", nil)
	pub := publisher(t, a, "orders.eu", &PublisherConfig{Timestamps: true})
	const count = 5000 // several times around the ring
	go func() {
		for i := range count {
			if err := pub.Publish(ctx, fmt.Appendf(nil, "order %d", i)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	i := 0
	for m, err := range sub.Messages(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("order %d", i); string(m.Payload()) != want {
			t.Fatalf("message %d is %q, want %q", i, m.Payload(), want)
		}
		if m.Sequence() != uint64(i+1) || m.Topic() != "orders.eu" || m.Source().Participant() != a.Address() {
			t.Fatalf("message %d: sequence %d of %v on %q", i, m.Sequence(), m.Source(), m.Topic())
		}
		if age := time.Since(m.Time()); age < 0 || age > time.Minute {
			t.Fatalf("message %d is %v old", i, age)
		}
		if i++; i == count {
			break
		}
	}
}

func TestLargeAndEmptyMessages(t *testing.T) {
	ctx := within(t, 10*time.Second)
	b := openBus(t, t.TempDir())
	sub := subscribe(t, b, "sizes", nil)
	pub := publisher(t, b, "sizes", nil)
	sizes := []int{0, 1, 2048, 2049, 100_000, 1 << 20}
	for _, size := range sizes {
		payload := make([]byte, size)
		for i := range payload {
			payload[i] = byte(i * 7)
		}
		if err := pub.Publish(ctx, payload); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if got := next(t, ctx, sub).Payload(); string(got) != string(payload) {
			t.Fatalf("%d bytes came as %d", size, len(got))
		}
	}
	var tooLarge *TooLargeError
	err := pub.Publish(ctx, make([]byte, 1<<20+1))
	if !errors.As(err, &tooLarge) || tooLarge.Slots != 2048 {
		t.Fatalf("a message larger than half of the ring: %v", err)
	}
}
