package guard

import "time"

// A Limit is how much of something one source may do: Rate a second in the long run, Burst at
// once. Neither is negative. It is a value.
type Limit struct {
	Rate, Burst float64
}

// A Bucket is a token bucket that is fed with the instant. The zero value is a full one. A
// Bucket must not be used by more than one goroutine at a time.
type Bucket struct {
	missing float64
	at      time.Duration
}

// Take takes a token; false: there is none. Now is a running time; one that goes back counts as
// no time at all. It allocates nothing.
func (b *Bucket) Take(now time.Duration, l Limit) bool {
	if now > b.at {
		b.missing = max(0, b.missing-float64(now-b.at)*l.Rate/float64(time.Second))
		b.at = now
	}
	if b.missing+1 > l.Burst {
		return false
	}
	b.missing++
	return true
}
