package ringcast

import (
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
	d.isSent(c, client.service.producer.Last())
	d.mu.Lock()
	defer d.mu.Unlock()
	if !c.settled || !errors.Is(c.err, ErrNoService) {
		t.Errorf("settled %v with %v, want %v", c.settled, c.err, ErrNoService)
	}
	d.release(c)
}
