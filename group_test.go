package ringcast

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

func joinGroup(t testing.TB, b *Bus, topic string) *Subscription {
	t.Helper()
	return subscribe(t, b, topic, &SubscriberConfig{Group: "workers"})
}

// TestGroupInEveryStyle: members that read in different ways, some asleep, share a
// stream; each message goes to one, and a subscription beside them gets all.
func TestGroupInEveryStyle(t *testing.T) {
	ctx := within(t, 60*time.Second)
	dir := t.TempDir()
	a, b := openBus(t, dir), openBus(t, dir)
	pub := publisher(t, a, "jobs", &PublisherConfig{Slots: 64})
	beside := subscribe(t, a, "jobs", nil)
	const count = 4000
	var mu sync.Mutex
	seen, all := map[string]int{}, make(chan struct{})
	var wg sync.WaitGroup
	for i, style := range styles {
		member := joinGroup(t, []*Bus{a, b}[i%2], "jobs")
		mine, stop := context.WithCancel(ctx)
		defer stop()
		go func() { <-all; stop(); _ = member.Close() }()
		wg.Go(func() {
			err := style.read(mine, member, func(m *Message, err error) error {
				if err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				if seen[string(m.Payload())]++; len(seen) == count {
					close(all)
				}
				return nil
			})
			if err != nil && err != ErrClosed && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", style.name, err)
			}
		})
	}
	go sendNumbers(t, ctx, pub, count)
	for i := range count {
		if m := next(t, ctx, beside); string(m.Payload()) != fmt.Sprint(i) {
			t.Fatalf("beside: %q, want %d", m.Payload(), i)
		}
	}
	wg.Wait()
	for payload, n := range seen {
		if n != 1 {
			t.Errorf("message %s was taken %d times", payload, n)
		}
	}
	if len(seen) != count {
		t.Errorf("%d messages of %d", len(seen), count)
	}
}

// TestMergedGroups: one goroutine is a member of two groups and a plain reader; what
// it has been given before is not in its hand any more when it asks for the next.
func TestMergedGroups(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	one, two := joinGroup(t, b, "one"), joinGroup(t, b, "two")
	m := merge(t, b, one, two, subscribe(t, b, "plain", nil))
	ended := make(chan error, 1)
	got := map[string]int{}
	const each = 200
	go func() {
		for range 3 * each {
			msg, err := m.Next(ctx)
			if err != nil {
				ended <- err
				return
			}
			got[msg.Topic()]++
		}
		ended <- nil
	}()
	asleep(t, b, 1)
	for _, topic := range []string{"one", "two", "plain"} {
		pub := publisher(t, b, topic, nil)
		go sendNumbers(t, ctx, pub, each)
	}
	if err := <-ended; err != nil || got["one"] != each || got["two"] != each {
		t.Errorf("got %v, %v", got, err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	late := joinGroup(t, b, "one") // of nobody's last message it is told
	if msg, err := late.TryNext(); err != ErrEmpty {
		t.Errorf("after all: %v, %v", msg, err)
	}
}

func TestGroupRefusals(t *testing.T) {
	b := openBus(t, t.TempDir())
	publisher(t, b, "fast", &PublisherConfig{Mode: Latest})
	for _, c := range []struct {
		topic string
		cfg   SubscriberConfig
		says  string
	}{
		{"a.*", SubscriberConfig{Group: "g"}, "Merge"},
		{"a", SubscriberConfig{Group: "g", Latest: true}, "Latest"},
		{"a", SubscriberConfig{Group: "g", History: 3}, "history"},
		{"a", SubscriberConfig{Group: "not.good"}, "not.good"},
		{"a", SubscriberConfig{Group: strings.Repeat("x", 33)}, "32"},
		{"fast", SubscriberConfig{Group: "g"}, "latest"},
	} {
		if s, err := b.Subscribe(c.topic, &c.cfg); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s, %+v: %v, %v, want an error that says %q", c.topic, c.cfg, s, err, c.says)
		}
	}
}

// TestGroupWantsMessagesInOneSlot: who publishes a larger one is told which slots to
// ask for; without the group it goes.
func TestGroupWantsMessagesInOneSlot(t *testing.T) {
	ctx := within(t, 10*time.Second)
	b := openBus(t, t.TempDir())
	pub, member := publisher(t, b, "jobs", nil), joinGroup(t, b, "jobs")
	large := make([]byte, 5000)
	var tooLarge *TooLargeError
	if err := pub.Publish(ctx, large); !errors.As(err, &tooLarge) || tooLarge.Payload != 5056 || !strings.Contains(err.Error(), "queue group") {
		t.Errorf("a large message: %v", err)
	}
	if err := pub.Publish(ctx, []byte("small")); err != nil {
		t.Fatal(err)
	}
	if m := next(t, ctx, member); string(m.Payload()) != "small" || m.Sequence() != 1 {
		t.Errorf("got %q, number %d", m.Payload(), m.Sequence())
	}
	if err := member.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pub.Publish(ctx, large); err != nil {
		t.Errorf("without the group: %v", err)
	}
}

// TestGroupFollowsToTheShape of its first publisher, and misses nothing.
func TestGroupFollowsToTheShape(t *testing.T) {
	ctx := within(t, 20*time.Second)
	for _, cfg := range []PublisherConfig{{Slots: 64, SlotSize: 128}, {Exclusive: true}} {
		b := openBus(t, t.TempDir())
		members := []*Subscription{joinGroup(t, b, "jobs"), joinGroup(t, b, "jobs")}
		pub := publisher(t, b, "jobs", &cfg)
		sendNumbers(t, ctx, pub, 60)
		for i := range 60 {
			if m := next(t, ctx, members[i%2]); string(m.Payload()) != fmt.Sprint(i) {
				t.Fatalf("%+v: message %d is %q", cfg, i, m.Payload())
			}
		}
	}
}

// TestGroupEventGoesToOne: what was lost between nodes is told to one member.
func TestGroupEventGoesToOne(t *testing.T) {
	ctx := within(t, 10*time.Second)
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "jobs", nil)
	one, two := joinGroup(t, b, "jobs"), joinGroup(t, b, "jobs")
	publishEvent(t, pub, eventRecord(layout.EventCodeLoss, 3, pub.producer.Address(), 1, 1, 1))
	var loss *LossError
	if _, err := one.Next(ctx); !errors.As(err, &loss) {
		t.Errorf("the event: %v", err)
	}
	if m, err := two.TryNext(); err != ErrEmpty {
		t.Errorf("the other member: %v, %v", m, err)
	}
}

// workInGroup is a child that works: args are the directory and how long a message
// takes, in microseconds. It writes a line for what it is called, for each message
// done and for each that was abandoned, and ends when it is told to.
func workInGroup(args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	us, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	bus, err := Open(ctx, &Config{Dir: args[0]})
	if err != nil {
		return err
	}
	defer bus.Close()
	sub, err := bus.Subscribe("jobs", &SubscriberConfig{Group: "workers"})
	if err != nil {
		return err
	}
	fmt.Println("member", bus.Address())
	return sub.Handle(ctx, func(m *Message, event error) error {
		var left *AbandonedError
		if errors.As(event, &left) {
			fmt.Println("abandoned", left.Sequence, left.Taker)
			return nil
		}
		if event != nil {
			return event
		}
		time.Sleep(time.Duration(us) * time.Microsecond)
		if string(m.Payload()) == "end" {
			return sub.Close()
		}
		fmt.Println("done", m.Sequence())
		return nil
	})
}
