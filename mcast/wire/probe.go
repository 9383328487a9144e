package wire

import "github.com/ringcast/ringcast/codec/layout"

// ProbeSize is the size of the body of an echo, and the least of one that asks.
const ProbeSize = layout.ProbeHeadSize

// FeatureProbe of Hello.Features: the sender echoes Probes.
const FeatureProbe = layout.HelloFeatureProbe

// Probe asks whether a datagram of its size comes through, or says that one did.
type Probe struct {
	Session uint64 // of an echo: of the node that asked
	Number  uint64 // of an echo: packet number of what came
	Bytes   int    // of the frame that asks
	Echo    bool
	Group   bool // of an echo: it came by multicast
}

// Size returns the bytes of the body.
func (p *Probe) Size() int {
	if p.Echo {
		return ProbeSize
	}
	return p.Bytes - HeaderSize
}

// AppendTo appends the body.
func (p *Probe) AppendTo(b []byte) []byte {
	b, x := grow(b, p.Size())
	le.PutUint64(x[layout.ProbeHeadSessionOffset:], p.Session)
	le.PutUint64(x[layout.ProbeHeadNumberOffset:], p.Number)
	le.PutUint16(x[layout.ProbeHeadSizeOffset:], uint16(p.Bytes))
	var flags uint16
	if p.Echo {
		flags |= layout.ProbeFlagEcho
	}
	if p.Group {
		flags |= layout.ProbeFlagGroup
	}
	le.PutUint16(x[layout.ProbeHeadFlagsOffset:], flags)
	return b
}

// ParseProbe reads the body of a Probe.
func ParseProbe(b []byte, p *Probe) Reason {
	if len(b) < ProbeSize {
		return BadSize
	}
	p.Session = le.Uint64(b[layout.ProbeHeadSessionOffset:])
	p.Number = le.Uint64(b[layout.ProbeHeadNumberOffset:])
	p.Bytes = int(le.Uint16(b[layout.ProbeHeadSizeOffset:]))
	flags := le.Uint16(b[layout.ProbeHeadFlagsOffset:])
	p.Echo, p.Group = flags&layout.ProbeFlagEcho != 0, flags&layout.ProbeFlagGroup != 0
	switch {
	case flags&^(layout.ProbeFlagEcho|layout.ProbeFlagGroup) != 0:
		return BadFlags
	case le.Uint32(b[layout.ProbeHeadReserved0Offset:]) != 0:
		return BadReserved
	case p.Bytes < HeaderSize+ProbeSize || p.Bytes > FrameMax:
		return BadRange
	case len(b) != p.Size():
		return BadSize
	case p.Echo && (p.Session == 0 || p.Session >= SequenceMax || p.Number == 0):
		return BadRange
	case !p.Echo && (p.Session != 0 || p.Number != 0 || p.Group):
		return BadRange
	case !zero(b[ProbeSize:]):
		return BadReserved
	}
	return OK
}
