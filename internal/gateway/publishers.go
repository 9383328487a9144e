package gateway

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/jsonform"
)

// publishers are the topics that are held open for publishing: opening one costs a ring and
// some system calls. It is safe for concurrent use.
type publishers struct {
	bus  *ringcast.Bus
	most int

	mu     sync.Mutex
	open   map[string]*publisher // guarded by mu
	closed bool                  // guarded by mu
	tidy   *time.Timer           // guarded by mu: nil before the first
}

// A publisher is one open topic.
type publisher struct {
	users int       // guarded by the publishers' mu
	last  time.Time // guarded by the publishers' mu: when it was used

	ready chan struct{} // closed when inner and err are set
	inner *ringcast.Publisher
	err   error
}

func newPublishers(bus *ringcast.Bus, most int) *publishers {
	return &publishers{bus: bus, most: most, open: map[string]*publisher{}}
}

// take returns a topic's publisher, which leave gives back.
func (p *publishers) take(ctx context.Context, topic string) (*publisher, error) {
	one, first, err := p.enter(topic)
	if err != nil {
		return nil, err
	}
	if first {
		one.inner, one.err = p.bus.Publisher(topic, nil)
		close(one.ready)
	}
	select {
	case <-one.ready:
	case <-ctx.Done():
		p.leave(topic, one)
		return nil, ctx.Err()
	}
	if one.err != nil {
		p.leave(topic, one)
		return nil, one.err
	}
	return one, nil
}

// enter finds the entry of a topic or makes one; first says that it has to be opened.
func (p *publishers) enter(topic string) (one *publisher, first bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false, ringcast.ErrClosed
	}
	if one = p.open[topic]; one != nil {
		one.users++
		return one, false, nil
	}
	if len(p.open) >= p.most && !p.dropOldest() {
		return nil, false, unavailable("overloaded", "this gateway publishes to as many topics as it may (%d)", p.most)
	}
	one = &publisher{users: 1, ready: make(chan struct{})}
	p.open[topic] = one
	if p.tidy == nil {
		p.tidy = time.AfterFunc(publisherIdle, p.dropIdle)
	}
	return one, true, nil
}

// leave ends a use. A topic that could not be opened is forgotten.
func (p *publishers) leave(topic string, one *publisher) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one.users--
	one.last = time.Now()
	select {
	case <-one.ready:
		if one.err != nil && p.open[topic] == one {
			delete(p.open, topic)
		}
	default: // whoever opens it has not come back
	}
}

// dropOldest lets the topic go that nobody has used for the longest time; mu is held.
func (p *publishers) dropOldest() bool {
	oldest := ""
	for topic, one := range p.open {
		if one.users == 0 && (oldest == "" || one.last.Before(p.open[oldest].last)) {
			oldest = topic
		}
	}
	if oldest == "" {
		return false
	}
	p.drop(oldest)
	return true
}

// drop closes a topic that nobody uses; mu is held.
func (p *publishers) drop(topic string) {
	one := p.open[topic]
	delete(p.open, topic)
	if one.inner != nil {
		_ = one.inner.Close() // nothing of it is under way
	}
}

// dropIdle lets all go that nobody has used for a while.
func (p *publishers) dropIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for topic, one := range p.open {
		if one.users == 0 && time.Since(one.last) >= publisherIdle {
			p.drop(topic)
		}
	}
	p.tidy = nil
	if len(p.open) > 0 && !p.closed {
		p.tidy = time.AfterFunc(publisherIdle, p.dropIdle)
	}
}

// close lets all go; the bus closes those that are in use.
func (p *publishers) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.tidy != nil {
		p.tidy.Stop()
	}
	for topic, one := range p.open {
		if one.users == 0 {
			p.drop(topic)
		}
	}
}

// servePublish is POST /v1/topics/{name}: 202 says that the message is in the topic.
func (g *Gateway) servePublish(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r)
	if err != nil {
		return err
	}
	timeout, err := parseTimeout(q.Get("timeout"), g.config.Timeout)
	if err != nil {
		return err
	}
	b, err := g.readBody(w, r)
	if err != nil {
		return err
	}
	topic, content := r.PathValue("name"), q.Get("content")
	payload, marks, err := g.payloadFor(r, content, topic, jsonform.AsMessage, b)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	if err := g.publish(ctx, topic, payload, marks); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return unavailable("full", "the slowest reader of the topic is a ring behind: nothing was sent")
		}
		return err
	}
	g.metrics.published.Add(1)
	g.sendJSON(w, http.StatusAccepted, map[string]string{"topic": topic})
	return nil
}

func (g *Gateway) publish(ctx context.Context, topic string, payload []byte, marks ringcast.Marks) error {
	release, err := g.admit(1)
	if err != nil {
		return err
	}
	defer release()
	one, err := g.publishers.take(ctx, topic)
	if err != nil {
		return err
	}
	defer g.publishers.leave(topic, one)
	return one.inner.PublishMarked(ctx, payload, marks)
}
