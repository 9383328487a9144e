package main

import (
	"fmt"
	"sort"
	"sync"

	"github.com/ringcast/ringcast/shm"
)

// A ledger books what one reader was given, and says what must not be: a message
// twice, out of order, torn, with another's bytes, or missing without word.
// It is safe for concurrent use.
type ledger struct {
	mu        sync.Mutex
	streams   map[shm.Address]*stream
	positions []uint64 // of the messages, ascending
	spans     []lagSpan
	next      uint64 // position behind the last message
	faults    []string
}

// A stream is one producer as a reader sees it.
type stream struct {
	next      uint64 // the sequence that comes next
	delivered uint64
	missed    uint64 // passed by, and the reader was told
	lags      int    // LAGGED events of the reader that were there at its last message
}

// A lagSpan is one LAGGED event: positions that passed the reader by.
type lagSpan struct{ first, count uint64 }

// maxFaults is how many are kept: the rest follows from the first.
const maxFaults = 20

// newLedger books from the beginning of all streams.
func newLedger() *ledger { return &ledger{streams: make(map[shm.Address]*stream)} }

func (l *ledger) fault(format string, args ...any) {
	if len(l.faults) < maxFaults {
		l.faults = append(l.faults, fmt.Sprintf(format, args...))
	}
}

// take books a message.
func (l *ledger) take(position uint64, from shm.Address, sequence uint64, payload []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := checkPayload(payload, from, sequence); err != nil {
		l.fault("at position %d: %v", position, err)
	}
	if position < l.next {
		l.fault("message %d of %v at position %d comes behind position %d", sequence, from, position, l.next-1)
	}
	l.next = position + 1
	l.positions = append(l.positions, position)
	s := l.streams[from]
	if s == nil {
		s = &stream{next: 1}
		l.streams[from] = s
	}
	switch {
	case sequence < s.next:
		l.fault("message %d of %v came twice or out of order: %d is next", sequence, from, s.next)
		return
	case sequence > s.next && s.lags == len(l.spans):
		l.fault("messages %d to %d of %v are missing without word", s.next, sequence-1, from)
	}
	s.missed += sequence - s.next
	s.next, s.lags = sequence+1, len(l.spans)
	s.delivered++
}

// lag books a LAGGED event.
func (l *ledger) lag(first, count uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first < l.next {
		l.fault("LAGGED from position %d, but %d was delivered", first, l.next-1)
	}
	l.spans = append(l.spans, lagSpan{first, count})
	l.next = max(l.next, first+count)
}

// delivered is how many messages of a producer came, and how many it was told it missed.
func (l *ledger) delivered(from shm.Address) (came, missed uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.streams[from]; s != nil {
		return s.delivered, s.missed
	}
	return 0, 0
}

// total is how many messages came in all.
func (l *ledger) total() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.positions)
}

// settle checks a producer that sends no more: everything that it was told is
// sent came, and at most spare messages besides.
func (l *ledger) settle(from shm.Address, acked, spare uint64) {
	came, missed := l.delivered(from)
	l.mu.Lock()
	defer l.mu.Unlock()
	tail := uint64(0) // after a LAGGED the end of a stream may have passed by unseen
	if s := l.streams[from]; len(l.spans) > 0 && (s == nil || s.lags < len(l.spans)) {
		tail = acked
	}
	if sum := came + missed; sum+tail < acked || sum > acked+spare {
		l.fault("%v: %d messages sent with OK, %d delivered, %d told as missed", from, acked, came, missed)
	}
}

// check returns all faults.
func (l *ledger) check() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.faults...)
}

// between counts the messages at positions from first up to end, exclusive.
func between(positions []uint64, first, end uint64) int {
	from := sort.Search(len(positions), func(i int) bool { return positions[i] >= first })
	to := sort.Search(len(positions), func(i int) bool { return positions[i] >= end })
	return to - from
}

// compare checks another reader of the same ring against this one, which was
// never put out: from its join on each message was delivered to it or lies in a
// span that it was told, and never both. slack is how many messages may be missing
// besides: those of several slots that begin in a span and end behind it. It returns
// how many it was told of.
func (l *ledger) compare(who string, joined uint64, delivered []uint64, spans []lagSpan, slack int) (told int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := joined
	if n := len(delivered); n > 0 {
		end = delivered[n-1] + 1
	}
	for _, s := range spans {
		if got := between(delivered, s.first, s.first+s.count); got != 0 {
			l.fault("%s: %d messages delivered within LAGGED %d+%d", who, got, s.first, s.count)
		}
		if s.first < end {
			told += between(l.positions, max(s.first, joined), min(s.first+s.count, end))
		}
	}
	if sent := between(l.positions, joined, end); len(delivered)+told > sent || len(delivered)+told < sent-slack {
		l.fault("%s: from position %d to %d: %d messages sent, %d delivered, %d told as missed", who, joined, end, sent, len(delivered), told)
	}
	for _, p := range delivered {
		if between(l.positions, p, p+1) == 0 {
			l.fault("%s: a message at position %d that nobody else saw", who, p)
			break
		}
	}
	return told
}
