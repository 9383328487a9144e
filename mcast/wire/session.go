package wire

import "github.com/ringcast/ringcast/codec/layout"

// Sizes of Bye and SessionStale.
const (
	ByeSize          = layout.ByeHeadSize
	SessionStaleSize = layout.SessionStaleHeadSize
)

// Bye says that a node leaves.
type Bye struct{ Reason uint32 }

// Size returns the bytes of the body.
func (*Bye) Size() int { return ByeSize }

// AppendTo appends the body.
func (y *Bye) AppendTo(b []byte) []byte {
	b, x := grow(b, ByeSize)
	le.PutUint32(x[layout.ByeHeadReasonOffset:], y.Reason)
	return b
}

// ParseBye reads the body of a Bye.
func ParseBye(b []byte, y *Bye) Reason {
	if len(b) != ByeSize {
		return BadSize
	}
	y.Reason = le.Uint32(b[layout.ByeHeadReasonOffset:])
	if le.Uint32(b[layout.ByeHeadReserved0Offset:]) != 0 {
		return BadReserved
	}
	return OK
}

// SessionStale answers a node that speaks under a session that was overtaken.
type SessionStale struct{ Seen uint64 }

// Size returns the bytes of the body.
func (*SessionStale) Size() int { return SessionStaleSize }

// AppendTo appends the body.
func (s *SessionStale) AppendTo(b []byte) []byte {
	b, x := grow(b, SessionStaleSize)
	le.PutUint64(x[layout.SessionStaleHeadSeenOffset:], s.Seen)
	return b
}

// ParseSessionStale reads the body of a SessionStale.
func ParseSessionStale(b []byte, s *SessionStale) Reason {
	if len(b) != SessionStaleSize {
		return BadSize
	}
	if s.Seen = le.Uint64(b[layout.SessionStaleHeadSeenOffset:]); s.Seen == 0 {
		return BadSession
	}
	return OK
}
