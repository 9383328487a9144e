package wire

import "github.com/ringcast/ringcast/codec/layout"

// Sizes of Data.
const (
	DataHeadSize    = layout.DataHeadSize
	MessageHeadSize = layout.MessageHeadSize
	ExtensionSize   = layout.MessageExtensionSize
	BlockSize       = layout.AddressBlockSize
	// DataOverhead is what a datagram costs before its first message, tag included.
	DataOverhead = HeaderSize + DataHeadSize + TagSize
	// RawMax bounds the messages of a datagram before compression.
	RawMax = 1<<16 - 8
	// FillMax is how many zeros may follow the messages of a datagram that is not
	// compressed: full datagrams are of one size then, and kernels join those.
	FillMax = 256

	knownMessageFlags = layout.WireMessageFlagBegin | layout.WireMessageFlagEnd |
		layout.WireMessageFlagExtended | layout.WireMessageFlagAddressed
)

// LaneDirected is the number of the lane from one node to one other.
const LaneDirected = 2

// DirectedLane is what stands for the lane to a member in Data and Heartbeat, which name nobody else: a frame that
// comes to another node, which has the member's address now, must not be taken for that node's own.
func DirectedLane(member uint32) uint32 { return LaneDirected | member<<8 }

// Data is the head of a Data frame and its messages, still folded where the frame
// bears the Lz4 flag. What ParseData reads has no zeros behind the messages.
type Data struct {
	Lane         uint32
	Count        uint16
	RawLength    uint16
	LaneSequence uint64
	TrailDelta   uint32
	SendMicros   uint32
	Body         []byte
}

// Size returns the bytes of the body.
func (d *Data) Size() int { return DataHeadSize + len(d.Body) }

// AppendTo appends the body.
func (d *Data) AppendTo(b []byte) []byte {
	b, x := grow(b, DataHeadSize)
	PutDataHead(x, d)
	return append(b, d.Body...)
}

// PutDataHead writes the head to b, at least DataHeadSize bytes.
func PutDataHead(b []byte, d *Data) {
	_ = b[DataHeadSize-1]
	le.PutUint32(b[layout.DataHeadLaneOffset:], d.Lane)
	le.PutUint16(b[layout.DataHeadMessageCountOffset:], d.Count)
	le.PutUint16(b[layout.DataHeadRawLengthOffset:], d.RawLength)
	le.PutUint64(b[layout.DataHeadLaneSequenceOffset:], d.LaneSequence)
	PutDataTimes(b, d.TrailDelta, d.SendMicros)
}

// PutDataTimes writes what changes when a datagram is sent again; b begins with the head.
func PutDataTimes(b []byte, trailDelta, sendMicros uint32) {
	le.PutUint32(b[layout.DataHeadTrailDeltaOffset:], trailDelta)
	le.PutUint32(b[layout.DataHeadSendUsOffset:], sendMicros)
}

// ParseData reads the head of a Data frame. What is not compressed is checked by
// CheckMessages; what is, after it was unfolded.
func ParseData(body []byte, flags uint8, d *Data) Reason {
	if len(body) < DataHeadSize {
		return BadSize
	}
	_ = body[DataHeadSize-1]
	d.Lane = le.Uint32(body[layout.DataHeadLaneOffset:])
	d.Count = le.Uint16(body[layout.DataHeadMessageCountOffset:])
	d.RawLength = le.Uint16(body[layout.DataHeadRawLengthOffset:])
	d.LaneSequence = le.Uint64(body[layout.DataHeadLaneSequenceOffset:])
	d.TrailDelta = le.Uint32(body[layout.DataHeadTrailDeltaOffset:])
	d.SendMicros = le.Uint32(body[layout.DataHeadSendUsOffset:])
	d.Body = body[DataHeadSize:]
	switch {
	case d.Count == 0 || d.RawLength%8 != 0 || int(d.RawLength) < int(d.Count)*MessageHeadSize:
		return BadCount
	case uint64(d.TrailDelta) > d.LaneSequence || d.LaneSequence >= SequenceMax:
		return BadRange
	case flags&layout.FrameFlagLz4 == 0 && (len(d.Body) < int(d.RawLength) || len(d.Body) > int(d.RawLength)+FillMax):
		return BadCount
	case flags&layout.FrameFlagLz4 != 0 && (len(d.Body) == 0 || len(d.Body) > int(d.RawLength)):
		return BadCompression
	}
	if flags&layout.FrameFlagLz4 == 0 {
		for _, b := range d.Body[d.RawLength:] {
			if b != 0 {
				return BadReserved
			}
		}
		d.Body = d.Body[:d.RawLength]
	}
	return OK
}

// SequenceMax bounds lane sequences, so that sums of them do not run over.
const SequenceMax = 1 << 62

// CheckMessages says whether raw holds exactly count messages, each within it.
// NextMessage may be called only on what it approved.
func CheckMessages(raw []byte, count int) Reason {
	for range count {
		if len(raw) < MessageHeadSize {
			return BadMessage
		}
		x := le.Uint32(raw[layout.MessageHeadLengthFlagsOffset:])
		flags := uint8(x >> 24)
		if flags&^knownMessageFlags != 0 {
			return BadMessage
		}
		n := messageSize(x)
		if n > len(raw) {
			return BadMessage
		}
		if flags&layout.WireMessageFlagExtended != 0 && !extensionZero(raw[MessageHeadSize:]) {
			return BadReserved
		}
		raw = raw[n:]
	}
	if len(raw) != 0 {
		return BadCount
	}
	return OK
}

