package ringcast

import (
	"context"

	"github.com/ringcast/ringcast/codec/fields"
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// What the bytes of a payload are, by Message.Content.
const (
	ContentRaw        = layout.ContentRaw
	ContentFields     = layout.ContentFields
	ContentFlatBuffer = layout.ContentFlatBuffer
)

// Marks say what the bytes of a payload are. The zero value is raw bytes. Nobody compares
// them with the payload: it is as its sender says.
type Marks struct {
	// Content is ContentRaw, ContentFields or ContentFlatBuffer.
	Content uint8
	// Schema is the low half of the hash of a FlatBuffer's schema; 0 if unknown.
	Schema uint32
}

// Fielded are the marks of a payload that AppendFields has made.
var Fielded = Marks{Content: ContentFields}

// ErrBadFields means that a payload of content fields is malformed.
var ErrBadFields = fields.ErrMalformed

// AppendFields appends a list of byte strings to dst as a payload of content fields, and
// returns the longer slice.
func AppendFields(dst []byte, list ...[]byte) []byte { return fields.Append(dst, list...) }

// ParseFields returns the byte strings of a payload of content fields. They lie in the
// payload, and are valid as long as it is. Errors: ErrBadFields. It allocates the list.
func ParseFields(payload []byte) ([][]byte, error) { return fields.Parse(payload) }

// fieldsOf are the fields of a payload of any content: one, where it is not of fields.
func fieldsOf(content uint8, payload []byte) ([][]byte, error) {
	if content == ContentFields {
		return fields.Parse(payload)
	}
	return [][]byte{payload}, nil
}

// Fields are the payload's byte strings: of a message that is not of content fields the
// payload is the only one. They are valid as long as Payload is. Errors: ErrBadFields. It
// allocates the list.
func (m *Message) Fields() ([][]byte, error) { return fieldsOf(m.Content(), m.Payload()) }

// Fields are the payload's byte strings, as Message.Fields.
func (r *Request) Fields() ([][]byte, error) { return fieldsOf(r.Content(), r.Payload()) }

// Fields are the payload's byte strings, as Message.Fields.
func (r *Reply) Fields() ([][]byte, error) { return fieldsOf(r.Content(), r.Payload()) }

// put marks what is to be sent.
func (m Marks) put(meta *ring.Meta) { meta.Content, meta.Schema = m.Content, m.Schema }

// PublishMarked is Publish of a payload with marks of its own, in the place of
// PublisherConfig.Schema.
func (p *Publisher) PublishMarked(ctx context.Context, payload []byte, marks Marks) error {
	if err := p.take(ctx); err != nil {
		return err
	}
	p.stamp()
	marks.put(&p.meta)
	err := p.producer.TryPublish(payload, &p.meta)
	if err != nil {
		err = p.publishAgain(ctx, payload, err)
	}
	Marks{Schema: p.config.Schema}.put(&p.meta)
	p.free()
	return err
}

// ReplyMarked is Reply with a payload that has marks.
func (r *Request) ReplyMarked(payload []byte, marks Marks) error {
	return r.reply(letter{kind: layout.MessageKindReply, payload: payload, marks: marks})
}

// MoreMarked is More with a payload that has marks.
func (r *Request) MoreMarked(payload []byte, marks Marks) error {
	return r.more(letter{kind: layout.MessageKindReply, flags: layout.MessageFlagMore, payload: payload, marks: marks})
}

// ReplyMarked is Reply with a payload that has marks.
func (m *Message) ReplyMarked(payload []byte, marks Marks) error {
	return m.answer(letter{kind: layout.MessageKindReply, payload: payload, marks: marks})
}
