package forward

import (
	"context"
	"testing"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// awaitWatched returns once the network loop looks in the pump's place, and the pump has had the time to fall
// asleep for longer than any test takes.
func (n *testNode) awaitWatched(ctx context.Context) {
	n.t.Helper()
	for watching := false; !watching; {
		if ctx.Err() != nil {
			n.t.Fatal("the pump goes on looking itself")
		}
		time.Sleep(2 * idleSleep)
		n.f.mu.Lock()
		watching = n.f.watching
		n.f.mu.Unlock()
	}
	time.Sleep(2 * idleSleep)
}

// A producer that is stopped between its commit and its ring wakes nobody. Its message is found by a look: of the
// network loop, since the pump sleeps on.
func TestWhatRingsNobodyIsFound(t *testing.T) {
	a, _, reader, rd, ctx := twoNodes(t, "quiet", nil)
	_, w := a.writer("quiet", ring.Shape{})
	var m ring.Message
	for i := range 3 {
		a.awaitWatched(ctx)
		if err := w.TryPublishQuietly(numbered(i), &ring.Meta{}); err != nil {
			t.Fatal(err)
		}
		if err := reader.next(ctx, rd, &m); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
}

// A rest is left to the network loop only while it says that it looks.
func TestRestIsWatched(t *testing.T) {
	n := newNode(t, "a")
	f, err := New(n.config())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.leaveLooks() {
		t.Error("the pump rests though nobody looks in its place")
	}
	if wait := f.untilTimer(); wait > idleSleep {
		t.Errorf("who looks sleeps for %v", wait)
	}
	if !f.leaveLooks() {
		t.Error("the pump looks though another does")
	}
	f.mu.Lock()
	f.looked -= lookSoon
	f.mu.Unlock()
	if !f.lookDue() || f.lookDue() {
		t.Error("one look is due, and then none")
	}
	f.mu.Lock()
	f.resting = false
	f.mu.Unlock()
	if f.untilTimer(); f.leaveLooks() {
		t.Error("the pump rests though nobody looks any more")
	}
}
