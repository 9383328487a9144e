package ringcast

import (
	"context"
	"errors"
	"testing"
	"time"
)

// hang serves a name whose handler answers nothing until the test ends.
func hang(t *testing.T, b *Bus, name string, cfg *ServeConfig) {
	t.Helper()
	end := make(chan struct{})
	serve(t, b, name, func(context.Context, *Request) error { <-end; return nil }, cfg)
	t.Cleanup(func() { close(end) })
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// parkedAt is how many are parked at a bus's desk.
func parkedAt(b *Bus) (n int) {
	d := b.direct.Load().asking.Load()
	if d == nil {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for p := d.first; p != nil; p = p.next {
		n++
	}
	return n
}

// TestFutureTakenByAnother: two wait for one future, and the faster one asks again
// before the slower one has woken. The slower one waits for nothing of the new request.
func TestFutureTakenByAnother(t *testing.T) {
	ctx := within(t, 40*time.Second)
	b := openBus(t, t.TempDir())
	hang(t, b, "s", &ServeConfig{Concurrency: 4})
	long, err := b.Go(ctx, "s", nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := b.Go(ctx, "s", nil)
	if err != nil {
		t.Fatal(err)
	}
	d := f.desk
	go func() { _, _ = long.Wait(ctx) }() // leads
	eventually(t, "nobody leads", func() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.led })
	ended := make(chan error, 1)
	go func() { _, err := f.Wait(ctx); ended <- err }()
	eventually(t, "nobody is parked", func() bool { return parkedAt(b) == 1 })

	d.mu.Lock()
	d.settle(f.call, ErrNoReply)
	_ = f.await(ctx) // the outcome is there
	c, err := d.take()
	if err != nil {
		t.Fatal(err)
	}
	shared := c.parked
	d.mu.Unlock()
	if shared {
		t.Error("another waits as the new request")
	}
	select {
	case err := <-ended:
		if !errors.Is(err, ErrNoReply) {
			t.Errorf("the slower one got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the slower one waits for the new request")
	}
	d.mu.Lock()
	d.release(c)
	d.mu.Unlock()
	long.Cancel()
}

// TestCloseEndsRequests: who leads, who is parked and who selects on Done are let go
// when the bus is closed.
func TestCloseEndsRequests(t *testing.T) {
	ctx := within(t, 40*time.Second)
	dir := t.TempDir()
	server, b := openBus(t, dir), openBus(t, dir)
	hang(t, server, "s", nil)
	ended := make(chan error, 3)
	for range 2 {
		go func() { _, err := b.Request(ctx, "s", nil); ended <- err }()
	}
	f, err := b.Go(ctx, "s", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := f.Done()
	go func() {
		<-done
		_, err := f.Wait(ctx)
		ended <- err
	}()
	eventually(t, "not everybody waits", func() bool { return parkedAt(b) == 2 })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		select {
		case err := <-ended:
			if !errors.Is(err, ErrClosed) {
				t.Errorf("%v, want %v", err, ErrClosed)
			}
		case <-time.After(8 * time.Second):
			t.Fatal("somebody waits on")
		}
	}
}
