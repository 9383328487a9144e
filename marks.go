package ringcast

import (
	"context"

	"github.com/ringcast/ringcast/codec/fields"
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// Contents of a payload, as Message.Content returns them.
const (
	ContentRaw        = layout.ContentRaw
	ContentFields     = layout.ContentFields
	ContentFlatBuffer = layout.ContentFlatBuffer
)

// Marks say what the bytes of a payload are. The zero value means raw bytes. Nobody checks
// them against the payload.
type Marks struct {
	// Content is ContentRaw, ContentFields or ContentFlatBuffer.
	Content uint8
	// Schema is the low half of the hash of a FlatBuffer's schema; 0 if unknown.
	Schema uint32
}

// Fielded are the marks of a payload made by AppendFields.
var Fielded = Marks{Content: ContentFields}

// ErrBadFields means that a payload of content fields is malformed.
var ErrBadFields = fields.ErrMalformed

// AppendFields appends a list of byte strings to dst as a payload of content fields, and
// returns the extended slice.
func AppendFields(dst []byte, list ...[]byte) []byte { return fields.Append(dst, list...) }

// ParseFields returns the byte strings of a payload of content fields. They lie in the
// payload and are valid as long as it is. It allocates the list. Errors: ErrBadFields.
func ParseFields(payload []byte) ([][]byte, error) { return fields.Parse(payload) }

// fieldsOf are the fields of a payload of any content: one, where it is not of fields.
func fieldsOf(content uint8, payload []byte) ([][]byte, error) {
	if content == ContentFields {
		return fields.Parse(payload)
	}
	return [][]byte{payload}, nil
}

// Fields returns the payload's byte strings. If the message is not of content fields, the
// payload is the only one. They are valid as long as Payload is. It allocates the list.
// Errors: ErrBadFields.
func (m *Message) Fields() ([][]byte, error) { return fieldsOf(m.Content(), m.Payload()) }

// Fields returns the payload's byte strings, as Message.Fields does.
func (r *Request) Fields() ([][]byte, error) { return fieldsOf(r.Content(), r.Payload()) }

// Fields returns the payload's byte strings, as Message.Fields does.
func (r *Reply) Fields() ([][]byte, error) { return fieldsOf(r.Content(), r.Payload()) }

// put marks what is to be sent.
func (m Marks) put(meta *ring.Meta) { meta.Content, meta.Schema = m.Content, m.Schema }

// PublishMarked is Publish of a payload with marks of its own, instead of
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
