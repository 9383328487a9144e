package ring

import (
	"errors"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
)

// TestQuickRefusesWhatDoesNotFit: a header that points out of its slot is damage also
// on the short way, and the reader goes on behind it.
func TestQuickRefusesWhatDoesNotFit(t *testing.T) {
	const header, all = layout.SlotHeaderSize, ^uint32(0)
	stride := uint32(header + small(Shared).Payload)
	for _, kind := range bothKinds {
		for _, c := range []struct {
			start, length uint32
			fits          bool
		}{
			{header, 0, true}, {stride, 0, true}, {stride - 1, 1, true}, {header, stride - header, true},
			{0, 1, false}, {header - 1, 1, false}, {stride, 1, false}, {stride + 1, 0, false}, {header, stride - header + 1, false},
			{header, all, false}, {all, 1, false}, {all, all, false}, {header, all - header + 1, false}, {1 << 31, 1 << 31, false},
		} {
			s := newScene(t, small(kind), 2)
			p, rd := s.producer(0), s.reader(1)
			for _, payload := range []string{"before", "bad", "after"} {
				publishFor(t, p, payload)
			}
			wantNext(t, rd, "before")
			if rd.swift <= rd.cursor {
				t.Fatal("the next message does not come the short way")
			}
			b := bodyAt(s.rings[0].slot(1))
			b.start, b.length = c.start, c.length
			var m Message
			var damaged *DamagedError
			err := rd.Next(&m)
			switch {
			case c.fits && (err != nil || len(m.Payload) != int(c.length)):
				t.Errorf("%v: %+v: %d bytes, %v", kind, c, len(m.Payload), err)
			case !c.fits && !errors.As(err, &damaged):
				t.Errorf("%v: %+v: %v, want damage", kind, c, err)
			}
			wantNext(t, rd, "after")
		}
	}
}
