package node

import (
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/ringcast/ringcast/bench"
)

// An account is what a child answers.
type account struct {
	Rate      float64 `json:"rate"`
	Missing   uint64  `json:"missing"`
	Histogram string  `json:"histogram"`
	// Tails are the p99 of the parts of a stream at a pace, in ns.
	Tails []float64 `json:"tails,omitempty"`
}

// books are those of one process, which takes messages in one goroutine.
type books struct {
	work       *Work
	seen       map[uint64]uint64 // last message of each producer
	open       int               // producers that have not sent their last
	n          uint64
	tag, stamp uint64
	got        bool
	account    account
	times      *hdrhistogram.Histogram
	parts      []*hdrhistogram.Histogram // of a stream at a pace: bench.PartLength each
	window
}

// A window opens after the warm-up and closes after the duration.
type window struct {
	start, end, from, to, first uint64
}

func newBooks(w *Work, open int) *books {
	b := &books{work: w, seen: make(map[uint64]uint64), open: open, times: newHistogram()}
	if w.Role == Consume && w.Rate > 0 {
		b.parts = make([]*hdrhistogram.Histogram, bench.WholeParts(w.Duration))
	}
	for i := range b.parts {
		b.parts[i] = newHistogram()
		b.parts[i].Reset() // touches its pages
	}
	return b
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 3600e9, 3) }

func (b *books) begin() {
	b.start = now() + uint64(b.work.Warmup)
	b.end = b.start + uint64(b.work.Duration)
}

// turn looks at the window, and reports whether it is still to close.
func (b *books) turn(t uint64) bool {
	switch {
	case b.to != 0:
		return false
	case b.from == 0 && t >= b.start:
		b.from, b.first = t, b.n
	case b.from != 0 && t >= b.end:
		b.to = t
		b.account.Rate = float64(b.n-b.first) * 1e9 / float64(b.to-b.from)
		return false
	}
	return true
}

// record counts a latency that ended at t, in the whole and in its part.
func (b *books) record(t, ns uint64) {
	if b.from == 0 || b.to != 0 {
		return
	}
	value := int64(max(min(ns, 3600e9), 1)) // within its bounds
	_ = b.times.RecordValue(value)
	if part := int((t - b.from) / uint64(bench.PartLength)); part < len(b.parts) {
		_ = b.parts[part].RecordValue(value)
	}
}

// take books one message. What is missing is counted; nothing comes twice or out of order.
func (b *books) take(payload []byte) error {
	if len(payload) != b.work.Size {
		return fmt.Errorf("message of %d bytes, where all have %d", len(payload), b.work.Size)
	}
	tag, stamp, whole := bench.Read(payload[:b.work.Touched])
	if !whole {
		return fmt.Errorf("message of %d bytes with tag %#x is not what was written", len(payload), tag)
	}
	producer, seq := tag>>48&0x7fff, tag&(1<<48-1)
	if seq <= b.seen[producer] {
		return fmt.Errorf("message %d of producer %d came after %d", seq, producer, b.seen[producer])
	}
	b.account.Missing += seq - b.seen[producer] - 1
	b.seen[producer], b.tag, b.stamp, b.got = seq, tag, stamp, true
	if tag&bench.LastMark != 0 {
		b.open--
	}
	return nil
}

// consumed is take of a stream.
func (b *books) consumed(payload []byte) error {
	if err := b.take(payload); err != nil || b.tag&bench.LastMark != 0 {
		return err
	}
	b.n++
	if b.work.Rate == 0 && b.n%256 != 0 && len(payload) <= 4096 {
		return nil
	}
	t := now()
	if b.stamp != 0 {
		b.record(t, t-min(b.stamp, t))
	}
	b.look(t)
	return nil
}

// look ends the count when the window has closed.
func (b *books) look(t uint64) {
	if was := b.to; !b.turn(t) && was == 0 {
		b.work.page.counted.Add(1)
	}
}
