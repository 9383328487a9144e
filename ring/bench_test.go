package ring

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// The benchmarks write every byte of every payload and read every byte of it.
// They run on heap rings: the same words, without the files.

// BenchmarkStream measures one producer and one reader at full speed.
func BenchmarkStream(b *testing.B) {
	for _, kind := range []Kind{Shared, Exclusive} {
		for _, size := range []int{64, 256, 2048} {
			b.Run(fmt.Sprintf("%v/%d", kind, size), func(b *testing.B) {
				benchStream(b, Shape{Slots: 1024, Payload: size, Kind: kind, StallBudget: time.Minute}, size)
			})
		}
	}
}

func benchStream(b *testing.B, s Shape, size int) {
	node := &testNode{}
	ctl, dat := heapRing(b, s)
	rd, err := attach(b, node, 1, ctl, dat).Join(JoinOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer rd.Close()
	p := produceFor(b, attach(b, node, 0, ctl, dat))
	payload := make([]byte, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	done := make(chan uint64)
	go func() { done <- drain(rd, b.N) }()
	var meta Meta
	for range b.N {
		for p.TryPublish(payload, &meta) != nil {
			pause(16)
		}
	}
	<-done
}

// produceFor opens a handle.
func produceFor(t testing.TB, r *Ring) *Producer {
	t.Helper()
	p, err := r.NewProducer(r.host.(testHost).address())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// drain reads n messages and all of their bytes.
func drain(rd *Reader, n int) uint64 {
	var m Message
	var sum uint64
	for got, idle := 0, 0; got < n; {
		if rd.Next(&m) != nil {
			pause(pauseCycles)
			if idle++; idle%1000 == 0 {
				runtime.Gosched()
			}
			continue
		}
		got++
		sum += sumOf(m.Payload)
	}
	return sum
}

func sumOf(b []byte) uint64 {
	var sum uint64
	for len(b) >= 8 {
		sum += uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		b = b[8:]
	}
	return sum
}

// BenchmarkPingPong measures a round trip over two rings, spinning.
func BenchmarkPingPong(b *testing.B) {
	for _, kind := range []Kind{Shared, Exclusive} {
		b.Run(kind.String(), func(b *testing.B) {
			node := &testNode{}
			there, back := benchLink(b, node, kind, 0, 1), benchLink(b, node, kind, 1, 0)
			var payload [64]byte
			var meta Meta
			b.ReportAllocs()
			b.ResetTimer()
			done := make(chan struct{})
			go func() {
				for range b.N {
					drain(there.rd, 1)
					_ = back.p.TryPublish(payload[:], &meta)
				}
				close(done)
			}()
			for range b.N {
				_ = there.p.TryPublish(payload[:], &meta)
				drain(back.rd, 1)
			}
			<-done
		})
	}
}

type link struct {
	p  *Producer
	rd *Reader
}

func benchLink(b *testing.B, node *testNode, kind Kind, from, to uint16) link {
	ctl, dat := heapRing(b, Shape{Slots: 64, Payload: 64, Kind: kind, StallBudget: time.Minute})
	rd, err := attach(b, node, to, ctl, dat).Join(JoinOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return link{produceFor(b, attach(b, node, from, ctl, dat)), rd}
}

// BenchmarkAlone measures publishing and reading in one goroutine: the cost of
// the words without the traffic between cores.
func BenchmarkAlone(b *testing.B) {
	for _, kind := range []Kind{Shared, Exclusive} {
		b.Run(kind.String(), func(b *testing.B) {
			l := benchLink(b, &testNode{}, kind, 0, 1)
			var payload [64]byte
			var meta Meta
			var m Message
			b.SetBytes(64)
			b.ReportAllocs()
			for range b.N {
				if err := l.p.TryPublish(payload[:], &meta); err != nil {
					b.Fatal(err)
				}
				if err := l.rd.Next(&m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
