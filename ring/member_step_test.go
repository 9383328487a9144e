//go:build invariants

package ring

import (
	"encoding/binary"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
)

// TestDamageThatAnotherSettled: of a damaged position that another member settles while this
// one copies it, this one tells nothing, and goes on with what follows.
func TestDamageThatAnotherSettled(t *testing.T) {
	for _, kind := range bothKinds {
		s := newGroupScene(t, small(kind), 2)
		p, mb := s.producer(0), s.member(1, 1)
		publishFor(t, p, "damaged")
		publishFor(t, p, "whole")
		binary.LittleEndian.PutUint32(s.rings[0].slot(0)[layout.SlotHeaderPayloadLengthOffset:], 1<<30)
		settled := false
		onAt = func(name string) {
			if name == "copy" && !settled {
				settled = true
				word := s.groups[0].take(0)
				word.Store(word.Load()&^15 | uint64(takeDone))
			}
		}
		var m Message
		err := mb.Next(&m)
		onAt = nil
		if err != nil || string(m.Payload) != "whole" || !settled {
			t.Errorf("%v: next: %q, %v, want the message behind the damaged one (settled by another: %v)", kind, m.Payload, err, settled)
		}
	}
}
