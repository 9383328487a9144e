package ringcast

import (
	"errors"
	"fmt"
)

// A message's source is its participant's address and a handle; other nodes tell
// repetitions by source and sequence. So a source must never begin anew: a
// publisher that is opened on a topic goes on where a closed one of this bus
// stopped, under the same handle, whatever ring the topic has by then.

// maxHandle is what 16 bits can number, 0 left out.
const maxHandle = 1<<16 - 1

// errHandles is met by whoever has 65,535 publishers of one topic open at once.
var errHandles = errors.New("all publisher handles are in use")

// A handle is the number of a publisher and the sequence of its last message.
type handle struct {
	number uint16
	last   uint64
}

// handleSet has the handles of one topic. It is guarded by Bus.mu.
type handleSet struct {
	given  int      // handles in use or closed
	closed []handle // to be gone on with
}

// takeHandle gives a publisher its handle.
func (b *Bus) takeHandle(topic string) (handle, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.handles[topic]
	if s == nil {
		s = new(handleSet)
		b.handles[topic] = s
	}
	if n := len(s.closed); n > 0 {
		h := s.closed[n-1]
		s.closed = s.closed[:n-1]
		return h, nil
	}
	if s.given == maxHandle {
		return handle{}, fmt.Errorf("topic %q: %w", topic, errHandles)
	}
	s.given++
	return handle{number: uint16(s.given)}, nil
}

// returnHandle takes back the handle of a publisher that sends no more.
func (b *Bus) returnHandle(topic string, h handle) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handles[topic].closed = append(b.handles[topic].closed, h)
}
