package ringcast

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestReviewWhileARequestIsSent: who had to answer goes between the commit of a request
// and the note that it was sent, and nobody looks again: the outcome is known all the same.
func TestReviewWhileARequestIsSent(t *testing.T) {
	ctx := within(t, 40*time.Second)
	dir := t.TempDir()
	b, server := openBus(t, dir), openBus(t, dir)
	s := serve(t, server, "s", echo, nil)
	if _, err := b.Request(ctx, "s", nil); err != nil {
		t.Fatal(err)
	}
	p := b.direct.Load()
	client, err := p.client("s")
	if err != nil {
		t.Fatal(err)
	}
	d := p.asking.Load()
	c, err := d.begin(ctx, 1, errand{service: client.service})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	l := c.letterOf(nil, 0)
	l.stamp(&client.service.meta, &client.service.block, p.self)
	if err := client.service.producer.TryPublish(nil, &client.service.meta); err != nil {
		t.Fatal(err)
	}
	p.review()
	d.isSent(c, spot{client.service.file.ID(), client.service.producer.Last()}, Address{})
	d.mu.Lock()
	defer d.mu.Unlock()
	if !c.settled || !errors.Is(c.err, ErrNoService) {
		t.Errorf("settled %v with %v, want %v", c.settled, c.err, ErrNoService)
	}
	d.release(c)
}

// TestIdempotentWithinItsTime: a request that is sent again and again has one time in all,
// also where its context has no deadline.
func TestIdempotentWithinItsTime(t *testing.T) {
	b := openBus(t, t.TempDir())
	hang(t, b, "s", &ServeConfig{Concurrency: 8})
	client, err := b.Client("s", &ClientConfig{Idempotent: true})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { _, err := client.Request(context.Background(), nil); ended <- err }()
	eventually(t, "nobody leads", func() bool { return openCall(b) != nil })
	d := b.direct.Load().asking.Load()
	d.mu.Lock()
	c := d.calls[0]
	first := c.due
	d.settle(c, ErrInstanceDied)
	serial := d.serial
	d.mu.Unlock()
	eventually(t, "it is not sent again", func() bool { c := openCall(b); return c != nil && c.correlation>>16 > serial })
	if c := openCall(b); c.due > first {
		t.Errorf("sent again, it has %v more", c.due-first)
	}
	d.mu.Lock()
	d.settle(d.calls[0], ErrNoReply)
	d.mu.Unlock()
	if err := <-ended; !errors.Is(err, ErrNoReply) {
		t.Error(err)
	}
}

// openCall is the first request of a bus that is sent and open.
func openCall(b *Bus) *call {
	d := b.direct.Load()
	if d == nil || d.asking.Load() == nil {
		return nil
	}
	desk := d.asking.Load()
	desk.mu.Lock()
	defer desk.mu.Unlock()
	if len(desk.calls) == 0 || !desk.calls[0].sent || desk.calls[0].settled {
		return nil
	}
	c := *desk.calls[0]
	return &c
}
