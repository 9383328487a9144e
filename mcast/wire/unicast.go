package wire

import "github.com/ringcast/ringcast/codec/layout"

// Sizes of streams from one node to one other.
const (
	UnicastDataHeadSize = layout.UnicastDataHeadSize
	UnicastAckHeadSize  = layout.UnicastAckHeadSize
	HistoryRowSize      = layout.HistoryRowSize
	// ChunkOverhead is what a chunk costs, tag included.
	ChunkOverhead = HeaderSize + UnicastDataHeadSize + TagSize
	// BackAll in UnicastAck.Back: all that is there.
	BackAll = 1<<32 - 1
	// ContentMax bounds the content of a HistoryRow.
	ContentMax = 1<<24 - 1
)

// UnicastData is a chunk of a stream.
type UnicastData struct {
	Session       uint64 // of the node that asked
	Stream, Chunk uint32
	Last          bool
	Bytes         []byte
}

// Size returns the bytes of the body.
func (u *UnicastData) Size() int { return UnicastDataHeadSize + len(u.Bytes) }

// AppendTo appends the body.
func (u *UnicastData) AppendTo(b []byte) []byte {
	b, x := grow(b, UnicastDataHeadSize)
	le.PutUint64(x[layout.UnicastDataHeadSessionOffset:], u.Session)
	le.PutUint32(x[layout.UnicastDataHeadStreamOffset:], u.Stream)
	le.PutUint32(x[layout.UnicastDataHeadChunkOffset:], u.Chunk)
	le.PutUint16(x[layout.UnicastDataHeadLengthOffset:], uint16(len(u.Bytes)))
	x[layout.UnicastDataHeadPurposeOffset] = layout.UnicastPurposeHistory
	x[layout.UnicastDataHeadFlagsOffset] = lastFlag(u.Last)
	return append(b, u.Bytes...)
}

func lastFlag(last bool) uint8 {
	if last {
		return layout.UnicastFlagLast
	}
	return 0
}

// ParseUnicastData reads the body of a UnicastData.
func ParseUnicastData(b []byte, u *UnicastData) Reason {
	if len(b) < UnicastDataHeadSize {
		return BadSize
	}
	u.Session = le.Uint64(b[layout.UnicastDataHeadSessionOffset:])
	u.Stream = le.Uint32(b[layout.UnicastDataHeadStreamOffset:])
	u.Chunk = le.Uint32(b[layout.UnicastDataHeadChunkOffset:])
	flags := b[layout.UnicastDataHeadFlagsOffset]
	u.Last = flags&layout.UnicastFlagLast != 0
	u.Bytes = b[UnicastDataHeadSize:]
	switch {
	case !zero(b[layout.UnicastDataHeadReserved0Offset:UnicastDataHeadSize]):
		return BadReserved
	case int(le.Uint16(b[layout.UnicastDataHeadLengthOffset:])) != len(u.Bytes):
		return BadCount
	case b[layout.UnicastDataHeadPurposeOffset] != layout.UnicastPurposeHistory, flags&^layout.UnicastFlagLast != 0:
		return BadRange
	case len(u.Bytes) == 0 && !u.Last:
		return BadCount
	}
	return OK
}

// UnicastAck says what was taken of a stream, and asks for it where nothing was.
type UnicastAck struct {
	Session      uint64 // of the node that sends the stream
	Mask         uint64 // bit i: chunk Next + 1 + i is here
	Stream, Next uint32
	Back         uint32
	WantVersion  uint32
	Window       uint16
	Last         bool   // no more of it is wanted
	Name         []byte // or pattern
}

// Size returns the bytes of the body.
func (u *UnicastAck) Size() int { return UnicastAckHeadSize + len(u.Name) }

