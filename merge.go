package ringcast

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// errNothingToMerge ends a Merge of no subscription.
var errNothingToMerge = errors.New("merge: no subscription")

// A Merged reads several subscriptions of one bus as one: one goroutine serves them all and
// sleeps in one place. It takes from each in turn, at most 64 messages while others have
// some. Messages of one subscription keep their order, and Message.Subscription says whose
// a message is. Only one goroutine at a time may use it; a second one gets ErrBusy. Close
// may be called from any.
type Merged struct {
	bus *Bus

	// use says who may touch what follows: the goroutine that has set it.
	use    atomic.Int32
	wait   patience
	waiter *ring.Waiter

	eager Wait // how it waits
	subs  []*Subscription
	at    int    // subscription that is read
	turn  int    // messages taken from it in a row
	empty bool   // the last look has found nothing
	last  *batch // what was taken last
	reads readSet
}

// Merge makes one stream of several subscriptions of this bus. They belong to it from then
// on: reading one of them gives ErrBusy, closing one takes it out, and closing the Merged
// closes them all. It waits as the most eager of them does: Spin before Yield before Block.
//
// Errors: ErrBusy and ErrClosed of a subscription; an error if there is no subscription, or
// one of another bus. After an error all are as before.
func (b *Bus) Merge(subs ...*Subscription) (*Merged, error) {
	if len(subs) == 0 {
		return nil, errNothingToMerge
	}
	m := &Merged{bus: b}
	m.wait.bus, m.wait.bed = b, b.place.newBerth()
	for _, s := range subs {
		if err := m.take(s); err != nil {
			for _, s := range m.subs {
				s.giveBack()
			}
			return nil, err
		}
	}
	if err := b.add(m); err != nil {
		return nil, errors.Join(err, m.shut())
	}
	return m, nil
}

// take makes a subscription ours.
func (m *Merged) take(s *Subscription) error {
	if s.bus != m.bus {
		return shm.Invalid("merge: subscription of %q belongs to another bus", s.pattern)
	}
	if err := s.enter(); err != nil {
		return err
	}
	s.wait.owner.Store(&m.wait)
	s.batch.ended[1] = &m.wait.closing
	m.subs = append(m.subs, s)
	m.wait.others = append(m.wait.others, &s.wait)
	if eager := moreEager(m.eager, s.eagerness()); m.waiter == nil || eager != m.eager {
		m.eager, m.waiter = eager, m.bus.newWaiter(m.wait.bed, eager)
	}
	return nil
}

// Add takes one more subscription in, as Merge does. Call it from the reader, or between
// two calls of the reader. Errors: those of Merge.
func (m *Merged) Add(s *Subscription) error {
	if err := m.enter(); err != nil {
		return err
	}
	defer m.leave()
	m.empty = false
	return m.take(s)
}

