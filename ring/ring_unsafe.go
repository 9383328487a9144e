package ring

import (
	"structs"
	"sync/atomic"
	"unsafe"

	"github.com/ringcast/ringcast/codec/layout"
)

// control overlays the words of a ring that change (RingControl, spec/layout.md).
type control struct {
	_ structs.HostLayout

	// Written by producers; shared: a hint, exclusive: positions begun.
	tail atomic.Uint64
	_    [120]byte

	// Written by the exclusive producer and by recovery.
	owner      atomic.Uint64
	ownerFlags atomic.Uint64
	entryHigh  atomic.Uint64 // raised by readers at their join
	_          [104]byte

	// Written by readers that go to sleep and by those who wake them.
	readerSummary atomic.Uint64
	readerMask    [4]atomic.Uint64
	_             [88]byte

	// Written by producers that wait for room and by those who wake them.
	roomSummary atomic.Uint64
	roomMask    [16]atomic.Uint64
	_           [120]byte

	// Counters, off the hot path.
	handles     atomic.Uint64
	quarantined atomic.Uint64
	recovered   atomic.Uint64
	evicted     atomic.Uint64
	wakes       atomic.Uint64
	damaged     atomic.Uint64
	_           [80]byte
}

// entry overlays a consumer's entry (ConsumerEntry, spec/layout.md).
type entry struct {
	_ structs.HostLayout

	state     atomic.Uint64 // an entryWord
	cursor    atomic.Uint64
	leaseEnd  atomic.Uint64
	joined    atomic.Uint64
	mode      atomic.Uint32
	group     atomic.Uint32
	missed    atomic.Uint64
	blocked   atomic.Uint64
	blockedAt atomic.Uint64
	_         [64]byte
}

// slotHead overlays the first word of a slot; the rest is a slotBody.
type slotHead struct {
	_         structs.HostLayout
	published atomic.Uint64
}

// slotBody overlays the slot header behind its first word. It is written by the
// owner of the claim before the commit and copied once by a reader after it.
type slotBody struct {
	_           structs.HostLayout
	start       uint32
	length      uint32
	node        uint32
	epoch       uint32
	generation  uint32
	index       uint16
	handle      uint16
	sequence    uint64
	timestampNs uint64
	total       uint32
	fragment    uint16
	flags       uint16
	schema      uint32
	kind        uint8
	content     uint8
	reserved    uint16
}

const bodyOffset = 8 // bytes of slotHead

// bodyWords is a slotBody as it is written: seven stores instead of sixteen. The
// fields lie in the words as little endian has them, lowest first.
type bodyWords [7]uint64

// One line a field: a difference in either direction does not compile.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(control{})-layout.RingControlSize]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.tail)-layout.RingControlTailOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.owner)-layout.RingControlOwnerOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.ownerFlags)-layout.RingControlOwnerFlagsOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.entryHigh)-layout.RingControlEntryHighOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.readerSummary)-layout.RingControlReaderSummaryOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.readerMask)-layout.RingControlReaderMask0Offset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.roomSummary)-layout.RingControlRoomSummaryOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.roomMask)-layout.RingControlRoomMask0Offset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.roomMask)+15*8-layout.RingControlRoomMask15Offset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.handles)-layout.RingControlHandlesOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.quarantined)-layout.RingControlQuarantinedOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.recovered)-layout.RingControlRecoveredOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.evicted)-layout.RingControlEvictedOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.wakes)-layout.RingControlWakesOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(control{}.damaged)-layout.RingControlDamagedOffset]

	_ = [1]struct{}{}[unsafe.Sizeof(entry{})-layout.ConsumerEntrySize]
	_ = [1]struct{}{}[unsafe.Offsetof(entry{}.state)-layout.ConsumerEntryStateOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(entry{}.cursor)-layout.ConsumerEntryCursorOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(entry{}.leaseEnd)-layout.ConsumerEntryLeaseEndOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(entry{}.joined)-layout.ConsumerEntryJoinedOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(entry{}.mode)-layout.ConsumerEntryModeOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(entry{}.group)-layout.ConsumerEntryGroupOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(entry{}.missed)-layout.ConsumerEntryMissedOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(entry{}.blocked)-layout.ConsumerEntryBlockedNsOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(entry{}.blockedAt)-layout.ConsumerEntryBlockedAtNsOffset]

	_ = [1]struct{}{}[unsafe.Offsetof(slotHead{}.published)-layout.SlotHeaderPublishedOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Sizeof(slotBody{})-layout.SlotHeaderSize]
	_ = [1]struct{}{}[bodyOffset+unsafe.Sizeof(bodyWords{})-layout.SlotHeaderSize]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.start)-layout.SlotHeaderPayloadStartOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.length)-layout.SlotHeaderPayloadLengthOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.node)-layout.SlotHeaderProducerOffset-layout.AddressNodeOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.epoch)-layout.SlotHeaderProducerOffset-layout.AddressEpochOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.generation)-layout.SlotHeaderProducerOffset-layout.AddressGenerationOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.index)-layout.SlotHeaderProducerOffset-layout.AddressIndexOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.handle)-layout.SlotHeaderProducerOffset-layout.AddressHandleOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.sequence)-layout.SlotHeaderSequenceOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.timestampNs)-layout.SlotHeaderTimestampNsOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.total)-layout.SlotHeaderTotalLengthOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.fragment)-layout.SlotHeaderFragmentOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.flags)-layout.SlotHeaderFlagsOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.schema)-layout.SlotHeaderSchemaHashOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.kind)-layout.SlotHeaderKindOffset]
	_ = [1]struct{}{}[bodyOffset+unsafe.Offsetof(slotBody{}.content)-layout.SlotHeaderContentOffset]
)

