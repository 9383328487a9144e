package wire

import "github.com/ringcast/ringcast/codec/layout"

// HeartbeatSize is the size of the body.
const HeartbeatSize = layout.HeartbeatHeadSize

// Heartbeat says where a lane stands.
type Heartbeat struct {
	Next, Trail     uint64
	Lane            uint32
	SendMicros      uint32
	RoundTripMicros uint32
	Members         uint16
}

// Size returns the bytes of the body.
func (*Heartbeat) Size() int { return HeartbeatSize }

// AppendTo appends the body.
func (h *Heartbeat) AppendTo(b []byte) []byte {
	b, x := grow(b, HeartbeatSize)
	le.PutUint64(x[layout.HeartbeatHeadNextOffset:], h.Next)
	le.PutUint64(x[layout.HeartbeatHeadTrailOffset:], h.Trail)
	le.PutUint32(x[layout.HeartbeatHeadLaneOffset:], h.Lane)
	le.PutUint32(x[layout.HeartbeatHeadSendUsOffset:], h.SendMicros)
	le.PutUint32(x[layout.HeartbeatHeadRoundTripUsOffset:], h.RoundTripMicros)
	le.PutUint16(x[layout.HeartbeatHeadMembersOffset:], h.Members)
	return b
}

// ParseHeartbeat reads the body of a Heartbeat.
func ParseHeartbeat(b []byte, h *Heartbeat) Reason {
	if len(b) != HeartbeatSize {
		return BadSize
	}
	h.Next = le.Uint64(b[layout.HeartbeatHeadNextOffset:])
	h.Trail = le.Uint64(b[layout.HeartbeatHeadTrailOffset:])
	h.Lane = le.Uint32(b[layout.HeartbeatHeadLaneOffset:])
	h.SendMicros = le.Uint32(b[layout.HeartbeatHeadSendUsOffset:])
	h.RoundTripMicros = le.Uint32(b[layout.HeartbeatHeadRoundTripUsOffset:])
	h.Members = le.Uint16(b[layout.HeartbeatHeadMembersOffset:])
	if le.Uint16(b[layout.HeartbeatHeadReserved0Offset:]) != 0 {
		return BadReserved
	}
	if h.Trail > h.Next || h.Next > SequenceMax {
		return BadRange
	}
	return OK
}
