//go:build linux

package udp

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// The benchmarks deliver every datagram: the sender stays less than a window
// ahead of the receiver, as the protocol's flow control would keep it. They run
// the sender's loop (write, then take its own looped copies) and the receiver's.
func BenchmarkMulticast(b *testing.B) { benchmarkDelivery(b, true) }

// BenchmarkUnicast is the same to one address: no own copies.
func BenchmarkUnicast(b *testing.B) { benchmarkDelivery(b, false) }

func benchmarkDelivery(b *testing.B, multicast bool) {
	for _, size := range []int{64, 256, 1408, 8932} {
		for _, seg := range []Segmentation{SegmentationOff, SegmentationAuto} {
			name := "single"
			if seg == SegmentationAuto {
				name = "joined"
			}
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) {
				deliver(b, size, seg, multicast)
			})
		}
	}
}

func deliver(b *testing.B, size int, seg Segmentation, multicast bool) {
	cfg := loopbackConfig()
	cfg.Segmentation = seg
	from, to := open(b, cfg), open(b, cfg)
	var received, calls atomic.Uint64
	go func() {
		batch := to.NewBatch()
		for {
			n, err := to.ReadBatch(batch, -1)
			if err != nil {
				return
			}
			received.Add(uint64(n))
			calls.Add(1)
		}
	}()
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	send(b, from, to, &received, size, multicast)
	elapsed := time.Since(start)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/elapsed.Seconds(), "datagrams/s")
	b.ReportMetric(float64(b.N)/float64(calls.Load()), "datagrams/read")
}

// send writes b.N datagrams, as many at once as a lane would, a window ahead at most.
func send(b *testing.B, from, to *Conn, received *atomic.Uint64, size int, multicast bool) {
	// What the receiver's buffer holds: twice its nominal size, less overhead.
	ahead := min(1024, 2*to.Buffers().Receive/(2*size+1024), 1<<20/size)
	payload := make([]byte, size)
	datagrams := make([][]byte, min(64, ahead, max(1, 256<<10/size)))
	for i := range datagrams {
		datagrams[i] = payload
	}
	own := from.NewBatch()
	for sent := uint64(0); sent < uint64(b.N); {
		k := min(uint64(len(datagrams)), uint64(b.N)-sent)
		for end := time.Now().Add(patience); sent+k > received.Load()+uint64(ahead); runtime.Gosched() {
			if time.Now().After(end) {
				b.Fatalf("%d of %d arrived; %d dropped by the kernel", received.Load(), sent, to.Counters().KernelDrops.Load())
			}
		}
		write := from.WriteMulticast
		if !multicast {
			write = func(d [][]byte) (int, error) { return from.WriteTo(to.LocalAddr(), d) }
		}
		if _, err := write(datagrams[:k]); err != nil {
			b.Fatal(err)
		}
		sent += k
		if multicast {
			if _, err := from.ReadBatch(own, 0); err != nil {
				b.Fatal(err)
			}
		}
	}
	for end := time.Now().Add(patience); received.Load() < uint64(b.N); runtime.Gosched() {
		if time.Now().After(end) {
			b.Fatalf("%d of %d arrived", received.Load(), b.N)
		}
	}
}

// BenchmarkRoundTrip is a datagram there and one back, both readers asleep: the
// latency that the driver adds to the kernel's.
func BenchmarkRoundTrip(b *testing.B) {
	cfg := loopbackConfig()
	here, there := open(b, cfg), open(b, cfg)
	go func() {
		batch := there.NewBatch()
		reply := [][]byte{make([]byte, 64)}
		for {
			if _, err := there.ReadBatch(batch, -1); err != nil {
				return
			}
			for _, d := range batch.Datagrams() {
				there.WriteTo(d.From, reply)
			}
		}
	}()
	batch, ask := here.NewBatch(), [][]byte{make([]byte, 64)}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		here.WriteTo(there.LocalAddr(), ask)
		if n, err := here.ReadBatch(batch, patience); n != 1 || err != nil {
			b.Fatal(n, err)
		}
	}
}
