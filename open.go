package ringcast

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A Bus is this process's place in a domain: a participant, its publishers and
// its subscriptions. It is safe for concurrent use by multiple goroutines.
type Bus struct {
	// Immutable after Open.
	config Config
	domain *shm.Domain
	self   *shm.Participant
	host   ring.Host
	place  *place // where all of us sleep

	direct atomic.Pointer[post] // nil before the first direct message

	// changes goes up when the directory of topics does; see topicWatch.
	changes atomic.Uint64

	mu        sync.Mutex
	closed    bool                 // guarded by mu
	gone      bool                 // guarded by mu: nothing is mapped any more
	members   map[member]struct{}  // guarded by mu: publishers and subscriptions
	interests map[shm.Interest]int // guarded by mu: how many members have it
	services  map[string]int       // guarded by mu: how many requests it runs at a time, by name
	handles   map[string]*handleSet
	watch     *topicWatch // guarded by mu: nil before the first pattern
	guard     *guard      // guarded by mu: nil before the first Ready
}

// A member is a publisher or subscription, as the bus sees it.
type member interface {
	// end closes it now, or as soon as whoever is using it lets go.
	end() error
}

// Open joins a domain on this node, and makes what does not exist of it. A nil
// configuration is the default one. On the way it tidies up what dead processes left. The
// context bounds only Open itself.
//
// Errors: *AccessError, *OtherRightsError, *NoSpaceError, *VersionError, *DamagedFileError,
// *NotOursError, *NodeError, ErrTooManyParticipants, ErrBadName.
func Open(ctx context.Context, cfg *Config) (*Bus, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	if c.Memory, err = shm.MemoryFromEnvironment(c.Memory); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	domain, err := shm.OpenDomain(c.domain())
	if err != nil {
		return nil, err
	}
	b := &Bus{
		config:    c,
		domain:    domain,
		members:   make(map[member]struct{}),
		interests: make(map[shm.Interest]int),
		services:  make(map[string]int),
		handles:   make(map[string]*handleSet),
	}
	_, _ = ring.Sweep(domain) // what we have no right to tidy up stays; Join says if that is too much
	if b.self, err = domain.Join(b.info()); err != nil {
		return nil, errors.Join(err, domain.Close())
	}
	b.host = ring.NewHost(b.self)
	b.place = &place{bell: b.self.Doorbell()}
	return b, nil
}

// Address returns the address of this process in the domain.
func (b *Bus) Address() Address { return b.self.Address() }

// Domain returns the name of the domain.
func (b *Bus) Domain() string { return b.config.Domain }

// Close closes all publishers and subscriptions and leaves the domain. It does not wait:
// one that another goroutine is using, such as a subscription within its loop, ends when
// that goroutine is done with it, and the domain is left then. A second Close does nothing.
func (b *Bus) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	members := make([]member, 0, len(b.members))
	for m := range b.members {
		members = append(members, m)
	}
	b.mu.Unlock()
	var errs []error
	for _, m := range members {
		errs = append(errs, m.end())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Join(append(errs, b.leaveIfLast())...)
}

// leaveIfLast leaves the domain once the bus is closed and nobody uses it; mu is held.
func (b *Bus) leaveIfLast() error {
	if !b.closed || b.gone || len(b.members) > 0 {
		return nil
	}
	b.gone = true
	if b.watch != nil {
		b.watch.close()
	}
	b.place.end()
	return errors.Join(b.self.Close(), b.domain.Close())
}

// add enters a member, which keeps the domain mapped until it is dropped.
func (b *Bus) add(m member) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	b.members[m] = struct{}{}
	return nil
}

// announce tells everybody what a member publishes or subscribes to, once its
// ring is open: who waits for it may speak at once.
func (b *Bus) announce(i shm.Interest) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.interests[i]++; b.interests[i] > 1 || b.closed {
		return nil
	}
	return b.self.SetInfo(b.info())
}

// retract takes back what was announced.
func (b *Bus) retract(i shm.Interest) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.interests[i]--; b.interests[i] > 0 {
		return nil
	}
	delete(b.interests, i)
	if b.closed {
		return nil // leaving says it all
	}
	return b.self.SetInfo(b.info())
}

// announceService tells everybody that we serve a name, so many requests at a time.
func (b *Bus) announceService(name string, limit int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.services[name] += limit
	if b.closed {
		return nil
	}
	return b.self.SetInfo(b.info())
}

// retractService takes that back.
func (b *Bus) retractService(name string, limit int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.services[name] -= limit; b.services[name] <= 0 {
		delete(b.services, name)
	}
	if b.closed {
		return nil // leaving says it all
	}
	return b.self.SetInfo(b.info())
}

// checkKind reports whether a name is in use as another kind than it is opened as.
func (b *Bus) checkKind(name, is string) error {
	other, folder := "topic", "topics"
	if is == other {
		other, folder = "service", "services"
	}
	path := filepath.Join(b.domain.Dir(), folder, name)
	if _, err := os.Lstat(path + ".ctl"); err != nil || !ring.Used(path, b.host) {
		return nil
	}
	return &NameKindError{Name: name, Is: other}
}

// drop takes a member out, when it uses nothing of the domain any more.
func (b *Bus) drop(m member) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.members, m)
	return b.leaveIfLast()
}

// info is what the bus says of itself; mu is held, or nobody knows the bus yet.
func (b *Bus) info() shm.Info {
	info := shm.Info{Name: b.config.Name, Version: Version}
	for i := range b.interests {
		info.Interests = append(info.Interests, i)
	}
	for name, limit := range b.services {
		info.Services = append(info.Services, shm.Service{Name: name, Limit: uint32(limit), Room: uint32(limit)})
	}
	return info
}

// topicPath is the path of a topic's ring, without suffix.
func (b *Bus) topicPath(topic string) string { return filepath.Join(b.topicsDir(), topic) }

func (b *Bus) topicsDir() string { return filepath.Join(b.domain.Dir(), "topics") }

// openRing opens a topic's ring, or makes it.
func (b *Bus) openRing(topic string, o ring.FileOptions) (*ring.File, error) {
	o.Memory = b.config.Memory
	f, err := ring.OpenFile(b.topicPath(topic), b.host, o)
	if err != nil {
		return nil, fmt.Errorf("topic %q: %w", topic, err)
	}
	return f, nil
}

// newWaiter returns what one goroutine at a time waits with, in its berth. A way
// of waiting that is not said is the bus's.
func (b *Bus) newWaiter(bed *berth, w Wait) *ring.Waiter {
	if w == waitAsBus {
		w = b.config.Wait
	}
	return ring.NewWaiter(bed, w.policy())
}

// programName is what this process is called where nobody says otherwise.
func programName() string {
	name := filepath.Base(os.Args[0])
	return name[:min(len(name), maxConfigName)]
}
