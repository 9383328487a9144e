//go:build invariants

package ring

import (
	"errors"
	"testing"
)

// TestSlowLargeMessage: a writer that takes many times the commit deadline for a large
// message, but works all the time, is not fenced by a reader that looks all the time.
func TestSlowLargeMessage(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 64, Payload: committedTogether / 2, Kind: kind}, 2)
		rd, p := s.reader(1), s.producer(0)
		deadline := s.rings[0].shape.CommitDeadline
		payload := payloadOf(make([]byte, s.rings[0].shape.Limit()), s.rings[0].shape.Limit(), 1)
		begin, filled, got := s.clock.now, 0, []byte(nil)
		look := func() {
			var m Message
			if err := rd.Next(&m); err == nil {
				got = m.Payload
			} else if !errors.Is(err, ErrEmpty) {
				t.Errorf("%v: next: %v", kind, err)
			}
		}
		onAt = func(name string) {
			if name == "fragment" {
				filled++
				s.clock.tick(deadline/4, look)
			}
		}
		err := p.TryPublish(payload, &Meta{})
		onAt = nil
		if err != nil || p.Sequence() != 1 {
			t.Fatalf("%v: publish: %v after %v, with a commit deadline of %v", kind, err, s.clock.now-begin, deadline)
		}
		if look(); len(got) != len(payload) || checkPayload(got, 1) != nil {
			t.Errorf("%v: %d bytes came of %d", kind, len(got), len(payload))
		}
		if took := s.clock.now - begin; filled != 32 || took < 4*deadline {
			t.Errorf("%v: %d fragments in %v: the writer was not slow", kind, filled, took)
		}
	}
}
