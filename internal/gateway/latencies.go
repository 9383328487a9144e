package gateway

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// maxLatencies bounds the services whose times are kept apart: 24 KiB each.
const maxLatencies = 256

// latencies are the times of requests by service, as this gateway sees them, since it began.
// It is safe for concurrent use.
type latencies struct {
	mu       sync.Mutex
	services map[string]*latency // guarded by mu
}

type latency struct {
	times    *hdrhistogram.Histogram // in microseconds
	failures uint64
}

func newLatencies() *latencies { return &latencies{services: map[string]*latency{}} }

// note adds one request. Services beyond the bound are left out.
func (l *latencies) note(service string, took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.services[service]
	if s == nil {
		if len(l.services) >= maxLatencies {
			return
		}
		s = &latency{times: hdrhistogram.New(1, maxTimeout.Microseconds(), 2)}
		l.services[service] = s
	}
	if err != nil {
		s.failures++
		return
	}
	_ = s.times.RecordValue(max(1, min(took, maxTimeout).Microseconds())) // it is within the bounds
}

// A Latency is what requests of one service took through this gateway, in microseconds.
type Latency struct {
	Answered uint64 `json:"answered"`
	Failed   uint64 `json:"failed"`
	P50      int64  `json:"p50_us"`
	P99      int64  `json:"p99_us"`
	Max      int64  `json:"max_us"`
}

// of returns what is known of a service.
func (l *latencies) of(service string) Latency {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.services[service]
	if s == nil {
		return Latency{}
	}
	return Latency{
		Answered: uint64(s.times.TotalCount()), Failed: s.failures,
		P50: s.times.ValueAtQuantile(50), P99: s.times.ValueAtQuantile(99), Max: s.times.Max(),
	}
}