// AppendTo appends the body.
func (u *UnicastAck) AppendTo(b []byte) []byte {
	b, x := grow(b, UnicastAckHeadSize)
	le.PutUint64(x[layout.UnicastAckHeadSessionOffset:], u.Session)
	le.PutUint64(x[layout.UnicastAckHeadMaskOffset:], u.Mask)
	le.PutUint32(x[layout.UnicastAckHeadStreamOffset:], u.Stream)
	le.PutUint32(x[layout.UnicastAckHeadNextOffset:], u.Next)
	le.PutUint32(x[layout.UnicastAckHeadBackOffset:], u.Back)
	le.PutUint32(x[layout.UnicastAckHeadWantVersionOffset:], u.WantVersion)
	le.PutUint16(x[layout.UnicastAckHeadWindowOffset:], u.Window)
	x[layout.UnicastAckHeadNameLengthOffset] = byte(len(u.Name))
	x[layout.UnicastAckHeadPurposeOffset] = layout.UnicastPurposeHistory
	x[layout.UnicastAckHeadFlagsOffset] = lastFlag(u.Last)
	return append(b, u.Name...)
}

// ParseUnicastAck reads the body of a UnicastAck.
func ParseUnicastAck(b []byte, u *UnicastAck) Reason {
	if len(b) < UnicastAckHeadSize {
		return BadSize
	}
	u.Session = le.Uint64(b[layout.UnicastAckHeadSessionOffset:])
	u.Mask = le.Uint64(b[layout.UnicastAckHeadMaskOffset:])
	u.Stream = le.Uint32(b[layout.UnicastAckHeadStreamOffset:])
	u.Next = le.Uint32(b[layout.UnicastAckHeadNextOffset:])
	u.Back = le.Uint32(b[layout.UnicastAckHeadBackOffset:])
	u.WantVersion = le.Uint32(b[layout.UnicastAckHeadWantVersionOffset:])
	u.Window = le.Uint16(b[layout.UnicastAckHeadWindowOffset:])
	flags := b[layout.UnicastAckHeadFlagsOffset]
	u.Last = flags&layout.UnicastFlagLast != 0
	u.Name = b[UnicastAckHeadSize:]
	switch {
	case !zero(b[layout.UnicastAckHeadReserved0Offset:UnicastAckHeadSize]):
		return BadReserved
	case b[layout.UnicastAckHeadPurposeOffset] != layout.UnicastPurposeHistory, flags&^layout.UnicastFlagLast != 0:
		return BadRange
	case int(b[layout.UnicastAckHeadNameLengthOffset]) != len(u.Name):
		return BadCount
	case len(u.Name) == 0 || len(u.Name) > NameMax:
		return BadText
	}
	return OK
}

// HistoryRow is a record of a history.
type HistoryRow struct {
	Node, Epoch, Generation uint32
	Index, Handle           uint16
	Sequence                uint64
	TimestampNs             uint64
	SchemaHash              uint32
	UserFlags               uint16
	Kind, Content           uint8
	Record                  uint8
	Block                   []byte // an AddressBlock, or nil
	Payload                 []byte // of a Topic its TopicRow
}

// Size returns what the row takes.
func (r *HistoryRow) Size() int { return HistoryRowSize + len(r.Block) + (len(r.Payload)+7)&^7 }

// AppendTo appends the row.
func (r *HistoryRow) AppendTo(b []byte) []byte {
	b, x := grow(b, HistoryRowSize)
	a := x[layout.HistoryRowAddressOffset:]
	le.PutUint32(a[layout.AddressNodeOffset:], r.Node)
	le.PutUint32(a[layout.AddressEpochOffset:], r.Epoch)
	le.PutUint32(a[layout.AddressGenerationOffset:], r.Generation)
	le.PutUint16(a[layout.AddressIndexOffset:], r.Index)
	le.PutUint16(a[layout.AddressHandleOffset:], r.Handle)
	le.PutUint64(x[layout.HistoryRowSequenceOffset:], r.Sequence)
	le.PutUint64(x[layout.HistoryRowTimestampNsOffset:], r.TimestampNs)
	le.PutUint32(x[layout.HistoryRowLengthOffset:], uint32(len(r.Payload)))
	le.PutUint32(x[layout.HistoryRowSchemaHashOffset:], r.SchemaHash)
	le.PutUint16(x[layout.HistoryRowUserFlagsOffset:], r.UserFlags)
	x[layout.HistoryRowKindOffset], x[layout.HistoryRowContentOffset] = r.Kind, r.Content
	x[layout.HistoryRowRecordOffset] = r.Record
	if r.Block != nil {
		x[layout.HistoryRowFlagsOffset] = layout.HistoryFlagAddressed
	}
	b = append(append(b, r.Block...), r.Payload...)
	b, _ = grow(b, -len(r.Payload)&7)
	return b
}

