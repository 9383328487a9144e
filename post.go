package ringcast

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/ringcast/ringcast/shm"
)

// A post is what a bus has for direct messages: the inboxes of others that it writes
// to, its own, the services that it calls, and the watch that sees who has gone. It is
// made at first need. It is safe for concurrent use.
type post struct {
	// Immutable after newPost.
	bus  *Bus
	self Address

	// uses counts who is within a call; closedPost less once the bus is closed. The last
	// one out ends it.
	uses   atomic.Int64
	ending sync.Once

	// Inboxes of others, by index.
	outboxes [3][]atomic.Pointer[outbox]

	opening sync.Mutex // held by whoever opens one

	clients  atomic.Pointer[map[string]*Client] // by name; copied when one is added; see client
	asking   atomic.Pointer[desk]               // nil before the first request
	mu       sync.Mutex
	mail     *Subscription            // guarded by mu: nil before the first look at the inbox
	watch    *departures              // guarded by mu: nil before somebody has to be watched
	surveys  map[string]*surveyTopic  // guarded by mu
	contexts map[*requestContext]bool // guarded by mu: of handlers that asked to be told
	looking  bool                     // guarded by mu: somebody looks after them

	// A service's own lock may be held before this one.
	mapped sync.Mutex
	rings  map[*service]struct{} // guarded by mapped: services of which a ring is open
	opened atomic.Uint64         // how often one was opened: the time by which services were called
}

// closedPost is far below any number of uses.
const closedPost = -1 << 40

// The rings of an inbox.
const (
	mailRing = iota
	repliesRing
	uplinkRing // the forwarder's: what is for other nodes
)

// inboxPath is the path of a ring of a participant's inbox.
func (b *Bus) inboxPath(a Address, ring int) string {
	name := strconv.Itoa(int(a.Index)) + "." + strconv.FormatUint(uint64(a.Generation), 10)
	return filepath.Join(b.domain.Dir(), "inbox", name+[...]string{".mail", ".replies", ".uplink"}[ring])
}

// servicePath is the path of a service's ring.
func (b *Bus) servicePath(name string) string {
	return filepath.Join(b.domain.Dir(), "services", name)
}

// post returns the bus's, entered: its leave has to be called. ErrClosed.
func (b *Bus) enterPost() (*post, error) {
	p := b.direct.Load()
	if p == nil {
		var err error
		if p, err = b.newPost(); err != nil {
			return nil, err
		}
	}
	return p, p.enter()
}

// newPost makes the bus's post, once.
func (b *Bus) newPost() (*post, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	if p := b.direct.Load(); p != nil {
		return p, nil
	}
	p := &post{bus: b, self: b.self.Address(), surveys: map[string]*surveyTopic{}, contexts: map[*requestContext]bool{}, rings: map[*service]struct{}{}}
	for i := range p.outboxes {
		p.outboxes[i] = make([]atomic.Pointer[outbox], b.domain.ParticipantCount())
	}
	p.clients.Store(&map[string]*Client{})
	b.members[p] = struct{}{}
	b.direct.Store(p)
	return p, nil
}

// enter begins a use.
func (p *post) enter() error {
	if p.uses.Add(1) > 0 {
		return nil
	}
	p.leave()
	return ErrClosed
}

// leave ends a use.
func (p *post) leave() {
	if p.uses.Add(-1) == closedPost {
		p.ending.Do(p.finish)
	}
}

// closing reports whether the bus was closed.
func (p *post) closing() bool { return p.uses.Load() < 0 }

// end is called by the bus once.
func (p *post) end() error {
	if p.uses.Add(closedPost) == closedPost {
		p.ending.Do(p.finish)
	} else if d := p.asking.Load(); d != nil {
		d.stir()
	}
	return nil
}

// finish lets everything go; nobody is within a call.
func (p *post) finish() {
	p.mu.Lock()
	watch, surveys := p.watch, p.surveys
	p.mu.Unlock()
	if watch != nil {
		watch.end()
	}
	for _, s := range surveys {
		_ = s.publisher.Close()
	}
	for i := range p.outboxes {
		for j := range p.outboxes[i] {
			if o := p.outboxes[i][j].Load(); o != nil {
				o.close()
			}
		}
	}
	p.mapped.Lock()
	services := slices.Collect(maps.Keys(p.rings))
	p.mapped.Unlock()
	for _, s := range services {
		s.close()
	}
	if d := p.asking.Load(); d != nil {
		d.close()
	}
	_ = p.bus.drop(p)
}

// gone reports whether an address of this node is nobody's any more, as its record says.
func (p *post) gone(a Address) bool {
	if a.Node != p.self.Node || a.Epoch != p.self.Epoch {
		return a.Node == p.self.Node
	}
	generation, live := p.bus.domain.State(a.Index)
	return !live || generation != a.Generation
}

// route says whether an address is of this node, and why nothing can be sent to it.
func (p *post) route(a Address) error {
	switch {
	case a.Node == 0 || a.Generation == 0:
		return ErrGone
	case p.gone(a):
		return ErrGone
	}
	return nil
}

// dead asks the kernel about an address of this node, and recovers it where it is dead.
func (p *post) dead(a Address) bool {
	if p.gone(a) {
		return true
	}
	if p.bus.domain.Alive(a.Index) {
		return false
	}
	p.bus.recover(a.Index, a.Generation)
	return true
}

// ParseAddress parses the text form of an address, n7-1f03.12.5, and nothing else. Errors:
// ErrBadAddress.
func ParseAddress(text string) (Address, error) { return shm.ParseAddress(text) }

// ErrBadAddress means that a text is not an address.
var ErrBadAddress = shm.ErrBadAddress
