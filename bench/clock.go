package bench

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// clockStart and clockBase tie the runtime's clock, which reads in the vDSO but
// counts from an instant of its own, to CLOCK_MONOTONIC, which all processes of
// a node share. The tightest of several readings is off by less than its width.
var clockStart, clockBase = tieClock()

func tieClock() (time.Time, time.Duration) {
	start, base := time.Now(), time.Duration(0)
	for width, try := time.Duration(math.MaxInt64), 0; try < 64; try++ {
		before := time.Since(start)
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			panic("clock_gettime: " + err.Error()) // cannot fail with a valid clock
		}
		after := time.Since(start)
		if w := after - before; w < width {
			width, base = w, time.Duration(ts.Nano())-(before+after)/2
		}
	}
	return start, base
}

// now reads CLOCK_MONOTONIC.
func now() time.Duration { return clockBase + time.Since(clockStart) }

// clockCost is what one reading takes.
func clockCost() time.Duration {
	const n = 10_000
	begin := time.Now()
	for range n {
		_ = now()
	}
	return time.Since(begin) / n
}
