package uplink

import (
	"cmp"
	"slices"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// A Message is a direct message with its address block, read and checked for its size.
type Message struct {
	Kind, Content uint8
	More          bool // the flag
	Schema        uint32
	Source        shm.Address
	Destination   shm.Address
	Correlation   uint64
	Service       uint64 // hash of the name; 0: to Destination
	Left          time.Duration
	Code          uint32
	Hops          uint32
	Sequence      uint64        // of the stream that it came by; 0: it is of this node
	SentAt        time.Duration // on the way between nodes: by the clock of who sent it
	Payload       []byte        // lent until the call that has it returns
}

// Codes of messages of kind System; spec/messaging.md, 13.
const (
	CodeCancel uint32 = 1
	CodeCredit uint32 = 2
)

// Codes of messages of kind Error; spec/messaging.md, 9.
const (
	codeNoService       uint32 = 1
	codeOverloaded      uint32 = 2
	codeInstanceDied    uint32 = 3
	codeNodeDown        uint32 = 4
	codeDeadline        uint32 = 5
	codeGone            uint32 = 9
	codeRequestTooLarge uint32 = 10
)

// An Outcome says what became of a message that was to be put into a ring.
type Outcome uint8

// The outcomes.
const (
	Put Outcome = iota
	Gone
	NoService // no instance, or no inbox
	Full
	TooLarge
)

// code is the outcome as the sender of a request is told.
func (o Outcome) code() uint32 {
	return [...]uint32{0, codeGone, codeNoService, codeOverloaded, codeRequestTooLarge}[o]
}

// request reports whether it is one that waits for an answer.
func (m *Message) request() bool { return m.Kind == layout.MessageKindRequest }

// oneWay reports whether it is a message that nobody answers.
func (m *Message) oneWay() bool { return m.Kind == layout.MessageKindData }

// answer reports whether it answers a request.
func (m *Message) answer() bool {
	return m.Kind == layout.MessageKindReply || m.Kind == layout.MessageKindError
}

// last reports whether it is an answer behind which none comes.
func (m *Message) last() bool { return m.answer() && !(m.More && m.Kind == layout.MessageKindReply) }

// refuses reports whether it says that a request has not run, and that another node may.
func (m *Message) refuses() bool {
	return m.Kind == kindError && (m.Code == codeNoService || m.Code == codeOverloaded)
}

// control reports whether it is a cancel or credit.
func (m *Message) control() bool { return m.Kind == layout.MessageKindSystem }

// clone copies it with its payload.
func (m *Message) clone() Message {
	c := *m
	c.Payload = slices.Clone(m.Payload)
	return c
}

// key is the request that the message is, or that it answers.
func (m *Message) key() key {
	if m.answer() {
		return key{m.Destination, m.Correlation}
	}
	return key{m.Source, m.Correlation}
}

// A key names a request for ever: a caller uses no correlation twice.
type key struct {
	source      shm.Address
	correlation uint64
}

// compare orders keys: what is done to several requests is done in that order, so that nothing depends on a map.
func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.source.Node, o.source.Node), cmp.Compare(k.source.Epoch, o.source.Epoch), cmp.Compare(k.source.Index, o.source.Index),
		cmp.Compare(k.source.Generation, o.source.Generation), cmp.Compare(k.correlation, o.correlation))
}

// keysOf are the requests of a table that are of that sort, in order.
func keysOf[C any](table map[key]C, of func(key, C) bool) (keys []key) {
	for k, c := range table {
		if of(k, c) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, key.compare)
	return keys
}
