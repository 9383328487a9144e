package ringcast

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"sync/atomic"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A Subscription reads one topic, or all that match a pattern. A reliable one
// that is not read for longer than its stall budget (500 ms) while its ring is
// full is put out, and told so when it reads again. It must not be used by more
// than one goroutine at a time, which gives ErrBusy; Close may be called from any.
type Subscription struct {
	// Immutable after Bus.Subscribe.
	bus     *Bus
	pattern string
	wild    bool
	mail    bool // it reads the bus's own inbox
	config  SubscriberConfig

	// use says who may touch what follows: the goroutine that has set it.
	use  atomic.Int32
	wait patience

	sources []*source
	reads   readSet // of the sources
	at      int     // source that is read
	turn    int     // messages taken from it in a row
	empty   bool    // the last look has found nothing
	events  []error // to be told before the next message
	waiter  *ring.Waiter
	batch   batch
	told    bool // others know what we subscribe to
	finder  finder
}

// What a Subscription is being used for.
const (
	useNone  = iota
	useRead  // a call or a loop is running
	useEnded // closed, nothing is mapped
)

// A source is one topic of a subscription.
type source struct {
	topic        string
	subscription *Subscription
	file         *ring.File
	reader       *ring.Reader // nil in a group
	member       *ring.Member // nil outside
	tag          *ring.Tag    // of its messages: leads back here
}

func newSource(s *Subscription, topic string, file *ring.File) *source {
	src := &source{topic: topic, subscription: s, file: file}
	src.tag = &ring.Tag{Value: src}
	return src
}