// HistoryRowSizeOf says how many bytes the row at the beginning of b takes, of which b may
// have only a part; 0: not known yet.
func HistoryRowSizeOf(b []byte) (int, Reason) {
	if len(b) < HistoryRowSize {
		return 0, OK
	}
	n := le.Uint32(b[layout.HistoryRowLengthOffset:])
	flags, record := b[layout.HistoryRowFlagsOffset], b[layout.HistoryRowRecordOffset]
	switch {
	case !zero(b[layout.HistoryRowReserved0Offset:HistoryRowSize]):
		return 0, BadReserved
	case n > ContentMax, flags&^layout.HistoryFlagAddressed != 0,
		record == layout.HistoryRecordNone || record > layout.HistoryRecordPlace,
		record != layout.HistoryRecordMessage && flags != 0,
		record == layout.HistoryRecordPlace && n != 0,
		record == layout.HistoryRecordTopic && (n < TopicRowSize || int(n) > TopicRowSize+NameMax+8):
		return 0, BadMessage
	}
	size := HistoryRowSize + (int(n)+7)&^7
	if flags&layout.HistoryFlagAddressed != 0 {
		size += BlockSize
	}
	return size, OK
}

// ParseHistoryRow reads a row that is there whole, as HistoryRowSizeOf says.
func ParseHistoryRow(b []byte, r *HistoryRow) {
	a := b[layout.HistoryRowAddressOffset:]
	r.Node = le.Uint32(a[layout.AddressNodeOffset:])
	r.Epoch = le.Uint32(a[layout.AddressEpochOffset:])
	r.Generation = le.Uint32(a[layout.AddressGenerationOffset:])
	r.Index = le.Uint16(a[layout.AddressIndexOffset:])
	r.Handle = le.Uint16(a[layout.AddressHandleOffset:])
	r.Sequence = le.Uint64(b[layout.HistoryRowSequenceOffset:])
	r.TimestampNs = le.Uint64(b[layout.HistoryRowTimestampNsOffset:])
	r.SchemaHash = le.Uint32(b[layout.HistoryRowSchemaHashOffset:])
	r.UserFlags = le.Uint16(b[layout.HistoryRowUserFlagsOffset:])
	r.Kind, r.Content = b[layout.HistoryRowKindOffset], b[layout.HistoryRowContentOffset]
	r.Record = b[layout.HistoryRowRecordOffset]
	at := HistoryRowSize
	r.Block = nil
	if b[layout.HistoryRowFlagsOffset]&layout.HistoryFlagAddressed != 0 {
		r.Block = b[at:][:BlockSize:BlockSize]
		at += BlockSize
	}
	n := int(le.Uint32(b[layout.HistoryRowLengthOffset:]))
	r.Payload = b[at:][:n:n]
}

// AppendHistoryTopic appends the row of a topic.
func AppendHistoryTopic(b []byte, t *TopicRow) []byte {
	r := HistoryRow{Record: layout.HistoryRecordTopic, Payload: appendTopicRow(nil, t)}
	return r.AppendTo(b)
}

// ParseHistoryTopic reads the content of a row Topic.
func ParseHistoryTopic(b []byte, t *TopicRow) Reason {
	if len(b) < TopicRowSize || len(b) != topicRowSize(int(b[layout.TopicRowNameLengthOffset])) {
		return BadMessage
	}
	table := Table{topics: 1, rows: b}
	table.NextTopic(t)
	if len(t.Name) == 0 || len(t.Name) > NameMax || t.Lane >= LanesMax || !zero(b[TopicRowSize+len(t.Name):]) {
		return BadMessage
	}
	return OK
}
