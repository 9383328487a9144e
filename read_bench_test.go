package ringcast

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// BenchmarkReadFull measures the ways of reading alone: the ring is full before the
// clock runs, and no other core touches its lines. Per message, without its payload.
func BenchmarkReadFull(b *testing.B) {
	const slots = 1024
	ways := map[string]func(context.Context, *Subscription) (int, error){
		"Next":     func(ctx context.Context, s *Subscription) (int, error) { _, err := s.Next(ctx); return 1, err },
		"TryNext":  func(_ context.Context, s *Subscription) (int, error) { _, err := s.TryNext(); return 1, err },
		"Messages": readMessages,
		"Handle":   readHandle,
		"Poll":     func(_ context.Context, s *Subscription) (int, error) { return s.Poll(slots, func(*Message) {}) },
		"NextBatch": func(ctx context.Context, s *Subscription) (int, error) {
			ms, err := s.NextBatch(ctx, 0)
			return len(ms), err
		},
	}
	for name, read := range ways {
		for _, exclusive := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/exclusive=%v", name, exclusive), func(b *testing.B) {
				bus := openBus(b, b.TempDir())
				pub := publisher(b, bus, "full", &PublisherConfig{Slots: slots, SlotSize: 64, Exclusive: exclusive})
				sub := subscribe(b, bus, "full", nil)
				var took time.Duration
				rounds := (b.N + slots - 1) / slots
				for range rounds {
					for range slots {
						if err := pub.TryPublish(make([]byte, 64)); err != nil {
							b.Fatal(err)
						}
					}
					start := time.Now()
					for got := 0; got < slots; {
						n, err := read(b.Context(), sub)
						if err != nil {
							b.Fatal(err)
						}
						got += n
					}
					took += time.Since(start)
					if _, err := sub.TryNext(); err != ErrEmpty { // releases the last of them
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(took)/float64(rounds*slots), "ns/msg")
			})
		}
	}
}

func readMessages(ctx context.Context, s *Subscription) (n int, err error) {
	for _, err := range s.Messages(ctx) {
		if n++; err != nil || n == 1024 {
			return n, err
		}
	}
	return n, nil
}

func readHandle(ctx context.Context, s *Subscription) (n int, err error) {
	err = s.Handle(ctx, func(_ *Message, event error) error {
		if n++; event != nil {
			return event
		}
		if n == 1024 {
			return errEnough
		}
		return nil
	})
	if err == errEnough {
		err = nil
	}
	return n, err
}
