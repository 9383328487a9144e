package ringcast

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// interruptions is how often a wait is called off; the median counts.
const interruptions = 15

// medianOf runs a wait in a goroutine of its own, ends it once it sleeps, and
// returns the median of the time it then took to return.
func medianOf(t *testing.T, wait func(context.Context) error) time.Duration {
	t.Helper()
	var took []time.Duration
	for range interruptions {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- wait(ctx) }()
		time.Sleep(5 * time.Millisecond) // it spins for 50 us, then sleeps
		begin := time.Now()
		cancel()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("ended by %v, want the context's error", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("it does not end")
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// A sleep lasts 100 ms where nobody wakes the sleeper, so that a median below a
// half of it means that the context did.
const wokenWithin = 50 * time.Millisecond

func TestContextWakesASleepingSubscription(t *testing.T) {
	b := openBus(t, t.TempDir())
	for _, pattern := range []string{"quiet", "quiet.*"} {
		sub := subscribe(t, b, pattern, nil)
		if m := medianOf(t, func(ctx context.Context) error { _, err := sub.Next(ctx); return err }); m > wokenWithin {
			t.Errorf("%s: Next ended %v after its context", pattern, m)
		}
		if m := medianOf(t, func(ctx context.Context) error {
			for _, err := range sub.Messages(ctx) {
				return err
			}
			return nil
		}); m > wokenWithin {
			t.Errorf("%s: Messages ended %v after its context", pattern, m)
		}
	}
}

// TestContextWakesAWaitingPublisher: one waits for room, another for the first.
func TestContextWakesAWaitingPublisher(t *testing.T) {
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "full", &PublisherConfig{Slots: 64})
	fill := func() {
		for pub.TryPublish([]byte("x")) == nil {
		}
	}
	// The stall budget (500 ms) would put a reader out that takes nothing: each
	// round has a new one.
	for range 5 {
		sub := subscribe(t, b, "full", nil)
		fill()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		for range 2 {
			go func() { ended <- pub.Publish(ctx, []byte("y")) }()
		}
		time.Sleep(5 * time.Millisecond)
		cancel()
		for range 2 {
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Fatalf("ended by %v, want the context's error", err)
				}
			case <-time.After(400 * time.Millisecond):
				t.Fatal("it does not end")
			}
		}
		if err := sub.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPublisherWaitsForRoom: what a slow reader has not taken is not overwritten.
func TestPublisherWaitsForRoom(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "slow", &PublisherConfig{Slots: 64})
	sub := subscribe(t, b, "slow", nil)
	const count = 1000
	ended := make(chan error, 1)
	go func() {
		for i := range count {
			if err := pub.Publish(ctx, []byte{byte(i), byte(i >> 8)}); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	for i := range count {
		m := next(t, ctx, sub)
		if got := int(m.Payload()[0]) | int(m.Payload()[1])<<8; got != i {
			t.Fatalf("message %d is number %d", i, got)
		}
		if i%100 == 0 {
			time.Sleep(2 * time.Millisecond)
		}
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestLockGivesUpAndGoesOn(t *testing.T) {
	l := newLock()
	if err := l.take(t.Context()); err != nil || l.try() {
		t.Fatalf("a free lock: %v; taken twice", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.take(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("a held lock gave %v, want the context's error", err)
	}
	l.free()
	const goroutines, each = 4, 2000
	sum, ended := 0, make(chan struct{})
	for range goroutines {
		go func() {
			for range each {
				if l.take(t.Context()) == nil {
					sum++
					l.free()
				}
			}
			ended <- struct{}{}
		}()
	}
	for range goroutines {
		<-ended
	}
	if sum != goroutines*each {
		t.Errorf("%d turns, want %d: two held the lock at once", sum, goroutines*each)
	}
}
