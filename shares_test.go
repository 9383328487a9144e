package ringcast

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestSharesWakeAllWhoFit: two shares come back at once, two wait for one each, and both
// get theirs, though a third leads on.
func TestSharesWakeAllWhoFit(t *testing.T) {
	ctx := within(t, 40*time.Second)
	dir := t.TempDir()
	b := openInFlight(t, dir, 96)
	hang(t, b, "s", &ServeConfig{Concurrency: 4})
	long, err := b.Go(ctx, "s", nil)
	if err != nil {
		t.Fatal(err)
	}
	d := long.desk
	go func() { _, _ = long.Wait(ctx) }() // leads
	eventually(t, "nobody leads", func() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.led })
	d.mu.Lock()
	held := d.shares
	d.shares = 0
	d.mu.Unlock()
	begun := make(chan error, 2)
	for range 2 {
		go func() { _, err := b.Go(ctx, "s", nil); begun <- err }()
	}
	eventually(t, "not both wait", func() bool { return parkedAt(b) == 2 })
	d.mu.Lock()
	d.returnShares(1)
	d.returnShares(1)
	d.mu.Unlock()
	for range 2 {
		select {
		case err := <-begun:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(8 * time.Second):
			t.Error("one waits on, and there is a share")
		}
	}
	d.mu.Lock()
	d.returnShares(held - 2)
	d.mu.Unlock()
	long.Cancel()
}

// TestEndedContextSendsNothing: whoever asks with a context that has ended asks nobody.
func TestEndedContextSendsNothing(t *testing.T) {
	b := openBus(t, t.TempDir())
	ran := make(chan struct{}, 10)
	serve(t, b, "s", func(_ context.Context, r *Request) error { ran <- struct{}{}; return r.Reply(nil) }, nil)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Request(ended, "s", nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := b.Go(ended, "s", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("go: %v", err)
	}
	for _, err := range b.RequestStream(ended, "s", nil) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("stream: %v", err)
		}
	}
	if _, err := b.Request(within(t, 20*time.Second), "s", nil); err != nil {
		t.Fatal(err)
	}
	if n := len(ran); n != 1 {
		t.Errorf("%d requests ran, want the last one", n)
	}
}
