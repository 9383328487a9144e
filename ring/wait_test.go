package ring

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ringcast/ringcast/shm"
)

// TestStreamDoesNotOutrunItsContext: a wait whose context has ended says so, also
// where messages come in a stream and the next one is there.
func TestStreamDoesNotOutrunItsContext(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		p, rd := s.producer(0), s.reader(1)
		for range streamGap {
			publishFor(t, p, "x")
			wantNext(t, rd, "x")
		}
		wantEmpty(t, rd)
		publishFor(t, p, "y")
		w := NewWaiter(s.rings[1].host.(testHost).bell(), Block)
		w.procs = 2
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := w.Await(ctx, []*Reader{rd}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v: %v, want the context's end", kind, err)
		}
	}
}

// A strangersBell is rung all the time, and never for the ring that is waited for.
type strangersBell struct {
	rings int
	stop  func()
}

func (b *strangersBell) Load() uint32 { return 0 }

func (b *strangersBell) Wait(uint32, time.Duration) bool {
	if b.rings--; b.rings == 0 {
		b.stop()
	}
	return true
}

// TestRungForOthersDoesNotSpin: a bell that is rung for other waiters of the process
// does not teach a waiter without traffic to spin.
func TestRungForOthersDoesNotSpin(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		ctx, cancel := context.WithCancel(context.Background())
		w := NewWaiter(&strangersBell{rings: 20, stop: cancel}, Block)
		if err := w.Await(ctx, []*Reader{s.reader(1)}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if w.spin != minSpin {
			t.Errorf("%v: spins for %v after 20 sleeps that brought nothing, want %v", kind, w.spin, minSpin)
		}
	}
}

// TestLearn: a sleep that was over soon, or soon enough with a backlog behind it, makes
// the next spin longer; any other makes it shorter.
func TestLearn(t *testing.T) {
	const was = 16 * time.Microsecond
	for _, c := range []struct {
		took        time.Duration
		ready, many bool
		want        time.Duration
	}{
		{50 * time.Microsecond, true, false, 2 * was},
		{50 * time.Microsecond, false, false, was / 2},
		{150 * time.Microsecond, true, false, was / 2},
		{150 * time.Microsecond, true, true, 2 * was},
		{backlogSoon, true, true, was / 2},
	} {
		w := NewWaiter(&strangersBell{}, Block)
		w.spin = was
		if w.learn(c.took, c.ready, c.many); w.spin != c.want {
			t.Errorf("after %v, ready %v, many %v: spins %v, want %v", c.took, c.ready, c.many, w.spin, c.want)
		}
	}
}

// TestGivesWayBesideAWaking: once behind a sleep of one's own, once behind waking somebody, and not while others keep the core.
func TestGivesWayBesideAWaking(t *testing.T) {
	w := NewWaiter(&strangersBell{rings: 9}, Block)
	_ = shm.HasWoken() // of tests before
	never := func() bool { return false }
	for i, want := range []bool{false, true, false} {
		if i == 1 {
			w.sleep(0, 0, never, nil)
		}
		if got := w.besideWaking(); got != want {
			t.Errorf("way is given: %v at %d, want %v", got, i, want)
		}
	}
	w.busy = 2
	for i, want := range []bool{false, false, true} {
		w.slept = true
		if got := w.besideWaking(); got != want {
			t.Errorf("way is given while others keep the core: %v at %d", got, i)
		}
	}
	w.policy, w.slept = Spin, true
	if w.besideWaking() {
		t.Error("who spins by policy gives way")
	}
}
