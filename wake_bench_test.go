package ringcast

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// BenchmarkWakeAfterPause is the time from a publish to the reader that slept: one
// that is alone on its bus; one that is parked while another keeps watch; one that
// selects.
func BenchmarkWakeAfterPause(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, way := range []string{"alone", "parked", "ready"} {
		b.Run(way, func(b *testing.B) {
			dir := b.TempDir()
			bus, other := openBus(b, dir), openBus(b, dir)
			pub, sub := publisher(b, other, "wake", nil), subscribe(b, bus, "wake", nil)
			if way == "parked" {
				idle := subscribe(b, bus, "idle", nil)
				go func() { _, _ = idle.Next(ctx) }()
				time.Sleep(10 * time.Millisecond)
			}
			woken := make(chan time.Time)
			go func() {
				for {
					if way == "ready" {
						<-sub.Ready()
						if _, err := sub.TryNext(); err == nil {
							woken <- time.Now()
						} else if err != ErrEmpty {
							return
						}
					} else if _, err := sub.Next(ctx); err != nil {
						return
					} else {
						woken <- time.Now()
					}
				}
			}()
			total := time.Duration(0)
			b.ResetTimer()
			for range b.N {
				time.Sleep(300 * time.Microsecond) // longer than anybody spins
				begin := time.Now()
				if err := pub.Publish(ctx, nil); err != nil {
					b.Fatal(err)
				}
				total += (<-woken).Sub(begin)
			}
			b.ReportMetric(float64(total.Nanoseconds())/float64(b.N), "ns/wake")
		})
	}
}

// BenchmarkLook is what the watch does for others, at each ring of the bell.
func BenchmarkLook(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	bus := openBus(b, b.TempDir())
	const parked = 100
	ended := make(chan struct{})
	for i := range parked + 1 {
		sub := subscribe(b, bus, fmt.Sprint("t.", i), nil)
		go func() { _, _ = sub.Next(ctx); ended <- struct{}{} }()
	}
	time.Sleep(200 * time.Millisecond)
	for b.Loop() {
		bus.place.mu.Lock()
		bus.place.look(bus.place.bell.Load())
		bus.place.mu.Unlock()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/parked, "ns/ring")
	cancel()
	for range parked + 1 {
		<-ended
	}
}
