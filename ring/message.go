package ring

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// A Message is what a reader sees of one message. Payload and Block point into
// the ring, or into the reader's own memory where the message came in pieces or
// by a latest reader; either way they are valid until the reader's next call.
type Message struct {
	Position    uint64 // of its last slot
	Producer    shm.Address
	Sequence    uint64
	TimestampNs uint64
	Schema      uint32
	Flags       uint16
	Kind        uint8
	Content     uint8
	Block       []byte // the address block, or nil
	Payload     []byte
	Tag         *Tag // the reader's
}

// A Tag is what whoever reads several rings wants to know of a message besides what
// lies in its slot: which of them it came from. It belongs to the caller.
type Tag struct{ Value any }

// A view is one slot as a reader sees it: a private, checked copy of the header
// and the bytes it names.
type view struct {
	body    slotBody
	block   []byte
	payload []byte
}

// look copies and checks the header of position t's slot. It returns what is
// wrong with it, or nothing; the caller knows whether it was read whole.
func (r *Ring) look(t uint64, v *view) (reason string) {
	slot := r.slot(t)
	copyShared(bodyBytes(&v.body), slot[bodyOffset:layout.SlotHeaderSize], false)
	first := uint32(layout.SlotHeaderSize)
	v.block = nil
	if v.body.flags&layout.MessageFlagAddressed != 0 {
		v.block = slot[first : first+layout.AddressBlockSize]
		first += layout.AddressBlockSize
	}
	start, length := v.body.start, v.body.length
	if start < first || start > uint32(len(slot)) || length > uint32(len(slot))-start {
		v.block, v.payload = nil, nil
		return "payload outside the slot"
	}
	v.payload = slot[start : start+length : start+length]
	return ""
}

// whole reports whether the slot holds a message in one piece.
func (v *view) whole() bool {
	const both = layout.MessageFlagBegin | layout.MessageFlagEnd
	return v.body.flags&both == both
}

func (v *view) producer() shm.Address {
	b := &v.body
	return shm.Address{Node: b.node, Epoch: b.epoch, Generation: b.generation, Index: b.index, Handle: b.handle}
}

// message fills m from the header; the payload is the caller's.
func (v *view) message(m *Message, t uint64, payload []byte, tag *Tag) {
	b := &v.body
	m.Position = t
	m.Producer = v.producer()
	m.Sequence = b.sequence
	m.TimestampNs = b.timestampNs
	m.Schema = b.schema
	m.Flags = b.flags | layout.MessageFlagBegin | layout.MessageFlagEnd
	m.Kind = b.kind
	m.Content = b.content
	m.Block = v.block
	m.Payload = payload
	m.Tag = tag
}