func extensionZero(x []byte) bool {
	return le.Uint16(x[layout.MessageExtensionReserved0Offset:]) == 0 &&
		le.Uint32(x[layout.MessageExtensionReserved1Offset:]) == 0
}

// messageSize returns what a message takes in a datagram, from its length_flags.
func messageSize(x uint32) int {
	n := MessageHeadSize + int(x&0xffffff)
	if flags := uint8(x >> 24); flags&(layout.WireMessageFlagExtended|layout.WireMessageFlagAddressed) != 0 {
		if flags&layout.WireMessageFlagExtended != 0 {
			n += ExtensionSize
		}
		if flags&layout.WireMessageFlagAddressed != 0 {
			n += BlockSize
		}
	}
	return (n + 7) &^ 7
}

// Message is one message, or one fragment, as it lies in a datagram.
type Message struct {
	Topic, Sequence     uint32
	Producer, UserFlags uint16
	Flags               uint8
	// From the extension; zero without one.
	Kind, Content uint8
	SchemaHash    uint32
	TotalLength   uint32
	TimestampNs   uint64
	Block         []byte
	Payload       []byte
}

// Size returns the bytes that the message takes, padding included.
func (m *Message) Size() int {
	return messageSize(uint32(len(m.Payload)) | uint32(m.Flags)<<24)
}

// Put writes the message to b, which has at least Size bytes, and returns how many it took.
func (m *Message) Put(b []byte) int {
	x := uint32(len(m.Payload)) | uint32(m.Flags)<<24
	size := messageSize(x)
	_ = b[size-1]
	le.PutUint32(b[layout.MessageHeadTopicOffset:], m.Topic)
	le.PutUint32(b[layout.MessageHeadSequenceOffset:], m.Sequence)
	le.PutUint32(b[layout.MessageHeadLengthFlagsOffset:], x)
	le.PutUint16(b[layout.MessageHeadProducerOffset:], m.Producer)
	le.PutUint16(b[layout.MessageHeadUserFlagsOffset:], m.UserFlags)
	at := MessageHeadSize
	if m.Flags&layout.WireMessageFlagExtended != 0 {
		m.putExtension(b[at:])
		at += ExtensionSize
	}
	if m.Flags&layout.WireMessageFlagAddressed != 0 {
		at += copy(b[at:at+BlockSize], m.Block)
	}
	at += copy(b[at:size], m.Payload)
	for ; at < size; at++ {
		b[at] = 0
	}
	return size
}

func (m *Message) putExtension(b []byte) {
	_ = b[ExtensionSize-1]
	le.PutUint64(b[layout.MessageExtensionTimestampNsOffset:], m.TimestampNs)
	le.PutUint32(b[layout.MessageExtensionSchemaHashOffset:], m.SchemaHash)
	le.PutUint32(b[layout.MessageExtensionTotalLengthOffset:], m.TotalLength)
	b[layout.MessageExtensionKindOffset] = m.Kind
	b[layout.MessageExtensionContentOffset] = m.Content
	le.PutUint16(b[layout.MessageExtensionReserved0Offset:], 0)
	le.PutUint32(b[layout.MessageExtensionReserved1Offset:], 0)
}

// NextMessage reads the first message of raw, which CheckMessages approved, and
// returns what follows it.
func NextMessage(raw []byte, m *Message) []byte {
	_ = raw[MessageHeadSize-1]
	m.Topic = le.Uint32(raw[layout.MessageHeadTopicOffset:])
	m.Sequence = le.Uint32(raw[layout.MessageHeadSequenceOffset:])
	x := le.Uint32(raw[layout.MessageHeadLengthFlagsOffset:])
	m.Producer = le.Uint16(raw[layout.MessageHeadProducerOffset:])
	m.UserFlags = le.Uint16(raw[layout.MessageHeadUserFlagsOffset:])
	m.Flags = uint8(x >> 24)
	at := MessageHeadSize
	m.Block = nil
	if m.Flags&layout.WireMessageFlagExtended != 0 {
		m.readExtension(raw[at : at+ExtensionSize])
		at += ExtensionSize
	} else {
		m.Kind, m.Content, m.SchemaHash, m.TotalLength, m.TimestampNs = 0, 0, 0, 0, 0
	}
	if m.Flags&layout.WireMessageFlagAddressed != 0 {
		m.Block = raw[at : at+BlockSize : at+BlockSize]
		at += BlockSize
	}
	end := at + int(x&0xffffff)
	m.Payload = raw[at:end:end]
	return raw[(end+7)&^7:]
}

func (m *Message) readExtension(b []byte) {
	_ = b[ExtensionSize-1]
	m.TimestampNs = le.Uint64(b[layout.MessageExtensionTimestampNsOffset:])
	m.SchemaHash = le.Uint32(b[layout.MessageExtensionSchemaHashOffset:])
	m.TotalLength = le.Uint32(b[layout.MessageExtensionTotalLengthOffset:])
	m.Kind = b[layout.MessageExtensionKindOffset]
	m.Content = b[layout.MessageExtensionContentOffset]
}
