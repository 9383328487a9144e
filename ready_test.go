package ringcast

import (
	"context"
	"testing"
	"time"
)

// expectToken waits for a token of Ready.
func expectToken(t *testing.T, ctx context.Context, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-ctx.Done():
		t.Fatal("no token comes")
	}
}

// drain reads until nothing is there.
func drain(t *testing.T, s *Subscription) (n int) {
	t.Helper()
	for {
		_, err := s.TryNext()
		if err == ErrEmpty {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
}

func noToken(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
		t.Error("a token without a message")
	default:
	}
}

// TestReadyTellsOfEverything: messages, topics that appear, and the end.
func TestReadyTellsOfEverything(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	sub := subscribe(t, b, "r.*", nil)
	ready := sub.Ready()
	expectToken(t, ctx, ready) // nobody has looked yet
	if n := drain(t, sub); n != 0 {
		t.Errorf("%d messages of nobody", n)
	}
	noToken(t, ready)
	first := publisher(t, b, "r.one", nil) // sends after the topic has appeared: the token may be for either
	for range 3 {
		sendNumbers(t, ctx, first, 2)
		got := 0
		for got < 2 {
			expectToken(t, ctx, ready)
			got += drain(t, sub)
		}
	}
	asleep(t, b, 2) // the guard, and the notice again
	if got := sub.Ready(); got != ready {
		t.Error("another channel")
	}
	sendNumbers(t, ctx, first, 1)
	expectToken(t, ctx, ready)
	if m := next(t, ctx, sub); string(m.Payload()) != "0" { // Next takes from the same stream
		t.Errorf("got %q", m.Payload())
	}
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	expectToken(t, ctx, ready)
	expectToken(t, ctx, ready) // closed, so always
	expectToken(t, ctx, sub.Ready())
	if _, err := sub.TryNext(); err != ErrClosed {
		t.Errorf("after the last token: %v", err)
	}
}

// TestReadyOfTheClosed is ready, whoever was closed, and the bus is left at once
// though its guard slept.
func TestReadyOfTheClosed(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	early, late := subscribe(t, b, "a", nil), subscribe(t, b, "b", nil)
	expectToken(t, ctx, early.Ready())
	drain(t, early)
	asleep(t, b, 2)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if !b.gone {
		t.Error("the domain was not left")
	}
	expectToken(t, ctx, early.Ready())
	expectToken(t, ctx, late.Ready())
}

// TestOneGoroutineSelectsOverTwo: a subscription, another one, and a channel.
func TestOneGoroutineSelectsOverTwo(t *testing.T) {
	ctx := within(t, 30*time.Second)
	b := openBus(t, t.TempDir())
	const each = 2000
	subs := []*Subscription{subscribe(t, b, "a", nil), subscribe(t, b, "b", nil)}
	for _, topic := range []string{"a", "b"} {
		pub := publisher(t, b, topic, &PublisherConfig{Slots: 64})
		go sendNumbers(t, ctx, pub, each)
	}
	ticks, got := 0, [2]int{}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for got[0] < each || got[1] < each {
		select {
		case <-subs[0].Ready():
			got[0] += drain(t, subs[0])
		case <-subs[1].Ready():
			if _, err := subs[1].TryNext(); err == nil {
				got[1]++
			}
		case <-tick.C:
			ticks++
		case <-ctx.Done():
			t.Fatalf("got %v of %d, with %d ticks", got, each, ticks)
		}
	}
	if got[0] != each || got[1] != each {
		t.Errorf("got %v, want %d each", got, each)
	}
}
