package wire

import "github.com/ringcast/ringcast/codec/layout"

// Sizes of Setup and of the table's rows.
const (
	SetupHeadSize   = layout.SetupHeadSize
	TableHeadSize   = layout.TableHeadSize
	LaneRowSize     = layout.LaneRowSize
	TopicRowSize    = layout.TopicRowSize
	ProducerRowSize = layout.ProducerRowSize
	// LanesMax bounds the lanes of a node.
	LanesMax = 8
)

// Setup is one part of a snapshot of a node's lanes, topics and producers.
type Setup struct {
	TableVersion uint32
	Snapshot     uint32
	Part, Parts  uint16
	lanes        []byte
	Table
}

// Table is rows of topics and producers, in a Setup or in a message of topic 0.
type Table struct {
	topics, producers int
	rows              []byte // topics, then producers
}

// LaneRow describes a lane.
type LaneRow struct {
	Next, Trail  uint64
	Lane, Window uint32
	Class        uint8
}

// TopicRow describes a topic.
type TopicRow struct {
	Topic, Lane                     uint32
	SlotCount, SlotPayload, History uint32
	Mode, Kind, Purpose             uint8
	Name                            []byte
}

// ProducerRow describes a producer within a topic.
type ProducerRow struct {
	Node, Epoch, Generation uint32
	Index, Handle           uint16
	First, Last, FirstLane  uint64
	Topic                   uint32
	Producer                uint16
}

// Size returns the bytes of the body.
func (s *Setup) Size() int { return SetupHeadSize + len(s.lanes) + len(s.rows) }

// AppendTo appends the body with the rows it was parsed with. To build one: an
// empty Setup, then AppendLane, AppendTopic and AppendProducer in this order.
func (s *Setup) AppendTo(b []byte) []byte {
	b, x := grow(b, SetupHeadSize)
	le.PutUint32(x[layout.SetupHeadTableVersionOffset:], s.TableVersion)
	le.PutUint32(x[layout.SetupHeadSnapshotOffset:], s.Snapshot)
	le.PutUint16(x[layout.SetupHeadPartOffset:], s.Part)
	le.PutUint16(x[layout.SetupHeadPartsOffset:], s.Parts)
	le.PutUint16(x[layout.SetupHeadLaneCountOffset:], uint16(s.Lanes()))
	le.PutUint16(x[layout.SetupHeadTopicCountOffset:], uint16(s.topics))
	le.PutUint16(x[layout.SetupHeadProducerCountOffset:], uint16(s.producers))
	return append(append(b, s.lanes...), s.rows...)
}

// SetParts corrects the number of parts in a finished Setup frame.
func SetParts(frame []byte, parts uint16) {
	le.PutUint16(frame[HeaderSize+layout.SetupHeadPartsOffset:], parts)
}

func bump(b []byte) { le.PutUint16(b, le.Uint16(b)+1) }

// AppendLane appends a lane to a Setup frame without topics and producers.
func AppendLane(frame []byte, r *LaneRow) []byte {
	frame, x := grow(frame, LaneRowSize)
	le.PutUint64(x[layout.LaneRowNextOffset:], r.Next)
	le.PutUint64(x[layout.LaneRowTrailOffset:], r.Trail)
	le.PutUint32(x[layout.LaneRowLaneOffset:], r.Lane)
	le.PutUint32(x[layout.LaneRowWindowOffset:], r.Window)
	x[layout.LaneRowClassOffset] = r.Class
	bump(frame[HeaderSize+layout.SetupHeadLaneCountOffset:])
	return frame
}

// AppendTopic appends a topic to a Setup frame without producers.
func AppendTopic(frame []byte, r *TopicRow) []byte {
	bump(frame[HeaderSize+layout.SetupHeadTopicCountOffset:])
	return appendTopicRow(frame, r)
}

// AppendProducer appends a producer to a Setup frame.
func AppendProducer(frame []byte, r *ProducerRow) []byte {
	bump(frame[HeaderSize+layout.SetupHeadProducerCountOffset:])
	return appendProducerRow(frame, r)
}

// AppendTable appends the payload of a message of topic 0 with at most one row of each kind.
func AppendTable(b []byte, topic *TopicRow, producer *ProducerRow) []byte {
	b, x := grow(b, TableHeadSize)
	if topic != nil {
		le.PutUint16(x[layout.TableHeadTopicCountOffset:], 1)
	}
	if producer != nil {
		le.PutUint16(x[layout.TableHeadProducerCountOffset:], 1)
	}
	if topic != nil {
		b = appendTopicRow(b, topic)
	}
	if producer != nil {
		b = appendProducerRow(b, producer)
	}
	return b
}

