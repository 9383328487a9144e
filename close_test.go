package ringcast

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCloseWithinTheLoop(t *testing.T) {
	ctx := within(t, 10*time.Second)
	b := openBus(t, t.TempDir())
	pub, sub := publisher(t, b, "end", nil), subscribe(t, b, "end", nil)
	for range 3 {
		if err := pub.Publish(ctx, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	turns := 0
	for m, err := range sub.Messages(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if err := sub.Close(); err != nil {
			t.Fatal(err)
		}
		if string(m.Payload()) != "x" { // still mapped within this turn
			t.Fatal("the message changed")
		}
		turns++
	}
	if turns != 1 {
		t.Errorf("%d turns after Close in the first", turns)
	}
	if _, err := sub.Next(ctx); err != ErrClosed || !errors.Is(err, os.ErrClosed) {
		t.Errorf("Next after Close: %v", err)
	} else if text := err.Error(); !strings.Contains(text, "subscription") || !strings.Contains(text, "open it anew") || strings.Contains(text, "file") {
		t.Errorf("Next after Close: %q, want what was closed, and what to do", text)
	}
	for range sub.Messages(ctx) {
		turns++
	}
	if turns != 2 { // the error
		t.Errorf("%d turns", turns)
	}
	if err := sub.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestCloseEndsASleeper from another goroutine, through subscription and bus.
func TestCloseEndsASleeper(t *testing.T) {
	for _, through := range []string{"subscription", "bus"} {
		b := openBus(t, t.TempDir())
		sub := subscribe(t, b, "end", nil)
		ended := make(chan error, 1)
		go func() { _, err := sub.Next(context.Background()); ended <- err }()
		time.Sleep(5 * time.Millisecond)
		if _, err := sub.TryNext(); err != ErrBusy {
			t.Errorf("%s: a second reader: %v, want ErrBusy", through, err)
		}
		if through == "bus" {
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		} else if err := sub.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if err != ErrClosed {
				t.Errorf("%s: the sleeper got %v, want ErrClosed", through, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: the sleeper sleeps on", through)
		}
	}
}

// TestCloseEndsAWaitingPublish, and leaves a claim to its owner.
func TestCloseEndsAWaitingPublish(t *testing.T) {
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "end", &PublisherConfig{Slots: 64})
	subscribe(t, b, "end", nil)
	for pub.TryPublish(nil) == nil {
	}
	ended := make(chan error, 1)
	go func() { ended <- pub.Publish(context.Background(), nil) }()
	time.Sleep(5 * time.Millisecond)
	if err := pub.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != ErrClosed {
		t.Errorf("the waiting Publish got %v, want ErrClosed", err)
	}
	other := publisher(t, b, "other", nil)
	claim, err := other.Claim(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	copy(claim.Bytes(), "abc") // mapped until the claim ends
	if err := claim.Commit(); err != nil {
		t.Errorf("commit after the bus was closed: %v", err)
	}
	if err := other.Publish(t.Context(), nil); err != ErrClosed {
		t.Errorf("publish after Close: %v, want ErrClosed", err)
	}
	if _, err := b.Publisher("new", nil); err != ErrClosed {
		t.Errorf("publisher of a closed bus: %v, want ErrClosed", err)
	}
	if _, err := b.Subscribe("new", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("subscription of a closed bus: %v, want ErrClosed", err)
	}
}

// TestNothingIsLeft: the last user of a topic takes its files along, and of a
// participant nothing stays.
func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	b := openBus(t, dir)
	publisher(t, b, "a", nil)
	subscribe(t, b, "b", nil)
	subscribe(t, b, ">", nil)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"topics", "live", "counters"} {
		entries, err := os.ReadDir(filepath.Join(dir, "default", folder))
		if err != nil || len(entries) != 0 {
			t.Errorf("left in %s: %v, %v", folder, entries, err)
		}
	}
	if b.self == nil || !b.gone {
		t.Error("the domain was not left")
	}
}
