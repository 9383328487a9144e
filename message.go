package ringcast

import (
	"bytes"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// An Address names a participant of the domain, or one of its publishers. It is valid on
// every node and never used again. Its text form is n7-1f03.12.5:1. It is a comparable
// value.
type Address = shm.Address

// A Message is one message as a subscription sees it. It lies in the ring, or in memory of
// the subscription if it came in pieces or was copied. It is valid until the subscription's
// next call, turn of the loop, or Close; Clone keeps it. Its methods neither block nor
// allocate unless they say so. It belongs to the goroutine that reads the subscription.
type Message struct {
	raw ring.Message // its tag is the source
}

// source is where it was read; the zero Message and a clone have none that is open.
func (m *Message) source() *source {
	if m.raw.Tag == nil {
		return &nowhere
	}
	return m.raw.Tag.Value.(*source)
}

// nowhere is the source of the zero Message.
var nowhere source

// Payload returns the message's bytes. Do not write to them: the ring is mapped for
// reading, and other subscriptions see the same bytes.
func (m *Message) Payload() []byte { return m.raw.Payload }

// Topic returns the message's topic.
func (m *Message) Topic() string { return m.source().topic }

// Subscription returns the subscription it came from; see Bus.Merge.
func (m *Message) Subscription() *Subscription { return m.source().subscription }

// Source returns the publisher's address, on whatever node.
func (m *Message) Source() Address { return m.raw.Producer }

// Sequence returns the number its publisher gave it: from 1, without a gap.
func (m *Message) Sequence() uint64 { return m.raw.Sequence }

// Time returns when it was published, by the publisher's wall clock; zero if the publisher
// does not say (PublisherConfig.Timestamps).
func (m *Message) Time() time.Time {
	if m.raw.Flags&layout.MessageFlagTimestamped == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(m.raw.TimestampNs))
}

// TimestampNs returns Time in nanoseconds since 1970; 0 if the publisher does not say.
func (m *Message) TimestampNs() uint64 {
	if m.raw.Flags&layout.MessageFlagTimestamped == 0 {
		return 0
	}
	return m.raw.TimestampNs
}

// Kind returns its layout.MessageKind: data, or a request, reply or error where those are
// sent by topic.
func (m *Message) Kind() uint8 { return m.raw.Kind }

// Content says how to read the payload: ContentRaw, ContentFields or ContentFlatBuffer.
func (m *Message) Content() uint8 { return m.raw.Content }

// Schema returns the low half of the hash of a FlatBuffer's schema; 0 if unknown.
func (m *Message) Schema() uint32 { return m.raw.Schema }

// Remote reports whether it came from another node.
func (m *Message) Remote() bool { return m.raw.Flags&layout.MessageFlagRemote != 0 }

// Position returns its position in the topic's ring on this node; for tools.
func (m *Message) Position() uint64 { return m.raw.Position }

// Done says that a message of a queue group was handled: if the process dies afterwards,
// nobody is told. Do not touch the message afterwards. The subscription's next call does
// the same. Outside groups Done does nothing. It costs one locked instruction.
func (m *Message) Done() {
	if member := m.source().member; member != nil {
		member.Done()
	}
}

// Clone allocates a copy that stays valid and is in nobody's hand.
func (m *Message) Clone() *Message {
	c, from := *m, m.source()
	c.raw.Tag = newSource(from.subscription, from.topic, nil).tag
	c.raw.Payload = bytes.Clone(m.raw.Payload)
	c.raw.Block = bytes.Clone(m.raw.Block)
	return &c
}
