package ringcast

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// wantFields checks a list of fields and the marks that came with it.
func wantFields(t *testing.T, m interface {
	Content() uint8
	Fields() ([][]byte, error)
}, content uint8, want ...string) {
	t.Helper()
	list, err := m.Fields()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range list {
		got = append(got, string(f))
	}
	if m.Content() != content || !slices.Equal(got, want) {
		t.Fatalf("content %d, fields %q, want %d, %q", m.Content(), got, content, want)
	}
}

func fieldsFor(list ...string) []byte {
	var b []byte
	for _, f := range list {
		b = AppendFields(b, []byte(f))
	}
	return b
}

// TestPublishMarked: the marks are those of the one message, whatever its publisher's are.
func TestPublishMarked(t *testing.T) {
	ctx := within(t, time.Minute)
	b := openBus(t, t.TempDir())
	sub := subscribe(t, b, "a", nil)
	pub := publisher(t, b, "a", &PublisherConfig{Schema: 7})
	large := bytes.Repeat([]byte("x"), 10_000) // goes in pieces
	for _, payload := range [][]byte{fieldsFor("one", "", "two"), fieldsFor(), fieldsFor(string(large), "y")} {
		if err := pub.PublishMarked(ctx, payload, Fielded); err != nil {
			t.Fatal(err)
		}
	}
	if err := pub.Publish(ctx, []byte("raw")); err != nil {
		t.Fatal(err)
	}
	if err := pub.PublishMarked(ctx, []byte("\x01\x00"), Marks{ContentFields, 9}); err != nil {
		t.Fatal(err)
	}
	wantFields(t, next(t, ctx, sub), ContentFields, "one", "", "two")
	wantFields(t, next(t, ctx, sub), ContentFields)
	wantFields(t, next(t, ctx, sub), ContentFields, string(large), "y")
	m := next(t, ctx, sub)
	if wantFields(t, m, ContentRaw, "raw"); m.Schema() != 7 {
		t.Errorf("schema %d after a message with marks of its own, want the publisher's", m.Schema())
	}
	m = next(t, ctx, sub)
	if list, err := m.Fields(); !errors.Is(err, ErrBadFields) || list != nil || m.Schema() != 9 {
		t.Errorf("malformed fields: %q, %v, schema %d", list, err, m.Schema())
	}
}

// TestRequestMarks: requests, replies and streams carry what their senders say.
func TestRequestMarks(t *testing.T) {
	ctx := within(t, time.Minute)
	b := openBus(t, t.TempDir())
	serve(t, b, "s", func(_ context.Context, r *Request) error {
		list, err := r.Fields()
		if err != nil || r.Content() == ContentRaw {
			return r.Reply(r.Payload())
		}
		slices.Reverse(list)
		if r.Streams() {
			if err := r.MoreMarked(AppendFields(nil, list...), Fielded); err != nil {
				return err
			}
		}
		return r.ReplyMarked(AppendFields(nil, list...), Marks{ContentFields, 3})
	}, nil)
	c, err := b.Client("s", &ClientConfig{Marks: Fielded})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Request(ctx, fieldsFor("a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if wantFields(t, r, ContentFields, "b", "a"); r.Schema() != 3 {
		t.Errorf("schema %d", r.Schema())
	}
	replies := 0
	for r, err := range c.RequestStream(ctx, fieldsFor("a", "b")) {
		if err != nil {
			t.Fatal(err)
		}
		wantFields(t, r, ContentFields, "b", "a")
		replies++
	}
	if replies != 2 {
		t.Errorf("%d replies, want 2", replies)
	}
	f, err := c.Go(ctx, fieldsFor("a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if r, err = f.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	wantFields(t, r, ContentFields, "b", "a")
	if r, err = b.Request(ctx, "s", []byte("raw")); err != nil {
		t.Fatal(err)
	}
	wantFields(t, r, ContentRaw, "raw")
}

// TestMarksToAnAddress: an inbox is called by a client of its own, and takes marks, too.
func TestMarksToAnAddress(t *testing.T) {
	ctx := within(t, time.Minute)
	dir := t.TempDir()
	owner, caller := openBus(t, dir), openBus(t, dir)
	box := mail(t, owner)
	c, err := caller.ClientTo(owner.Address(), &ClientConfig{Marks: Fielded})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(ctx, fieldsFor("one", "way")); err != nil {
		t.Fatal(err)
	}
	wantFields(t, next(t, ctx, box), ContentFields, "one", "way")
	f, err := c.Go(ctx, fieldsFor("ask"))
	if err != nil {
		t.Fatal(err)
	}
	m := next(t, ctx, box)
	wantFields(t, m, ContentFields, "ask")
	if err := m.ReplyMarked(fieldsFor("an", "answer"), Fielded); err != nil {
		t.Fatal(err)
	}
	r, err := f.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	wantFields(t, r, ContentFields, "an", "answer")
	for _, err := range c.RequestStream(ctx, nil) {
		if !errors.Is(err, ErrOneReply) {
			t.Errorf("a stream from an inbox: %v", err)
		}
	}
}

// TestSurveyMarks: the question is marked, and so is each answer.
func TestSurveyMarks(t *testing.T) {
	ctx := within(t, time.Minute)
	dir := t.TempDir()
	asked, asking := openBus(t, dir), openBus(t, dir)
	sub := subscribe(t, asked, "q", nil)
	go func() {
		if m, err := sub.Next(ctx); err == nil {
			_ = m.ReplyMarked(m.Payload(), Marks{Content: m.Content()})
		}
	}()
	answers := 0
	for r, err := range asking.Survey(ctx, "q", fieldsFor("how", "many"), &SurveyConfig{Marks: Fielded}) {
		if err != nil {
			t.Fatal(err)
		}
		wantFields(t, r, ContentFields, "how", "many")
		answers++
	}
	if answers != 1 {
		t.Errorf("%d answers, want 1", answers)
	}
}
