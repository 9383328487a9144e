package scenario

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// A ledger books what one subscriber was given of every publisher.
type ledger struct {
	name string

	mu      sync.Mutex
	entries map[ringcast.Address]*entry
	fault   error // the first thing that must not be
	lagged  int   // LAGGED events of this reader
	strict  bool  // the nodes have found each other: publishers' first messages arrive, too
}

// An entry is one publisher as a subscriber sees it.
type entry struct {
	next      uint64 // the number that comes next
	delivered uint64
	missed    uint64 // told by LOSS
	behind    uint64 // missed because this reader was put out
	events    int
	may       bool // this reader was put out since: a jump is its own
}

// subscribeLedger reads the topic on a node until the test ends.
func (s *scene) subscribeLedger(dir, name string) *ledger {
	s.t.Helper()
	l := &ledger{name: name, entries: map[ringcast.Address]*entry{}}
	sub, err := s.bus(dir).Subscribe(topic, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range sub.Messages(ctx) {
			if !l.take(m, err) {
				return
			}
		}
	}()
	s.t.Cleanup(func() { cancel(); <-done; _ = sub.Close() })
	return l
}

// take books one turn of the subscription's loop.
func (l *ledger) take(m *ringcast.Message, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var loss *ringcast.LossError
	var lagged *ringcast.LaggedError
	switch {
	case err == nil:
		n := binary.LittleEndian.Uint64(m.Payload())
		if n != m.Sequence() {
			l.fail("message %d of %v has sequence %d", n, m.Source(), m.Sequence())
		}
		l.book(m.Source(), n, n, false)
	case errors.As(err, &loss):
		if loss.Count != loss.Last-loss.First+1 {
			l.fail("%v: counts %d", loss, loss.Count)
		}
		l.book(loss.Source, loss.First, loss.Last, true)
	case errors.As(err, &lagged):
		l.lagged++
		for _, e := range l.entries {
			e.may = true
		}
	case errors.Is(err, context.Canceled):
		return false
	default:
		l.fail("unexpected %v", err)
	}
	return true
}

func (l *ledger) fail(format string, args ...any) {
	if l.fault == nil {
		l.fault = fmt.Errorf(l.name+": "+format, args...)
	}
}

// book enters the messages first..last of a publisher.
func (l *ledger) book(source ringcast.Address, first, last uint64, lost bool) {
	e := l.entries[source.Participant()]
	if e == nil {
		e = &entry{next: 1, may: l.lagged > 0 || !l.strict}
		l.entries[source.Participant()] = e
	}
	if first != e.next && (!e.may || first < e.next) {
		l.fail("%v: %d..%d (lost: %v) comes where %d is next", source, first, last, lost, e.next)
	}
	e.behind += first - e.next
	if lost {
		e.missed += last - first + 1
		e.events++
	} else {
		e.delivered++
	}
	e.next, e.may = last+1, false
}

// of returns a publisher's entry as it is now.
func (l *ledger) of(source ringcast.Address) entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entries[source]; e != nil {
		return *e
	}
	return entry{next: 1}
}

// settle waits until there is word of everything that a publisher, which sends no
// more, had acknowledged, and of one more if that was under way.
func (l *ledger) settle(t *testing.T, c child, spare uint64) entry {
	t.Helper()
	acked, source := c.acked(), c.address()
	for end := time.Now().Add(10 * time.Second); l.of(source).next <= acked; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("%s: of %v there is word up to %d of %d only", l.name, source, l.of(source).next-1, acked)
			break
		}
	}
	time.Sleep(20 * time.Millisecond)
	e := l.of(source)
	if sum := e.delivered + e.missed + e.behind; sum < acked || sum > acked+spare {
		t.Errorf("%s: publisher %v: %d acknowledged, %d delivered + %d missed + %d behind", l.name, source, acked, e.delivered, e.missed, e.behind)
	}
	return e
}

// check fails the test if anything came twice, out of order, or not at all without word.
func (l *ledger) check(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault != nil {
		t.Error(l.fault)
	}
}
