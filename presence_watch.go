package ringcast

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/ringcast/ringcast/shm"
)

// A WatchConfig says what to watch. The zero value means everything.
type WatchConfig struct {
	// Kinds are the kinds to tell of. Empty means all.
	Kinds []PresenceKind
	// Name is a name or a pattern. Publishers, subscribers and instances are told of only
	// if their name or pattern has a name in common with it; nodes and participants always.
	// Empty means all names.
	Name string
	// Once ends the loop, without an error, after the present state.
	Once bool
}

// Watch tells who is there, and then who comes and goes, each change once and in order: the
// participants on all nodes, and what they publish, subscribe to and serve. Of other nodes
// it tells what this node's forwarder knows. The events of the present state come first,
// with First set; this process is among them. A death is told within 50 ms, or 100 ms from
// another node; that a node is no longer heard, within 2 s; anything else within some
// milliseconds, or a second if it was told by a program that does not ring its bell. What
// comes and goes again before the loop looks is not told.
//
// The loop ends with the context's error as its last turn, or without one when the bus is
// closed. It blocks between events and takes no thread. At each change it allocates and
// reads the whole directory, with a system call for each participant. Any number of loops
// may run at once.
//
// Errors: the context's; ErrBadName; ErrClosed if the bus is already closed; what the
// system refuses.
func (b *Bus) Watch(ctx context.Context, cfg *WatchConfig) iter.Seq2[PresenceEvent, error] {
	return func(yield func(PresenceEvent, error) bool) {
		w, err := b.newPresenceWatch(ctx, cfg)
		if err != nil {
			yield(PresenceEvent{}, err)
			return
		}
		defer w.close()
		for {
			now, err := w.look()
			if err != nil {
				yield(PresenceEvent{}, err)
				return
			}
			for _, e := range w.changes(now) {
				if w.wanted(&e) && !yield(e, nil) {
					return
				}
			}
			if w.config.Once {
				return
			}
			if err := w.sleep(ctx); err != nil {
				if err != ErrClosed {
					yield(PresenceEvent{}, err)
				}
				return
			}
		}
	}
}

// A presenceWatch is one loop of Watch. It belongs to the loop's goroutine, but for what
// says otherwise.
type presenceWatch struct {
	bus    *Bus
	domain *shm.Domain
	config WatchConfig
	stop   context.CancelFunc // of listen
	ended  chan error         // what listen returned
	news   chan struct{}      // of capacity 1: look again
	closed chan struct{}      // the bus is being closed

	before    presences
	first     bool
	forwarder bool
	directory *shm.Directory  // of other nodes, as it was read last
	dead      map[uint16]bool // who has died, of this look

	mu     sync.Mutex
	deaths []uint16 // noticed since the last look; guarded by mu
}

func (b *Bus) newPresenceWatch(ctx context.Context, cfg *WatchConfig) (*presenceWatch, error) {
	w := &presenceWatch{bus: b, domain: b.domain, first: true, news: make(chan struct{}, 1), ended: make(chan error, 1), closed: make(chan struct{})}
	if cfg != nil {
		w.config = WatchConfig{Kinds: slices.Clone(cfg.Kinds), Name: cfg.Name, Once: cfg.Once}
	}
	if name := w.config.Name; name != "" {
		if err := shm.ValidPattern(name); err != nil {
			return nil, err
		}
	}
	for _, k := range w.config.Kinds {
		if k == 0 || int(k) >= len(presenceKinds) {
			return nil, shm.Invalid("watch: presence kind %d: want %v to %v", k, PresenceNode, PresenceQuarantine)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := b.add(w); err != nil {
		return nil, err
	}
	var listening context.Context
	listening, w.stop = context.WithCancel(context.Background())
	go func() { w.ended <- w.domain.Watch(listening, w.died, w.changed) }()
	return w, nil
}

// end lets the loop go; it is called once, by the bus.
func (w *presenceWatch) end() error {
	close(w.closed)
	return nil
}

// close waits for the listener and lets go of the domain.
func (w *presenceWatch) close() {
	w.stop()
	if w.ended != nil {
		<-w.ended
	}
	_ = w.bus.drop(w) // leaving the domain, if the bus was waiting for this loop; nobody is left to tell
}

// died takes note of a death; the listener calls it.
func (w *presenceWatch) died(index uint16) {
	w.mu.Lock()
	w.deaths = append(w.deaths, index)
	w.mu.Unlock()
	w.changed()
}

// changed has the loop look again; the listener calls it.
func (w *presenceWatch) changed() {
	select {
	case w.news <- struct{}{}:
	default: // it will look anyway
	}
}

// takeDeaths makes the deaths noticed so far those of this look.
func (w *presenceWatch) takeDeaths() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = make(map[uint16]bool)
	for _, index := range w.deaths {
		w.dead[index] = true
	}
	w.deaths = w.deaths[:0]
}

// sleep waits until somebody should look again.
func (w *presenceWatch) sleep(ctx context.Context) error {
	select {
	case <-w.news:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closed:
		return ErrClosed
	case err := <-w.ended: // before its time: the system refused something
		w.ended = nil
		return err
	}
}

// wanted reports whether the configuration asks for the event.
func (w *presenceWatch) wanted(e *PresenceEvent) bool {
	c := &w.config
	if len(c.Kinds) > 0 && !slices.Contains(c.Kinds, e.Kind) {
		return false
	}
	return c.Name == "" || e.Kind < PresencePublisher || e.Kind == PresenceQuarantine || overlap(c.Name, e.Name)
}
