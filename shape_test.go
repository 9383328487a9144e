package ringcast

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/shm"
)

// TestFirstPublisherChoosesTheShape: who subscribed before follows it to the
// ring that takes the place of the default one, and misses nothing.
func TestFirstPublisherChoosesTheShape(t *testing.T) {
	ctx := within(t, 20*time.Second)
	for _, cfg := range []PublisherConfig{
		{Slots: 64, SlotSize: 128}, {Slots: 4096}, {Exclusive: true}, {Mode: Latest}, {SlotSize: 1 << 20, Slots: 64}, {StallBudget: 10 * time.Second},
	} {
		dir := t.TempDir()
		a, b := openBus(t, dir), openBus(t, dir)
		sleeping := subscribe(t, b, "shape", nil)
		pattern := subscribe(t, b, "*", nil)
		const count = 50
		ended := make(chan error, 2)
		for _, s := range []*Subscription{sleeping, pattern} {
			go func() {
				for i := range count {
					m, err := s.Next(ctx)
					if err != nil || string(m.Payload()) != fmt.Sprint(i) {
						ended <- fmt.Errorf("%v: message %d: %v, %w", cfg, i, m, err)
						return
					}
				}
				ended <- nil
			}()
		}
		time.Sleep(2 * time.Millisecond)
		pub := publisher(t, a, "shape", &cfg)
		for i := range count {
			if err := pub.Publish(ctx, fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
}

// TestLargeSlotsAreFew: who asks for large slots and not for a number gets few of them, whoever has
// made the topic before.
func TestLargeSlotsAreFew(t *testing.T) {
	for name, before := range map[string]func(*Bus){
		"nobody":       func(*Bus) {},
		"a subscriber": func(b *Bus) { subscribe(t, b, "large", nil) },
		"a publisher":  func(b *Bus) { publisher(t, b, "large", nil) },
	} {
		b := openBus(t, t.TempDir())
		before(b)
		p := publisher(t, b, "large", &PublisherConfig{SlotSize: 64 << 10})
		if s := p.file.Shape(); s.Slots != 256 || s.Payload != 64<<10 {
			t.Errorf("made by %s before: %v", name, s)
		}
	}
}

// TestWrittenTopicKeepsItsShape: the error names both.
func TestWrittenTopicKeepsItsShape(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "shape", &PublisherConfig{Slots: 128, SlotSize: 512})
	if err := pub.Publish(ctx, nil); err != nil {
		t.Fatal(err)
	}
	publisher(t, b, "shape", nil) // asks for nothing
	publisher(t, b, "shape", &PublisherConfig{Slots: 128})
	_, err := b.Publisher("shape", &PublisherConfig{Slots: 256, Mode: Latest})
	var shape *ShapeError
	if !errors.As(err, &shape) {
		t.Fatalf("another shape: %v", err)
	}
	for _, want := range []string{"shape", "128 slots of 512 bytes, reliable", "slots 256", "mode latest"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if _, err := b.Publisher("odd", &PublisherConfig{Slots: 100}); err == nil || !strings.Contains(err.Error(), "power of two") {
		t.Errorf("100 slots: %v", err)
	}
}

func TestExclusiveTopicHasOnePublisher(t *testing.T) {
	dir := t.TempDir()
	a, b := openBus(t, dir), openBus(t, dir)
	pub := publisher(t, a, "mine", &PublisherConfig{Exclusive: true})
	for _, other := range []*Bus{a, b} {
		if _, err := other.Publisher("mine", nil); !errors.Is(err, ErrNotExclusive) {
			t.Errorf("a second publisher: %v, want ErrNotExclusive", err)
		}
	}
	if err := pub.Close(); err != nil {
		t.Fatal(err)
	}
	publisher(t, b, "mine", &PublisherConfig{Exclusive: true})
}

func TestHistory(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "past", nil)
	for i := range 10 {
		if err := pub.Publish(ctx, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		history int
		first   string
	}{{1, "9"}, {4, "6"}, {100, "0"}, {0, "new"}} {
		sub := subscribe(t, b, "past", &SubscriberConfig{History: c.history})
		if c.history == 0 {
			if m, err := sub.TryNext(); err != ErrEmpty {
				t.Errorf("a subscription without history begins with %v, %v", m, err)
			}
			if err := pub.Publish(ctx, []byte("new")); err != nil {
				t.Fatal(err)
			}
		}
		if m := next(t, ctx, sub); string(m.Payload()) != c.first {
			t.Errorf("history %d begins with %q, want %q", c.history, m.Payload(), c.first)
		}
		if err := sub.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Subscribe("past", &SubscriberConfig{History: -1}); err == nil {
		t.Error("a negative history was taken")
	}
}

func TestOpenRefusesWhatIsWrong(t *testing.T) {
	for name, cfg := range map[string]*Config{
		"domain": {Domain: "no domain"}, "name": {Name: strings.Repeat("x", 65)},
		"waiting": {Wait: 9}, "mode": {Mode: os.ModeDir},
	} {
		cfg.Dir = t.TempDir()
		if b, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("a wrong %s: %v, %v", name, b, err)
		}
	}
	b := openBus(t, t.TempDir())
	for _, name := range []string{"", "a..b", "a b", "a.*", strings.Repeat("x", 201)} {
		if _, err := b.Publisher(name, nil); !errors.Is(err, ErrBadName) {
			t.Errorf("publisher of %q: %v", name, err)
		}
	}
	for _, pattern := range []string{"", "a..b", ">.a", "a*"} {
		if _, err := b.Subscribe(pattern, nil); !errors.Is(err, ErrBadName) {
			t.Errorf("subscription of %q: %v", pattern, err)
		}
	}
}

func TestCloneStays(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	pub, sub := publisher(t, b, "keep", nil), subscribe(t, b, "keep", nil)
	if err := pub.Publish(ctx, []byte("first")); err != nil {
		t.Fatal(err)
	}
	kept := next(t, ctx, sub).Clone()
	for range 2000 {
		if err := pub.Publish(ctx, []byte("later")); err != nil {
			t.Fatal(err)
		}
		next(t, ctx, sub)
	}
	if string(kept.Payload()) != "first" || kept.Topic() != "keep" || kept.Sequence() != 1 || kept.Remote() {
		t.Errorf("the clone became %q on %q, sequence %d", kept.Payload(), kept.Topic(), kept.Sequence())
	}
}

// TestInspect shows what is there without joining, and leaves no trace.
func TestInspect(t *testing.T) {
	ctx := within(t, 20*time.Second)
	cfg := &Config{Dir: t.TempDir(), Domain: "plant", Name: "pump"}
	var unknown *shm.NoDomainError
	if _, err := Inspect(cfg); !errors.As(err, &unknown) {
		t.Fatalf("an unknown domain: %v", err)
	}
	b, err := Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	pub := publisher(t, b, "orders.eu", &PublisherConfig{Slots: 64, SlotSize: 256, History: 8})
	subscribe(t, b, "orders.*", &SubscriberConfig{LocalOnly: true})
	for range 10 {
		if err := pub.Publish(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Inspect(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Topics) != 1 || len(s.Participants) != 1 || s.Domain != "plant" {
		t.Fatalf("%+v", s)
	}
	topic, p := s.Topics[0], s.Participants[0]
	if topic.Name != "orders.eu" || topic.Slots != 64 || topic.SlotSize != 256 || topic.Mode != Reliable || topic.Exclusive ||
		topic.History != 8 || topic.Positions != 10 || topic.Err != nil || len(topic.Readers) != 1 || topic.Readers[0].Behind != 10 {
		t.Errorf("%+v", topic)
	}
	if p.Address != b.Address() || !p.Alive || p.Info.Name != "pump" || p.Info.Version != Version || len(p.Info.Interests) != 2 {
		t.Errorf("%+v", p)
	}
}

// TestStallBudgetOfATopic: a reader that sleeps for longer than a new topic's 500 ms, and
// for less than what this one was made with, misses nothing.
func TestStallBudgetOfATopic(t *testing.T) {
	ctx := within(t, time.Minute)
	b := openBus(t, t.TempDir())
	if _, err := b.Publisher("budget", &PublisherConfig{StallBudget: 50 * time.Millisecond}); err == nil {
		t.Error("a budget below twice the commit deadline is taken")
	}
	pub := publisher(t, b, "budget", &PublisherConfig{Slots: 64, SlotSize: 64, StallBudget: time.Hour})
	sub := subscribe(t, b, "budget", nil)
	const count = 200
	ended := make(chan error, 1)
	go func() {
		for range count {
			if err := pub.Publish(ctx, nil); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	time.Sleep(time.Second)
	for range count {
		if _, err := sub.Next(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