// controlAt overlays the control words. The span begins on a page or, on the
// heap, on a cache line; the offset is a multiple of 128.
func controlAt(ctl []byte) *control {
	at := layout.SegmentHeaderSize + layout.RingGeometrySize
	return (*control)(unsafe.Pointer(&ctl[at : at+layout.RingControlSize][0]))
}

// wordsAt overlays n claim words at offset at, a multiple of 8.
func wordsAt(ctl []byte, at, n int) []atomic.Uint64 {
	return unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(&ctl[at : at+8*n][0])), n)
}

// entriesAt overlays n consumer entries at offset at, a multiple of 128.
func entriesAt(ctl []byte, at, n int) []entry {
	size := layout.ConsumerEntrySize
	return unsafe.Slice((*entry)(unsafe.Pointer(&ctl[at : at+size*n][0])), n)
}

// headAt overlays the first word of a slot, whose span is at least a header long.
func headAt(slot []byte) *slotHead {
	return (*slotHead)(unsafe.Pointer(&slot[:layout.SlotHeaderSize][0]))
}

// bodyAt overlays the header behind its first word.
func bodyAt(slot []byte) *slotBody {
	return (*slotBody)(unsafe.Pointer(&slot[bodyOffset:layout.SlotHeaderSize][0]))
}

// bodyWordsAt overlays the same as words. Slots begin on cache lines.
func bodyWordsAt(slot []byte) *bodyWords {
	return (*bodyWords)(unsafe.Pointer(&slot[bodyOffset:layout.SlotHeaderSize][0]))
}

// published is the first word of position t's slot. Attach has checked that the
// data are as long as slots and stride say.
func (r *Ring) published(t uint64) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(r.data)), (t&r.mask)*r.stride))
}

// body is the header of position t's slot behind its first word.
func (r *Ring) body(t uint64) *bodyWords {
	return (*bodyWords)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(r.data)), (t&r.mask)*r.stride+bodyOffset))
}

// payload is what position t's slot has behind its header.
func (r *Ring) payload(t uint64) []byte {
	at := unsafe.Add(unsafe.Pointer(unsafe.SliceData(r.data)), (t&r.mask)*r.stride+layout.SlotHeaderSize)
	return unsafe.Slice((*byte)(at), r.stride-layout.SlotHeaderSize)
}

// bodyBytes views a private slotBody as bytes, to copy a shared one into it.
func bodyBytes(b *slotBody) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(b)), int(unsafe.Sizeof(*b)))
}

// aligned reports whether the span begins on a multiple of 64 bytes, which the
// overlays and the cache-line rules rely on.
func aligned(b []byte) bool {
	return len(b) > 0 && uintptr(unsafe.Pointer(&b[0]))%64 == 0
}
