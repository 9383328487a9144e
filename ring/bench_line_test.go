package ring

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pinTo keeps the calling goroutine on one core; without the right to it, or
// without a second core, it stays where it is.
func pinTo(core int) {
	runtime.LockOSThread()
	if core < 0 {
		return
	}
	var set unix.CPUSet
	set.Set(core)
	_ = unix.SchedSetaffinity(0, &set)
}

// pinned keeps the benchmark on the first core until restore is called.
func pinned() (restore func()) {
	var old unix.CPUSet
	runtime.LockOSThread()
	_ = unix.SchedGetaffinity(0, &old)
	pinTo(0)
	return func() {
		_ = unix.SchedSetaffinity(0, &old)
		runtime.UnlockOSThread()
		runtime.UnlockOSThread()
	}
}

func reportLine(b *testing.B, before time.Duration) {
	b.ReportMetric(float64(before), "line0-ns")
	b.ReportMetric(float64(lineRoundTrip()), "line1-ns")
}

// lineRoundTrip is the median round trip of two words on lines of their own
// between the first two cores; the caller is pinned to the first.
func lineRoundTrip() time.Duration {
	if runtime.NumCPU() < 2 || runtime.GOMAXPROCS(0) < 2 {
		return 0
	}
	var words [48]atomic.Uint64
	there, back := &words[16], &words[32]
	const rounds = 4000
	go func() {
		pinTo(1) // the thread ends with the goroutine
		for i := uint64(1); i <= rounds; i++ {
			for there.Load() != i {
			}
			back.Store(i)
		}
	}()
	trips := make([]time.Duration, rounds/40)
	for i := uint64(1); i <= rounds; {
		start := time.Now()
		for range 40 {
			there.Store(i)
			for back.Load() != i {
			}
			i++
		}
		trips[(i-2)/40] = time.Since(start) / 40
	}
	slices.Sort(trips)
	return trips[len(trips)/2]
}
