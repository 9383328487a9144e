package ringcast

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func merge(t *testing.T, b *Bus, subs ...*Subscription) *Merged {
	t.Helper()
	m, err := b.Merge(subs...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMergedReadsAllInOrder: many topics and a pattern, one goroutine, with and
// without sleeping in between, one more taken in on the way.
func TestMergedReadsAllInOrder(t *testing.T) {
	ctx := within(t, 30*time.Second)
	b := openBus(t, t.TempDir())
	const topics, each = 20, 500
	var subs []*Subscription
	for i := range topics {
		subs = append(subs, subscribe(t, b, fmt.Sprint("m.", i), nil))
	}
	all := subscribe(t, b, "m.>", nil)
	m := merge(t, b, append(subs[1:], all)...)
	if err := m.Add(subs[0]); err != nil {
		t.Fatal(err)
	}
	for i := range topics {
		pub := publisher(t, b, fmt.Sprint("m.", i), &PublisherConfig{Slots: 64})
		go func() {
			sendNumbers(t, ctx, pub, each/2)
			time.Sleep(time.Duration(i) * time.Millisecond)
			for n := each / 2; n < each; n++ {
				if err := pub.Publish(ctx, fmt.Append(nil, n)); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	next := map[*Subscription]map[string]int{}
	count := 0
	for msg, err := range m.Messages(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		s := msg.Subscription()
		if next[s] == nil {
			next[s] = map[string]int{}
		}
		if want := fmt.Sprint(next[s][msg.Topic()]); string(msg.Payload()) != want || s != all && s.Pattern() != msg.Topic() {
			t.Fatalf("%s on %s: %q, want %s", s.Pattern(), msg.Topic(), msg.Payload(), want)
		}
		next[s][msg.Topic()]++
		if count++; count == 2*topics*each {
			break
		}
	}
	if _, err := m.TryNext(); err != ErrEmpty {
		t.Errorf("after the last: %v", err)
	}
}

// TestMergedClosing: one of them, within and outside the loop; all of them; from
// another goroutine.
func TestMergedClosing(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	one, two, three := subscribe(t, b, "one", nil), subscribe(t, b, "two", nil), subscribe(t, b, "three", nil)
	m := merge(t, b, one, two, three)
	if _, err := one.TryNext(); err != ErrBusy {
		t.Errorf("read beside the merge: %v, want ErrBusy", err)
	}
	if _, err := b.Merge(one); err != ErrBusy {
		t.Errorf("merged twice: %v, want ErrBusy", err)
	}
	ended := make(chan error, 1)
	go func() { _, err := m.Next(ctx); ended <- err }()
	asleep(t, b, 1)
	if err := two.Close(); err != nil { // its reader sleeps: it lets go at once
		t.Fatal(err)
	}
	for two.use.Load() != useEnded {
		if ctx.Err() != nil {
			t.Fatal("a merged subscription does not close while its reader sleeps")
		}
		time.Sleep(time.Millisecond)
	}
	sendNumbers(t, ctx, publisher(t, b, "three", nil), 1)
	if err := <-ended; err != nil {
		t.Errorf("after one was closed: %v", err)
	}
	if err := errors.Join(three.Close(), one.Close()); err != nil {
		t.Fatal(err)
	}
	if err := m.Handle(ctx, nil); err != nil {
		t.Errorf("Handle of none: %v", err)
	}
	if _, err := m.Next(ctx); err != ErrClosed {
		t.Errorf("Next of none: %v, want ErrClosed", err)
	}
	other := merge(t, b, subscribe(t, b, "one", nil), subscribe(t, b, "t.*", nil))
	go func() { _, err := other.Next(context.Background()); ended <- err }()
	asleep(t, b, 1)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != ErrClosed {
		t.Errorf("Close while it sleeps: %v", err)
	}
	if err := other.Add(one); err != ErrClosed {
		t.Errorf("Add after Close: %v", err)
	}
}

// TestMergeRefuses, and leaves the subscriptions as they were.
func TestMergeRefuses(t *testing.T) {
	b, far := openBus(t, t.TempDir()), openBus(t, t.TempDir())
	mine, theirs, closed := subscribe(t, b, "a", nil), subscribe(t, far, "a", nil), subscribe(t, b, "c", nil)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		subs []*Subscription
		want error
	}{
		{nil, errNothingToMerge}, {[]*Subscription{mine, theirs}, nil},
		{[]*Subscription{mine, mine}, ErrBusy}, {[]*Subscription{mine, closed}, ErrClosed},
	} {
		if _, err := b.Merge(c.subs...); err == nil || c.want != nil && err != c.want {
			t.Errorf("Merge of %d: %v, want %v", len(c.subs), err, c.want)
		}
		if _, err := mine.TryNext(); err != ErrEmpty {
			t.Errorf("after a refusal: %v", err)
		}
	}
}

// TestMergedReady tells of messages of all, of topics that appear, and of closing.
func TestMergedReady(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	m := merge(t, b, subscribe(t, b, "one", nil), subscribe(t, b, "t.*", nil))
	ready := m.Ready()
	got := 0
	until := func(n int) {
		t.Helper()
		for got < n {
			expectToken(t, ctx, ready)
			k, err := m.Poll(100, func(*Message) {})
			if err != nil {
				t.Fatal(err)
			}
			got += k
		}
	}
	one := publisher(t, b, "one", nil)
	sendNumbers(t, ctx, one, 3)
	until(3)
	sendNumbers(t, ctx, publisher(t, b, "t.new", nil), 3)
	until(6)
	sendNumbers(t, ctx, one, 3)
	until(9)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	expectToken(t, ctx, ready)
	expectToken(t, ctx, ready)
}
