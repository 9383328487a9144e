package forward

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// TestSlowReaderHoldsUpItsTopicOnly has a reader of X on B that stops for good and
// one of Y that does not: Y gets everything in time, X's publisher is held no longer
// than the budgets, and X's reader learns by LAGGED what it missed.
func TestSlowReaderHoldsUpItsTopicOnly(t *testing.T) {
	count := 60_000
	if testing.Short() {
		count = 20_000
	}
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 30*time.Second)
	stopped, rdX := b.reader("x")
	reader, rdY := b.reader("y")
	a.awaitWanted(ctx, "x")
	a.awaitWanted(ctx, "y")
	px, wx := a.writer("x", ring.Shape{})
	py, wy := a.writer("y", ring.Shape{})
	a.awaitOut(ctx, "x", "y")

	stall := make(chan time.Duration, 1)
	background(t, ctx, func(ctx context.Context) { stall <- px.flood(ctx, wx, count) })
	got := newAccount()
	got.expect(wy.Address(), 1)
	sentY := 0
	var latest time.Duration
	for len(stall) == 0 { // Y is used as long as X floods
		start := time.Now()
		if err := py.publish(ctx, wy, numbered(sentY)); err != nil {
			t.Fatal(err)
		}
		sentY++
		if err := got.follow(ctx, reader, rdY, wy.Address(), uint64(sentY)); err != nil {
			t.Fatal(err)
		}
		latest = max(latest, time.Since(start))
		time.Sleep(time.Millisecond)
	}
	longest := <-stall
	t.Logf("X: %d messages, longest send %v; Y: %d messages, longest round %v", count, longest, sentY, latest)
	if got.lost != 0 || got.lagged != 0 {
		t.Errorf("Y lost %d and missed %d", got.lost, got.lagged)
	}
	if longest > 5*time.Second {
		t.Errorf("a send on X took %v", longest)
	}
	b.awaitDrained(ctx) // what waits for the stopped reader goes into the ring once it is put out
	lateX := newAccount()
	lateX.expect(wx.Address(), 1)
	px.publishN(ctx, wx, 1) // after it was put out
	if err := lateX.followLagged(ctx, stopped, rdX, wx.Address(), uint64(count)+1); err != nil {
		t.Fatal(err)
	}
	t.Logf("X's reader: delivered %d, lost %d, missed %d", lateX.delivered, lateX.lost, lateX.lagged)
	if lateX.accounted() != uint64(count)+1 || lateX.lagged == 0 {
		t.Errorf("X's reader: %d of %d accounted for, %d missed by being put out", lateX.accounted(), count+1, lateX.lagged)
	}
}

// flood publishes n messages as fast as it may and returns the longest send.
func (p *program) flood(ctx context.Context, w *ring.Producer, n int) (longest time.Duration) {
	for i := range n {
		start := time.Now()
		if err := p.publish(ctx, w, numbered(i)); err != nil {
			p.t.Errorf("publish: %v", err)
			return longest
		}
		longest = max(longest, time.Since(start))
	}
	return longest
}

// followLagged is follow for a reader that was put out before it read anything: the
// last messages may have passed it by, too, so it ends when nothing comes any more.
func (a *account) followLagged(ctx context.Context, p *program, rd *ring.Reader, producer shm.Address, last uint64) error {
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	err := a.follow(short, p, rd, producer, last)
	if errors.Is(err, context.DeadlineExceeded) && a.streams[producer].may {
		a.lagged += last + 1 - a.streams[producer].next
		return nil
	}
	return err
}

// awaitDrained waits until nothing is parked behind a full ring.
func (n *testNode) awaitDrained(ctx context.Context) {
	n.t.Helper()
	for n.f.parked.Load() != 0 {
		if ctx.Err() != nil {
			n.t.Fatal("messages stay parked behind a stopped reader")
		}
		time.Sleep(time.Millisecond)
	}
}

// TestStoppedReaderOfSmallRing has a stopped reader in a ring of 64 slots: the
// publisher of the other node is not held for good, and a second reader that joins
// later gets what is published then.
func TestStoppedReaderOfSmallRing(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 20*time.Second)
	b.reader("small")
	a.awaitWanted(ctx, "small")
	p, w := a.writer("small", ring.Shape{Slots: 64, Payload: 256})
	longest := p.flood(ctx, w, 5000)
	t.Logf("longest send %v", longest)
	b.awaitDrained(ctx)
	reader, rd := b.reader("small")
	time.Sleep(50 * time.Millisecond)
	p.publishN(ctx, w, 10)
	var m ring.Message
	for i := range 10 {
		if err := reader.next(ctx, rd, &m); err != nil || string(m.Payload) != string(numbered(i)) {
			t.Fatalf("message %d: %q, %v", i, m.Payload, err)
		}
	}
}
