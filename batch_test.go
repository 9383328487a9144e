package ringcast

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNextBatchTakesAllThatIsThere: as many as asked for, at most 64, and waits for one.
func TestNextBatchTakesAllThatIsThere(t *testing.T) {
	ctx := within(t, 30*time.Second)
	b := openBus(t, t.TempDir())
	pub, sub := publisher(t, b, "batch", nil), subscribe(t, b, "batch", nil)
	sendNumbers(t, ctx, pub, 200)
	at := 0
	for _, c := range []struct{ most, want int }{{3, 3}, {61, 61}, {0, 64}, {-5, 64}, {100, 8}} {
		ms, err := sub.NextBatch(ctx, c.most)
		if err != nil || len(ms) != c.want {
			t.Fatalf("batch of %d: %d, %v, want %d", c.most, len(ms), err, c.want)
		}
		for i := range ms {
			if m := &ms[i]; string(m.Payload()) != fmt.Sprint(at) || m.Topic() != "batch" || m.Subscription() != sub || m.Sequence() != uint64(at+1) {
				t.Fatalf("%q of %s, want %d", m.Payload(), m.Topic(), at)
			}
			at++
		}
	}
	go func() {
		time.Sleep(5 * time.Millisecond)
		sendNumbers(t, ctx, pub, 1)
	}()
	if ms, err := sub.NextBatch(ctx, 0); err != nil || len(ms) != 1 {
		t.Errorf("%d messages, %v", len(ms), err)
	}
}

// TestBatchStaysUntilTheNextCall: its publisher is held back rather than let write
// over what is in hand.
func TestBatchStaysUntilTheNextCall(t *testing.T) {
	ctx := within(t, 30*time.Second)
	b := openBus(t, t.TempDir())
	pub, sub := publisher(t, b, "held", &PublisherConfig{Slots: 1024, SlotSize: 64}), subscribe(t, b, "held", nil)
	sendNumbers(t, ctx, pub, 1024)
	ms, err := sub.NextBatch(ctx, 50)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := pub.TryPublish([]byte("new")); err != ErrFull {
			t.Fatalf("publish into a full ring: %v", err)
		}
	}
	for i := range ms {
		if string(ms[i].Payload()) != fmt.Sprint(i) {
			t.Errorf("message %d in hand is %q now", i, ms[i].Payload())
		}
	}
	kept := ms[7].Clone()
	if _, err := sub.NextBatch(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if kept.Topic() != "held" || string(kept.Payload()) != "7" || kept.Subscription() != sub {
		t.Errorf("clone %q of %q", kept.Payload(), kept.Topic())
	}
	if m := new(Message); m.Topic() != "" || m.Subscription() != nil {
		t.Error("the zero message comes from somewhere")
	}
}

// TestWaysOfReadingMix: whatever ways are used in turn, and however early a loop is
// left, every message comes once and in order.
func TestWaysOfReadingMix(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	ctx := within(t, 60*time.Second)
	b := openBus(t, t.TempDir())
	for name, open := range mixed {
		pub := publisher(t, b, "mix."+name, &PublisherConfig{Slots: 256, SlotSize: 64})
		feed := open(t, b, "mix."+name)
		sent, want := 0, 0
		var first []string // to show where it went wrong
		see := func(way string, m *Message) {
			if first = append(first, way); string(m.Payload()) != fmt.Sprint(want) {
				t.Fatalf("%s: %q by %v, want %d", name, m.Payload(), first[max(0, len(first)-5):], want)
			}
			want++
		}
		for range 600 {
			for range rng.IntN(60) {
				if pub.TryPublish(fmt.Append(nil, sent)) == nil {
					sent++
				}
			}
			if want < sent {
				readOnce(t, ctx, feed, rng, sent-want, see)
			}
		}
		for want < sent {
			readOnce(t, ctx, feed, rng, sent-want, see)
		}
		if _, err := feed.TryNext(); err != ErrEmpty || sent < 1000 {
			t.Errorf("%s: %v behind the last of %d", name, err, sent)
		}
	}
}

// A reading is a subscription, or several merged.
type reading interface {
	Next(ctx context.Context) (*Message, error)
	TryNext() (*Message, error)
	NextBatch(ctx context.Context, most int) ([]Message, error)
	Poll(most int, handler func(*Message)) (int, error)
	Handle(ctx context.Context, handler func(*Message, error) error) error
	Messages(ctx context.Context) iter.Seq2[*Message, error]
}

