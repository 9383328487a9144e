package wire

import "github.com/ringcast/ringcast/codec/layout"

// Sizes of Hello.
const (
	HelloHeadSize = layout.HelloHeadSize
	// TextMax bounds the name and the host in a Hello.
	TextMax = 64
)

// FeatureDirected of Hello.Features: the sender takes a lane of its own from each node.
const FeatureDirected = layout.HelloFeatureDirected

// Hello says that a node is there.
type Hello struct {
	Epoch           uint32
	Features        uint32
	SendMicros      uint32
	RoundTripMicros uint32
	TableVersion    uint32
	WantVersion     uint32
	Members         uint16
	Flags           uint16
	VersionMin      uint8
	VersionMax      uint8
	Name, Host      []byte
	// Hears is what it says of other nodes, if HasHears.
	Hears    Hears
	HasHears bool
}

// Size returns the bytes of the body.
func (h *Hello) Size() int {
	n := HelloHeadSize + 2 + len(h.Name) + len(h.Host)
	if h.HasHears {
		n = (n+7)&^7 + HearHeadSize + len(h.Hears.rows)
	}
	return n
}

// AppendTo appends the body to a frame. Name and Host must not be longer than TextMax.
func (h *Hello) AppendTo(b []byte) []byte {
	b, x := grow(b, HelloHeadSize)
	le.PutUint32(x[layout.HelloHeadEpochOffset:], h.Epoch)
	le.PutUint32(x[layout.HelloHeadFeaturesOffset:], h.Features)
	le.PutUint32(x[layout.HelloHeadSendUsOffset:], h.SendMicros)
	le.PutUint32(x[layout.HelloHeadRoundTripUsOffset:], h.RoundTripMicros)
	le.PutUint32(x[layout.HelloHeadTableVersionOffset:], h.TableVersion)
	le.PutUint32(x[layout.HelloHeadWantVersionOffset:], h.WantVersion)
	le.PutUint16(x[layout.HelloHeadMembersOffset:], h.Members)
	le.PutUint16(x[layout.HelloHeadFlagsOffset:], h.Flags)
	x[layout.HelloHeadVersionMinOffset] = h.VersionMin
	x[layout.HelloHeadVersionMaxOffset] = h.VersionMax
	b = append(append(b, byte(len(h.Name))), h.Name...)
	b = append(append(b, byte(len(h.Host))), h.Host...)
	if h.HasHears {
		b = AppendHears(b, &h.Hears)
	}
	return b
}

// ParseHello reads the body of a Hello. What follows the rows of the vector is
// ignored: a later version may say more there.
func ParseHello(b []byte, h *Hello) Reason {
	if len(b) < HelloHeadSize+2 {
		return BadSize
	}
	h.Epoch = le.Uint32(b[layout.HelloHeadEpochOffset:])
	h.Features = le.Uint32(b[layout.HelloHeadFeaturesOffset:])
	h.SendMicros = le.Uint32(b[layout.HelloHeadSendUsOffset:])
	h.RoundTripMicros = le.Uint32(b[layout.HelloHeadRoundTripUsOffset:])
	h.TableVersion = le.Uint32(b[layout.HelloHeadTableVersionOffset:])
	h.WantVersion = le.Uint32(b[layout.HelloHeadWantVersionOffset:])
	h.Members = le.Uint16(b[layout.HelloHeadMembersOffset:])
	h.Flags = le.Uint16(b[layout.HelloHeadFlagsOffset:])
	h.VersionMin = b[layout.HelloHeadVersionMinOffset]
	h.VersionMax = b[layout.HelloHeadVersionMaxOffset]
	if le.Uint16(b[layout.HelloHeadReserved0Offset:]) != 0 {
		return BadReserved
	}
	if h.VersionMin > h.VersionMax || h.VersionMin > layout.WireConstantVersion || h.VersionMax < layout.WireConstantVersion {
		return BadVersion
	}
	rest := b[HelloHeadSize:]
	var ok bool
	if h.Name, rest, ok = cutText(rest); !ok || len(h.Name) > TextMax {
		return BadText
	}
	if h.Host, rest, ok = cutText(rest); !ok || len(h.Host) > TextMax {
		return BadText
	}
	var reason Reason
	h.HasHears, reason = parseHears(b, len(b)-len(rest), &h.Hears)
	return reason
}

// cutText takes a text led by its length in one byte off b.
func cutText(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, nil, false
	}
	end := 1 + int(b[0])
	return b[1:end:end], b[end:], true
}
