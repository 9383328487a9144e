package forward

import (
	"context"
	"testing"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// TestPlaceStaysBeforeTheUnfinished reads large messages while they are written: until one is
// with every member, a successor is told a place from which it gets all of it.
func TestPlaceStaysBeforeTheUnfinished(t *testing.T) {
	a := newNode(t, "a")
	p, w := a.writer("large", ring.Shape{Slots: 1 << 15, Payload: 64, CommitDeadline: time.Minute, StallBudget: time.Hour}) // nobody is fenced
	reader, rd := a.reader("large")
	o := &outbound{file: reader.open("large", ring.FileOptions{}), reader: rd, from: noPosition}
	f := &Forwarder{}
	payload := make([]byte, 1<<20)
	seen := false
	for deadline := time.Now().Add(20 * time.Second); !seen && time.Now().Before(deadline); {
		begin := rd.Cursor()
		done := make(chan error, 1)
		go func() { done <- p.publish(context.Background(), w, payload) }()
		for !o.next(f) {
			seen = seen || rd.Cursor() > begin
			wantPlace(t, o, 0, begin)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		wantPlace(t, o, 0, begin) // in hand
		o.mark(7)
		o.held, o.lent = false, o.lent[1:]
		wantPlace(t, o, 7, begin) // sent, and not with everybody
		wantPlace(t, o, 8, rd.Cursor())
	}
	if !seen {
		t.Error("no message was read in part")
	}
}

func wantPlace(t *testing.T, o *outbound, settled, want uint64) {
	t.Helper()
	if place := o.settle(settled); place != want {
		t.Fatalf("settled %d: the place is %d, want %d", settled, place, want)
	}
}
