package forward

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// publishN publishes n numbered messages.
func (p *program) publishN(ctx context.Context, w *ring.Producer, n int) {
	p.t.Helper()
	for i := range n {
		if err := p.publish(ctx, w, numbered(i)); err != nil {
			p.t.Fatalf("publish %d: %v", i, err)
		}
	}
}

// awaitOut waits until the node forwards exactly these topics.
func (n *testNode) awaitOut(ctx context.Context, topics ...string) {
	n.t.Helper()
	for {
		have := n.outNames()
		slices.Sort(have)
		if slices.Equal(have, topics) {
			return
		}
		if ctx.Err() != nil {
			n.t.Fatalf("node forwards %q, want %q", have, topics)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestLateSubscriberBeginsNow subscribes, leaves and subscribes again: what was
// published meanwhile is not sent, and what comes after is.
func TestLateSubscriberBeginsNow(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 10*time.Second)
	writer, w := a.writer("late", ring.Shape{})
	writer.publishN(ctx, w, 10)
	for round, before := range []uint64{10, 140} {
		reader, rd := b.reader("late")
		a.awaitWanted(ctx, "late")
		a.awaitOut(ctx, "late")
		writer.publishN(ctx, w, 30)
		got := newAccount()
		got.expect(w.Address(), before+1)
		if err := got.follow(ctx, reader, rd, w.Address(), before+30); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if got.delivered != 30 || got.lost != 0 {
			t.Errorf("round %d: %d delivered, %d lost; want 30 and 0", round, got.delivered, got.lost)
		}
		time.Sleep(250 * time.Millisecond) // A writes its place down
		if err := reader.self.SetInfo(shm.Info{Name: "leaves"}); err != nil {
			t.Fatal(err)
		}
		a.awaitOut(ctx)
		sent := a.f.Stats().Map()["forward.sent"]
		writer.publishN(ctx, w, 100)
		time.Sleep(20 * time.Millisecond)
		if now := a.f.Stats().Map()["forward.sent"]; now != sent {
			t.Errorf("round %d: %d messages sent after the subscriber had left", round, now-sent)
		}
	}
}

// TestTopicEndsWithItsPublisher checks that a topic is let go once all of it was
// handed over, though nobody says anything after that.
func TestTopicEndsWithItsPublisher(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 10*time.Second)
	reader, rd := b.reader("ends")
	a.awaitWanted(ctx, "ends")
	writer, w := a.writer("ends", ring.Shape{})
	writer.publishN(ctx, w, 500)
	if err := writer.self.SetInfo(shm.Info{Name: "leaves"}); err != nil {
		t.Fatal(err)
	}
	got := newAccount()
	if err := got.follow(ctx, reader, rd, w.Address(), 500); err != nil || got.delivered != 500 {
		t.Fatalf("%d delivered, %v; want 500", got.delivered, err)
	}
	a.awaitOut(ctx)
}

// TestForwarderThatWasStoppedTellsAll stops A's forwarder for longer than its stall
// budget in the ring while a publisher goes on, and ends: everything is delivered
// or told, the last messages included, though none follows them, and the first
// ones, though the forwarder has read nothing of that publisher before.
func TestForwarderThatWasStoppedTellsAll(t *testing.T) {
	for _, before := range []int{0, 10} {
		t.Run(fmt.Sprintf("after %d messages", before), func(t *testing.T) { stoppedForwarder(t, before, 5000) })
	}
}

func stoppedForwarder(t *testing.T, before, count int) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 20*time.Second)
	reader, rd := b.reader("stopped")
	a.awaitWanted(ctx, "stopped")
	writer, w := a.writer("stopped", ring.Shape{})
	a.awaitOut(ctx, "stopped")
	got := newAccount()
	got.expect(w.Address(), 1)
	writer.publishN(ctx, w, before)
	if before > 0 {
		if err := got.follow(ctx, reader, rd, w.Address(), uint64(before)); err != nil {
			t.Fatal(err)
		}
	}
	a.f.mu.Lock() // as good as SIGSTOP
	writer.publishN(ctx, w, count-before)
	a.f.mu.Unlock()
	if err := got.follow(ctx, reader, rd, w.Address(), uint64(count)); err != nil {
		t.Fatal(err)
	}
	t.Logf("sent %d, delivered %d, missed %d in %d events", count, got.delivered, got.lost, got.events)
	if got.accounted() != uint64(count) || got.lost == 0 {
		t.Errorf("sent %d, delivered %d, told as lost %d", count, got.delivered, got.lost)
	}
}

// TestFullTopicDelaysNoOther stops the reader of one topic and sends messages to
// and fro on another: they do not wait for the first.
func TestFullTopicDelaysNoOther(t *testing.T) {
	a, b, _, _, ctx, _ := stoppedReader(t, "x")
	reader, rd := b.reader("y")
	a.awaitWanted(ctx, "y")
	writer, w := a.writer("y", ring.Shape{})
	a.awaitOut(ctx, "x", "y")
	for a.f.Stats().Map()["mcast.busy_topic"] == 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	var took []time.Duration
	var m ring.Message
	for i := range 20 {
		start := time.Now()
		if err := writer.publish(ctx, w, numbered(i)); err != nil {
			t.Fatal(err)
		}
		if err := reader.next(ctx, rd, &m); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	t.Logf("median %v, longest %v beside a full topic", took[10], took[19])
	if took[10] > time.Second { // the other has no reader as long as this test lasts
		t.Errorf("median of %v: the topic waits for another", took[10])
	}
}

// TestTopicThatCannotBeOpenedIsTriedAgain puts a foreign file where a topic's ring
// should be, and takes it away without anybody saying so.
func TestTopicThatCannotBeOpenedIsTriedAgain(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 10*time.Second)
	b.reader("foreign")
	a.awaitWanted(ctx, "foreign")
	p := a.program()
	path := filepath.Join(p.domain.Dir(), "topics", "foreign.ctl")
	if err := os.WriteFile(path, make([]byte, 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.self.SetInfo(shm.Info{Name: "test", Interests: []shm.Interest{{Name: "foreign", Publisher: true}}}); err != nil {
		t.Fatal(err)
	}
	for a.f.Stats().Map()["forward.unopened"] == 0 {
		if ctx.Err() != nil {
			t.Fatal("a file that is no ring was opened")
		}
		time.Sleep(time.Millisecond)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	a.awaitOut(ctx, "foreign")
}

// TestRunEndsWithItsContext checks that a deadline is no failure.
func TestRunEndsWithItsContext(t *testing.T) {
	f, err := New(newNode(t, "a").config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := f.Run(ctx); err != nil {
		t.Errorf("run: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
