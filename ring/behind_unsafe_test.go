package ring

import (
	"context"
	"fmt"
	"testing"
	"time"
	"unsafe"
)

// BenchmarkReadBehind measures how fast a reader can be fed: behind a producer on
// another core that does nothing but store the words of a slot, inline, and beside a
// reader that looks at nothing but published and the payload.
func BenchmarkReadBehind(b *testing.B) {
	for _, size := range []int{64, 256, 1024, 2048} {
		for name, read := range map[string]func(*benchSide, *Reader, int) error{
			"next":  func(s *benchSide, rd *Reader, n int) error { _, err := s.drain(rd, n); return err },
			"batch": (*benchSide).drainBatches,
			"bare":  drainBare,
		} {
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) { benchReadBehind(b, size, read) })
		}
	}
}

func benchReadBehind(b *testing.B, size int, read func(*benchSide, *Reader, int) error) {
	ctl, dat := testRing(b, Shape{Slots: 1024, Payload: size, Kind: Exclusive, StallBudget: time.Minute})
	node := &testNode{}
	rd, err := attach(b, node, 1, ctl, dat).Join(JoinOptions{})
	if err != nil {
		b.Fatal(err)
	}
	restore := pinned()
	defer restore()
	before := lineRoundTrip()
	go func() {
		pinTo(1)
		storeSlots(rd.ring, uint64(b.N), size)
	}()
	start := time.Now()
	if err := read(&benchSide{waiter: NewWaiter(testHost{node, 1}.bell(), Spin)}, rd, b.N); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds()/1e6, "M/s")
	reportLine(b, before)
}

// storeSlots writes n messages. It looks after one reader's cursor and nothing else;
// its plain stores are in order on x86 only.
func storeSlots(r *Ring, n uint64, size int) {
	cursor, gate := &r.entries[0].cursor, uint64(0)
	tail := (*uint64)(unsafe.Pointer(&r.ctl.tail))
	for t := range n {
		for t >= gate {
			if gate = cursor.Load() + r.capacity(); t >= gate {
				pause(1)
			}
		}
		*tail = t + 1
		w := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(r.slot(t)))), 8+size/8)
		for k := 8; k+8 <= len(w); k += 8 {
			w[k], w[k+1], w[k+2], w[k+3], w[k+4], w[k+5], w[k+6], w[k+7] = t, t, t, t, t, t, t, t
		}
		w[1], w[2], w[3], w[4], w[6] = 64|uint64(size)<<32, 7, 9, t+1, uint64(size)|wholeMessage<<48
		w[0] = r.lap(t)
	}
}

// drainBatches reads n messages and all of their bytes, in batches.
func (s *benchSide) drainBatches(rd *Reader, n int) error {
	ms, readers, sum := make([]Message, maxLease), []*Reader{rd}, uint64(0)
	for n > 0 {
		got, err := rd.NextBatch(ms[:min(n, len(ms))])
		if err == ErrEmpty {
			err = s.waiter.Await(context.Background(), readers)
		}
		if err != nil {
			return err
		}
		for i := range ms[:got] {
			sum += sumOf(ms[i].Payload)
		}
		n -= got
	}
	return nil
}

// drainBare reads like the C ring of bench/limits.
func drainBare(_ *benchSide, rd *Reader, n int) error {
	r, sum := rd.ring, uint64(0)
	for t := range uint64(n) {
		for r.published(t).Load() != r.lap(t) {
			pause(8)
		}
		sum += sumOf(r.slot(t)[64:])
		if t%16 == 0 {
			storeRelease(&r.entries[0].cursor, t)
		}
	}
	return nil
}
