package ringcast

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringcast/ringcast/ring"
)

func mail(t testing.TB, b *Bus) *Subscription {
	t.Helper()
	s, err := b.Mail()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSend: messages reach the address in order, and nobody else.
func TestSend(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	a, b, c := openBus(t, dir), openBus(t, dir), openBus(t, dir)
	if err := a.Send(ctx, b.Address(), nil); !errors.Is(err, ErrNoInbox) {
		t.Errorf("to one that reads no inbox: %v", err)
	}
	mail(t, b)
	mail(t, c)
	to, err := ParseAddress(b.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		if err := a.Send(ctx, to, fmt.Append(nil, i)); err != nil {
			t.Fatal(i, err)
		}
		m, err := mail(t, b).Next(ctx)
		if err != nil || string(m.Payload()) != fmt.Sprint(i) || m.From() != a.Address() || m.IsRequest() {
			t.Fatalf("%d: %v, %q from %v", i, err, m.Payload(), m.From())
		}
		if err := m.Reply(nil); !errors.Is(err, ErrNotAddressed) {
			t.Fatalf("reply to a message: %v", err)
		}
	}
	if _, err := mail(t, c).TryNext(); err != ErrEmpty {
		t.Errorf("another one's inbox: %v", err)
	}
}

// TestStaleAddresses reach nobody, also when the index has a new owner.
func TestStaleAddresses(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	a, b := openBus(t, dir), openBus(t, dir)
	mail(t, b)
	old := b.Address()
	if err := a.Send(ctx, old, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	next := openBus(t, dir)
	mail(t, next)
	if next.Address().Index != old.Index {
		t.Fatalf("index %d, want %d again", next.Address().Index, old.Index)
	}
	other, node, nobody := old, old, old
	other.Epoch++
	node.Node++
	nobody.Index = 60000
	for _, x := range []struct {
		to   Address
		want error
	}{{old, ErrGone}, {other, ErrGone}, {node, ErrNodeDown}, {nobody, ErrGone}, {Address{}, ErrGone}} {
		if err := a.Send(ctx, x.to, nil); !errors.Is(err, x.want) {
			t.Errorf("send to %v: %v, want %v", x.to, err, x.want)
		}
		if _, err := a.RequestTo(ctx, x.to, nil); !errors.Is(err, x.want) {
			t.Errorf("request to %v: %v, want %v", x.to, err, x.want)
		}
	}
	if m, err := mail(t, next).TryNext(); err != ErrEmpty {
		t.Errorf("the next owner got %v, %v", m, err)
	}
}

// TestRequestTo: who reads his inbox answers, at once or later.
func TestRequestTo(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	a, b := openBus(t, dir), openBus(t, dir)
	inbox := mail(t, b)
	go func() {
		for m, err := range inbox.Messages(ctx) {
			if err != nil {
				return
			}
			switch string(m.Payload()) {
			case "now":
				_ = m.Reply([]byte("yes"))
			case "later":
				go func(m *Message) { time.Sleep(time.Millisecond); _ = m.Reply([]byte("well")) }(m.Clone())
			case "no":
				_ = m.Fail(3, "never")
			}
		}
	}()
	for question, want := range map[string]string{"now": "yes", "later": "well"} {
		r, err := a.RequestTo(ctx, b.Address(), []byte(question))
		wantReply(t, r, err, want)
	}
	var no *ReplyError
	if _, err := a.RequestTo(ctx, b.Address(), []byte("no")); !errors.As(err, &no) || no.Code != 3 || no.Text != "never" {
		t.Errorf("%v", err)
	}
	brief, stop := context.WithTimeout(ctx, 10*time.Millisecond)
	defer stop()
	if _, err := a.RequestTo(brief, b.Address(), []byte("silence")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// TestFullInbox: mail that is not read stands in nobody's way, and its senders are told.
func TestFullInbox(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	a, b := openBus(t, dir), openBus(t, dir)
	mail(t, b)
	serve(t, a, "s", echo, nil)
	n := 0
	var full *OverloadedError
	for ; ; n++ {
		if err := a.Send(ctx, b.Address(), nil); errors.As(err, &full) {
			break
		} else if err != nil || n > inboxSlots {
			t.Fatal(n, err)
		}
	}
	if n != inboxSlots || full.Limit != inboxSlots {
		t.Errorf("%d found room, limit %d, want %d", n, full.Limit, inboxSlots)
	}
	r, err := b.Request(ctx, "s", []byte("still"))
	wantReply(t, r, err, "still")
	if _, err := mail(t, b).Next(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestBadBytes: whatever lies in an inbox or a queue costs a counter.
func TestBadBytes(t *testing.T) {
	ctx := within(t, 20*time.Second)
	random := testSeed(t)
	dir := t.TempDir()
	a, b := openBus(t, dir), openBus(t, dir)
	mail(t, b)
	serve(t, a, "s", echo, nil)
	serve(t, b, "t", echo, nil)
	if _, err := b.Request(ctx, "s", nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{b.inboxPath(b.Address(), mailRing), b.inboxPath(b.Address(), repliesRing), b.servicePath("t")} {
		f, err := ring.OpenFile(path, a.host, ring.FileOptions{Write: true, Existing: true})
		if err != nil {
			t.Fatal(filepath.Base(path), err)
		}
		p, err := f.NewProducer(a.Address())
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			m := ring.Meta{Kind: uint8(random.IntN(8)), Flags: uint16(random.IntN(64))}
			if random.IntN(4) > 0 {
				m.Block = make([]byte, len(block{}))
				for i := range m.Block {
					m.Block[i] = byte(random.IntN(3))
				}
				if random.IntN(2) > 0 {
					b.Address().Put(m.Block[16:])
				}
			}
			if err := p.TryPublish(make([]byte, random.IntN(100)), &m); err != nil && err != ErrFull {
				t.Fatal(err)
			}
			_, _ = mail(t, b).TryNext()
			if _, err := b.Request(ctx, "s", nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r, err := a.Request(ctx, "t", []byte("alive"))
	wantReply(t, r, err, "alive")
}

// TestTopicOrService: a name is one of them.
func TestTopicOrService(t *testing.T) {
	dir := t.TempDir()
	a, b := openBus(t, dir), openBus(t, dir)
	pub := publisher(t, a, "orders", nil)
	serve(t, a, "pricing", echo, nil)
	var kind *NameKindError
	if _, err := b.Serve("orders", echo, nil); !errors.As(err, &kind) || kind.Is != "topic" {
		t.Errorf("serve a topic: %v", err)
	}
	if _, err := b.Publisher("pricing", nil); !errors.As(err, &kind) || kind.Is != "service" {
		t.Errorf("publish to a service: %v", err)
	}
	if _, err := b.Subscribe("pricing", nil); !errors.As(err, &kind) || kind.Is != "service" {
		t.Errorf("subscribe to a service: %v", err)
	}
	if err := pub.Close(); err != nil {
		t.Fatal(err)
	}
	serve(t, b, "orders", echo, nil) // nobody uses the topic any more
}
