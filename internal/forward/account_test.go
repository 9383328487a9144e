package forward

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// An account says of every producer that each message was delivered or told as
// lost, once, in order.
type account struct {
	streams   map[shm.Address]*stream
	delivered uint64
	lost      uint64 // told by LOSS
	lagged    uint64 // missed by this reader: jumps after a LaggedError
	events    int
}

type stream struct {
	next uint64
	may  bool // the reader was put out: the next message may come later than next
}

func newAccount() *account { return &account{streams: map[shm.Address]*stream{}} }

// expect says that a producer's first message must be one.
func (a *account) expect(producer shm.Address, first uint64) {
	a.streams[producer] = &stream{next: first}
}

// take books a message or event.
func (a *account) take(m *ring.Message) error {
	first, last := m.Sequence, m.Sequence
	if m.Kind == layout.MessageKindEvent {
		le := binary.LittleEndian
		first = le.Uint64(m.Payload[layout.EventRecordFirstOffset:])
		last = le.Uint64(m.Payload[layout.EventRecordLastOffset:])
		if n := le.Uint64(m.Payload[layout.EventRecordCountOffset:]); n != last-first+1 {
			return fmt.Errorf("event %d..%d counts %d", first, last, n)
		}
		a.lost += last - first + 1
		a.events++
	} else {
		a.delivered++
	}
	s := a.streams[m.Producer]
	if s == nil {
		s = &stream{next: first}
		a.streams[m.Producer] = s
	}
	if first != s.next && (!s.may || first < s.next) {
		return fmt.Errorf("%v: %d..%d (kind %d) comes where %d is next", m.Producer, first, last, m.Kind, s.next)
	}
	a.lagged += first - s.next
	s.next, s.may = last+1, false
	return nil
}

// accounted is how many messages there is word of.
func (a *account) accounted() uint64 { return a.delivered + a.lost + a.lagged }

// follow reads until there is word of a producer's messages up to last.
func (a *account) follow(ctx context.Context, p *program, rd *ring.Reader, producer shm.Address, last uint64) error {
	var m ring.Message
	for a.streams[producer] == nil || a.streams[producer].next <= last {
		err := p.next(ctx, rd, &m)
		var lagged *ring.LaggedError
		if errors.As(err, &lagged) {
			for _, s := range a.streams {
				s.may = true
			}
			continue
		}
		if err != nil {
			next := uint64(0)
			if s := a.streams[producer]; s != nil {
				next = s.next
			}
			return fmt.Errorf("waiting for %v %d, up to %d: %w", producer, next, last, err)
		}
		if err := a.take(&m); err != nil {
			return err
		}
	}
	return nil
}
