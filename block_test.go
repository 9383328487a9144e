package ringcast

import (
	"testing"
	"time"
)

// TestRemainingTime: what a request has left, also where its mark lies ahead of our
// clock, and where the low half of the clock has begun anew.
func TestRemainingTime(t *testing.T) {
	for _, x := range []struct{ put, now, left, want time.Duration }{
		{5 * time.Second, 6 * time.Second, 3 * time.Second, 2 * time.Second},
		{5 * time.Second, 9 * time.Second, 3 * time.Second, -time.Second},
		{5*time.Second + 40*time.Microsecond, 5 * time.Second, time.Second, time.Second},
		{1<<32*time.Microsecond - time.Second, 1<<32*time.Microsecond + time.Second, 3 * time.Second, time.Second},
	} {
		var b block
		b.setTime(x.left, x.put)
		h, _ := readHeading(b[:])
		if got := h.remaining(x.now); got != x.want {
			t.Errorf("put at %v with %v, at %v: %v left, want %v", x.put, x.left, x.now, got, x.want)
		}
	}
}