// Size returns what the row takes.
func (r *TopicRow) Size() int { return topicRowSize(len(r.Name)) }

func topicRowSize(name int) int { return TopicRowSize + (name+7)&^7 }

func appendTopicRow(b []byte, r *TopicRow) []byte {
	b, x := grow(b, r.Size())
	le.PutUint32(x[layout.TopicRowTopicOffset:], r.Topic)
	le.PutUint32(x[layout.TopicRowLaneOffset:], r.Lane)
	le.PutUint32(x[layout.TopicRowSlotCountOffset:], r.SlotCount)
	le.PutUint32(x[layout.TopicRowSlotPayloadOffset:], r.SlotPayload)
	le.PutUint32(x[layout.TopicRowHistoryOffset:], r.History)
	x[layout.TopicRowModeOffset] = r.Mode
	x[layout.TopicRowKindOffset] = r.Kind
	x[layout.TopicRowPurposeOffset] = r.Purpose
	x[layout.TopicRowNameLengthOffset] = byte(len(r.Name))
	copy(x[TopicRowSize:], r.Name)
	return b
}

func appendProducerRow(b []byte, r *ProducerRow) []byte {
	b, x := grow(b, ProducerRowSize)
	a := x[layout.ProducerRowAddressOffset:]
	le.PutUint32(a[layout.AddressNodeOffset:], r.Node)
	le.PutUint32(a[layout.AddressEpochOffset:], r.Epoch)
	le.PutUint32(a[layout.AddressGenerationOffset:], r.Generation)
	le.PutUint16(a[layout.AddressIndexOffset:], r.Index)
	le.PutUint16(a[layout.AddressHandleOffset:], r.Handle)
	le.PutUint64(x[layout.ProducerRowFirstOffset:], r.First)
	le.PutUint64(x[layout.ProducerRowLastOffset:], r.Last)
	le.PutUint64(x[layout.ProducerRowFirstLaneOffset:], r.FirstLane)
	le.PutUint32(x[layout.ProducerRowTopicOffset:], r.Topic)
	le.PutUint16(x[layout.ProducerRowProducerOffset:], r.Producer)
	return b
}

// Lanes returns how many lanes there are.
func (s *Setup) Lanes() int { return len(s.lanes) / LaneRowSize }

// Lane returns one of them.
func (s *Setup) Lane(i int) (r LaneRow) {
	x := s.lanes[i*LaneRowSize:]
	r.Next = le.Uint64(x[layout.LaneRowNextOffset:])
	r.Trail = le.Uint64(x[layout.LaneRowTrailOffset:])
	r.Lane = le.Uint32(x[layout.LaneRowLaneOffset:])
	r.Window = le.Uint32(x[layout.LaneRowWindowOffset:])
	r.Class = x[layout.LaneRowClassOffset]
	return r
}

// NextTopic takes the first topic off the table; ok is false after the last one.
func (t *Table) NextTopic(r *TopicRow) (ok bool) {
	if t.topics == 0 {
		return false
	}
	x := t.rows
	r.Topic = le.Uint32(x[layout.TopicRowTopicOffset:])
	r.Lane = le.Uint32(x[layout.TopicRowLaneOffset:])
	r.SlotCount = le.Uint32(x[layout.TopicRowSlotCountOffset:])
	r.SlotPayload = le.Uint32(x[layout.TopicRowSlotPayloadOffset:])
	r.History = le.Uint32(x[layout.TopicRowHistoryOffset:])
	r.Mode = x[layout.TopicRowModeOffset]
	r.Kind = x[layout.TopicRowKindOffset]
	r.Purpose = x[layout.TopicRowPurposeOffset]
	end := TopicRowSize + int(x[layout.TopicRowNameLengthOffset])
	r.Name = x[TopicRowSize:end:end]
	t.rows = x[r.Size():]
	t.topics--
	return true
}

// NextProducer takes the first producer off the table, after all topics.
func (t *Table) NextProducer(r *ProducerRow) (ok bool) {
	if t.topics != 0 || t.producers == 0 {
		return false
	}
	x := t.rows
	a := x[layout.ProducerRowAddressOffset:]
	r.Node = le.Uint32(a[layout.AddressNodeOffset:])
	r.Epoch = le.Uint32(a[layout.AddressEpochOffset:])
	r.Generation = le.Uint32(a[layout.AddressGenerationOffset:])
	r.Index = le.Uint16(a[layout.AddressIndexOffset:])
	r.Handle = le.Uint16(a[layout.AddressHandleOffset:])
	r.First = le.Uint64(x[layout.ProducerRowFirstOffset:])
	r.Last = le.Uint64(x[layout.ProducerRowLastOffset:])
	r.FirstLane = le.Uint64(x[layout.ProducerRowFirstLaneOffset:])
	r.Topic = le.Uint32(x[layout.ProducerRowTopicOffset:])
	r.Producer = le.Uint16(x[layout.ProducerRowProducerOffset:])
	t.rows = x[ProducerRowSize:]
	t.producers--
	return true
}

