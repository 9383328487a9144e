package shm

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// maxFixedSize bounds what a header may say of the bytes that never change: no
// segment has more than its header and a line or two of geometry.
const maxFixedSize = 1 << 16

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is a private copy of the first line of a segment.
type header struct {
	magic      uint64
	major      uint16
	minor      uint16
	kind       uint32
	layoutHash uint64
	size       uint64
	id         uint64
	createdNs  uint64
	fixedSize  uint32
	checksum   uint32
	bootHash   uint64
}

func newHeader(spec *Spec) header {
	return header{
		magic: layout.Magic, major: layout.Major, minor: layout.Minor, kind: spec.Kind,
		layoutHash: layout.Hash, size: uint64(spec.Size), id: spec.ID,
		createdNs: uint64(time.Now().UnixNano()), fixedSize: uint32(spec.FixedSize), bootHash: bootHash(),
	}
}

func decodeHeader(b []byte) header {
	le := binary.LittleEndian
	return header{
		magic:      le.Uint64(b[layout.SegmentHeaderMagicOffset:]),
		major:      le.Uint16(b[layout.SegmentHeaderMajorOffset:]),
		minor:      le.Uint16(b[layout.SegmentHeaderMinorOffset:]),
		kind:       le.Uint32(b[layout.SegmentHeaderKindOffset:]),
		layoutHash: le.Uint64(b[layout.SegmentHeaderLayoutHashOffset:]),
		size:       le.Uint64(b[layout.SegmentHeaderSegmentSizeOffset:]),
		id:         le.Uint64(b[layout.SegmentHeaderSegmentIdOffset:]),
		createdNs:  le.Uint64(b[layout.SegmentHeaderCreatedNsOffset:]),
		fixedSize:  le.Uint32(b[layout.SegmentHeaderFixedSizeOffset:]),
		checksum:   le.Uint32(b[layout.SegmentHeaderChecksumOffset:]),
		bootHash:   le.Uint64(b[layout.SegmentHeaderBootHashOffset:]),
	}
}

func (h *header) encode(b []byte) {
	le := binary.LittleEndian
	le.PutUint64(b[layout.SegmentHeaderMagicOffset:], h.magic)
	le.PutUint16(b[layout.SegmentHeaderMajorOffset:], h.major)
	le.PutUint16(b[layout.SegmentHeaderMinorOffset:], h.minor)
	le.PutUint32(b[layout.SegmentHeaderKindOffset:], h.kind)
	le.PutUint64(b[layout.SegmentHeaderLayoutHashOffset:], h.layoutHash)
	le.PutUint64(b[layout.SegmentHeaderSegmentSizeOffset:], h.size)
	le.PutUint64(b[layout.SegmentHeaderSegmentIdOffset:], h.id)
	le.PutUint64(b[layout.SegmentHeaderCreatedNsOffset:], h.createdNs)
	le.PutUint32(b[layout.SegmentHeaderFixedSizeOffset:], h.fixedSize)
	le.PutUint32(b[layout.SegmentHeaderChecksumOffset:], h.checksum)
	le.PutUint64(b[layout.SegmentHeaderBootHashOffset:], h.bootHash)
}

// checksumOf is the CRC-32C of the bytes that never change: the first line with
// its checksum taken as 0, then what follows the header up to len(fixed).
func checksumOf(fixed []byte) uint32 {
	var line [layout.CacheLine]byte
	copy(line[:], fixed)
	binary.LittleEndian.PutUint32(line[layout.SegmentHeaderChecksumOffset:], 0)
	sum := crc32.Update(0, castagnoli, line[:])
	return crc32.Update(sum, castagnoli, fixed[layout.SegmentHeaderSize:])
}

