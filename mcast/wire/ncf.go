package wire

import "github.com/ringcast/ringcast/codec/layout"

// NcfSize is the size of the body.
const NcfSize = layout.NcfHeadSize

// Ncf refuses a NAK, or tells a member that it was put out.
type Ncf struct {
	Session     uint64 // of the member
	First, Last uint64 // inclusive
	Trail       uint64
	Lane        uint32
	WaitMillis  uint16
	Reason      uint8
}

// Size returns the bytes of the body.
func (*Ncf) Size() int { return NcfSize }

// AppendTo appends the body.
func (n *Ncf) AppendTo(b []byte) []byte {
	b, x := grow(b, NcfSize)
	le.PutUint64(x[layout.NcfHeadSessionOffset:], n.Session)
	le.PutUint64(x[layout.NcfHeadFirstOffset:], n.First)
	le.PutUint64(x[layout.NcfHeadLastOffset:], n.Last)
	le.PutUint64(x[layout.NcfHeadTrailOffset:], n.Trail)
	le.PutUint32(x[layout.NcfHeadLaneOffset:], n.Lane)
	le.PutUint16(x[layout.NcfHeadWaitMsOffset:], n.WaitMillis)
	x[layout.NcfHeadReasonOffset] = n.Reason
	return b
}

// ParseNcf reads the body of an Ncf.
func ParseNcf(b []byte, n *Ncf) Reason {
	if len(b) != NcfSize {
		return BadSize
	}
	n.Session = le.Uint64(b[layout.NcfHeadSessionOffset:])
	n.First = le.Uint64(b[layout.NcfHeadFirstOffset:])
	n.Last = le.Uint64(b[layout.NcfHeadLastOffset:])
	n.Trail = le.Uint64(b[layout.NcfHeadTrailOffset:])
	n.Lane = le.Uint32(b[layout.NcfHeadLaneOffset:])
	n.WaitMillis = le.Uint16(b[layout.NcfHeadWaitMsOffset:])
	n.Reason = b[layout.NcfHeadReasonOffset]
	switch {
	case b[layout.NcfHeadReserved0Offset] != 0:
		return BadReserved
	case n.First > n.Last || n.Last >= SequenceMax || n.Trail > SequenceMax:
		return BadRange
	case n.Reason == layout.NcfReasonNone || n.Reason > layout.NcfReasonIsolated:
		return BadRange
	}
	return OK
}
