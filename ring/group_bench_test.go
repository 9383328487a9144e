package ring

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

// BenchmarkGroup measures one producer and some members at full speed: every message
// is taken, started and ended by one of them.
func BenchmarkGroup(b *testing.B) {
	for _, members := range []int{1, 2} {
		for _, size := range []int{64, 2048} {
			b.Run(fmt.Sprintf("%d members/%d", members, size), func(b *testing.B) { benchGroup(b, members, size) })
		}
	}
}

func benchGroup(b *testing.B, members, size int) {
	node := &testNode{}
	ctl, dat := testRing(b, Shape{Slots: 1024, Payload: size, StallBudget: time.Minute})
	var rings []*Ring
	for i := range members + 1 {
		rings = append(rings, attach(b, node, uint16(i), ctl, dat))
	}
	groups := testGroup(b, rings)
	p := produceFor(b, rings[0])
	payload, stop := make([]byte, size), make(chan struct{})
	b.SetBytes(int64(size))
	b.ReportAllocs()
	var all sync.WaitGroup
	for i := 1; i <= members; i++ {
		mb, err := groups[i].join("g", GroupOptions{Self: rings[i].host.(testHost).address()})
		if err != nil {
			b.Fatal(err)
		}
		all.Go(func() { drainMember(mb, stop) })
	}
	b.ResetTimer()
	var meta Meta
	for range b.N {
		for try := 0; p.TryPublish(payload, &meta) != nil; try++ {
			pause(16)
			if try%64 == 63 {
				runtime.Gosched()
			}
		}
	}
	for groups[0].pass(); groups[0].gateAt() < uint64(b.N); groups[0].pass() {
		runtime.Gosched()
	}
	b.StopTimer()
	close(stop)
	all.Wait()
}

// drainMember takes messages and reads all of their bytes.
func drainMember(mb *Member, stop chan struct{}) {
	var m Message
	var sum uint64
	for idle := 0; ; {
		if mb.Next(&m) == nil {
			sum += sumOf(m.Payload)
			continue
		}
		pause(4)
		if idle++; idle%1000 == 0 {
			runtime.Gosched()
			select {
			case <-stop:
				return
			default:
			}
		}
	}
}