// checkIdentity says whether the bytes, of which there may be fewer than a
// header, begin a segment of this version. The version comes before anything
// else of the header: another version may have given it another meaning.
func checkIdentity(path string, b []byte) error {
	le := binary.LittleEndian
	const want = "a segment of Ringcast"
	if len(b) < 8 {
		return &NotOursError{Path: path, Found: fmt.Sprintf("%d bytes", len(b)), Wanted: want}
	}
	if magic := le.Uint64(b); magic != layout.Magic {
		return &NotOursError{Path: path, Found: fmt.Sprintf("magic %#016x", magic),
			Wanted: fmt.Sprintf("%s: magic %#016x", want, layout.Magic)}
	}
	if len(b) < layout.SegmentHeaderMajorOffset+2 {
		return &DamagedError{Path: path, Found: fmt.Sprintf("%d bytes", len(b)), Wanted: "a whole header"}
	}
	if major := le.Uint16(b[layout.SegmentHeaderMajorOffset:]); major != layout.Major {
		return &VersionError{Path: path, Found: fmt.Sprintf("major version %d", major),
			Wanted: fmt.Sprintf("%d", layout.Major)}
	}
	if len(b) < layout.SegmentHeaderSize {
		return &DamagedError{Path: path, Found: fmt.Sprintf("%d bytes", len(b)),
			Wanted: fmt.Sprintf("a header of %d", layout.SegmentHeaderSize)}
	}
	return nil
}

// checkSizes says whether the header agrees with the file's size, so that its
// fixed bytes can be read and it can be mapped.
func (h *header) checkSizes(path string, size int64) error {
	if h.size != uint64(size) {
		return &DamagedError{Path: path, Found: fmt.Sprintf("a file of %d bytes", size),
			Wanted: fmt.Sprintf("%d as its header says", h.size)}
	}
	if h.size > math.MaxInt {
		return &DamagedError{Path: path, Found: fmt.Sprintf("%d bytes", h.size), Wanted: "a size that this machine can map"}
	}
	if h.fixedSize < layout.SegmentHeaderSize || h.fixedSize > maxFixedSize || uint64(h.fixedSize) > h.size {
		return &DamagedError{Path: path, Found: fmt.Sprintf("%d fixed bytes of %d", h.fixedSize, h.size),
			Wanted: fmt.Sprintf("%d to %d", layout.SegmentHeaderSize, maxFixedSize)}
	}
	return nil
}

// checkContent says whether the fixed bytes are what their maker wrote, in this
// layout, for this kind.
func (h *header) checkContent(path string, fixed []byte, kind uint32) error {
	if sum := checksumOf(fixed); sum != h.checksum {
		return &DamagedError{Path: path, Found: fmt.Sprintf("checksum %#08x", sum),
			Wanted: fmt.Sprintf("%#08x as its header says", h.checksum)}
	}
	if h.layoutHash != layout.Hash {
		return &VersionError{Path: path, Found: fmt.Sprintf("version %d.%d, layout %#016x", h.major, h.minor, h.layoutHash),
			Wanted: fmt.Sprintf("%d.%d, layout %#016x", layout.Major, layout.Minor, layout.Hash)}
	}
	if bits.Len64(h.id) > layout.SegmentIDBits {
		return &DamagedError{Path: path, Found: fmt.Sprintf("id %#x", h.id),
			Wanted: fmt.Sprintf("an id of %d bits", layout.SegmentIDBits)}
	}
	if h.kind != kind {
		return &NotOursError{Path: path, Found: "a segment of kind " + kindName(h.kind),
			Wanted: "kind " + kindName(kind)}
	}
	return nil
}

var kindNames = [...]string{
	layout.SegmentKindNone: "none", layout.SegmentKindRingControl: "ring control",
	layout.SegmentKindRingData: "ring data", layout.SegmentKindRingGroup: "ring group",
	layout.SegmentKindParticipants: "participants", layout.SegmentKindDirectory: "directory",
	layout.SegmentKindNode: "node", layout.SegmentKindForwarder: "forwarder",
	layout.SegmentKindCounters: "counters",
}

func kindName(kind uint32) string {
	if int(kind) < len(kindNames) {
		return kindNames[kind]
	}
	return fmt.Sprint(kind)
}
