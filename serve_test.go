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