// Subscribe begins to read a topic or, with wildcards (* for one token, > for
// the rest), all topics that match, those to come as well. Everything published
// after it returned is read. The ring of an exact name is made if it is not
// there; its first publisher may still give it another shape. A topic of a
// pattern is read from its first message if it appears later.
//
// With SubscriberConfig.Group it becomes a member of a queue group: each message goes
// to one member, whoever is free first, and is copied out, so that no publisher
// waits for a handler. A message is in the member's hand until its next call, the
// handler's return, Message.Done, or Close, which say that it was handled. Of one that
// its taker had in hand when its process died, another member is told: *AbandonedError;
// it is not handed out again. The group begins with its first member and goes on where
// it stands, whoever comes and goes; without a member it holds nobody back, and the
// next one is told what the ring has no more. It is this node's: the group of that name on
// another node gets each message, too, once. A message must fit a slot while a group
// reads a topic: to its publisher a larger one is a *TooLargeError, from another node
// it is a *LossError. A pattern has no group.
//
// Errors: ErrBadName, ErrTooManyReaders, ErrClosed, and those of opening.
func (b *Bus) Subscribe(pattern string, cfg *SubscriberConfig) (*Subscription, error) {
	s := &Subscription{bus: b, pattern: pattern, wild: shm.IsPattern(pattern)}
	if cfg != nil {
		s.config = *cfg
	}
	valid := shm.ValidName
	if s.wild {
		valid = shm.ValidPattern
	}
	if err := errors.Join(valid(pattern), s.config.validate(s.wild)); err != nil {
		return nil, err
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	return s, nil
}

// begin enters the bus and opens what is read.
func (s *Subscription) begin() error {
	b := s.bus
	s.wait.bus, s.wait.bed, s.wait.topics = b, b.place.newBerth(), s.wild
	s.waiter = b.newWaiter(s.wait.bed, s.config.Wait)
	s.batch.ended = [2]*atomic.Bool{&s.wait.closing, &s.wait.closing}
	s.use.Store(useRead) // until it is open
	if err := b.add(s); err != nil {
		return err
	}
	err := s.open()
	if err == nil && !s.mail {
		s.told, err = true, b.announce(s.interest())
	}
	s.leave()
	if err != nil {
		return errors.Join(err, s.end())
	}
	return nil
}

func (s *Subscription) interest() shm.Interest {
	return shm.Interest{Name: s.pattern, Pattern: s.wild, LocalOnly: s.config.LocalOnly, Live: s.config.Latest,
		History: uint32(min(uint64(s.config.History), math.MaxUint32))}
}

func (s *Subscription) open() error {
	if s.wild {
		if err := s.bus.watchTopics(); err != nil {
			return err
		}
		s.discover(ring.JoinOptions{Latest: s.config.Latest, History: uint64(s.config.History)})
		s.takeFound()
		return nil
	}
	return s.join(s.pattern, ring.JoinOptions{Latest: s.config.Latest, History: uint64(s.config.History)})
}

// Pattern is what was subscribed to.
func (s *Subscription) Pattern() string { return s.pattern }

// Messages iterates over messages and events as they come, waiting in between,
// until the context ends, which is the last error, or the subscription is
// closed, which is none. A message is valid until the next turn. Every turn has
// either a message or an error; IsEvent tells events from the last error. It
// allocates at the begin of the loop and for events; the subscription may be
// closed within the loop.
func (s *Subscription) Messages(ctx context.Context) iter.Seq2[*Message, error] {
	return messagesOf(s, ctx)
}

// Handle calls the handler with each message and each event as it comes, in the
// caller's goroutine, one after the other, and waits in between. Every call has
// either a message, valid until the handler returns, or an event. The handler's
// error ends Handle, which returns it; so does the end of the context. Handle
// returns nil when the subscription is closed, which the handler may do. A panic
// goes through to the caller: the message counts as read and the subscription
// can be used on. It allocates for events only.
//
// To work on messages with several goroutines, let each have a subscription of
// its own in one queue group, or hand clones on.
func (s *Subscription) Handle(ctx context.Context, handler func(m *Message, event error) error) error {
	return handleOf(s, ctx, handler)
}

// Next waits for the next message or event. A message is valid until the next
// call or Close. It neither allocates nor makes a system call unless it sleeps.
//
// Errors: events (IsEvent), the context's, ErrClosed, ErrBusy.
func (s *Subscription) Next(ctx context.Context) (*Message, error) { return nextOf(s, ctx) }

// TryNext is Next that never waits; ErrEmpty: nothing is there.
func (s *Subscription) TryNext() (*Message, error) { return tryNextOf(s) }

// NextBatch waits for messages and returns all that are there, so many at most and 64
// in any case; most of 0 is 64. All of them are valid until the next call or Close. It
// costs less a message than any other way, where they come one behind the other. What
// was copied (mode latest, history), is larger than a slot, or belongs to a queue group
// comes alone. It allocates once.
//
//	for {
//		batch, err := sub.NextBatch(ctx, 0)
//		...
//		for i := range batch {
//			work(batch[i].Payload())
//		}
//	}
//
// Errors: those of Next, and only where there is no message before them.
func (s *Subscription) NextBatch(ctx context.Context, most int) ([]Message, error) {
	return batchOf(s, ctx, most)
}

// Poll calls the handler with the messages that are there, so many at most, and
// returns how many there were: 0 and nil when nothing is there. It never waits: it
// is for loops that have other things to do. A message is valid until the handler
// returns. It does not allocate.
//
// Errors: an event (IsEvent), behind the messages before it, after which Poll goes
// on with what follows; ErrClosed, ErrBusy.
func (s *Subscription) Poll(most int, handler func(*Message)) (int, error) {
	return pollOf(s, most, handler)
}

// Ready is a channel for select: it holds a token while there may be something to
// read, an event or the end included. Take the token, then call TryNext or Poll,
// once or until they find nothing; the next token comes by itself. A token without
// a message is possible, a message without a token is not. Once the subscription
// is closed the channel is, too. It is the same channel at each call.
//
// It costs a goroutine for the whole bus, and a switch of goroutines for a message
// after a pause; it neither allocates nor spins while it waits. A subscription that
// was merged has none: Merged.Ready.
func (s *Subscription) Ready() <-chan struct{} { return s.wait.ready(&s.use) }

// enter makes the caller the one who uses the subscription.
func (s *Subscription) enter() error {
	if err := claimUse(&s.use, &s.wait); err != nil {
		return err
	}
	s.wait.retake()
	return nil
}

// claimUse is the begin of a call.
func claimUse(use *atomic.Int32, wait *patience) error {
	if use.CompareAndSwap(useNone, useRead) {
		return nil
	}
	if use.Load() == useEnded || wait.closing.Load() {
		return ErrClosed
	}
	return ErrBusy
}

// leave ends the use, and closes where that was asked for meanwhile. Whoever asks
// looks at use after it has set closing, so that one of the two sees the other.
func (s *Subscription) leave() {
	s.wait.tell(s.empty)
	s.use.Store(useNone)
	if s.wait.closing.Load() {
		_ = s.end()
	}
}

// giveBack is leave of a subscription that was merged.
func (s *Subscription) giveBack() {
	s.wait.owner.Store(nil)
	s.batch.ended[1] = &s.wait.closing
	s.leave()
}

// eagerness is how the subscription waits.
func (s *Subscription) eagerness() Wait {
	if s.config.Wait != waitAsBus {
		return s.config.Wait
	}
	return s.bus.config.Wait
}

// Close ends the subscription. Within its own loop, or while another goroutine
// reads, it returns at once and the reader closes when it is done. The last
// message of Next must not be touched after. A second Close does nothing.
func (s *Subscription) Close() error { return s.end() }

func (s *Subscription) end() error {
	s.wait.close()
	if !s.use.CompareAndSwap(useNone, useEnded) {
		return nil
	}
	s.wait.endNotice()
	s.wait.release()
	err := s.shut()
	if s.told {
		err = errors.Join(err, s.bus.retract(s.interest()))
	}
	return errors.Join(err, s.bus.drop(s))
}

// shut leaves all rings.
func (s *Subscription) shut() error {
	s.endFinder()
	var errs []error
	for _, src := range s.sources {
		src.leave()
		errs = append(errs, src.file.Close())
	}
	s.sources = nil
	s.batch.drop()
	s.gather()
	return errors.Join(errs...)
}

// gather lists what is waited for, for ourselves and for the watch.
func (s *Subscription) gather() {
	s.reads.clear()
	for _, src := range s.sources {
		s.reads.add(src)
	}
	s.reads.berth(s.wait.bed)
}

// join begins to read a topic.
func (s *Subscription) join(topic string, o ring.JoinOptions) error {
	src, err := s.openSource(topic, o)
	if err != nil {
		return err
	}
	s.sources = append(s.sources, src)
	s.gather()
	return nil
}

// openFile opens a topic's ring, or that of our own mail.
func (s *Subscription) openFile(topic string) (*ring.File, error) {
	if s.mail {
		return s.bus.openMail()
	}
	file, err := s.bus.openRing(topic, ring.FileOptions{})
	if err != nil || s.wild {
		return file, err
	}
	if err := s.bus.checkKind(topic, "topic"); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// openSource opens a topic's ring and enters a reader. A retired ring is followed
// by the first poll.
func (s *Subscription) openSource(topic string, o ring.JoinOptions) (*source, error) {
	file, err := s.openFile(topic)
	if err != nil {
		return nil, err
	}
	if s.config.Group != "" {
		return s.joinGroup(topic, file)
	}
	if file.Shape().Mode == Latest {
		o.Latest = true
	}
	src := newSource(s, topic, file)
	o.Tag = src.tag
	src.reader, err = file.Join(o)
	if err != nil && err != ring.ErrRetired {
		return nil, errors.Join(fmt.Errorf("topic %q: %w", topic, err), file.Close())
	}
	return src, nil
}
