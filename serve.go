package ringcast

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A Handler answers a request: once with Request.Reply, or by returning an error, which the
// caller gets as a *ReplyError. If it does neither, the caller gets ErrNoReply. The context
// ends with the request's time, when the caller gives it up, and when the caller is gone.
// Context and request are valid until the handler returns.
type Handler func(ctx context.Context, r *Request) error

// A ServeConfig says how to serve a name. The zero value, like nil, runs one request at a
// time. It is copied.
type ServeConfig struct {
	// Concurrency is how many requests this instance runs at a time; all instances of the
	// node together run at most 1024. Zero means 1: they run in one goroutine, one after
	// the other, which is fastest for short ones.
	Concurrency int
	// Queue is how many requests may wait on this node, for all instances together: a power
	// of two from 4 to 2^20. More are refused (ErrOverloaded). Zero asks for nothing: a new
	// service has 256.
	Queue int
	// SlotSize is the most bytes of a request. Zero asks for nothing: a new service has
	// 2048.
	SlotSize int
	// Rights say who may call the service (write) and see it; see PublisherConfig.Rights.
	Rights Rights
	// Wait is how to wait for requests. Zero means as the bus does (Config.Wait).
	Wait Wait
}

// An Instance serves one name. It is safe for concurrent use by multiple goroutines.
type Instance struct {
	// Immutable after Serve.
	bus     *Bus
	post    *post
	name    string
	hash    uint64
	config  ServeConfig
	handler Handler

	// Owned by whoever has the turn to take the next request.
	file   *ring.File
	queue  *ring.Queue
	member *ring.Member
	bed    *berth
	waiter *ring.Waiter
	old    []*ring.File // retired; a request of theirs may be in hand

	sources []ring.Source // the member

	turn     chan struct{}  // while nobody has it
	idle     atomic.Int32   // workers that want it
	workers  atomic.Int32   // that there are
	running  sync.WaitGroup // the workers
	told     bool           // others know that we serve
	stopping atomic.Bool
	hurry    atomic.Bool // what waits is refused
	stopped  chan struct{}
	errs     sync.Mutex
	err      error // guarded by errs: what went wrong until it has stopped
	dropped  atomic.Uint64
}

func (c *ServeConfig) validate() error {
	switch {
	case c.Concurrency < 0 || c.Concurrency > maxConcurrency:
		return shm.Invalid("serve config: concurrency %d: want 0 to %d", c.Concurrency, maxConcurrency)
	case c.SlotSize < 0 || c.SlotSize > maxInboxSlot:
		return shm.Invalid("serve config: slot size %d: want 0 to %d", c.SlotSize, maxInboxSlot)
	}
	if err := c.Wait.validate(); err != nil {
		return fmt.Errorf("serve config: %w", err)
	}
	return nil
}

// maxConcurrency is as many hands as a group has.
const maxConcurrency = 1024

// options are how the service's ring is opened: a field that is 0 asks for nothing, but
// a ring of other than a topic's size is made.
func (c *ServeConfig) options(existing bool) ring.FileOptions {
	s := ring.Shape{Slots: c.Queue, Purpose: ring.Service, StallBudget: patientBudget}
	if c.SlotSize > 0 {
		s.Payload = c.SlotSize + layout.AddressBlockSize
	}
	if !existing {
		if s.Slots == 0 {
			s.Slots = defaultQueue
		}
		if s.Payload == 0 {
			s.Payload = layout.DefaultSlotPayload + layout.AddressBlockSize
		}
	}
	return ring.FileOptions{Shape: s, Rights: c.Rights, Existing: existing, Write: true}
}

const defaultQueue = 256

// Serve begins to answer requests to a name. Its instances share the requests: each takes
// the next when it has room. A name is either a topic or a service.
//
// Serve makes the service's queue if it does not exist. Errors: ErrBadName, *NameKindError,
// *ShapeError if the queue is in use with another shape, *OtherRightsError, *AccessError,
// ErrClosed, those of opening.
func (b *Bus) Serve(name string, handler Handler, cfg *ServeConfig) (*Instance, error) {
	if err := shm.ValidName(name); err != nil {
		return nil, err
	}
	if handler == nil {
		return nil, shm.Invalid("serve %q: no handler: want a function that answers requests", name)
	}
	s := &Instance{bus: b, name: name, hash: nameHash(name), handler: handler, stopped: make(chan struct{}), turn: make(chan struct{}, 1)}
	if cfg != nil {
		s.config = *cfg
	}
	if err := s.config.validate(); err != nil {
		return nil, err
	}
	s.config.Concurrency = max(1, s.config.Concurrency)
	post, err := b.enterPost() // until it has stopped
	if err != nil {
		return nil, err
	}
	s.post = post
	s.bed = b.place.newBerth()
	s.waiter = b.newWaiter(s.bed, s.config.Wait)
	if err := s.begin(); err != nil {
		post.leave()
		return nil, err
	}
	if err := b.add(s); err != nil { // closed meanwhile; only who has begun can be ended
		s.endSoon()
		<-s.stopped
		return nil, errors.Join(err, s.failure())
	}
	return s, nil
}

