package ringcast

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// TestPatternReadsFromTheFirstMessage opens a publisher that sends a few messages
// and is gone at once: the pattern that was there before must read them all, even
// while its owner was busy elsewhere.
func TestPatternReadsFromTheFirstMessage(t *testing.T) {
	const topics, each = 20, 3
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	reader, err := Open(ctx, &Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	sub, err := reader.Subscribe("first.>", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range topics {
		publishAndLeave(t, ctx, dir, fmt.Sprintf("first.t%d", i), each)
	}
	got := map[string]uint64{}
	for range topics * each {
		m, err := sub.Next(ctx)
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		if got[m.Topic()]++; m.Sequence() != got[m.Topic()] {
			t.Fatalf("%s: sequence %d, want %d", m.Topic(), m.Sequence(), got[m.Topic()])
		}
	}
	if len(got) != topics {
		t.Errorf("%d topics, want %d", len(got), topics)
	}
}

// publishAndLeave is a program that says its few words and ends.
func publishAndLeave(t *testing.T, ctx context.Context, dir, topic string, count int) {
	t.Helper()
	bus, err := Open(ctx, &Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	p, err := bus.Publisher(topic, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		if err := p.Publish(ctx, []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
}
