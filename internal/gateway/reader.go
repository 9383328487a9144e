package gateway

import (
	"sync"
	"sync/atomic"
)

// maxQueue bounds the messages that wait for one reader, besides their bytes.
const maxQueue = 4096

// A reader is one client's queue of what its hub reads. When that is full, all that waits
// in it is dropped and counted, and the client is told the number before it gets what
// came after: so it goes on with what is new, and knows exactly what it missed. One
// goroutine takes; the hub puts.
type reader struct {
	// Immutable.
	hub    *hub
	most   int            // bytes in the queue
	missed *atomic.Uint64 // of all readers
	news   chan struct{}  // holds a token where there is something to take
	taken  chan struct{}  // holds a token where something was taken

	mu      sync.Mutex
	queue   []item // guarded by mu
	size    int    // guarded by mu: bytes in the queue
	dropped uint64 // guarded by mu: messages, since the last take
	hidden  uint64 // guarded by mu: what the dropped events told of
	closed  bool   // guarded by mu
}

func newReader(h *hub, most int, missed *atomic.Uint64) *reader {
	return &reader{hub: h, most: most, missed: missed, news: make(chan struct{}, 1), taken: make(chan struct{}, 1)}
}

// hasRoom reports whether half of the queue is free.
func (r *reader) hasRoom() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.size <= r.most/2 && len(r.queue) <= maxQueue/2
}

// put adds an item, or makes room for it.
func (r *reader) put(i item) {
	r.mu.Lock()
	if len(r.queue) > 0 && (r.size+len(i.json) > r.most || len(r.queue) == maxQueue) {
		r.drop()
	}
	r.queue = append(r.queue, i)
	r.size += len(i.json)
	r.mu.Unlock()
	r.tell()
}

// drop empties the queue; mu is held.
func (r *reader) drop() {
	for _, i := range r.queue {
		if i.event == "" {
			r.dropped++
			r.missed.Add(1)
		} else {
			r.hidden += i.count
		}
	}
	clear(r.queue)
	r.queue, r.size = r.queue[:0], 0
}

// end tells the client that nothing more comes.
func (r *reader) end() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.tell()
}

func (r *reader) tell() {
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// take moves what waits into the caller's slice, with what was missed before it, if
// anything was. open says whether more may come.
func (r *reader) take(into []item) (list []item, open bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list = into[:0]
	if r.dropped > 0 || r.hidden > 0 {
		list = append(list, missedItem(r.hub.key.pattern, r.dropped, r.hidden))
		r.dropped, r.hidden = 0, 0
	}
	list = append(list, r.queue...)
	clear(r.queue)
	r.queue, r.size = r.queue[:0], 0
	select {
	case r.taken <- struct{}{}:
	default:
	}
	return list, !r.closed
}
