package bench

import (
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A line is a word alone on its cache line, and on the one fetched with it.
type line struct {
	_ [128]byte
	v atomic.Uint32
	_ [124]byte
}

// Of the probe: batches of round trips, without a clock in between. 60 batches
// take 10 to 60 ms.
const (
	probeBatches = 60
	probeTrips   = 1000
)

// CacheLine is how long a word takes from one core to another and back: the
// median over batches, of two threads on cores of their own where there are two.
// It is zero on a machine of one core. It takes 10 to 60 ms of both.
func CacheLine() time.Duration {
	cores := allowedCores()
	if len(cores) < 2 || runtime.GOMAXPROCS(0) < 2 {
		return 0
	}
	there, back := new(line), new(line)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer pinned(cores[1])()
		for i := uint32(1); i <= probeBatches*probeTrips; i++ {
			for spin := 0; there.v.Load() != i; spin++ {
				breathe(spin)
			}
			back.v.Store(i)
		}
	}()
	defer pinned(cores[0])()
	var batches []time.Duration
	for i, begin := uint32(1), time.Now(); i <= probeBatches*probeTrips; i++ {
		there.v.Store(i)
		for spin := 0; back.v.Load() != i; spin++ {
			breathe(spin)
		}
		if i%probeTrips == 0 {
			batches = append(batches, time.Since(begin)/probeTrips)
			begin = time.Now()
		}
	}
	<-ended
	slices.Sort(batches)
	return batches[len(batches)/2]
}

// breathe lets others run where the partner does not: on a busy machine it may
// have no core.
func breathe(spin int) {
	if spin&0xffff == 0xffff {
		runtime.Gosched()
	}
}

// pinned keeps the calling goroutine on one core until undo is called. Where the
// kernel refuses, it stays where it is.
func pinned(cpu int) (undo func()) {
	runtime.LockOSThread()
	var before, one unix.CPUSet
	if unix.SchedGetaffinity(0, &before) != nil {
		return runtime.UnlockOSThread
	}
	one.Set(cpu)
	_ = unix.SchedSetaffinity(0, &one)
	return func() {
		_ = unix.SchedSetaffinity(0, &before)
		runtime.UnlockOSThread()
	}
}

// allowedCores are the cores that this process may use.
func allowedCores() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	var list []int
	for cpu := range 1024 {
		if set.IsSet(cpu) {
			list = append(list, cpu)
		}
	}
	return list
}

// A Regime is where the host has put the machine's cores: everything that moves
// cache lines is several times dearer between far ones.
type Regime string

// Regimes.
const (
	Near    Regime = "near"
	Far     Regime = "far"
	Changed Regime = "changed" // during the measurement: comparable with nothing
	Unknown Regime = "unknown" // one core
)

// farFrom divides the regimes: cores that share a cache take 50 to 150 ns, those
// that do not 350 to 600.
const farFrom = 250 * time.Nanosecond

// RegimeOf names the regime of a run by the probes around it.
func RegimeOf(probes ...time.Duration) Regime {
	var found Regime
	for _, p := range probes {
		one := Near
		switch {
		case p == 0:
			return Unknown
		case p >= farFrom:
			one = Far
		}
		if found != "" && found != one {
			return Changed
		}
		found = one
	}
	return found
}
