package ring

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkReadFull measures reading alone: the ring is full before the clock runs, and
// no other core touches its lines. Per message, every byte read.
func BenchmarkReadFull(b *testing.B) {
	for _, kind := range bothKinds {
		for _, size := range []int{64, 256, 1024, 2048} {
			for name, read := range map[string]func(*Reader, []Message) (int, error){
				"next":  func(rd *Reader, ms []Message) (int, error) { return 1, rd.Next(&ms[0]) },
				"batch": (*Reader).NextBatch,
			} {
				b.Run(fmt.Sprintf("%v/%d/%s", kind, size, name), func(b *testing.B) { benchReadFull(b, kind, size, read) })
			}
		}
	}
}

func benchReadFull(b *testing.B, kind Kind, size int, read func(*Reader, []Message) (int, error)) {
	const slots = 1024
	ctl, dat := testRing(b, Shape{Slots: slots, Payload: size, Kind: kind, StallBudget: time.Minute})
	node := &testNode{}
	rd, err := attach(b, node, 1, ctl, dat).Join(JoinOptions{})
	if err != nil {
		b.Fatal(err)
	}
	p := produceFor(b, attach(b, node, 0, ctl, dat))
	payload, ms := make([]byte, size), make([]Message, maxLease)
	var took time.Duration
	var sum uint64
	rounds := (b.N + slots - 1) / slots
	for range rounds {
		for range slots {
			if err := p.TryPublish(payload, &Meta{}); err != nil {
				b.Fatal(err)
			}
		}
		start := time.Now()
		for got := 0; got < slots; {
			n, err := read(rd, ms)
			if err != nil {
				b.Fatal(err)
			}
			for i := range ms[:n] {
				sum += sumOf(ms[i].Payload)
			}
			got += n
		}
		took += time.Since(start)
		wantEmpty(b, rd)
	}
	if sum != 0 {
		b.Fatal("a payload is not what was written")
	}
	b.ReportMetric(float64(took)/float64(rounds*slots), "ns/msg")
}
