package wire

import (
	"encoding/binary"

	"github.com/ringcast/ringcast/codec/layout"
)

var le = binary.LittleEndian

// Sizes and constants of every frame.
const (
	HeaderSize = layout.FrameHeaderSize
	// TagSize is kept free at the end of a full frame for the tag of an encrypted one.
	TagSize = 16
	// FrameMax is the largest frame: a UDP payload over IPv4.
	FrameMax = 65507

	knownFlags = layout.FrameFlagEncrypted | layout.FrameFlagLz4 | layout.FrameFlagRepair | layout.FrameFlagUnicast |
		layout.FrameFlagStatusWanted | layout.FrameFlagFec | layout.FrameFlagEndOfSession
	// Flags whose meaning belongs to later versions.
	laterFlags = layout.FrameFlagEncrypted | layout.FrameFlagFec
	ignorable  = 0x80
)

// Types of frames.
const (
	TypeData         = layout.FrameTypeData
	TypeHeartbeat    = layout.FrameTypeHeartbeat
	TypeNak          = layout.FrameTypeNak
	TypeNcf          = layout.FrameTypeNcf
	TypeStatus       = layout.FrameTypeStatus
	TypeHello        = layout.FrameTypeHello
	TypeSetup        = layout.FrameTypeSetup
	TypeWant         = layout.FrameTypeWant
	TypeBye          = layout.FrameTypeBye
	TypeSessionStale = layout.FrameTypeSessionStale
	TypeProbe        = layout.FrameTypeProbe
	TypeUnicastData  = layout.FrameTypeUnicastData
	TypeUnicastAck   = layout.FrameTypeUnicastAck
)

// Flags of frames.
const (
	FlagLz4          = layout.FrameFlagLz4
	FlagRepair       = layout.FrameFlagRepair
	FlagUnicast      = layout.FrameFlagUnicast
	FlagStatusWanted = layout.FrameFlagStatusWanted
	FlagEndOfSession = layout.FrameFlagEndOfSession
)

// MessageEnd is the flag of a message's last fragment.
const MessageEnd = layout.WireMessageFlagEnd

// TypeOf returns the type of a frame that is known to be whole.
func TypeOf(frame []byte) uint8 { return frame[layout.FrameHeaderTypeOffset] }

// FlagsOf returns the flags of a frame that is known to be whole.
func FlagsOf(frame []byte) uint8 { return frame[layout.FrameHeaderFlagsOffset] }

// Header is the first part of every frame.
type Header struct {
	Flags, Type  uint8
	Length       uint16
	Domain, Node uint32
	Session      uint64
	Number       uint64
}

// Begin appends a header whose length is not yet known.
func Begin(b []byte, h *Header) []byte {
	var x [HeaderSize]byte
	PutHeader(x[:], h)
	return append(b, x[:]...)
}

// PutHeader writes a header to b, at least HeaderSize bytes.
func PutHeader(b []byte, h *Header) {
	_ = b[HeaderSize-1]
	le.PutUint16(b[layout.FrameHeaderMagicOffset:], layout.WireConstantMagic)
	b[layout.FrameHeaderVersionOffset] = layout.WireConstantVersion
	b[layout.FrameHeaderFlagsOffset] = h.Flags
	b[layout.FrameHeaderTypeOffset] = h.Type
	b[layout.FrameHeaderKeyIdOffset] = 0
	le.PutUint16(b[layout.FrameHeaderLengthOffset:], h.Length)
	le.PutUint32(b[layout.FrameHeaderDomainOffset:], h.Domain)
	le.PutUint32(b[layout.FrameHeaderNodeOffset:], h.Node)
	le.PutUint64(b[layout.FrameHeaderSessionOffset:], h.Session)
	le.PutUint64(b[layout.FrameHeaderNumberOffset:], h.Number)
}

// Finish writes the length into the header of the frame b, which must begin at b[0].
func Finish(b []byte) {
	le.PutUint16(b[layout.FrameHeaderLengthOffset:], uint16(len(b)))
}

