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

// interrupted runs a wait in a goroutine of its own, ends it once it sleeps, and
// returns the times it then took to return, sorted.
func interrupted(t *testing.T, b *Bus, wait func(context.Context) error) (took []time.Duration) {
	t.Helper()
	for range interruptions {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- wait(ctx) }()
		asleep(t, b, 1)
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
	return took
}

// A sleep lasts 100 ms where nobody wakes the sleeper, so that a median below a
// half of it means that the context did.
const wokenWithin = 50 * time.Millisecond

func TestContextWakesASleepingSubscription(t *testing.T) {
	for _, pattern := range []string{"quiet", "quiet.*"} {
		b := openBus(t, t.TempDir())
		sub := subscribe(t, b, pattern, nil)
		for name, wait := range map[string]func(context.Context) error{
			"Next": func(ctx context.Context) error { _, err := sub.Next(ctx); return err },
			"Messages": func(ctx context.Context) error {
				for _, err := range sub.Messages(ctx) {
					return err
				}
				return nil
			},
			"Handle": func(ctx context.Context) error { return sub.Handle(ctx, nil) },
		} {
			took := interrupted(t, b, wait)
			t.Logf("%s of %s ended after its context: min %v, median %v, max %v", name, pattern, took[0], took[interruptions/2], took[interruptions-1])
			if took[interruptions/2] > wokenWithin {
				t.Errorf("%s of %s sleeps on when its context has ended", name, pattern)
			}
		}
	}
}

// TestDeadlineWakesASleeper, too, and not before.
func TestDeadlineWakesASleeper(t *testing.T) {
	b := openBus(t, t.TempDir())
	sub := subscribe(t, b, "quiet", nil)
	var late []time.Duration
	for range interruptions {
		end := time.Now().Add(7 * time.Millisecond)
		ctx, cancel := context.WithDeadline(t.Context(), end)
		_, err := sub.Next(ctx)
		cancel()
		if late = append(late, time.Since(end)); !errors.Is(err, context.DeadlineExceeded) || late[len(late)-1] < 0 {
			t.Fatalf("ended by %v, %v after its deadline", err, late[len(late)-1])
		}
	}
	slices.Sort(late)
	t.Logf("after the deadline: min %v, median %v, max %v", late[0], late[interruptions/2], late[interruptions-1])
	if late[interruptions/2] > wokenWithin {
		t.Error("it sleeps on when its deadline has passed")
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
	l := newLock(false)
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
