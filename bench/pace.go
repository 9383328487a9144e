package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// A schedule is an open loop: message i is due at start + i*period, whatever
// became of those before. A message that is late is sent at once and does not
// move the next one. It belongs to one goroutine.
type schedule struct {
	start  time.Duration
	period float64 // nanoseconds
	sent   int64
	behind time.Duration // the most that a message was late
	yields bool          // between two looks at the clock: others may want the core
}

// schedule is the worker's part of the rate, from now on.
func (w *worker) schedule() *schedule {
	s := newSchedule(now(), w.Spec.Rate, w.Index, w.Spec.Producers)
	s.yields = w.Spec.Wait == Yield
	return s
}

// newSchedule begins one at an instant of the clock. With several producers each
// has its part of the rate, and they take turns.
func newSchedule(start time.Duration, rate float64, producer, producers int) *schedule {
	period := float64(producers) / rate * float64(time.Second)
	return &schedule{start: start + time.Duration(period*float64(producer)/float64(producers)), period: period}
}

// due is the instant of the next message.
func (s *schedule) due() time.Duration {
	return s.start + time.Duration(float64(s.sent)*s.period)
}

// sleepSlack is how far from the instant a sleep is ended and polling begins: a
// sleep takes some 60 us longer than it was asked for. longestNap bounds how long
// nobody looks whether the run is over.
const (
	sleepSlack = 250 * time.Microsecond
	longestNap = 20 * time.Millisecond
)

// wait returns the instant at which the next message was due, when it has come.
// It gives up where stop says so.
func (s *schedule) wait(stop func() bool) (due time.Duration, ok bool) {
	due = s.due()
	s.sent++
	for n := 0; ; n++ {
		ahead := due - now()
		if ahead <= 0 {
			s.behind = max(s.behind, -ahead)
			return due, true
		}
		if n%16 == 0 && stop() {
			return due, false
		}
		if ahead > sleepSlack {
			Pause(min(ahead-sleepSlack, longestNap))
		} else if s.yields {
			_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		}
	}
}

// Pause sleeps in the kernel, as a C program would. time.Sleep counts in whole milliseconds
// where the runtime sleeps in its poller, and is late by up to one (doc/decisions/273). It
// keeps its processor: on its way back from a system call the runtime wakes a thread of its
// own, which then stands where the scheduler would have put the process that we wake
// (doc/decisions/230). An interrupted sleep goes on with what is left.
func Pause(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	for sleepHere(&ts) == unix.EINTR {
	}
}
