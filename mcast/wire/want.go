package wire

import "github.com/ringcast/ringcast/codec/layout"

// Sizes of Want.
const (
	WantHeadSize = layout.WantHeadSize
	// NameMax bounds a name or a pattern.
	NameMax = 200
	// PartsMax bounds the parts of one Want or one Setup.
	PartsMax = 4096
)

// Want is one part of the list of names and patterns that a node wants.
type Want struct {
	Version     uint32
	Part, Parts uint16
	Count       uint16
	names       []byte
}

// Size returns the bytes of the body.
func (w *Want) Size() int { return WantHeadSize + len(w.names) }

// AppendTo appends the body with the names it was parsed with; AppendName adds more.
func (w *Want) AppendTo(b []byte) []byte {
	b, x := grow(b, WantHeadSize)
	le.PutUint32(x[layout.WantHeadVersionOffset:], w.Version)
	le.PutUint16(x[layout.WantHeadPartOffset:], w.Part)
	le.PutUint16(x[layout.WantHeadPartsOffset:], w.Parts)
	le.PutUint16(x[layout.WantHeadNameCountOffset:], w.Count)
	return append(b, w.names...)
}

// AppendName appends a name to a frame that ends with a Want whose body begins at
// frame[HeaderSize].
func AppendName(frame []byte, name string) []byte {
	frame = append(append(frame, byte(len(name))), name...)
	count := frame[HeaderSize+layout.WantHeadNameCountOffset:]
	le.PutUint16(count, le.Uint16(count)+1)
	return frame
}

// NextName takes the first name off the list; ok is false at its end.
func (w *Want) NextName() (name []byte, ok bool) {
	name, w.names, ok = cutText(w.names)
	return name, ok
}

// ParseWant reads the body of a Want.
func ParseWant(b []byte, w *Want) Reason {
	if len(b) < WantHeadSize {
		return BadSize
	}
	w.Version = le.Uint32(b[layout.WantHeadVersionOffset:])
	w.Part = le.Uint16(b[layout.WantHeadPartOffset:])
	w.Parts = le.Uint16(b[layout.WantHeadPartsOffset:])
	w.Count = le.Uint16(b[layout.WantHeadNameCountOffset:])
	w.names = b[WantHeadSize:]
	if !zero(b[layout.WantHeadReserved0Offset:WantHeadSize]) {
		return BadReserved
	}
	if w.Part >= w.Parts || w.Parts > PartsMax {
		return BadRange
	}
	rest := w.names
	for range w.Count {
		name, r, ok := cutText(rest)
		if !ok || len(name) == 0 || len(name) > NameMax {
			return BadText
		}
		rest = r
	}
	if len(rest) != 0 {
		return BadCount
	}
	return OK
}
