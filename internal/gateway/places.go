package gateway

import "sync/atomic"

// places are what requests in flight take. Nobody waits for one.
type places struct {
	free atomic.Int64
}

// take takes n, or none.
func (p *places) take(n int64) bool {
	for {
		have := p.free.Load()
		if have < n {
			return false
		}
		if p.free.CompareAndSwap(have, have-n) {
			return true
		}
	}
}

// admit takes places among those in flight. Who finds none is told at once, while others
// still get answers.
func (g *Gateway) admit(n int64) (release func(), err error) {
	if !g.places.take(n) {
		return nil, unavailable("overloaded", "this gateway has as many requests open as it may (%d)", g.config.InFlight)
	}
	return func() { g.places.free.Add(n) }, nil
}
