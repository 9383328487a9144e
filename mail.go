package ringcast

import (
	"context"
	"fmt"
	"iter"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// Inbox iterates over what others send to this process's address: messages of Send, and
// requests of RequestTo, which Message.Reply answers. It waits in between, until the
// context ends, whose error is the last. Messages and events are those of
// Subscription.Messages.
//
// The first call makes the inbox. From then on it takes what comes, also between two loops.
// What nobody reads stays; the sender to a full inbox is told. One goroutine at a time
// reads it.
func (b *Bus) Inbox(ctx context.Context) iter.Seq2[*Message, error] {
	mail, err := b.Mail()
	if err != nil {
		return func(yield func(*Message, error) bool) { yield(nil, err) }
	}
	return mail.Messages(ctx)
}

// Mail returns the inbox as a subscription, to be read in other ways or together with
// topics (Merge). Every call returns the same one. Closing it closes the inbox until the
// next call. Errors: ErrClosed, those of opening.
func (b *Bus) Mail() (*Subscription, error) {
	p, err := b.enterPost()
	if err != nil {
		return nil, err
	}
	defer p.leave()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mail != nil && !p.mail.wait.closing.Load() {
		return p.mail, nil
	}
	s := &Subscription{bus: b, pattern: mailName, mail: true}
	if err := s.begin(); err != nil {
		return nil, err
	}
	b.self.SetInbox(true)
	p.mail = s
	return s, nil
}

// mailName is what an inbox is called where a topic's name stands.
const mailName = "$inbox"

// openMail opens the ring of our own mail, or makes it.
func (b *Bus) openMail() (*ring.File, error) {
	o := ring.FileOptions{Memory: b.config.Memory, Shape: b.config.inboxShape(inboxSlots)}
	f, err := ring.OpenFile(b.inboxPath(b.self.Address(), mailRing), b.host, o)
	if err != nil {
		return nil, fmt.Errorf("inbox: %w", err)
	}
	return f, nil
}

// addressed reports whether mail is for us, and a request's time is not over.
func (b *Bus) addressed(m *ring.Message) bool {
	h, ok := readHeading(m.Block)
	if !ok || h.destination != b.self.Address() {
		return false
	}
	return m.Kind == layout.MessageKindData || m.Kind == layout.MessageKindRequest && h.remaining(ring.Now()) > 0
}

// From returns the address of the sender of a direct message, a request or a survey, to
// which one can answer. For any other message it is Source without its handle.
func (m *Message) From() Address {
	if h, ok := readHeading(m.raw.Block); ok {
		return h.source
	}
	return m.raw.Producer.Participant()
}

// IsRequest reports whether the message waits for an answer (Reply).
func (m *Message) IsRequest() bool {
	return m.raw.Kind == layout.MessageKindRequest && len(m.raw.Block) >= layout.AddressBlockSize
}

// Reply answers a request in the inbox, or a survey on a topic. The answer may come later,
// on a Clone. Reply neither waits nor allocates. It is no error if the sender is gone or
// has given up.
//
// Errors: ErrNotAddressed; *TooLargeError, and the sender gets ErrReplyTooLarge; ErrClosed.
func (m *Message) Reply(payload []byte) error {
	return m.ReplyMarked(payload, Marks{})
}

// Fail answers with an error, which the sender gets as a *ReplyError with that code.
// Errors: those of Reply.
func (m *Message) Fail(code uint32, text string) error {
	code = codeApplication + min(code, ^uint32(0)-codeApplication)
	l := letter{kind: layout.MessageKindError, payload: []byte(text)}
	l.heading.code = code
	return m.answer(l)
}

func (m *Message) answer(l letter) error {
	h, _ := readHeading(m.raw.Block)
	from := m.source().subscription
	if !m.IsRequest() || from == nil {
		return ErrNotAddressed
	}
	p, err := from.bus.enterPost()
	if err != nil {
		return err
	}
	defer p.leave()
	l.heading.correlation = h.correlation
	err = p.send(h.source, repliesRing, &l)
	if isTooLarge(err) {
		tell := letter{kind: layout.MessageKindError}
		tell.heading.correlation, tell.heading.code = h.correlation, codeTooLarge
		_ = p.send(h.source, repliesRing, &tell)
		return err
	}
	return nil
}
