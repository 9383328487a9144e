package between

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// hold opens requests that are kept, until one is refused, and returns why.
func hold(t *testing.T, bus *ringcast.Bus, most int) error {
	t.Helper()
	ctx, cancel := context.WithCancel(within(t))
	t.Cleanup(cancel)
	refused := make(chan error, most)
	for range most {
		f, err := bus.Go(ctx, "svc", []byte("hold"))
		if err != nil {
			return err
		}
		go func() {
			if _, err := f.Wait(ctx); ctx.Err() == nil {
				refused <- err
			}
		}()
	}
	select {
	case err := <-refused:
		return err
	case <-time.After(patience):
		return nil
	}
}

// manyBus may have that many requests open.
func (n *node) manyBus(inFlight int) *ringcast.Bus {
	n.t.Helper()
	b, err := ringcast.Open(context.Background(), &ringcast.Config{Dir: n.base, Domain: n.domain, InFlight: inFlight})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = b.Close() })
	return b
}

// TestQueueIsFull fills the queue of a service on another node: its callers are told at once.
func TestQueueIsFull(t *testing.T) {
	all := nodes(t, 2)
	bus, ctx := all[0].manyBus(400), within(t)
	all[1].server("svc")
	await(t, func() error { _, err := bus.Request(ctx, "svc", nil); return err })
	if err := hold(t, bus, 300); !errors.Is(err, ringcast.ErrOverloaded) {
		t.Errorf("300 requests into a queue of 256: %v", err)
	}
}

// TestOverflow fills the queue of this node: what has no room goes to another one.
func TestOverflow(t *testing.T) {
	all := nodes(t, 2)
	bus, ctx := all[0].manyBus(400), within(t)
	far := all[1].server("svc")
	await(t, func() error { _, err := bus.Request(ctx, "svc", nil); return err })
	stuck, leave := context.WithCancel(ctx)
	defer leave()
	s, err := bus.Serve("svc", func(ctx context.Context, _ *ringcast.Request) error {
		select {
		case <-ctx.Done():
		case <-stuck.Done():
		}
		return ctx.Err()
	}, &ringcast.ServeConfig{Queue: 64})
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan ringcast.Address, 200)
	for n := 0; ; n++ {
		if n == cap(answered) {
			t.Fatalf("%d requests, and none was answered elsewhere", n)
		}
		f, err := bus.Go(stuck, "svc", nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if r, err := f.Wait(stuck); err == nil {
				answered <- r.Source()
			}
		}()
		select {
		case a := <-answered:
			if a != far.address {
				t.Errorf("answered by %v, want %v", a, far.address)
			}
		case <-time.After(10 * time.Millisecond):
			continue // it waits here, most probably
		}
		break
	}
	leave()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// TestStoppedNode stops the forwarder of one node. Requests to another one go on; those to it end
// when it is taken for dead.
func TestStoppedNode(t *testing.T) {
	all := nodes(t, 3)
	bus, ctx := all[0].bus(), within(t)
	_, good := all[1].answerer()
	_, bad := all[2].answerer()
	for _, a := range []ringcast.Address{good, bad} {
		await(t, func() error { _, err := bus.RequestTo(ctx, a, nil); return err })
	}
	all[2].stop()
	var open []*ringcast.Future
	for range 40 {
		f, err := bus.GoTo(ctx, bad, make([]byte, 1000))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, f)
		if _, err := bus.RequestTo(ctx, good, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range open {
		if _, err := f.Wait(ctx); !errors.Is(err, ringcast.ErrNodeDown) {
			t.Fatalf("stopped node: %v", err)
		}
	}
	if err := all[2].forwarder.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	await(t, func() error { _, err := bus.RequestTo(ctx, bad, nil); return err })
}

// TestUplinkIsFull stops the forwarder of the sender's own node: what does not fit its uplink is
// refused at once, and there is room again when it goes on.
func TestUplinkIsFull(t *testing.T) {
	all := nodes(t, 2)
	bus, ctx := all[0].bus(), within(t)
	_, there := all[1].answerer()
	await(t, func() error { _, err := bus.RequestTo(ctx, there, nil); return err })
	all[0].stop()
	taken := 0
	for err := error(nil); err == nil; taken++ {
		if err = bus.Send(ctx, there, []byte("one way")); err != nil && !errors.Is(err, ringcast.ErrOverloaded) {
			t.Fatalf("after %d: %v", taken, err)
		}
		if taken > 2*1024 { // the signal may come when some were read
			t.Fatalf("%d messages were taken into 1024 slots", taken)
		}
	}
	if taken < 1000 {
		t.Errorf("refused after %d messages, there are 1024 slots", taken)
	}
	if err := all[0].forwarder.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for errors.Is(bus.Send(ctx, there, nil), ringcast.ErrOverloaded) {
		if err := ctx.Err(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}