// moreEager is the one of two ways of waiting that sleeps less.
func moreEager(a, b Wait) Wait {
	rank := [...]int{waitAsBus: 0, Block: 1, Yield: 2, Spin: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// Messages is Subscription.Messages of them all. It ends without an error once all are
// closed.
func (m *Merged) Messages(ctx context.Context) iter.Seq2[*Message, error] { return messagesOf(m, ctx) }

// Handle is Subscription.Handle of them all. It returns nil once all are closed.
func (m *Merged) Handle(ctx context.Context, handler func(m *Message, event error) error) error {
	return handleOf(m, ctx, handler)
}

// Next is Subscription.Next of them all; ErrClosed once all are closed.
func (m *Merged) Next(ctx context.Context) (*Message, error) { return nextOf(m, ctx) }

// TryNext is Subscription.TryNext of them all; ErrClosed once all are closed.
func (m *Merged) TryNext() (*Message, error) { return tryNextOf(m) }

// NextBatch is Subscription.NextBatch of them all; a batch is of one of them.
func (m *Merged) NextBatch(ctx context.Context, most int) ([]Message, error) {
	return batchOf(m, ctx, most)
}

// Poll is Subscription.Poll of them all; ErrClosed once all are closed.
func (m *Merged) Poll(most int, handler func(*Message)) (int, error) { return pollOf(m, most, handler) }

// Ready is Subscription.Ready of them all.
func (m *Merged) Ready() <-chan struct{} { return m.wait.ready(&m.use) }

// Close closes all of the subscriptions. Within its own loop, or while another goroutine
// reads, it returns at once, and the reader closes when it is done. A second Close does
// nothing.
func (m *Merged) Close() error {
	m.wait.close()
	return m.end()
}

func (m *Merged) end() error {
	m.wait.close()
	if !m.use.CompareAndSwap(useNone, useEnded) {
		return nil
	}
	m.wait.endNotice()
	return errors.Join(m.shut(), m.bus.drop(m))
}

// shut closes what is left.
func (m *Merged) shut() error {
	m.wait.release()
	var errs []error
	for _, s := range m.subs {
		s.wait.closing.Store(true)
		s.use.Store(useNone)
		errs = append(errs, s.end())
	}
	m.subs, m.wait.others = nil, nil
	return errors.Join(errs...)
}

func (m *Merged) enter() error {
	if err := claimUse(&m.use, &m.wait); err != nil {
		return err
	}
	m.wait.retake()
	return nil
}

func (m *Merged) leave() {
	if m.wait.notice.Load() != nil {
		m.gather()
		m.wait.tell(m.empty)
	}
	m.use.Store(useNone)
	if m.wait.closing.Load() {
		_ = m.end()
	}
}

func (m *Merged) await(ctx context.Context, want int) (*batch, error) {
	for {
		b, err := m.look(want)
		if err != ErrEmpty {
			return b, err
		}
		m.wait.attend(ctx)
		m.gather()
		err = m.reads.await(m.waiter, &m.wait)
		if err != nil && err != errAgain {
			return nil, err
		}
	}
}

// look looks at every subscription once, from where it stopped.
func (m *Merged) look(want int) (*batch, error) {
	m.empty = false
	m.done()
	if m.wait.closing.Load() {
		return nil, ErrClosed
	}
	if m.turn >= maxTurn && !m.subs[m.at].batch.left() {
		m.advance()
	}
	for left := len(m.subs); left > 0; left-- {
		s := m.subs[m.at]
		b, err := s.look(s.batch.within(want, maxTurn-m.turn))
		switch {
		case err == ErrClosed:
			m.drop()
			continue
		case err == nil:
			m.last = b
			if b.next == 0 || m.turn == 0 { // not what was left of this turn
				m.turn += b.have - b.next
			}
			return b, nil
		case err != ErrEmpty:
			m.turn++
			return nil, err
		}
		m.advance()
	}
	if len(m.subs) == 0 {
		return nil, ErrClosed
	}
	m.empty = true
	return nil, ErrEmpty
}

// done ends the last message of a group: its subscription may not be the next one that
// is read.
func (m *Merged) done() {
	if m.last != nil && m.last.next > 0 {
		m.last.messages[m.last.next-1].Done()
	}
	m.last = nil
}

func (m *Merged) advance() {
	m.turn = 0
	if m.at++; m.at >= len(m.subs) {
		m.at = 0
	}
}

// drop lets go of the subscription that is read: it was closed.
func (m *Merged) drop() {
	s := m.subs[m.at]
	m.last = nil
	m.subs = append(m.subs[:m.at], m.subs[m.at+1:]...)
	m.wait.others = append(m.wait.others[:m.at], m.wait.others[m.at+1:]...)
	m.turn = 0
	if m.at >= len(m.subs) {
		m.at = 0
	}
	s.giveBack()
}

// gather lists what is waited for, for ourselves and for the watch.
func (m *Merged) gather() {
	m.reads.clear()
	for _, s := range m.subs {
		for _, src := range s.sources {
			m.reads.add(src)
		}
	}
	m.reads.berth(m.wait.bed)
}