var mixed = map[string]func(t *testing.T, b *Bus, topic string) reading{
	"name": func(t *testing.T, b *Bus, topic string) reading { return subscribe(t, b, topic, nil) },
	"pattern": func(t *testing.T, b *Bus, topic string) reading {
		return subscribe(t, b, strings.Replace(topic, "mix", "*", 1), nil)
	},
	"group": func(t *testing.T, b *Bus, topic string) reading { return joinGroup(t, b, topic) },
	"history": func(t *testing.T, b *Bus, topic string) reading {
		return subscribe(t, b, topic, &SubscriberConfig{History: 10})
	},
	"merged": func(t *testing.T, b *Bus, topic string) reading {
		return merge(t, b, subscribe(t, b, topic, nil), subscribe(t, b, "other", nil))
	},
}

// readOnce reads some of n messages that are there, in one way.
func readOnce(t *testing.T, ctx context.Context, f reading, rng *rand.Rand, n int, see func(string, *Message)) {
	t.Helper()
	most := 1 + rng.IntN(n)
	var err error
	switch rng.IntN(5) {
	case 0:
		var m *Message
		if m, err = f.Next(ctx); err == nil {
			see("Next", m)
		}
	case 1:
		var m *Message
		if m, err = f.TryNext(); err == nil {
			see("TryNext", m)
		}
	case 2:
		var ms []Message
		ms, err = f.NextBatch(ctx, most)
		if len(ms) > most {
			t.Errorf("%d messages, at most %d were asked for", len(ms), most)
		}
		for i := range ms {
			see("NextBatch", &ms[i])
		}
	case 3:
		_, err = f.Poll(most, func(m *Message) { see("Poll", m) })
	case 4:
		err = f.Handle(ctx, func(m *Message, event error) error {
			see("Handle", m)
			if most--; most == 0 {
				return errEnough
			}
			return event
		})
		if err == errEnough {
			err = nil
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestCloseDropsWhatWasTaken: what was looked at and not handed out is not handed out
// after Close, of the subscription and of one of several.
func TestCloseDropsWhatWasTaken(t *testing.T) {
	ctx := within(t, 30*time.Second)
	b := openBus(t, t.TempDir())
	one, two := publisher(t, b, "one", nil), publisher(t, b, "two", nil)
	sub := subscribe(t, b, "one", nil)
	first, second := subscribe(t, b, "one", nil), subscribe(t, b, "two", nil)
	both := merge(t, b, first, second)
	for range 5 {
		sendNumbers(t, ctx, one, 20)
	}
	sendNumbers(t, ctx, two, 20)
	n := 0
	for m, err := range sub.Messages(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 40 {
			if err := m.Subscription().Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n != 40 {
		t.Errorf("%d messages, want 40: closed there", n)
	}
	var got []string
	for m, err := range both.Messages(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, m.Topic()); len(got) == 40 {
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if len(got) == 60 {
			break
		}
	}
	if !slices.Equal(got[:40], slices.Repeat([]string{"one"}, 40)) || !slices.Equal(got[40:], slices.Repeat([]string{"two"}, 20)) {
		t.Errorf("%v, want 40 of one, which is closed then, and 20 of two", got)
	}
}

// TestPanicLeavesTheRest: the message whose handler panics counts as read, those that
// were taken with it come next.
func TestPanicLeavesTheRest(t *testing.T) {
	ctx := within(t, 30*time.Second)
	b := openBus(t, t.TempDir())
	pub, sub := publisher(t, b, "panic", nil), subscribe(t, b, "panic", nil)
	sendNumbers(t, ctx, pub, 50)
	for at := range 50 {
		func() {
			defer func() {
				if r := recover(); r != at {
					t.Fatalf("panic %v, want %d", r, at)
				}
			}()
			_ = sub.Handle(ctx, func(m *Message, _ error) error {
				if string(m.Payload()) != fmt.Sprint(at) {
					t.Errorf("%q, want %d", m.Payload(), at)
				}
				panic(at)
			})
		}()
	}
	if _, err := sub.TryNext(); err != ErrEmpty {
		t.Error(err)
	}
}
