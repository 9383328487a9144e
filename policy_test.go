package ringcast

import (
	"context"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWaitAsText(t *testing.T) {
	for _, w := range []Wait{waitAsBus, Block, Spin, Yield} {
		if back, err := ParseWait(w.String()); err != nil || back != w {
			t.Errorf("%v came back as %v, %v", w, back, err)
		}
	}
	if _, err := ParseWait("sleep"); err == nil || err.Error() != `way of waiting "sleep": want one of block, spin, yield` {
		t.Errorf("ParseWait of nonsense: %v", err)
	}
	if got := Wait(9).String(); got != "Wait(9)" {
		t.Errorf("an unknown way is called %q", got)
	}
}

func TestUnknownWaitIsRefused(t *testing.T) {
	if _, err := Open(t.Context(), &Config{Dir: t.TempDir(), Wait: 9}); err == nil {
		t.Error("Open takes an unknown way of waiting")
	}
	b := openBus(t, t.TempDir())
	if _, err := b.Publisher("a", &PublisherConfig{Wait: 9}); err == nil {
		t.Error("Publisher takes an unknown way of waiting")
	}
	if _, err := b.Subscribe("a", &SubscriberConfig{Wait: 9}); err == nil {
		t.Error("Subscribe takes an unknown way of waiting")
	}
}

// TestWhoWaitsHow: what a subscription says goes before what the bus says, and a
// merge is as eager as the most eager. Only one that blocks sleeps.
func TestWhoWaitsHow(t *testing.T) {
	for _, c := range []struct {
		bus, own, beside Wait
		sleeps           bool
	}{
		{waitAsBus, waitAsBus, waitAsBus, true}, {Spin, Block, Block, true}, {Yield, Block, waitAsBus, false},
		{Spin, waitAsBus, Block, false}, {waitAsBus, Spin, Yield, false}, {Block, Block, Yield, false},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		b, err := Open(ctx, &Config{Dir: t.TempDir(), Wait: c.bus})
		if err != nil {
			t.Fatal(err)
		}
		m := merge(t, b, subscribe(t, b, "a", &SubscriberConfig{Wait: c.own}), subscribe(t, b, "b", &SubscriberConfig{Wait: c.beside}))
		ended := make(chan error, 1)
		go func() { _, err := m.Next(ctx); ended <- err }()
		if c.sleeps {
			asleep(t, b, 1)
		} else {
			time.Sleep(20 * time.Millisecond)
			asleep(t, b, 0)
		}
		cancel()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatalf("%+v: the context's end is not seen", c)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOneProcessor: with every way of waiting, on one processor of the runtime,
// two goroutines hand a message to and fro; who spun would hold the other up for
// a turn of the scheduler, 10 ms, each time.
func TestOneProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const rounds = 500
	for _, w := range []Wait{Block, Spin, Yield} {
		ctx := within(t, 30*time.Second)
		b, err := Open(ctx, &Config{Dir: t.TempDir(), Wait: w})
		if err != nil {
			t.Fatal(err)
		}
		there, back := publisher(t, b, "there", nil), publisher(t, b, "back", nil)
		one, two := subscribe(t, b, "there", nil), subscribe(t, b, "back", nil)
		go func() {
			for range rounds {
				if _, err := one.Next(ctx); err != nil {
					t.Error(err)
					return
				}
				if err := back.Publish(ctx, nil); err != nil {
					t.Error(err)
					return
				}
			}
		}()
		began, begin := cpu(t), time.Now()
		for range rounds {
			if err := there.Publish(ctx, nil); err != nil {
				t.Fatal(err)
			}
			next(t, ctx, two)
		}
		took := cpu(t) - began // of the processor: others may have it for as long as they like
		t.Logf("%v: %v a round, %v of the processor", w, time.Since(begin)/rounds, took/rounds)
		if took > rounds*10*time.Millisecond { // the runtime's turn, which who spins uses up
			t.Errorf("%v: %d rounds take %v of the processor: somebody spins on the only one", w, rounds, took)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// cpu is what this process has used of the processors.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestBlockedReadersCostNothing: subscriptions that sleep, each in a goroutine of
// its own and all in one, take no processor.
func TestBlockedReadersCostNothing(t *testing.T) {
	const count, look = 50, time.Second
	ctx, cancel := context.WithCancel(t.Context())
	b := openBus(t, t.TempDir())
	var merged []*Subscription
	ended := make(chan error, count+1)
	for range count {
		sub := subscribe(t, b, "quiet", nil)
		merged = append(merged, subscribe(t, b, "silent", nil))
		go func() { _, err := sub.Next(ctx); ended <- err }()
	}
	m := merge(t, b, merged...)
	go func() { _, err := m.Next(ctx); ended <- err }()
	asleep(t, b, count+1)
	before := cpu(t)
	time.Sleep(look)
	used := cpu(t) - before
	t.Logf("%d subscriptions that wait used %v in %v", 2*count, used, look)
	if used > look/10 {
		t.Errorf("%d subscriptions that wait used %v in %v", 2*count, used, look)
	}
	cancel()
	for range count + 1 {
		<-ended
	}
}
