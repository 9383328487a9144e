//go:build linux

package ring

import (
	"time"

	"golang.org/x/sys/unix"
)

// clockBase is CLOCK_MONOTONIC when the process started: the runtime's own clock
// counts from an instant of its own but reads in the vDSO (about 25 ns), while
// unix.ClockGettime is a system call.
var clockStart, clockBase = startClock()

// startClock reads both clocks at one instant, as near as it gets in some tries: the
// processes of a node compare theirs.
func startClock() (start time.Time, base time.Duration) {
	best := time.Duration(1<<63 - 1)
	for range 20 {
		before := time.Now()
		now := readClock()
		if took := time.Since(before); took < best {
			start, base, best = before, now-took/2, took
		}
	}
	return start, base
}

func readClock() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("clock_gettime: " + err.Error()) // cannot fail with a valid clock
	}
	return time.Duration(ts.Nano())
}

// monotonic reads CLOCK_MONOTONIC, which all processes of a node share. It is
// read only where somebody waits.
func monotonic() time.Duration { return clockBase + time.Since(clockStart) }

// Now reads CLOCK_MONOTONIC, which all processes of a node share. About 25 ns.
func Now() time.Duration { return monotonic() }

// maxStep is the most that one step of a stopwatch counts, so that a pause of
// the whole machine, or of the observer, accuses nobody.
const maxStep = 10 * time.Millisecond

// A stopwatch adds up an observer's own running time.
type stopwatch struct {
	last    time.Duration
	elapsed time.Duration
}

// start sets it to zero.
func (s *stopwatch) start(now time.Duration) { s.last, s.elapsed = now, 0 }

// step counts the time since the last step, at most maxStep, and returns the sum.
func (s *stopwatch) step(now time.Duration) time.Duration {
	s.elapsed += min(max(now-s.last, 0), maxStep)
	s.last = now
	return s.elapsed
}

// An inquiry says when to ask the kernel whether somebody lives: first after
// 1 ms of waiting, then every 5 ms, because the question is a system call.
type inquiry struct{ next time.Duration }

const (
	firstInquiry = time.Millisecond
	nextInquiry  = 5 * time.Millisecond
)

// start begins a new wait.
func (q *inquiry) start() { q.next = firstInquiry }

// due reports whether it is time to ask, after so much waiting.
func (q *inquiry) due(waited time.Duration) bool {
	if waited < q.next {
		return false
	}
	q.next = waited + nextInquiry
	return true
}
