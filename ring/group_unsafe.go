package ring

import (
	"structs"
	"sync/atomic"
	"unsafe"

	"github.com/ringcast/ringcast/codec/layout"
)

// groupHead overlays a group's header (GroupHeader, spec/layout.md).
type groupHead struct {
	_ structs.HostLayout

	// Written by the maker.
	ringID     uint64
	takenStart uint32
	rowsStart  uint32
	rowCount   uint32
	_          [44]byte

	// Written by joiners and cleaners.
	gate   atomic.Uint64 // which entry's cursor is the gate: generation << 32 | index + 1
	events atomic.Uint64 // goes up when there may be reports
	_      [48]byte
}

// handRow overlays a row of the in-hand table (InHandRow, spec/layout.md).
type handRow struct {
	_ structs.HostLayout

	state    atomic.Uint64 // an entryWord with a row's states
	position atomic.Uint64 // a handWord

	// Written by the taker, in order by the words above; read by who reports.
	caller   [2]uint64 // an address
	sequence uint64
	taker    [2]uint64 // an address

	// Written by the taker before STARTED, and changed by the caller.
	control atomic.Uint64 // a controlWord
}

// One line a field: a difference in either direction does not compile.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(groupHead{})-layout.GroupHeaderSize]
	_ = [1]struct{}{}[unsafe.Offsetof(groupHead{}.ringID)-layout.GroupHeaderRingIdOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(groupHead{}.takenStart)-layout.GroupHeaderTakenStartOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(groupHead{}.rowsStart)-layout.GroupHeaderRowsStartOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(groupHead{}.rowCount)-layout.GroupHeaderRowCountOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(groupHead{}.gate)-layout.GroupHeaderGateOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(groupHead{}.events)-layout.GroupHeaderGateOffset-8]

	_ = [1]struct{}{}[unsafe.Sizeof(handRow{})-layout.InHandRowSize]
	_ = [1]struct{}{}[unsafe.Offsetof(handRow{}.state)-layout.InHandRowStateOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(handRow{}.position)-layout.InHandRowPositionOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(handRow{}.caller)-layout.InHandRowCallerOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(handRow{}.sequence)-layout.InHandRowCorrelationOffset]
	_ = [1]struct{}{}[unsafe.Offsetof(handRow{}.taker)-layout.InHandRowCorrelationOffset-8]
	_ = [1]struct{}{}[unsafe.Offsetof(handRow{}.control)-layout.InHandRowCorrelationOffset-24]
)

// message views what a row says of its message: its source's address and its sequence.
func (r *handRow) message() []byte { return (*[24]byte)(unsafe.Pointer(&r.caller))[:] }

// owner views the address of the row's taker.
func (r *handRow) owner() []byte { return (*[16]byte)(unsafe.Pointer(&r.taker))[:] }

// groupHeadAt overlays a group's header, behind the segment's; it lies on a cache line.
func groupHeadAt(span []byte) *groupHead {
	at := layout.SegmentHeaderSize
	return (*groupHead)(unsafe.Pointer(&span[at : at+layout.GroupHeaderSize][0]))
}

// handRowsAt overlays n rows at offset at, a multiple of 64.
func handRowsAt(span []byte, at, n int) []handRow {
	size := layout.InHandRowSize
	return unsafe.Slice((*handRow)(unsafe.Pointer(&span[at : at+size*n][0])), n)
}
