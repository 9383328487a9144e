package gateway

import (
	"context"
	"sync"

	"github.com/ringcast/ringcast"
)

// A hubKey is what is read, and how.
type hubKey struct {
	pattern  string
	reliable bool
	last     int    // messages to begin back
	own      uint64 // where last is set: not shared, since others begin elsewhere
}

// hubs are the topics and patterns that clients read. All clients of one share one
// subscription: a ring has room for few readers. It is safe for concurrent use.
type hubs struct {
	gateway *Gateway

	mu   sync.Mutex
	open map[hubKey]*hub // guarded by mu
	all  int             // guarded by mu: readers of all hubs
	own  uint64          // guarded by mu: hubs that were made for one reader
	back int             // guarded by mu: those that there are
}

// maxBack is how many readers may begin back at once: each takes one of the few places that
// the ring of a topic has for readers.
const maxBack = 16

func newHubs(g *Gateway) *hubs { return &hubs{gateway: g, open: map[hubKey]*hub{}} }

// A hub hands what one subscription reads to many readers. It never waits for one: each
// has a queue that is bounded, and whoever does not empty it misses messages (reader.go).
// The subscription is of mode latest unless the clients ask otherwise, so a gateway that
// gets no processor holds nobody up either.
type hub struct {
	key    hubKey
	ready  chan struct{} // closed when sub and err are set
	sub    *ringcast.Subscription
	err    error
	cancel context.CancelFunc

	mu      sync.Mutex
	readers map[*reader]bool // guarded by mu
}

// join adds a reader to the hub of a key, and makes the hub if it is not there. The reader
// has everything that is published after join returned.
func (h *hubs) join(ctx context.Context, key hubKey) (*reader, error) {
	one, r, first, err := h.enter(key)
	if err != nil {
		return nil, err
	}
	if first {
		one.begin(h)
	}
	select {
	case <-one.ready:
		err = one.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		h.leave(r)
		return nil, err
	}
	return r, nil
}

func (h *hubs) enter(key hubKey) (one *hub, r *reader, first bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all >= h.gateway.config.MaxStreams {
		return nil, nil, false, unavailable("overloaded", "this gateway has as many readers of topics as it may (%d)", h.all)
	}
	if key.last > 0 {
		if h.back == maxBack {
			return nil, nil, false, unavailable("overloaded", "this gateway has as many readers that began with ?last as it may (%d)", maxBack)
		}
		h.own++
		h.back++
		key.own = h.own
	}
	one = h.open[key]
	if first = one == nil; first {
		one = &hub{key: key, ready: make(chan struct{}), readers: map[*reader]bool{}}
		h.open[key] = one
	}
	r = newReader(one, h.gateway.config.QueueBytes, &h.gateway.metrics.missed)
	one.mu.Lock()
	one.readers[r] = true
	one.mu.Unlock()
	h.all++
	h.gateway.metrics.readers.Add(1)
	return one, r, first, nil
}

// leave takes a reader away; the last one ends the hub.
func (h *hubs) leave(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := r.hub
	one.mu.Lock()
	delete(one.readers, r)
	last := len(one.readers) == 0
	one.mu.Unlock()
	h.all--
	if one.key.own != 0 {
		h.back--
	}
	h.gateway.metrics.readers.Add(-1)
	if last && h.open[one.key] == one {
		delete(h.open, one.key)
		go one.end() // it may be about to begin
	}
}

// forget has the next reader take a new hub.
func (h *hubs) forget(one *hub) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open[one.key] == one {
		delete(h.open, one.key)
	}
}

// end closes the subscription.
func (h *hub) end() {
	<-h.ready
	if h.err == nil {
		h.cancel()
	}
}

// begin subscribes, and reads in a goroutine of its own.
func (h *hub) begin(all *hubs) {
	defer close(h.ready)
	h.sub, h.err = all.gateway.bus.Subscribe(h.key.pattern, &ringcast.SubscriberConfig{Latest: !h.key.reliable, History: h.key.last})
	if h.err != nil {
		return
	}
	var ctx context.Context
	ctx, h.cancel = context.WithCancel(context.Background())
	go h.run(ctx, all)
}

// run reads until the last reader has left or the bus is closed.
func (h *hub) run(ctx context.Context, all *hubs) {
	for m, err := range h.sub.Messages(ctx) {
		if err != nil && !ringcast.IsEvent(err) {
			break
		}
		if h.key.own != 0 && !h.key.reliable {
			h.waitForRoom(ctx)
		}
		h.spread(all.gateway.itemOf(m, err))
	}
	_ = h.sub.Close()
	all.forget(h)
	h.mu.Lock()
	defer h.mu.Unlock()
	for r := range h.readers {
		r.end()
	}
}

// waitForRoom lets the only reader take what it has before it gets more: what was there
// before it came would else run over. It may take its time, since nobody waits for a
// subscription of mode latest.
func (h *hub) waitForRoom(ctx context.Context) {
	h.mu.Lock()
	var one *reader
	for r := range h.readers {
		one = r
	}
	h.mu.Unlock()
	for one != nil && !one.hasRoom() {
		select {
		case <-one.taken:
		case <-ctx.Done():
			return
		}
	}
}

// spread gives one item to all readers, none of whom is waited for.
func (h *hub) spread(i item) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for r := range h.readers {
		r.put(i)
	}
}
