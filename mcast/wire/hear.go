package wire

import "github.com/ringcast/ringcast/codec/layout"

// Sizes of what a Hello says of other nodes.
const (
	HearHeadSize = layout.HearHeadSize
	HearRowSize  = layout.HearRowSize
)

// Flags of a HearRow.
const (
	HearSuspected = layout.HearFlagSuspected
	HearUnicast   = layout.HearFlagUnicast
	HearGone      = layout.HearFlagGone
)

// Hears is what a node does not hear: the end of its Hello.
type Hears struct {
	Known  uint16 // its peers
	Health uint8  // 1..8
	rows   []byte
}

// HearRow is a node whose multicast frames do not come.
type HearRow struct {
	Node          uint32
	SilenceMillis uint16
	Flags         uint16
}

// AppendHears appends the head of the vector to a Hello that is whole, padding it.
// Rows follow by AppendHearRow, each of HearRowSize bytes.
func AppendHears(frame []byte, h *Hears) []byte {
	for len(frame)%8 != 0 {
		frame = append(frame, 0)
	}
	frame, x := grow(frame, HearHeadSize)
	clear(x)
	le.PutUint16(x[layout.HearHeadKnownOffset:], h.Known)
	le.PutUint16(x[layout.HearHeadRowCountOffset:], uint16(h.Rows()))
	x[layout.HearHeadHealthOffset] = h.Health
	return append(frame, h.rows...)
}

// AppendHearRow appends a row to a frame whose head of the vector is at offset head.
func AppendHearRow(frame []byte, head int, r *HearRow) []byte {
	bump(frame[head+layout.HearHeadRowCountOffset:])
	frame, x := grow(frame, HearRowSize)
	le.PutUint32(x[layout.HearRowNodeOffset:], r.Node)
	le.PutUint16(x[layout.HearRowSilenceMsOffset:], r.SilenceMillis)
	le.PutUint16(x[layout.HearRowFlagsOffset:], r.Flags)
	return frame
}

// Rows returns how many nodes are named.
func (h *Hears) Rows() int { return len(h.rows) / HearRowSize }

// Row returns one of them.
func (h *Hears) Row(i int) HearRow {
	x := h.rows[i*HearRowSize:][:HearRowSize]
	return HearRow{Node: le.Uint32(x[layout.HearRowNodeOffset:]), SilenceMillis: le.Uint16(x[layout.HearRowSilenceMsOffset:]),
		Flags: le.Uint16(x[layout.HearRowFlagsOffset:])}
}

// parseHears reads the vector behind a Hello's host; one without is whole, too. What
// follows the rows is ignored.
func parseHears(body []byte, at int, h *Hears) (there bool, reason Reason) {
	pad := body[at:min((at+7)&^7, len(body))]
	if at = (at + 7) &^ 7; len(body) < at+HearHeadSize {
		return false, OK
	}
	x := body[at:]
	h.Known, h.Health = le.Uint16(x[layout.HearHeadKnownOffset:]), x[layout.HearHeadHealthOffset]
	rows := int(le.Uint16(x[layout.HearHeadRowCountOffset:]))
	if !zero(pad) || x[layout.HearHeadReserved0Offset] != 0 || le.Uint16(x[layout.HearHeadReserved1Offset:]) != 0 {
		return false, BadReserved
	}
	x = x[HearHeadSize:]
	if len(x) < rows*HearRowSize {
		return false, BadCount
	}
	h.rows = x[:rows*HearRowSize]
	return true, OK
}
