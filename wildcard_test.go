package ringcast

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestPatternReadsWhatMatches, of what is there and of what comes: a topic that
// appears later is read from its first message.
func TestPatternReadsWhatMatches(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	a, b := openBus(t, dir), openBus(t, dir)
	old := publisher(t, a, "orders.old", nil)
	if err := old.Publish(ctx, []byte("before the subscription")); err != nil {
		t.Fatal(err)
	}
	sub := subscribe(t, b, "orders.*", nil)
	want := map[string]int{"orders.old": 0}
	for i := range 5 {
		want[fmt.Sprintf("orders.new%d", i)] = 0
	}
	const each = 200
	for topic := range want {
		go func() {
			p := old
			if topic != "orders.old" {
				var err error
				if p, err = a.Publisher(topic, &PublisherConfig{Slots: 1024}); err != nil {
					t.Error(err)
					return
				}
			}
			for i := range each {
				if err := p.Publish(ctx, fmt.Appendf(nil, "%s %d", topic, i)); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	for _, other := range []string{"orders", "orders.a.b", "$orders.x", "invoices.new"} {
		if err := publisher(t, a, other, nil).Publish(ctx, []byte("not ours")); err != nil {
			t.Fatal(err)
		}
	}
	for range each * len(want) {
		m := next(t, ctx, sub)
		n, ok := want[m.Topic()]
		if text := fmt.Sprintf("%s %d", m.Topic(), n); !ok || string(m.Payload()) != text {
			t.Fatalf("got %q on %q, want %q", m.Payload(), m.Topic(), text)
		}
		want[m.Topic()]++
	}
	if m, err := sub.TryNext(); err != ErrEmpty {
		t.Fatalf("more than was published: %v, %v", m, err)
	}
}

// TestPatternWakesForANewTopic while it sleeps on nothing at all.
func TestPatternWakesForANewTopic(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	sub := subscribe(t, b, ">", nil)
	got := make(chan string, 1)
	go func() {
		m, err := sub.Next(ctx)
		if err != nil {
			t.Error(err)
			close(got)
			return
		}
		got <- m.Topic()
	}()
	time.Sleep(5 * time.Millisecond)
	if err := publisher(t, b, "deep.down.here", nil).Publish(ctx, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if topic := <-got; topic != "deep.down.here" {
		t.Errorf("got %q", topic)
	}
}

// TestPatternWithoutInotify: where no watch is to be had, the directory is
// looked at now and then.
func TestPatternWithoutInotify(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	b.watch = &topicWatch{ended: make(chan struct{})}
	go b.watch.run(b)
	sub := subscribe(t, b, "*", nil)
	if err := publisher(t, b, "late", nil).Publish(ctx, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if m := next(t, ctx, sub); m.Topic() != "late" {
		t.Errorf("got %q", m.Topic())
	}
}

// TestPatternTellsOfABrokenTopic once, and reads the others.
func TestPatternTellsOfABrokenTopic(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	b := openBus(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "default", "topics", "broken.ctl"), []byte("not a segment"), 0o600); err != nil {
		t.Fatal(err)
	}
	pub := publisher(t, b, "sound", nil)
	sub := subscribe(t, b, "*", nil)
	if err := pub.Publish(ctx, []byte("x")); err != nil {
		t.Fatal(err)
	}
	_, err := sub.Next(ctx)
	var broken *TopicError
	if !errors.As(err, &broken) || broken.Topic != "broken" || !IsEvent(err) {
		t.Fatalf("got %v, want the event of the broken topic", err)
	}
	if m := next(t, ctx, sub); m.Topic() != "sound" {
		t.Errorf("got %q", m.Topic())
	}
	if _, err := sub.TryNext(); err != ErrEmpty {
		t.Errorf("the event came again: %v", err)
	}
}

// TestBusyTopicStarvesNobody: a message of a quiet topic comes after a bounded
// number of a busy one's.
func TestBusyTopicStarvesNobody(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	busy, quiet := publisher(t, b, "busy", nil), publisher(t, b, "quiet", nil)
	sub := subscribe(t, b, "*", nil)
	for range 1000 {
		if err := busy.Publish(ctx, []byte("b")); err != nil {
			t.Fatal(err)
		}
	}
	if err := quiet.Publish(ctx, []byte("q")); err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		if next(t, ctx, sub).Topic() == "quiet" {
			if i > maxTurn {
				t.Errorf("the quiet topic came after %d messages, want at most %d", i, maxTurn)
			}
			return
		}
	}
}

func TestWaitForSubscribers(t *testing.T) {
	dir := t.TempDir()
	a, b := openBus(t, dir), openBus(t, dir)
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := a.WaitForSubscribers(short, "orders.eu", 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("an empty room: %v", err)
	}
	ctx := within(t, 20*time.Second)
	ended := make(chan error, 1)
	go func() { ended <- a.WaitForSubscribers(ctx, "orders.eu", 3) }()
	subscribe(t, b, "orders.us", nil)
	publisher(t, b, "orders.eu", nil)
	subscribe(t, a, "orders.eu", nil)
	subscribe(t, b, "orders.>", nil)
	last := subscribe(t, b, "orders.eu", nil)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if n, err := a.Subscribers("orders.eu"); n != 3 || err != nil {
		t.Errorf("%d subscriptions, %v, want 3", n, err)
	}
	if err := last.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := a.Subscribers("orders.eu"); n != 2 || err != nil {
		t.Errorf("%d subscriptions after one has left, %v, want 2", n, err)
	}
}