// begin opens the ring, joins, and lets the first worker work.
func (s *Instance) begin() error {
	if err := s.post.watchDepartures(); err != nil {
		return err
	}
	if err := s.open(); err != nil {
		return err
	}
	if err := s.bus.announceService(s.name, s.config.Concurrency); err != nil {
		return errors.Join(err, s.bus.retractService(s.name, s.config.Concurrency), s.shut())
	}
	s.told = true
	s.start()
	s.turn <- struct{}{}
	return nil
}

// serveTries bounds how often a ring is made or replaced while we open it.
const serveTries = 100

// open maps the ring and joins the group.
func (s *Instance) open() error {
	for range serveTries {
		file, err := s.openFile()
		if err != nil {
			return fmt.Errorf("service %q: %w", s.name, err)
		}
		if err := s.bus.checkKind(s.name, "service"); err != nil {
			return errors.Join(err, file.Close())
		}
		o := ring.GroupOptions{Self: s.bus.self.Address(), Hands: s.config.Concurrency}
		member, err := file.JoinGroup(instances, o)
		if err == nil {
			s.file, s.member = file, member
			s.queue, err = file.Queue(instances)
			s.bed.sleepers, s.sources = append(s.bed.sleepers[:0], member), []ring.Source{member}
			return err
		}
		_ = file.Close()
		if !errors.Is(err, ring.ErrRetired) {
			return fmt.Errorf("service %q: %w", s.name, err)
		}
	}
	return fmt.Errorf("service %q: %w", s.name, ring.ErrRetired)
}

// openFile takes the ring as it is, as far as nothing else is asked for, or makes it.
func (s *Instance) openFile() (*ring.File, error) {
	path := s.bus.servicePath(s.name)
	for range serveTries {
		file, err := ring.OpenFile(path, s.bus.host, s.config.options(true))
		if err == nil || !isNotExist(err) {
			return file, err
		}
		o := s.config.options(false)
		o.Memory = s.bus.config.Memory
		if file, err = ring.OpenFile(path, s.bus.host, o); err == nil || !isShape(err) {
			return file, err
		}
	}
	return nil, ring.ErrRetired
}

// Name returns the service's name.
func (s *Instance) Name() string { return s.name }

// Stop ends the serving without losing a request. Others are told at once; requests in hand
// are finished; waiting ones are left to other instances, or served if there are none. If
// the context ends first, waiting requests are refused (ErrNoService; one-way messages are
// dropped), the handlers' contexts end, and Stop returns when the handlers have. Errors:
// the context's.
func (s *Instance) Stop(ctx context.Context) error {
	s.endSoon()
	select {
	case <-s.stopped:
		return s.failure()
	case <-ctx.Done():
		s.hurry.Store(true)
		s.post.endContexts(s)
		<-s.stopped
		return ctx.Err()
	}
}

// Close is Stop that does not wait.
func (s *Instance) Close() error { return s.end() }

// end is called by the bus, too.
func (s *Instance) end() error {
	s.endSoon()
	return nil
}

// endSoon has the workers come to an end.
func (s *Instance) endSoon() {
	if s.stopping.CompareAndSwap(false, true) {
		s.bed.wake()
		go s.conclude()
	}
}

// conclude waits for the workers and leaves the group; where requests came between its
// last look and that it serves them, too.
func (s *Instance) conclude() {
	if s.told {
		s.note(s.bus.retractService(s.name, s.config.Concurrency))
	}
	for {
		s.running.Wait()
		if s.closeOld(); s.file == nil {
			break // it could not be opened anew
		}
		s.member.Close()
		if s.queue.HasMembers() || !s.queue.Unstarted() {
			break
		}
		if err := s.shut(); err != nil || s.open() != nil {
			break
		}
		untake(s.turn)
		s.start()
		s.turn <- struct{}{}
	}
	s.note(s.shut())
	s.leaveBus()
	close(s.stopped)
}

// note keeps what went wrong, for whoever stops it. Any goroutine may call it.
func (s *Instance) note(err error) {
	s.errs.Lock()
	defer s.errs.Unlock()
	s.err = errors.Join(s.err, err)
}

// failure is what went wrong by now.
func (s *Instance) failure() error {
	s.errs.Lock()
	defer s.errs.Unlock()
	return s.err
}

func untake(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}

// shut leaves the group and the ring.
func (s *Instance) shut() error {
	if s.file == nil {
		return nil
	}
	s.member.Close()
	err := s.file.Close()
	s.file = nil
	return err
}

// setAside leaves a ring that is retired. Hands look into it until they are done, so it
// stays mapped.
func (s *Instance) setAside() {
	s.member.Close()
	s.old = append(s.old, s.file)
	s.file = nil
}

// closeOld lets go of what was set aside; no worker is left.
func (s *Instance) closeOld() {
	for _, f := range s.old {
		_ = f.Close()
	}
	s.old = nil
}

func (s *Instance) leaveBus() {
	s.post.leave()
	_ = s.bus.drop(s)
}

// handRest is how long a member waits for a row that a report holds.
const handRest = time.Millisecond

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func isShape(err error) bool {
	var other *ShapeError
	return errors.As(err, &other)
}
