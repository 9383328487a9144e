package bench

import (
	"errors"
	"fmt"
	"time"

	"github.com/ringcast/ringcast"
)

// An order checks that each producer's messages come one after the other, whole.
// It belongs to one goroutine.
type order struct {
	seen []uint64 // last sequence of each producer
	gaps bool     // the next of each may be any later one
	open int      // producers that have not sent their last message
}

func newOrder(producers int) *order {
	return &order{seen: make([]uint64, producers), open: producers}
}

// follows takes a whole message if it is the next of its producer, and not the last.
func (o *order) follows(tag uint64) bool {
	producer := tag >> 48
	if producer >= uint64(len(o.seen)) || o.seen[producer]+1 != tag&(1<<48-1) {
		return false // also of the last, whose mark is above its producer
	}
	o.seen[producer]++
	return true
}

// next takes a message, and reports whether it was its producer's last.
func (o *order) next(tag uint64, whole bool) (last bool, err error) {
	producer, seq, last := splitTag(tag)
	if !whole || producer >= len(o.seen) {
		return false, fmt.Errorf("message with tag %#x is not what was written", tag)
	}
	if was := o.seen[producer]; seq != was+1 && (!o.gaps || seq <= was) {
		return false, fmt.Errorf("producer %d: message %d came after %d", producer, seq, was)
	}
	o.seen[producer] = seq
	if last {
		o.open--
	}
	return last, nil
}

// forgive allows gaps from now on: messages were missed, and that was told.
func (o *order) forgive() { o.gaps = true }

// missedBy is how many messages an event says were missed.
func missedBy(err error) uint64 {
	var lagged *ringcast.LaggedError
	if errors.As(err, &lagged) {
		return lagged.Missed
	}
	return 0
}

// timeOf is the instant that a payload bears.
func timeOf(stamp uint64) time.Duration { return time.Duration(stamp) }
