package mcast

import "math"

// Time is a running time in nanoseconds, given by the caller: never a time of day,
// never going back.
type Time int64

// Duration is a span of Time in nanoseconds.
type Duration = Time

// Spans of time.
const (
	Microsecond Duration = 1000
	Millisecond          = 1000 * Microsecond
	Second               = 1000 * Millisecond
)

// Never is later than every Time.
const Never Time = math.MaxInt64

// micros is the low half of a Time in microseconds, as frames carry it.
func micros(t Time) uint32 { return uint32(uint64(t) / 1000) }