// Renumber makes a repair of the frame b: a new packet number, and the flags of how
// it is sent this time.
func Renumber(b []byte, number uint64, flags uint8) {
	b[layout.FrameHeaderFlagsOffset] = b[layout.FrameHeaderFlagsOffset]&^FlagUnicast | flags
	le.PutUint64(b[layout.FrameHeaderNumberOffset:], number)
}

// ParseHeader checks the datagram b, in this order: size, magic, version, length,
// domain, node, session, flags, key, type. The header is filled as far as it was read.
func ParseHeader(b []byte, domain uint32, h *Header) Reason {
	if len(b) < HeaderSize {
		return BadTruncated
	}
	_ = b[HeaderSize-1]
	if le.Uint16(b[layout.FrameHeaderMagicOffset:]) != layout.WireConstantMagic {
		return BadMagic
	}
	if b[layout.FrameHeaderVersionOffset] != layout.WireConstantVersion {
		return BadVersion
	}
	h.Flags = b[layout.FrameHeaderFlagsOffset]
	h.Type = b[layout.FrameHeaderTypeOffset]
	h.Length = le.Uint16(b[layout.FrameHeaderLengthOffset:])
	h.Domain = le.Uint32(b[layout.FrameHeaderDomainOffset:])
	h.Node = le.Uint32(b[layout.FrameHeaderNodeOffset:])
	h.Session = le.Uint64(b[layout.FrameHeaderSessionOffset:])
	h.Number = le.Uint64(b[layout.FrameHeaderNumberOffset:])
	switch {
	case int(h.Length) != len(b):
		return BadLength
	case h.Domain != domain:
		return BadDomain
	case h.Node == 0:
		return BadNode
	case h.Session == 0 || h.Session >= SequenceMax:
		return BadSession
	case h.Flags&^knownFlags != 0 || h.Flags&laterFlags != 0:
		return BadFlags
	case h.Flags&layout.FrameFlagLz4 != 0 && h.Type != layout.FrameTypeData:
		return BadFlags
	case b[layout.FrameHeaderKeyIdOffset] != 0:
		return BadKey
	}
	return checkType(h.Type)
}

func checkType(t uint8) Reason {
	switch t {
	case layout.FrameTypeData, layout.FrameTypeHeartbeat, layout.FrameTypeNak, layout.FrameTypeNcf,
		layout.FrameTypeStatus, layout.FrameTypeHello, layout.FrameTypeSetup, layout.FrameTypeWant,
		layout.FrameTypeBye, layout.FrameTypeSessionStale, layout.FrameTypeProbe, layout.FrameTypeUnicastData, layout.FrameTypeUnicastAck:
		return OK
	}
	if t&ignorable != 0 {
		return BadIgnorable
	}
	return BadType
}

// zero says whether all bytes of b are.
func zero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// grow appends n zero bytes and returns them as well.
func grow(b []byte, n int) (all, added []byte) {
	for range n / 8 {
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	for range n % 8 {
		b = append(b, 0)
	}
	return b, b[len(b)-n:]
}

// VersionsOf reads of a frame of whatever version which node sent it, and the least and greatest version
// that it speaks: those of a Hello of this version, else the frame's own. The first 16 bytes mean
// the same in all versions; the datagram has them.
func VersionsOf(datagram []byte) (node uint32, least, most uint8) {
	node = le.Uint32(datagram[layout.FrameHeaderNodeOffset:])
	version := datagram[layout.FrameHeaderVersionOffset]
	if version == layout.WireConstantVersion && TypeOf(datagram) == TypeHello && len(datagram) >= HeaderSize+HelloHeadSize {
		body := datagram[HeaderSize:]
		return node, body[layout.HelloHeadVersionMinOffset], body[layout.HelloHeadVersionMaxOffset]
	}
	return node, version, version
}
