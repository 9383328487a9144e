package ringcast

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestServeWhileTheBusCloses: it serves and stops, or is told; nothing is used behind the end.
func TestServeWhileTheBusCloses(t *testing.T) {
	dir := t.TempDir()
	keeps := openBus(t, dir)
	serve(t, keeps, "s", echo, nil)
	for i := range 60 {
		b := openBus(t, dir)
		closed := make(chan error, 1)
		go func() {
			time.Sleep(time.Duration(i) * 20 * time.Microsecond)
			closed <- b.Close()
		}()
		s, err := b.Serve("s", echo, nil)
		if err != nil && !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
		if s == nil {
			continue
		}
		if err := s.Stop(within(t, 20*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestServeWithoutAHandler is refused before anything is made.
func TestServeWithoutAHandler(t *testing.T) {
	b := openBus(t, t.TempDir())
	if s, err := b.Serve("s", nil, nil); err == nil || s != nil {
		t.Errorf("served by nobody: %v, %v", s, err)
	}
}

// TestFutureEndsWithItsContext gives the same error as a request that is waited for.
func TestFutureEndsWithItsContext(t *testing.T) {
	b := openBus(t, t.TempDir())
	release := make(chan struct{})
	serve(t, b, "slow", func(ctx context.Context, r *Request) error {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return r.Reply(nil)
	}, nil)
	defer close(release)
	client, err := b.Client("slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(within(t, 20*time.Second))
	f, err := client.Go(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel(errors.New("a reason of the caller's own"))
	if _, err := f.Wait(within(t, 20*time.Second)); !errors.Is(err, context.Canceled) {
		t.Errorf("the future ended with %v, want %v", err, context.Canceled)
	}
}

// TestStopEndsContexts: also of a handler that asks for its context's end only then.
func TestStopEndsContexts(t *testing.T) {
	ctx := within(t, 40*time.Second)
	b := openBus(t, t.TempDir())
	began, ask := make(chan struct{}), make(chan struct{})
	s := serve(t, b, "s", func(ctx context.Context, _ *Request) error {
		close(began)
		<-ask
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
			t.Error("the context goes on")
		}
		return ctx.Err()
	}, nil)
	if _, err := b.Go(ctx, "s", nil); err != nil {
		t.Fatal(err)
	}
	<-began
	over, cancel := context.WithCancel(ctx)
	cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(over) }()
	eventually(t, "no hurry", s.hurry.Load)
	time.Sleep(10 * time.Millisecond) // the contexts of now are ended
	close(ask)
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
