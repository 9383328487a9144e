package ring

import (
	"sync/atomic"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// Meta is what a message says of itself besides its payload. The zero value is
// a plain message of our own.
type Meta struct {
	Kind        uint8  // layout.MessageKind...
	Content     uint8  // layout.Content...
	Flags       uint16 // layout.MessageFlag...; Begin, End and Addressed are set here
	Schema      uint32 // low half of the schema's hash
	TimestampNs uint64 // 0: none

	// Block is the address block of a message to somebody (64 bytes), or nil.
	Block []byte

	// Source and Sequence are those of the original producer where a forwarder
	// publishes for it; Sequence 0 means our own.
	Source   shm.Address
	Sequence uint64
}

// A Producer is one handle that writes to a ring. It must not be used by more
// than one goroutine at a time.
type Producer struct {
	// Immutable after NewProducer.
	ring    *Ring
	owner   uint16
	shared  bool
	address shm.Address
	source  [2]uint64 // the address as a slot's header has it
	ahead   uint64    // lines of the next slot that are asked for before it is claimed; 0: none
	steps   uint64    // exclusive rings: slots less one that are asked for together

	// Owned by the producer.
	sequence  uint64   // of the last message sent
	positions []uint64 // claims of the message being written
	claims    *Claims  // the one that we lend; nil before the first
	gate      gate
	next      uint64 // the position behind our last claim; of an exclusive ring, the tail
	swift     uint64 // positions below it may be tried without a look at the readers
	known     known  // the header of messages that are alike

	// Exclusive rings.
	ownership uint64        // our owner word; 0 after Close
	unfenced  bool          // who goes to sleep fences for us
	open      int           // claims that were not ended
	oldest    uint64        // position of the first of them
	fence     atomic.Uint64 // a word of our own, whose store is a full fence

	// The writer that stands in our way, and how long we have seen it there.
	watched   word
	watchedAt uint64
	watch     stopwatch
	inquiry   inquiry
}

// NewProducer opens a handle of participant self. If self.Handle is 0 it gets a
// number that was given to nobody else in this ring, nor to another handle of this
// process. Whoever names a handle sees to it that its sequences never begin anew
// in the topic, whatever ring that has: see Continue. Errors: ErrNotExclusive if an
// exclusive ring has a living producer; ErrRetired.
func (r *Ring) NewProducer(self shm.Address) (*Producer, error) {
	if r.retired() {
		return nil, ErrRetired
	}
	if self.Handle == 0 {
		self.Handle = uint16((r.nextHandle()-1)%0xffff + 1)
	}
	p := &Producer{ring: r, owner: r.host.Index(), shared: r.shape.Kind != Exclusive, address: self, source: sourceWords(self), ahead: r.linesAhead(), steps: r.stepsAhead()}
	p.known.begin(p.source)
	if r.shape.Kind == Exclusive {
		if err := p.own(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// handlesGiven is the highest number of a handle of this process.
var handlesGiven atomic.Uint64

// nextHandle counts on from what this ring or this process has given.
func (r *Ring) nextHandle() uint64 {
	for {
		ring, process := r.ctl.handles.Load(), handlesGiven.Load()
		next := max(ring, process) + 1
		if handlesGiven.CompareAndSwap(process, max(process, next)) && r.ctl.handles.CompareAndSwap(ring, next) {
			return next
		}
	}
}

// Continue makes last the sequence of the handle's last message: the handle was
// used before. It must come before the first message.
func (p *Producer) Continue(last uint64) { p.sequence = last }

// Address is the handle's own address, which its messages bear.
func (p *Producer) Address() shm.Address { return p.address }

// Sequence is the number of the last message sent by this handle; 0 before the first.
func (p *Producer) Sequence() uint64 { return p.sequence }

// Close gives an exclusive ring up; no claim may be open. A shared ring needs nothing.
func (p *Producer) Close() {
	if p.ring.shape.Kind == Exclusive {
		p.disown()
	}
}

// claim takes the next position; see claimShared and claimExclusive.
func (p *Producer) claim() (uint64, error) {
	if p.ring.retired() {
		return 0, ErrRetired
	}
	if p.ring.shape.Kind == Exclusive {
		return p.claimExclusive()
	}
	return p.claimShared()
}

func (p *Producer) finish(t uint64, state uint64) error {
	if p.ring.shape.Kind == Exclusive {
		return p.finishExclusive(t, state)
	}
	return p.finishShared(t, state)
}

// A Claim lends the payload of one slot for writing in place. It must be ended
// by exactly one Commit or Abort; the bytes must not be touched after.
type Claim struct { // four words, which the compiler keeps in registers
	producer *Producer // nil: it has ended
	ring     *Ring
	position uint64
	first    int // where the payload may begin, from the start of the slot
}

// TryClaim lends one slot. block is the message's address block or nil. It never
// blocks, never allocates and makes no system call unless somebody is in the way.
// Errors: ErrFull, ErrRetired, ErrStalled, ErrNotExclusive, *DamagedError.
func (p *Producer) TryClaim(block []byte) (Claim, error) {
	t := p.next
	if t < p.swift && block == nil {
		switch {
		case p.shared:
			if p.claimNext(t) {
				return Claim{producer: p, ring: p.ring, position: t, first: layout.SlotHeaderSize}, nil
			}
		case p.owns():
			return p.claimSwift(t), nil
		}
	}
	t, err := p.claim()
	if err != nil {
		return Claim{}, err
	}
	c := Claim{producer: p, ring: p.ring, position: t, first: layout.SlotHeaderSize}
	if block != nil {
		c.first += copyShared(p.ring.slot(t)[c.first:], block[:layout.AddressBlockSize], true)
	}
	return c, nil
}

// Bytes is everything the slot can carry. A FlatBuffers builder works in it from
// the end towards the front.
func (c *Claim) Bytes() []byte { return c.ring.slot(c.position)[c.first:] }

// Position is the claimed position, for tests and tools.
func (c *Claim) Position() uint64 { return c.position }

// Commit makes length bytes from start (counted in Bytes) visible as one message.
// ErrFenced: the claim was taken; nothing was sent. A start or length outside the
// slot aborts the claim and is a *TooLargeError.
// The block is the one given to TryClaim. ErrClaimEnded: it was ended before.
func (c *Claim) Commit(start, length int, m *Meta) error {
	p := c.producer
	if p == nil {
		return ErrClaimEnded
	}
	room := int(p.ring.stride) - c.first
	if start < 0 || length < 0 || start > room || length > room-start {
		_ = c.Abort()
		return p.ring.tooLarge(start + length)
	}
	c.producer = nil
	if c.first == layout.SlotHeaderSize {
		switch {
		case p.shared:
			return p.commitShared(c.position, c.first+start, length, m)
		case p.open == 1:
			p.commitSwift(c.position, c.first+start, length, m)
			return nil
		}
	}
	return p.commit(c, start, length, m)
}

// commit is Commit where more has to be seen to, of a claim within its bounds.
func (p *Producer) commit(c *Claim, start, length int, m *Meta) error {
	flags := uint16(wholeMessage)
	if c.first > layout.SlotHeaderSize {
		flags |= layout.MessageFlagAddressed
	}
	slot := p.ring.slot(c.position)
	var private bodyWords
	w := beginBody(slot, &private)
	w[0] = uint64(c.first+start) | uint64(length)<<32
	p.describe(w, m, length, flags, 0)
	endBody(slot, w)
	if err := p.finish(c.position, stateReady); err != nil {
		return err
	}
	p.sent(m)
	return nil
}

// Abort gives the slot back; readers step over it.
func (c *Claim) Abort() error {
	p := c.producer
	if p == nil {
		return ErrClaimEnded
	}
	c.producer = nil
	return p.finish(c.position, stateHole)
}

// TryPublish copies the payload into the ring as one message, over as many slots
// as it needs. It never blocks and does not allocate but for the first message
// larger than a slot. Errors as TryClaim's, ErrFenced, *TooLargeError; after any
// of them nothing was sent.
func (p *Producer) TryPublish(payload []byte, m *Meta) error {
	if t := p.next; t < p.swift && len(payload) <= p.ring.shape.Payload && m.Block == nil {
		switch {
		case p.shared:
			if p.claimNext(t) {
				return p.publishNext(t, payload, m)
			}
		case p.owns():
			p.publishSwift(t, payload, m)
			return nil
		}
	}
	room := p.ring.shape.Payload
	if m.Block != nil {
		room -= layout.AddressBlockSize
	}
	if len(payload) > room {
		return p.publishFragments(payload, m)
	}
	t, err := p.claim()
	if err != nil {
		return err
	}
	p.fill(t, m, len(payload), wholeMessage, 0, payload)
	if err := p.finish(t, stateReady); err != nil {
		return err
	}
	p.sent(m)
	return nil
}

// wholeMessage marks the only fragment of a message.
const wholeMessage = layout.MessageFlagBegin | layout.MessageFlagEnd

// describe fills the whole header of a slot but for the place of its payload.
// w may lie in the slot, so each word is stored once, and none is read.
func (p *Producer) describe(w *bodyWords, m *Meta, total int, flags, fragment uint16) {
	if m.TimestampNs != 0 {
		flags |= layout.MessageFlagTimestamped
	}
	flags |= m.Flags &^ (wholeMessage | layout.MessageFlagAddressed)
	if m.Sequence == 0 {
		w[1], w[2], w[3] = p.source[0], p.source[1], p.sequence+1
	} else {
		s := sourceWords(m.Source)
		w[1], w[2], w[3] = s[0], s[1], m.Sequence
	}
	w[4] = m.TimestampNs
	w[5] = uint64(uint32(total)) | uint64(fragment)<<32 | uint64(flags)<<48
	w[6] = uint64(m.Schema) | uint64(m.Kind)<<32 | uint64(m.Content)<<40
}

// sourceWords is an address as a slot's header has it.
func sourceWords(a shm.Address) [2]uint64 {
	return [2]uint64{
		uint64(a.Node) | uint64(a.Epoch)<<32,
		uint64(a.Generation) | uint64(a.Index)<<32 | uint64(a.Handle)<<48,
	}
}

// sent counts a message of our own. A refused one uses no sequence up.
func (p *Producer) sent(m *Meta) {
	if m.Sequence == 0 {
		p.sequence++
	}
}

// fill writes header, block and payload into position t's slot.
func (p *Producer) fill(t uint64, m *Meta, total int, flags, fragment uint16, payload []byte) {
	slot := p.ring.slot(t)
	at := layout.SlotHeaderSize
	if m.Block != nil {
		at += copyShared(slot[at:], m.Block[:layout.AddressBlockSize], true)
		flags |= layout.MessageFlagAddressed
	}
	var private bodyWords
	w := beginBody(slot, &private)
	w[0] = uint64(at) | uint64(len(payload))<<32
	p.describe(w, m, total, flags, fragment)
	endBody(slot, w)
	copyShared(slot[at:], payload, true)
}

// tooLarge names the shape that would hold a message of so many bytes.
func (r *Ring) tooLarge(size int) error {
	slots := r.shape.Slots
	for slots < maxSlots && slots/2*r.shape.Payload < size {
		slots *= 2
	}
	return &TooLargeError{Size: size, Limit: r.shape.Limit(), Slots: slots, Payload: r.shape.Payload}
}
