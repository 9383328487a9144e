package wire

import "github.com/ringcast/ringcast/codec/layout"

// Sizes of Nak.
const (
	NakHeadSize  = layout.NakHeadSize
	NakRangeSize = layout.NakRangeSize
	// NakRangesMax fills a datagram of 1408 bytes, tag included.
	NakRangesMax = (1408 - HeaderSize - NakHeadSize - TagSize) / NakRangeSize
	// NakRangeCountMax is the longest range one row can say.
	NakRangeCountMax = 1<<16 - 1
)

// Nak lists the holes of a lane, upwards and apart from each other.
type Nak struct {
	Session      uint64 // of the lane's owner
	Base         uint64 // the lowest hole
	HighestDelta uint32 // highest sequence seen less Base
	Lane         uint16
	Flags        uint16
	rows         []byte
}

// Ranges returns how many ranges there are.
func (n *Nak) Ranges() int { return len(n.rows) / NakRangeSize }

// Range returns a range of holes, as the first one and how many.
func (n *Nak) Range(i int) (first uint64, count int) {
	r := n.rows[i*NakRangeSize:]
	delta := uint32(le.Uint16(r[layout.NakRangeDeltaLowOffset:])) | uint32(le.Uint16(r[layout.NakRangeDeltaHighOffset:]))<<16
	return n.Base + uint64(delta), int(le.Uint16(r[layout.NakRangeCountOffset:]))
}

// AppendTo appends the head; AppendNakRange appends the ranges.
func (n *Nak) AppendTo(b []byte) []byte {
	b, x := grow(b, NakHeadSize)
	le.PutUint64(x[layout.NakHeadSessionOffset:], n.Session)
	le.PutUint64(x[layout.NakHeadBaseOffset:], n.Base)
	le.PutUint32(x[layout.NakHeadHighestDeltaOffset:], n.HighestDelta)
	le.PutUint16(x[layout.NakHeadLaneOffset:], n.Lane)
	le.PutUint16(x[layout.NakHeadFlagsOffset:], n.Flags)
	return append(b, n.rows...)
}

// Size returns the bytes of the body.
func (n *Nak) Size() int { return NakHeadSize + len(n.rows) }

// AppendNakRange appends one range to a frame that ends with a Nak.
func AppendNakRange(b []byte, delta uint32, count uint16) []byte {
	return append(b, byte(delta), byte(delta>>8), byte(delta>>16), byte(delta>>24), byte(count), byte(count>>8))
}

// ParseNak reads the body of a Nak: 1 to NakRangesMax ranges, upwards, not
// touching, none beyond the highest sequence seen.
func ParseNak(b []byte, n *Nak) Reason {
	if len(b) < NakHeadSize+NakRangeSize || (len(b)-NakHeadSize)%NakRangeSize != 0 {
		return BadSize
	}
	n.Session = le.Uint64(b[layout.NakHeadSessionOffset:])
	n.Base = le.Uint64(b[layout.NakHeadBaseOffset:])
	n.HighestDelta = le.Uint32(b[layout.NakHeadHighestDeltaOffset:])
	n.Lane = le.Uint16(b[layout.NakHeadLaneOffset:])
	n.Flags = le.Uint16(b[layout.NakHeadFlagsOffset:])
	n.rows = b[NakHeadSize:]
	if n.Flags&^(layout.NakFlagLocalLoss|layout.NakFlagMore) != 0 {
		return BadFlags
	}
	if n.Ranges() > NakRangesMax {
		return BadCount
	}
	if n.Base >= SequenceMax {
		return BadRange
	}
	floor := n.Base
	for i := range n.Ranges() {
		first, count := n.Range(i)
		if count == 0 || first < floor || first+uint64(count) > n.Base+uint64(n.HighestDelta)+1 {
			return BadRange
		}
		floor = first + uint64(count)
	}
	return OK
}
