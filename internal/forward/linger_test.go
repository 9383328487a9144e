package forward

import (
	"testing"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// A datagram that has room waits once for more messages, and never longer: what nothing
// follows arrives, too.
func TestLinger(t *testing.T) {
	a, _, reader, rd, ctx := twoNodes(t, "orders", func(c *Config) { c.Linger = LingerMax })
	p, w := a.writer("orders", ring.Shape{})
	var m ring.Message
	for i := range 50 {
		if err := p.publish(ctx, w, numbered(i)); err != nil {
			t.Fatal(err)
		}
		if err := reader.next(ctx, rd, &m); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	a.f.mu.Lock()
	defer a.f.mu.Unlock()
	for _, want := range []bool{true, false, true} {
		some := turn{moved: 1}
		if a.f.flush(a.f.now(), &some); some.open != want || a.f.lingered != want {
			t.Errorf("left open: %v, want %v", some.open, want)
		}
	}
	busy := turn{moved: 1, busy: true}
	if a.f.flush(a.f.now(), &busy); busy.open || a.f.lingered {
		t.Error("left open although nothing more can come")
	}
}

func TestLongLingerIsRefused(t *testing.T) {
	n := newNode(t, "a")
	for _, linger := range []time.Duration{-1, LingerMax + 1} {
		c := n.config()
		c.Linger = linger
		if f, err := New(c); err == nil {
			_ = f.Close()
			t.Errorf("a linger of %v was taken", linger)
		}
	}
}