// ParseSetup reads the body of a Setup; all its rows are checked.
func ParseSetup(b []byte, s *Setup) Reason {
	if len(b) < SetupHeadSize {
		return BadSize
	}
	s.TableVersion = le.Uint32(b[layout.SetupHeadTableVersionOffset:])
	s.Snapshot = le.Uint32(b[layout.SetupHeadSnapshotOffset:])
	s.Part = le.Uint16(b[layout.SetupHeadPartOffset:])
	s.Parts = le.Uint16(b[layout.SetupHeadPartsOffset:])
	lanes := int(le.Uint16(b[layout.SetupHeadLaneCountOffset:]))
	s.topics = int(le.Uint16(b[layout.SetupHeadTopicCountOffset:]))
	s.producers = int(le.Uint16(b[layout.SetupHeadProducerCountOffset:]))
	switch {
	case !zero(b[layout.SetupHeadReserved0Offset:SetupHeadSize]):
		return BadReserved
	case s.Part >= s.Parts || s.Parts > PartsMax:
		return BadRange
	case lanes > LanesMax || len(b) < SetupHeadSize+lanes*LaneRowSize:
		return BadCount
	}
	end := SetupHeadSize + lanes*LaneRowSize
	s.lanes, s.rows = b[SetupHeadSize:end:end], b[end:]
	for i := range lanes {
		if r := s.checkLane(i); r != OK {
			return r
		}
	}
	return s.check()
}

func (s *Setup) checkLane(i int) Reason {
	r := s.Lane(i)
	switch {
	case !zero(s.lanes[i*LaneRowSize+layout.LaneRowReserved0Offset : (i+1)*LaneRowSize]):
		return BadReserved
	case r.Lane >= LanesMax || r.Class == layout.LaneClassNone || r.Class > layout.LaneClassLive:
		return BadLane
	case r.Trail > r.Next || r.Next > SequenceMax || r.Window == 0 || r.Next-r.Trail > uint64(r.Window):
		return BadRange
	}
	return OK
}

// ParseTable reads the payload of a message of topic 0.
func ParseTable(b []byte, t *Table) Reason {
	if len(b) < TableHeadSize {
		return BadSize
	}
	t.topics = int(le.Uint16(b[layout.TableHeadTopicCountOffset:]))
	t.producers = int(le.Uint16(b[layout.TableHeadProducerCountOffset:]))
	if le.Uint32(b[layout.TableHeadReserved0Offset:]) != 0 {
		return BadReserved
	}
	t.rows = b[TableHeadSize:]
	return t.check()
}

// check walks all rows; what it approves NextTopic and NextProducer may read.
func (t *Table) check() Reason {
	rest := t.rows
	for range t.topics {
		if len(rest) < TopicRowSize {
			return BadCount
		}
		name := int(rest[layout.TopicRowNameLengthOffset])
		size := topicRowSize(name)
		if len(rest) < size {
			return BadCount
		}
		if name == 0 || name > NameMax || !zero(rest[TopicRowSize+name:size]) {
			return BadText
		}
		if le.Uint32(rest[layout.TopicRowTopicOffset:]) == 0 || le.Uint32(rest[layout.TopicRowLaneOffset:]) >= LanesMax {
			return BadLane
		}
		rest = rest[size:]
	}
	if len(rest) != t.producers*ProducerRowSize {
		return BadCount
	}
	for range t.producers {
		if r := checkProducer(rest); r != OK {
			return r
		}
		rest = rest[ProducerRowSize:]
	}
	return OK
}

func checkProducer(x []byte) Reason {
	if le.Uint16(x[layout.ProducerRowReserved0Offset:]) != 0 {
		return BadReserved
	}
	if le.Uint16(x[layout.ProducerRowProducerOffset:]) == 0 || le.Uint32(x[layout.ProducerRowTopicOffset:]) == 0 ||
		le.Uint64(x[layout.ProducerRowFirstLaneOffset:]) > SequenceMax {
		return BadRange
	}
	return OK
}
