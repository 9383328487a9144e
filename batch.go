package ringcast

import (
	"context"
	"sync/atomic"
)

// Bounds of a batch.
const (
	// maxBatch is as many as a ring lends at once.
	maxBatch = 64
	// maxAhead is how many are taken together where they are handed out one by one.
	maxAhead = 32
)

// A batch is what was taken of a topic with one look. It is handed out message by
// message or in pieces; the next look comes when nothing is left. It belongs to its
// subscription, and to whoever uses that.
type batch struct {
	messages   []Message
	next, have int // messages from next up to have are there and were not handed out
	ahead      int // how many the next look takes, if nobody says: more where many came

	// ended are the ends of the subscription and of the Merged it belongs to, if any.
	ended [2]*atomic.Bool
}

// room is where a look may put messages: so many, or as many as came of late if want
// is 0. Where messages come one at a time one is looked for only: the line behind an
// answer is its producer's.
func (b *batch) room(want int) []Message {
	if want <= 0 {
		want = b.ahead
	}
	want = min(max(want, 1), maxBatch)
	if want > len(b.messages) {
		b.messages = make([]Message, max(want, maxAhead))
	}
	return b.messages[:want]
}

// within is what to want, by room's rule, where there may be no more than most.
func (b *batch) within(want, most int) int {
	if want <= 0 {
		want = b.ahead
	}
	return max(1, min(want, most))
}

// filled says that so many have come, of so many that there was room for.
func (b *batch) filled(n, room int) {
	b.next, b.have = 0, n
	if n == room {
		b.ahead = min(2*max(b.ahead, n), maxAhead)
	}
}

// over reports whether nothing more may be handed out: somebody has closed.
func (b *batch) over() bool { return b.ended[0].Load() || b.ended[1].Load() }

// may reports whether message i, which is there, may be handed out. The first of a look
// may, though somebody has closed since: a message that a member has taken goes to
// nobody else.
func (b *batch) may(i int) bool { return i == 0 || !b.over() }

// left reports whether there is something to hand out.
func (b *batch) left() bool { return b.next < b.have && b.may(b.next) }

// pop hands out the next message.
func (b *batch) pop() *Message {
	m := &b.messages[b.next]
	b.next++
	return m
}

// cut hands out so many messages, or what there is.
func (b *batch) cut(most int) []Message {
	end := min(b.next+most, b.have)
	ms := b.messages[b.next:end:end]
	b.next = end
	return ms
}

// drop forgets what was not handed out.
func (b *batch) drop() { b.next, b.have = 0, 0 }

func batchOf(f feed, ctx context.Context, most int) ([]Message, error) {
	if most <= 0 {
		most = maxBatch
	}
	if err := f.enter(); err != nil {
		return nil, err
	}
	b, err := f.await(ctx, most)
	var ms []Message
	if err == nil {
		ms = b.cut(most)
	}
	f.leave()
	return ms, err
}
