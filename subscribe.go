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

// A Subscription reads one topic, or all that match a pattern. If a reliable one is not
// read for longer than its stall budget (500 ms) while its ring is full, it is put out, and
// told so when it reads again. Only one goroutine at a time may use it; a second one gets
// ErrBusy. Close may be called from any.
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

// Subscribe begins to read a topic or, with wildcards (* for one token, > for the rest),
// all topics that match, later ones included. Everything published after it returns is
// read. The ring of an exact name is made if it does not exist; its first publisher may
// still give it another shape. A pattern's later topics are read from their first message.
//
// With SubscriberConfig.Group the subscription becomes a member of a queue group. Each
// message goes to one member, whoever is free first, and is copied out, so that no
// publisher waits for a handler. The message is in the member's hand until its next call,
// the handler's return, Message.Done, or Close, which say that it was handled. If a
// member's process dies with a message in hand, another member is told (*AbandonedError);
// it is not handed out again.
//
// The group begins with its first member and goes on where it stands, whoever comes and
// goes. Without a member it holds nobody back, and the next one is told what the ring no
// longer has. A group belongs to its node: the group of that name on another node gets each
// message once, too. While a group reads a topic, a message must fit a slot. A larger one
// is a *TooLargeError to its publisher or, from another node, a *LossError. A pattern has
// no group.
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

// Pattern returns the name or pattern that was subscribed to.
func (s *Subscription) Pattern() string { return s.pattern }

// Messages iterates over messages and events as they come, and waits in between. It ends
// with the context's error, or without one when the subscription is closed, which may be
// done within the loop. Every turn has either a message, valid until the next turn, or an
// error; IsEvent tells events from the last error. It allocates when the loop begins and
// for events.
func (s *Subscription) Messages(ctx context.Context) iter.Seq2[*Message, error] {
	return messagesOf(s, ctx)
}

// Handle calls the handler with each message and each event as it comes, one after the
// other, in the caller's goroutine, and waits in between. Every call has either a message,
// valid until the handler returns, or an event. Handle returns the handler's error, or the
// context's when it ends, or nil when the subscription is closed, which the handler may do.
// A panic goes through to the caller: the message counts as read, and the subscription can
// still be used. Handle allocates for events only.
//
// To work on messages with several goroutines, give each a subscription of its own in one
// queue group, or pass clones on.
func (s *Subscription) Handle(ctx context.Context, handler func(m *Message, event error) error) error {
	return handleOf(s, ctx, handler)
}

// Next waits for the next message or event. The message is valid until the next call or
// Close. Next neither allocates nor makes a system call unless it sleeps.
//
// Errors: events (IsEvent), the context's, ErrClosed, ErrBusy.
func (s *Subscription) Next(ctx context.Context) (*Message, error) { return nextOf(s, ctx) }

// TryNext is Next that never waits. ErrEmpty means that nothing is there.
func (s *Subscription) TryNext() (*Message, error) { return tryNextOf(s) }

// NextBatch waits for messages and returns those that are there, at most so many and never
// more than 64; a most of 0 is 64. All of them are valid until the next call or Close.
// Where messages come one right after the other, it costs less per message than any other
// way. A message that was copied (mode latest, history), is larger than a slot, or belongs
// to a queue group comes alone. NextBatch allocates once.
//
//	for {
//		batch, err := sub.NextBatch(ctx, 0)
//		...
//		for i := range batch {
//			work(batch[i].Payload())
//		}
//	}
//
// Errors: those of Next, and only if there is no message before them.
func (s *Subscription) NextBatch(ctx context.Context, most int) ([]Message, error) {
	return batchOf(s, ctx, most)
}

// Poll calls the handler with the messages that are there, at most so many, and returns how
// many there were; 0 and nil if nothing is there. It never waits, for loops that have
// other things to do. A message is valid until the handler returns. Poll does not allocate.
//
// Errors: an event (IsEvent), after the messages before it, and the next Poll goes on with
// what follows; ErrClosed, ErrBusy.
func (s *Subscription) Poll(most int, handler func(*Message)) (int, error) {
	return pollOf(s, most, handler)
}

// Ready returns a channel for select. It holds a token while there may be something to
// read, an event or the end included. Take the token, then call TryNext or Poll, once or
// until they find nothing; the next token comes by itself. There may be a token without a
// message, but never a message without a token. Once the subscription is closed, so is the
// channel. Every call returns the same channel.
//
// It costs one goroutine for the whole bus, and a switch of goroutines for a message after
// a pause. It neither allocates nor spins while it waits. A merged subscription has no
// channel: use Merged.Ready.
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

// Close ends the subscription. Within its own loop, or while another goroutine reads, it
// returns at once, and the reader closes when it is done. Do not touch the last message of
// Next afterwards. A second Close does nothing.
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
