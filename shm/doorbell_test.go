package shm

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func heapBell() *Doorbell { return newDoorbell(new(atomic.Uint32), new(atomic.Uint32)) }

func TestRingWithoutSleeperMakesNoSystemCall(t *testing.T) {
	b := heapBell()
	for range 1000 {
		b.Ring()
	}
	if b.Load() != 1000 || b.Wakes() != 0 {
		t.Errorf("word %d, wakes %d", b.Load(), b.Wakes())
	}
}

func TestWaitSeesWhatWasRungBefore(t *testing.T) {
	b := heapBell()
	seen := b.Load()
	b.Ring()
	if !b.Wait(seen, time.Hour) {
		t.Error("a ring before Wait was lost")
	}
	if b.Wait(b.Load(), 0) {
		t.Error("woken without a ring")
	}
}

// One call sleeps 100 ms at most, and says so by false.
func TestWaitIsBounded(t *testing.T) {
	b := heapBell()
	begin := time.Now()
	if b.Wait(b.Load(), time.Hour) {
		t.Error("woken without a ring")
	}
	if d := time.Since(begin); d < 50*time.Millisecond || d > generous {
		t.Errorf("slept %v", d)
	}
	if b.sleeping.Load() != 0 {
		t.Error("the sleeping word stays set")
	}
}

// Who is watched sleeps on, and is woken like anybody.
func TestWatchedWaitIsNotBounded(t *testing.T) {
	b := heapBell()
	begin := time.Now()
	if b.WaitWatched(b.Load(), 3*maxSleep/2) {
		t.Error("woken without a ring")
	}
	if d := time.Since(begin); d < 3*maxSleep/2 {
		t.Errorf("slept %v", d)
	}
	seen := b.Load()
	go func() {
		for b.sleeping.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		b.Ring()
	}()
	if !b.WaitWatched(seen, time.Hour) {
		t.Error("not woken by a ring")
	}
}

// Sleepers and ringers at random: each ring is answered before the next, so one
// that were lost would stop the game for the whole of a bounded sleep. Nothing
// but a futex that wakes keeps the sum of all sleeps short.
func TestNothingIsLost(t *testing.T) {
	ping, pong := heapBell(), heapBell()
	const rounds = 20000
	slept := sync.WaitGroup{}
	var timeouts atomic.Int64
	play := func(wait, ring *Doorbell, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		for n := uint32(1); n <= rounds; n++ {
			for wait.Load() < n {
				if !wait.Wait(n-1, time.Second) && wait.Load() < n {
					timeouts.Add(1)
				}
			}
			for range rnd.IntN(200) { // meet the other at every point of its Wait
				_ = ring.Load()
			}
			ring.Ring()
		}
	}
	slept.Go(func() { play(ping, pong, 1) })
	slept.Go(func() {
		ping.Ring()
		play(pong, ping, 2)
	})
	slept.Wait()
	if n := timeouts.Load(); n > rounds/1000 { // a few, where this machine stops us for 100 ms
		t.Errorf("%d of %d waits ended without the ring that they waited for", n, rounds)
	}
}

// The last of several goroutines to wake clears the sleeping word, not the first.
func TestSeveralSleepers(t *testing.T) {
	b := heapBell()
	seen := b.Load()
	var woken sync.WaitGroup
	stop := make(chan struct{})
	woken.Go(func() { // comes and goes while the others sleep
		for {
			select {
			case <-stop:
				return
			default:
				b.Wait(b.Load(), time.Microsecond)
			}
		}
	})
	for range 4 {
		woken.Go(func() {
			for !b.Wait(seen, time.Hour) {
			}
		})
	}
	for range 200 {
		time.Sleep(50 * time.Microsecond)
		b.mu.Lock()
		if (b.sleepers > 0) != (b.sleeping.Load() == 1) {
			t.Errorf("%d sleep, sleeping word %d", b.sleepers, b.sleeping.Load())
		}
		b.mu.Unlock()
	}
	b.Ring()
	close(stop)
	woken.Wait()
	if b.sleeping.Load() != 0 {
		t.Error("the sleeping word stays set")
	}
}

func TestDoorbellDoesNotAllocate(t *testing.T) {
	b := heapBell()
	b.sleeping.Store(1) // as if somebody slept, so that the system is called
	if n := testing.AllocsPerRun(100, func() {
		b.Ring()
		b.Wait(b.Load(), time.Microsecond)
		b.sleeping.Store(1)
	}); n != 0 {
		t.Errorf("Ring and Wait allocate %v times", n)
	}
}

// Another process sleeps, and is woken; a ring while it does not sleep makes no call.
func TestWakeAnotherProcess(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	c := startChild(t, "sleep", base)
	index, _ := c.joined()
	bell := d.Bell(index)
	before := bell.Load()
	for n := uint32(1); n <= 20; n++ {
		eventually(t, "the child sleeps", func() bool { return bell.sleeping.Load() == 1 })
		bell.Ring()
		if got, want := c.line(), fmt.Sprint("woken ", before+n); got != want {
			t.Fatalf("child says %q, want %q", got, want)
		}
	}
	if bell.Wakes() == 0 || bell.Wakes() > 20 {
		t.Errorf("%d calls for 20 rings", bell.Wakes())
	}
}

// A sleeper killed in its sleep leaves the sleeping word set: rings go on to
// work, and the next owner of the record starts with 0.
func TestSleeperKilled(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	c := startChild(t, "sleep", base)
	index, generation := c.joined()
	bell := d.Bell(index)
	eventually(t, "the child sleeps", func() bool { return bell.sleeping.Load() == 1 })
	c.kill()
	bell.Ring()
	if bell.sleeping.Load() != 1 {
		t.Error("who cleared the word of the dead?")
	}
	if err := d.Free(index, generation); err != nil {
		t.Fatal(err)
	}
	if p := joinTest(t, d, "next"); p.Index() != index || p.Doorbell().sleeping.Load() != 0 {
		t.Errorf("index %d, sleeping %d", p.Index(), p.Doorbell().sleeping.Load())
	}
}

func BenchmarkRing(b *testing.B) {
	bell := heapBell()
	for b.Loop() {
		bell.Ring()
	}
}

// Only who has woken somebody says so, and once.
func TestHasWoken(t *testing.T) {
	_ = HasWoken() // of tests before
	b := heapBell()
	b.Ring()
	b.sleeping.Store(1) // of somebody who was killed
	b.Ring()
	if HasWoken() {
		t.Error("nobody was there to wake")
	}
	b.sleeping.Store(0)
	done := make(chan bool)
	go func() { done <- b.WaitWatched(b.Load(), time.Hour) }()
	for !HasWoken() { // until it is asleep
		b.Ring()
		select {
		case <-done:
			go func() { done <- b.WaitWatched(b.Load(), time.Hour) }()
		default:
		}
		time.Sleep(time.Millisecond)
	}
	if HasWoken() {
		t.Error("it is said twice")
	}
	for { // it may have gone to sleep again
		select {
		case <-done:
			return
		default:
			b.Ring()
			time.Sleep(time.Millisecond)
		}
	}
}
