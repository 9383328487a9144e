package shm

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/ringcast/ringcast/codec/layout"
)

// A recordTable is the checked geometry of the participants segment.
type recordTable struct {
	data    []byte
	changes *atomic.Uint64
	count   int
	stride  int
	start   int
}

// openParticipants opens the participants segment, or makes it.
func (d *Domain) openParticipants(*Config) error {
	const start = layout.SegmentHeaderSize + layout.ParticipantsHeaderSize
	seg, err := d.openSegment(Spec{
		Path: d.path(participantsFile), Kind: layout.SegmentKindParticipants,
		Size: start + layout.ParticipantCount*layout.ParticipantRecordStride, FixedSize: fixedSize,
		Fill: func(b []byte) { fillParticipants(b, start) },
	}, !d.readOnly)
	if err != nil {
		return err
	}
	d.parts = seg
	if d.table, err = readRecordTable(seg); err != nil {
		return err
	}
	d.bells = make([]atomic.Pointer[Doorbell], d.table.count)
	return nil
}

func fillParticipants(b []byte, start int) {
	h, le := b[layout.SegmentHeaderSize:], binary.LittleEndian
	le.PutUint32(h[layout.ParticipantsHeaderRecordCountOffset:], layout.ParticipantCount)
	le.PutUint32(h[layout.ParticipantsHeaderRecordStrideOffset:], layout.ParticipantRecordStride)
	le.PutUint64(h[layout.ParticipantsHeaderRecordsStartOffset:], uint64(start))
	for i := range layout.ParticipantCount { // generations begin at 1: 0 is nobody's
		word64(b, start+i*layout.ParticipantRecordStride).Store(stateWord(1, layout.ParticipantStateFree))
	}
}

// readRecordTable checks what the header says of the records. A checksum is no
// proof of sense.
func readRecordTable(seg *Segment) (recordTable, error) {
	b, le := seg.Bytes(), binary.LittleEndian
	const end = layout.SegmentHeaderSize + layout.ParticipantsHeaderSize
	if len(b) < end {
		return recordTable{}, damagedGeometry(seg, fmt.Sprintf("%d bytes", len(b)))
	}
	h := b[layout.SegmentHeaderSize:]
	count := uint64(le.Uint32(h[layout.ParticipantsHeaderRecordCountOffset:]))
	stride := uint64(le.Uint32(h[layout.ParticipantsHeaderRecordStrideOffset:]))
	start := le.Uint64(h[layout.ParticipantsHeaderRecordsStartOffset:])
	fits := start >= end && start <= uint64(len(b)) && count*stride <= uint64(len(b))-start
	sane := count >= 1 && count < 1<<16 && stride >= layout.ParticipantRecordSize
	if !fits || !sane || (start|stride)%layout.CacheLine != 0 {
		return recordTable{}, damagedGeometry(seg, fmt.Sprintf("%d records of %d bytes from %d", count, stride, start))
	}
	return recordTable{
		data: b, count: int(count), stride: int(stride), start: int(start),
		changes: word64(b, layout.SegmentHeaderSize+layout.ParticipantsHeaderChangesOffset),
	}, nil
}

// record returns the record of an index below count.
func (t *recordTable) record(index uint16) record {
	at := t.start + int(index)*t.stride
	return record{b: t.data[at : at+t.stride : at+t.stride]}
}

// A record is the memory of one participant: words for all, an area for its info.
type record struct{ b []byte }

func (r record) state() *atomic.Uint64   { return word64(r.b, layout.ParticipantRecordStateOffset) }
func (r record) pid() *atomic.Uint32     { return word32(r.b, layout.ParticipantRecordPidOffset) }
func (r record) uid() *atomic.Uint32     { return word32(r.b, layout.ParticipantRecordUidOffset) }
func (r record) started() *atomic.Uint64 { return word64(r.b, layout.ParticipantRecordStartedNsOffset) }

// traits holds the language in its low byte and the inbox mark in the next.
func (r record) traits() *atomic.Uint32 { return word32(r.b, layout.ParticipantRecordLanguageOffset) }

func (r record) infoSize() *atomic.Uint32 { return word32(r.b, layout.ParticipantRecordInfoSizeOffset) }
func (r record) infoVersion() *atomic.Uint64 {
	return word64(r.b, layout.ParticipantRecordInfoVersionOffset)
}
func (r record) infoPlace() *atomic.Uint32 {
	return word32(r.b, layout.ParticipantRecordInfoPlaceOffset)
}
func (r record) doorbell() *atomic.Uint32 { return word32(r.b, layout.ParticipantRecordDoorbellOffset) }
func (r record) sleeping() *atomic.Uint32 { return word32(r.b, layout.ParticipantRecordSleepingOffset) }

// infoCapacity is the room for the info behind the words.
func (r record) infoCapacity() int { return len(r.b) - layout.ParticipantRecordSize }

const inboxTrait = 1 << 8

// stateWord is a state word: generation:32 | state:32.
func stateWord(generation uint32, state uint32) uint64 {
	return uint64(generation)<<32 | uint64(state)
}

func splitState(w uint64) (generation, state uint32) { return uint32(w >> 32), uint32(w) }

// nextGeneration follows a generation. After four thousand million uses of one
// index it starts again; 0 stays nobody's.
func nextGeneration(g uint32) uint32 { return max(g+1, 1) }

// Changes returns a number that goes up with every change of any record:
// joining, leaving, a new info, recovery. One atomic load.
func (d *Domain) Changes() uint64 { return d.table.changes.Load() }

// changed counts a change and tells the forwarder.
func (d *Domain) changed() {
	d.table.changes.Add(1)
	if bell, ok := d.ForwarderBell(); ok {
		bell.Ring()
	}
}

// State returns the generation of the record of that index and whether it is
// LIVE: it says who the index means, not that he lives ([Domain.Alive]). An
// index that there is not has generation 0. One atomic load.
func (d *Domain) State(index uint16) (generation uint32, live bool) {
	if int(index) >= d.table.count {
		return 0, false
	}
	// pairs(live): what the participant wrote before it was LIVE is visible.
	g, state := splitState(d.table.record(index).state().Load())
	return g, state == layout.ParticipantStateLive
}

// Alive asks the kernel whether the participant of that index lives: whether a
// process holds its lock. A stopped process lives; a zombie does not. An error
// of the system counts as alive: nobody is declared dead by mistake. A system call.
func (d *Domain) Alive(index uint16) bool {
	if int(index) >= d.table.count {
		return false
	}
	held, err := lockHeld(d.parts.fd, layout.LockByteParticipant+int64(index))
	return held || err != nil
}

// Bell returns the doorbell of anybody, to ring it; an index that there is not,
// or a domain opened read-only, gives one that nobody hears. It does not allocate but for the first time.
func (d *Domain) Bell(index uint16) *Doorbell {
	if int(index) >= d.table.count || d.readOnly {
		return nobody
	}
	if b := d.bells[index].Load(); b != nil {
		return b
	}
	r := d.table.record(index)
	d.bells[index].CompareAndSwap(nil, newDoorbell(r.doorbell(), r.sleeping()))
	return d.bells[index].Load()
}
