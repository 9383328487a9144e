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
	tables  map[tableKey]expectKey // by what the wire calls a producer
	topics  map[tableKey]string
	spans   map[expectKey]map[uint64]span // by sequence
	arrived map[*Node]map[laneKey]bool
	near    map[expectKey]uint64
}

type tableKey struct {
	node   uint32
	number uint32
}

// span is where a message lies in its lane, whole once its end was sent.
type span struct {
	lane        uint32
	first, last uint64
	whole       bool
}

func newPromptness() *promptness {
	return &promptness{tables: map[tableKey]expectKey{}, topics: map[tableKey]string{}, spans: map[expectKey]map[uint64]span{},
		arrived: map[*Node]map[laneKey]bool{}, near: map[expectKey]uint64{}}
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
		key := p.tables[tableKey{x.ID(), uint32(w.Producer)}]
		if p.spans[key] == nil {
			p.spans[key] = map[uint64]span{}
		}
		seq := p.near[key]&^(1<<32-1) | uint64(w.Sequence) // runs are short
		p.near[key] = seq
		s, begun := p.spans[key][seq]
		if !begun {
			s = span{lane: d.Lane, first: d.LaneSequence}
		}
		s.last, s.whole = d.LaneSequence, w.Flags&wire.MessageEnd != 0
		p.spans[key][seq] = s
	}
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
		p.tables[tableKey{x.ID(), uint32(r.Producer)}] = expectKey{topic: p.topics[tableKey{x.ID(), r.Topic}],
			producer: mcast.Address{Node: r.Node, Epoch: r.Epoch, Generation: r.Generation, Index: r.Index, Handle: r.Handle}}
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
	if p.arrived[x] == nil {
		p.arrived[x] = map[laneKey]bool{}
	}
	k := laneKey{node: h.Node, session: h.Session, lane: d.Lane, seq: d.LaneSequence}
	p.arrived[x][k] = true
	for key := range p.spans {
		ex := x.expect[key]
		if ex == nil || ex.fresh || key.producer.Node != h.Node {
			continue // of a fresh one the rows may still be in a hole
		}
		s, sent := p.spans[key][ex.next]
		if sent && s.whole && p.has(x, k, s) {
			x.net.violate("prompt", "node %d: %s %v sequence %d is here, lane %d..%d, and was not delivered", x.ID(), key.topic, key.producer, ex.next, s.first, s.last)
			return
		}
	}
}

func (p *promptness) has(x *Node, k laneKey, s span) bool {
	k.lane = s.lane
	for k.seq = s.first; k.seq <= s.last; k.seq++ {
		if !p.arrived[x][k] {
			return false
		}
	}
	return true
}
