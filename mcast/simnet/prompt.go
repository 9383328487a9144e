package simnet

import (
	"github.com/pierrec/lz4/v4"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

// promptness holds the invariant prompt: a node that has all datagrams of a message
// delivers it at once, if it has nothing to wait for of the same topic and producer.
// It knows from the datagrams what was sent, and shares no code with the receiver.
// Nodes must not be restarted, and must have joined before they publish.
type promptness struct {
	tables  map[tableKey]*sentStream // by what the wire calls a producer
	topics  map[tableKey]string
	streams map[uint32][]*sentStream // by node
	arrived map[arrivedKey][]bool    // by lane sequence
}

// sentStream is what was sent of a producer.
type sentStream struct {
	key   expectKey
	near  uint64
	spans []span // by sequence
}

type arrivedKey struct {
	to         *Node
	node, lane uint32
}

type tableKey struct {
	node   uint32
	number uint32
}

// span is where a message lies in its lane, whole once its end was sent.
type span struct {
	lane        uint32
	first, last uint64
	begun       bool
	whole       bool
}

func newPromptness() *promptness {
	return &promptness{tables: map[tableKey]*sentStream{}, topics: map[tableKey]string{}, streams: map[uint32][]*sentStream{},
		arrived: map[arrivedKey][]bool{}}
}

func unfold(frame []byte, d *wire.Data) []byte {
	if wire.FlagsOf(frame)&wire.FlagLz4 == 0 {
		return d.Body
	}
	raw := make([]byte, d.RawLength)
	n, err := lz4.UncompressBlock(d.Body, raw)
	if err != nil {
		panic(err) // the engine made it
	}
	return raw[:n]
}

// sent notes what a new datagram of a node bears.
func (p *promptness) sent(x *Node, frame []byte, d *wire.Data) {
	if p == nil {
		return
	}
	var w wire.Message
	for raw := unfold(frame, d); len(raw) != 0; {
		raw = wire.NextMessage(raw, &w)
		if w.Topic == 0 {
			p.rows(x, w.Payload)
			continue
		}
		p.tables[tableKey{x.ID(), uint32(w.Producer)}].sent(&w, d)
	}
}

func (s *sentStream) sent(w *wire.Message, d *wire.Data) {
	s.near = s.near&^(1<<32-1) | uint64(w.Sequence) // runs are short
	for uint64(len(s.spans)) <= s.near {
		s.spans = append(s.spans, span{})
	}
	m := &s.spans[s.near]
	if !m.begun {
		*m = span{begun: true, lane: d.Lane, first: d.LaneSequence}
	}
	m.last, m.whole = d.LaneSequence, w.Flags&wire.MessageEnd != 0
}

func (p *promptness) rows(x *Node, payload []byte) {
	var t wire.Table
	wire.ParseTable(payload, &t)
	var topic wire.TopicRow
	for t.NextTopic(&topic) {
		p.topics[tableKey{x.ID(), topic.Topic}] = string(topic.Name)
	}
	var r wire.ProducerRow
	for t.NextProducer(&r) {
		k := tableKey{x.ID(), uint32(r.Producer)}
		if p.tables[k] != nil {
			continue
		}
		p.tables[k] = &sentStream{key: expectKey{topic: p.topics[tableKey{x.ID(), r.Topic}],
			producer: mcast.Address{Node: r.Node, Epoch: r.Epoch, Generation: r.Generation, Index: r.Index, Handle: r.Handle}}}
		p.streams[x.ID()] = append(p.streams[x.ID()], p.tables[k])
	}
}

// came checks a node after it took a datagram.
func (p *promptness) came(x *Node, frame []byte) {
	if p == nil || wire.TypeOf(frame) != wire.TypeData {
		return
	}
	var d wire.Data
	var h wire.Header
	if wire.ParseHeader(frame, 0xd0, &h) != wire.OK || wire.ParseData(frame[wire.HeaderSize:], h.Flags, &d) != wire.OK {
		return
	}
	k := arrivedKey{to: x, node: h.Node, lane: d.Lane}
	list := p.arrived[k]
	for uint64(len(list)) <= d.LaneSequence {
		list = append(list, false)
	}
	list[d.LaneSequence] = true
	p.arrived[k] = list
	for _, s := range p.streams[h.Node] {
		ex := x.expect[s.key]
		if ex == nil || ex.fresh || ex.next >= uint64(len(s.spans)) {
			continue // of a fresh one the rows may still be in a hole
		}
		if m := &s.spans[ex.next]; m.whole && p.has(x, h.Node, m) {
			x.net.violate("prompt", "node %d: %s %v sequence %d is here, lane %d..%d, and was not delivered", x.ID(), s.key.topic, s.key.producer, ex.next, m.first, m.last)
			return
		}
	}
}

func (p *promptness) has(x *Node, node uint32, m *span) bool {
	list := p.arrived[arrivedKey{to: x, node: node, lane: m.lane}]
	if uint64(len(list)) <= m.last {
		return false
	}
	for seq := m.first; seq <= m.last; seq++ {
		if !list[seq] {
			return false
		}
	}
	return true
}
