package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// A Mode says what a full ring does to its producers.
type Mode uint8

const (
	// Reliable readers hold the producers back, within their stall budget.
	Reliable Mode = layout.RingModeReliable
	// Latest rings hold nobody back; readers that are too slow miss messages.
	Latest Mode = layout.RingModeLatest
)

func (m Mode) String() string {
	switch m {
	case Reliable:
		return "reliable"
	case Latest:
		return "latest"
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// A Kind says how producers share a ring.
type Kind uint8

const (
	// Shared rings take any number of producers.
	Shared Kind = layout.RingKindShared
	// Exclusive rings take one producer at a time, without a locked instruction.
	Exclusive Kind = layout.RingKindExclusive
)

func (k Kind) String() string {
	switch k {
	case Shared:
		return "shared"
	case Exclusive:
		return "exclusive"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// A Purpose says what a ring is for.
type Purpose uint8

// Purposes of rings.
const (
	Topic   Purpose = layout.RingPurposeTopic
	Service Purpose = layout.RingPurposeService
	Inbox   Purpose = layout.RingPurposeInbox
	Uplink  Purpose = layout.RingPurposeUplink
)

// Limits of a shape. The payload limit is that of one message on the wire; the
// slot limit keeps the claims of a ring within 8 MiB.
const (
	maxSlots   = 1 << 20
	maxPayload = layout.MaxMessage
	// maxData bounds one data file; it only guards against slips such as bytes
	// given as megabytes.
	maxData = min(64<<30, math.MaxInt)
)

// A Shape is the fixed geometry of a ring. The zero value of a field means its
// default.
type Shape struct {
	// Slots is how many messages the ring holds: a power of two from 4 (Latest: 64) to 2^20.
	// Zero means 1024, and of a topic with large slots fewer, as standardSlots says.
	Slots int
	// Payload is how many bytes a slot carries, rounded up to a multiple of 64.
	// Zero means 2048.
	Payload int
	// Mode is Reliable if zero.
	Mode Mode
	// Kind is Shared if zero.
	Kind Kind
	// Purpose is Topic if zero.
	Purpose Purpose
	// History is how many messages a new subscription may start back. Zero means none.
	History int
	// CommitDeadline is how long a claim may stay open while others wait for it.
	// Zero means 50 ms.
	CommitDeadline time.Duration
	// StallBudget is how long a reliable reader may hold the producers back
	// before it is put out. Zero means 500 ms; at least twice the commit deadline.
	StallBudget time.Duration
}

// Default returns the shape with its zero fields filled in.
func (s Shape) Default() Shape {
	s.Payload = (orElse(s.Payload, layout.DefaultSlotPayload) + 63) &^ 63
	s.Mode = orElse(s.Mode, Reliable)
	s.Kind = orElse(s.Kind, Shared)
	s.Purpose = orElse(s.Purpose, Topic)
	s.Slots = orElse(s.Slots, s.standardSlots())
	s.CommitDeadline = orElse(s.CommitDeadline, layout.DefaultCommitDeadlineNs*time.Nanosecond)
	s.StallBudget = orElse(s.StallBudget, layout.DefaultStallBudgetNs*time.Nanosecond)
	return s
}

// standardBytes is what the slots of a topic carry together, at most, where nobody asked for
// their number: a ring goes round all of its slots, and what does not stay in the caches
// from one lap to the next goes at the pace of the memory, half as fast (doc/decisions/350).
const standardBytes = 16 << 20

// standardSlots is how many slots a topic has where nobody asked for a number: 1024, or so
// many, a power of two, as carry standardBytes together; at least 64, and twice the history. Its slot
// size is rounded.
func (s Shape) standardSlots() int {
	n := layout.DefaultSlotCount
	for s.Purpose == Topic && n > layout.MinDefaultSlotCount && n/4 >= s.History && n*s.Payload > standardBytes {
		n /= 2
	}
	return n
}

// leastSlots is how many slots a ring has at least. Of a Latest ring nobody holds producers back: one
// that comes round to a slot that is still being written takes it from its writer, and with
// few slots they would do so to each other without end.
func (s Shape) leastSlots() int {
	if s.Mode == Latest {
		return layout.MinLatestSlotCount
	}
	return layout.MinSlotCount
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Validate says what is wrong with a shape whose defaults are filled in: a *shm.InvalidError.
func (s Shape) Validate() error {
	switch {
	case s.Slots < s.leastSlots() || s.Slots > maxSlots || bits.OnesCount(uint(s.Slots)) != 1:
		return shm.Invalid("slots %d: want a power of two from %d to %d", s.Slots, s.leastSlots(), maxSlots)
	case s.Payload < 64 || s.Payload > maxPayload || s.Payload%64 != 0:
		return shm.Invalid("slot size %d: want a multiple of 64 from 64 to %d", s.Payload, maxPayload)
	case slotsStart+int64(s.Slots)*int64(s.stride()) > maxData:
		return shm.Invalid("%d slots of %d bytes: more than the limit of %d bytes", s.Slots, s.Payload, int64(maxData))
	case s.Mode != Reliable && s.Mode != Latest:
		return shm.Invalid("unknown %v", s.Mode)
	case s.Kind != Shared && s.Kind != Exclusive:
		return shm.Invalid("unknown %v", s.Kind)
	case s.Purpose < Topic || s.Purpose > Uplink:
		return shm.Invalid("unknown purpose %d", s.Purpose)
	case s.CommitDeadline < time.Millisecond || s.CommitDeadline > time.Minute:
		return shm.Invalid("commit deadline %v: want 1ms to 1m", s.CommitDeadline)
	case s.StallBudget < 2*s.CommitDeadline || s.StallBudget > time.Hour:
		return shm.Invalid("stall budget %v: want twice the commit deadline (%v) to 1h", s.StallBudget, 2*s.CommitDeadline)
	case s.History < 0 || s.History > s.Slots/2:
		return shm.Invalid("history %d: want 0 to half of the %d slots", s.History, s.Slots)
	}
	return nil
}

// String names the shape as errors and ls show it.
func (s Shape) String() string {
	return fmt.Sprintf("%d slots of %d bytes, %v, %v", s.Slots, s.Payload, s.Mode, s.Kind)
}

// Limit is the size in bytes of the largest message: half of the ring, at most 16 MiB.
func (s Shape) Limit() int {
	return min(s.Slots/2*s.Payload, layout.MaxMessage)
}

func (s Shape) stride() int   { return layout.SlotHeaderSize + s.Payload }
func (s Shape) dataSize() int { return slotsStart + s.Slots*s.stride() }

const (
	// slotsStart leaves a page for the data file's header, so that slots are page-aligned.
	slotsStart  = 4096
	claimsStart = layout.SegmentHeaderSize + layout.RingGeometrySize + layout.RingControlSize
	// fixedSize is the part of a control file that never changes.
	fixedSize = layout.SegmentHeaderSize + layout.RingGeometrySize
)

func (s Shape) entriesStart() int { return (claimsStart + 8*s.Slots + 127) &^ 127 }
func (s Shape) controlSize() int {
	return s.entriesStart() + layout.EntryCount*layout.ConsumerEntrySize
}

// geometry is a reader's own copy of a ring's fixed header, checked.
type geometry struct {
	shape  Shape
	dataID uint64
}

// putGeometry writes the fixed header of a new ring.
func putGeometry(ctl []byte, s Shape, dataID uint64) {
	g := ctl[layout.SegmentHeaderSize:]
	le := binary.LittleEndian
	le.PutUint32(g[layout.RingGeometrySlotCountOffset:], uint32(s.Slots))
	le.PutUint32(g[layout.RingGeometrySlotStrideOffset:], uint32(s.stride()))
	le.PutUint32(g[layout.RingGeometrySlotPayloadOffset:], uint32(s.Payload))
	le.PutUint32(g[layout.RingGeometryEntryCountOffset:], layout.EntryCount)
	le.PutUint32(g[layout.RingGeometryClaimsStartOffset:], claimsStart)
	le.PutUint32(g[layout.RingGeometryEntriesStartOffset:], uint32(s.entriesStart()))
	le.PutUint32(g[layout.RingGeometrySlotsStartOffset:], slotsStart)
	g[layout.RingGeometryModeOffset] = byte(s.Mode)
	g[layout.RingGeometryKindOffset] = byte(s.Kind)
	g[layout.RingGeometryPurposeOffset] = byte(s.Purpose)
	le.PutUint64(g[layout.RingGeometryDataIdOffset:], dataID)
	le.PutUint64(g[layout.RingGeometryCommitDeadlineNsOffset:], uint64(s.CommitDeadline))
	le.PutUint64(g[layout.RingGeometryStallBudgetNsOffset:], uint64(s.StallBudget))
	le.PutUint32(g[layout.RingGeometryMessageLimitOffset:], uint32(s.Limit()))
	le.PutUint32(g[layout.RingGeometryHistoryOffset:], uint32(s.History))
}

// readGeometry copies and checks the fixed header. The offsets are stated in the
// header for other implementations; version 1 has them where this package puts them.
func readGeometry(ctl []byte) (geometry, error) {
	if len(ctl) < claimsStart {
		return geometry{}, fmt.Errorf("control file of %d bytes: want at least %d", len(ctl), claimsStart)
	}
	g := ctl[layout.SegmentHeaderSize:]
	le := binary.LittleEndian
	u32 := func(at int) int { return int(le.Uint32(g[at:])) }
	out := geometry{dataID: le.Uint64(g[layout.RingGeometryDataIdOffset:])}
	s := &out.shape
	s.Slots = u32(layout.RingGeometrySlotCountOffset)
	s.Payload = u32(layout.RingGeometrySlotPayloadOffset)
	s.Mode = Mode(g[layout.RingGeometryModeOffset])
	s.Kind = Kind(g[layout.RingGeometryKindOffset])
	s.Purpose = Purpose(g[layout.RingGeometryPurposeOffset])
	s.History = u32(layout.RingGeometryHistoryOffset)
	s.CommitDeadline = time.Duration(le.Uint64(g[layout.RingGeometryCommitDeadlineNsOffset:]))
	s.StallBudget = time.Duration(le.Uint64(g[layout.RingGeometryStallBudgetNsOffset:]))
	if err := s.Validate(); err != nil {
		return geometry{}, errors.New(err.Error()) // the file is damaged: it is no setting of whoever opens it
	}
	for _, f := range []struct {
		name       string
		have, want int
	}{
		{"slot stride", u32(layout.RingGeometrySlotStrideOffset), s.stride()},
		{"entry count", u32(layout.RingGeometryEntryCountOffset), layout.EntryCount},
		{"claims start", u32(layout.RingGeometryClaimsStartOffset), claimsStart},
		{"entries start", u32(layout.RingGeometryEntriesStartOffset), s.entriesStart()},
		{"slots start", u32(layout.RingGeometrySlotsStartOffset), slotsStart},
		{"control size", len(ctl), s.controlSize()},
	} {
		if f.have != f.want {
			return geometry{}, fmt.Errorf("%s %d: want %d", f.name, f.have, f.want)
		}
	}
	return out, nil
}
