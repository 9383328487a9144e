package between

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/mcast/udp"
)

// A program that sends bytes of no frame to the group is set apart; whoever watches is told, and
// told again when it is over.
func TestQuarantineIsShown(t *testing.T) {
	n := nodes(t, 1)[0]
	bus := n.bus()
	conn, err := udp.Open(&udp.Config{Domain: n.domain, Interface: "lo"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	source := conn.LocalAddr().String()
	var calm atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := rand.New(rand.NewPCG(1, 2))
		junk := make([]byte, 64)
		for !calm.Load() {
			for i := range junk {
				junk[i] = byte(r.Uint32())
			}
			for range 100 {
				_, _ = conn.WriteMulticast([][]byte{junk})
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	defer func() { calm.Store(true); <-done }()
	began := false
	for e, err := range bus.Watch(within(t), &ringcast.WatchConfig{Kinds: []ringcast.PresenceKind{ringcast.PresenceQuarantine}}) {
		if err != nil {
			t.Fatal(err)
		}
		t.Log(e)
		if !strings.HasPrefix(e.Name, source) || !strings.HasSuffix(e.Name, ": malformed frames") {
			t.Fatalf("%v: want the source %s", e, source)
		}
		if e.Up {
			began = true
			s, err := ringcast.Inspect(&ringcast.Config{Dir: n.base, Domain: n.domain})
			if err != nil || len(s.Quarantined) > 1 {
				t.Errorf("inspect: %v, %+v", err, s.Quarantined)
			}
			calm.Store(true)
			continue
		}
		if !began || e.Reason != ringcast.ReasonReleased {
			t.Errorf("%v, began %v", e, began)
		}
		return
	}
}
