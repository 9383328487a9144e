package wire

import "github.com/ringcast/ringcast/codec/layout"

// Sizes of Status.
const (
	StatusHeadSize = layout.StatusHeadSize
	FullTopicSize  = layout.FullTopicSize
	// NoEcho in HoldMicros: nothing was heard yet that could be echoed.
	NoEcho = 1<<32 - 1
)

// Status says what a member has taken of a lane (SM in the design).
type Status struct {
	Session        uint64 // of the lane's owner
	Taken, Highest uint64
	Lane           uint32
	Credit         uint32
	ReceivedRate   uint32
	Overruns       uint32
	EchoMicros     uint32
	HoldMicros     uint32
	DelayMicros    uint32
	FirstLost      uint32
	WantVersion    uint32
	Flags          uint16
	full           []byte
}

// FullTopics returns how many topics are full.
func (s *Status) FullTopics() int { return len(s.full) / FullTopicSize }

// FullTopic returns one of them.
func (s *Status) FullTopic(i int) (topic, sequence uint32) {
	r := s.full[i*FullTopicSize:]
	return le.Uint32(r[layout.FullTopicTopicOffset:]), le.Uint32(r[layout.FullTopicSequenceOffset:])
}

// Size returns the bytes of the body.
func (s *Status) Size() int { return StatusHeadSize + len(s.full) }

// AppendTo appends the body with the full topics it was parsed with; AppendFullTopic adds more.
func (s *Status) AppendTo(b []byte) []byte {
	b, x := grow(b, StatusHeadSize)
	le.PutUint64(x[layout.StatusHeadSessionOffset:], s.Session)
	le.PutUint64(x[layout.StatusHeadTakenOffset:], s.Taken)
	le.PutUint64(x[layout.StatusHeadHighestOffset:], s.Highest)
	le.PutUint32(x[layout.StatusHeadLaneOffset:], s.Lane)
	le.PutUint32(x[layout.StatusHeadCreditOffset:], s.Credit)
	le.PutUint32(x[layout.StatusHeadReceivedRateOffset:], s.ReceivedRate)
	le.PutUint32(x[layout.StatusHeadOverrunsOffset:], s.Overruns)
	le.PutUint32(x[layout.StatusHeadEchoUsOffset:], s.EchoMicros)
	le.PutUint32(x[layout.StatusHeadHoldUsOffset:], s.HoldMicros)
	le.PutUint32(x[layout.StatusHeadDelayUsOffset:], s.DelayMicros)
	le.PutUint32(x[layout.StatusHeadFirstLostOffset:], s.FirstLost)
	le.PutUint32(x[layout.StatusHeadWantVersionOffset:], s.WantVersion)
	le.PutUint16(x[layout.StatusHeadFullCountOffset:], uint16(s.FullTopics()))
	le.PutUint16(x[layout.StatusHeadFlagsOffset:], s.Flags)
	return append(b, s.full...)
}

// AppendFullTopic appends a full topic to a frame that ends with a Status whose
// body begins at frame[HeaderSize].
func AppendFullTopic(frame []byte, topic, sequence uint32) []byte {
	frame, x := grow(frame, FullTopicSize)
	le.PutUint32(x[layout.FullTopicTopicOffset:], topic)
	le.PutUint32(x[layout.FullTopicSequenceOffset:], sequence)
	count := frame[HeaderSize+layout.StatusHeadFullCountOffset:]
	le.PutUint16(count, le.Uint16(count)+1)
	return frame
}

// ParseStatus reads the body of a Status.
func ParseStatus(b []byte, s *Status) Reason {
	if len(b) < StatusHeadSize {
		return BadSize
	}
	s.Session = le.Uint64(b[layout.StatusHeadSessionOffset:])
	s.Taken = le.Uint64(b[layout.StatusHeadTakenOffset:])
	s.Highest = le.Uint64(b[layout.StatusHeadHighestOffset:])
	s.Lane = le.Uint32(b[layout.StatusHeadLaneOffset:])
	s.Credit = le.Uint32(b[layout.StatusHeadCreditOffset:])
	s.ReceivedRate = le.Uint32(b[layout.StatusHeadReceivedRateOffset:])
	s.Overruns = le.Uint32(b[layout.StatusHeadOverrunsOffset:])
	s.EchoMicros = le.Uint32(b[layout.StatusHeadEchoUsOffset:])
	s.HoldMicros = le.Uint32(b[layout.StatusHeadHoldUsOffset:])
	s.DelayMicros = le.Uint32(b[layout.StatusHeadDelayUsOffset:])
	s.FirstLost = le.Uint32(b[layout.StatusHeadFirstLostOffset:])
	s.WantVersion = le.Uint32(b[layout.StatusHeadWantVersionOffset:])
	s.Flags = le.Uint16(b[layout.StatusHeadFlagsOffset:])
	s.full = b[StatusHeadSize:]
	switch {
	case s.Flags&^(layout.StatusFlagSetupWanted|layout.StatusFlagOverrun) != 0:
		return BadFlags
	case int(le.Uint16(b[layout.StatusHeadFullCountOffset:]))*FullTopicSize != len(s.full):
		return BadCount
	case s.Taken > s.Highest || s.Highest > SequenceMax:
		return BadRange
	}
	return OK
}
