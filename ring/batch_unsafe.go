package ring

import (
	"unsafe"

	"github.com/ringcast/ringcast/codec/layout"
)

// fill makes messages of the slots from position c on, all of one lap, as far as plain
// messages lie there, and returns of how many. Each message is made field by field: a
// struct that is put together first is copied in wider words than it was stored in, for
// which a core waits until the stores have left it.
func (r *Ring) fill(ms []Message, c uint64, tag *Tag) int {
	lap, stride := r.lap(c), r.stride
	base, at0 := unsafe.Pointer(unsafe.SliceData(r.data)), (c&r.mask)*r.stride
	for i := range ms {
		at("poll swift")
		slot := unsafe.Add(base, at0)
		if (*slotHead)(slot).published.Load() != lap { // pairs(publish)
			return i
		}
		w0, w1, w2, w3, w4, w5, w6 := loadBody((*bodyWords)(unsafe.Add(slot, bodyOffset)))
		start, length := uint64(uint32(w0)), w0>>32
		if !plain(w5, w6) || start < layout.SlotHeaderSize || start+length > stride {
			return i
		}
		m := &ms[i]
		m.Payload = unsafe.Slice((*byte)(unsafe.Add(slot, start)), length)
		m.Position = c + uint64(i)
		m.Producer.Node, m.Producer.Epoch = uint32(w1), uint32(w1>>32)
		m.Producer.Generation, m.Producer.Index, m.Producer.Handle = uint32(w2), uint16(w2>>32), uint16(w2>>48)
		m.Sequence, m.TimestampNs = w3, w4
		m.Schema, m.Flags, m.Kind, m.Content = uint32(w6), uint16(w5>>48), uint8(w6>>32), uint8(w6>>40)
		if m.Block != nil {
			m.Block = nil
		}
		if m.Tag != tag {
			m.Tag = tag
		}
		at0 += stride
	}
	return len(ms)
}

// one is m as a slice.
func one(m *Message) []Message { return unsafe.Slice(m, 1) }
