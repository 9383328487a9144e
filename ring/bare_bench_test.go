package ring

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A bareReader takes an exclusive ring's messages as the C ring of bench/limits does:
// it looks at published, sums the payload up and stores the cursor every 16th. It
// shows what the producer is good for, whatever a Reader costs.
type bareReader struct {
	ring  *Ring
	index int
	size  int
	ended atomic.Bool
	sum   uint64
}

func (rd *bareReader) run() {
	r := rd.ring
	for c := uint64(0); !rd.ended.Load(); {
		if r.published(c).Load() != r.lap(c) {
			pause(8)
			continue
		}
		rd.sum += sumOf(r.slot(c)[64 : 64+rd.size])
		if c++; c%16 == 0 {
			storeRelease(&r.entries[rd.index].cursor, c)
		}
	}
}

// BenchmarkPublishToBare publishes to a bare reader on another core.
func BenchmarkPublishToBare(b *testing.B) {
	for _, size := range []int{64, 256, 1024, 2048} {
		payload := make([]byte, size)
		var m Meta
		many, lengths := make([][]byte, 32), make([]int, 32)
		for i := range many {
			many[i], lengths[i] = payload, size
		}
		ways := []struct {
			name string
			send func(p *Producer, i int) (int, error)
		}{
			{"copy", func(p *Producer, _ int) (int, error) { return oneSent(p.TryPublish(payload, &m)) }},
			{"claim", func(p *Producer, i int) (int, error) {
				c, err := p.TryClaim(nil)
				if err != nil {
					return 0, err
				}
				fillWords(c.Bytes()[:size], uint64(i))
				return oneSent(c.Commit(0, size, &m))
			}},
			{"copy-batch", func(p *Producer, _ int) (int, error) { return p.TryPublishBatch(many, &m) }},
			{"claim-batch", func(p *Producer, i int) (int, error) {
				c, err := p.TryClaimBatch(32)
				if err != nil {
					return 0, err
				}
				for k := range c.Len() {
					fillWords(c.Bytes(k)[:size], uint64(i))
				}
				return c.Commit(lengths[:c.Len()], &m)
			}},
		}
		for _, way := range ways {
			b.Run(fmt.Sprintf("%s/%d", way.name, size), func(b *testing.B) { benchBare(b, size, way.send) })
		}
	}
}

func benchBare(b *testing.B, size int, send func(*Producer, int) (int, error)) {
	ctl, dat := testRing(b, Shape{Slots: 1024, Payload: size, Kind: Exclusive, StallBudget: time.Minute})
	node := &testNode{}
	r := attach(b, node, 1, ctl, dat)
	joined := joinFor(b, r, JoinOptions{})
	p := produceFor(b, attach(b, node, 0, ctl, dat))
	rd := bareReader{ring: r, index: joined.index, size: size}
	restore := pinned()
	defer restore()
	before := lineRoundTrip()
	var wg sync.WaitGroup
	wg.Go(func() { pinTo(1); rd.run() })
	const chunk = 20000
	var rates []float64
	for n := 0; n < b.N; n += chunk {
		start := time.Now()
		for i := 0; i < chunk; {
			sent, err := send(p, i)
			if err != nil {
				pause(20)
			}
			i += sent
		}
		rates = append(rates, chunk/time.Since(start).Seconds()/1e6)
	}
	rd.ended.Store(true)
	wg.Wait()
	slices.Sort(rates)
	b.ReportMetric(rates[len(rates)/2], "median-M/s")
	b.ReportMetric(rates[len(rates)*9/10], "p90-M/s")
	reportLine(b, before)
}

// fillWords writes all of b, whose length is a multiple of 64.
func fillWords(b []byte, k uint64) {
	le := binary.LittleEndian
	for len(b) >= 64 {
		w := b[:64]
		le.PutUint64(w[0:], k)
		le.PutUint64(w[8:], k+1)
		le.PutUint64(w[16:], k+2)
		le.PutUint64(w[24:], k+3)
		le.PutUint64(w[32:], k+4)
		le.PutUint64(w[40:], k+5)
		le.PutUint64(w[48:], k+6)
		le.PutUint64(w[56:], k+7)
		k += 8
		b = b[64:]
	}
}

// oneSent is how many messages one try has sent.
func oneSent(err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return 1, nil
}
