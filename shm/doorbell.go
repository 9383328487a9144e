package shm

import (
	"sync"
	"sync/atomic"
	"time"
)

// maxSleep bounds one Wait: whatever goes wrong with a wake-up costs this at most.
const maxSleep = 100 * time.Millisecond

// A Doorbell is the word on which one participant sleeps, whatever number of
// rings it reads, and which others ring after they gave it something to see.
//
// The sleeper: seen = Load; look at everything that could have come, and say
// where needed that one sleeps; if there was nothing, Wait(seen). The ringer:
// change what the sleeper looks at, then Ring. Nothing is lost:
//
//   - A change after seen was loaded is followed by a Ring that moves the word
//     away from seen, so Wait does not sleep, or is woken. A change before it is
//     seen by the look.
//   - Ring adds to the word, then loads the sleeping word. Wait stores to the
//     sleeping word, then the kernel loads the word, under the lock of its wait
//     queue, and goes to sleep only if it still is seen. All four are sequentially
//     consistent (pairs(doorbell)), so at least one of the two sees the other's
//     store. If Ring finds the sleeping word 0, its addition came before Wait's
//     store in the one order of them all, so the kernel sees the new word and
//     does not sleep. If it finds 1 it calls futex(2) to wake: whoever is
//     asleep by then is woken, and whoever is not takes the lock later, and
//     sees the new word.
//   - Several goroutines of the participant may sleep at once: the sleeping
//     word goes to 1 before the first of them sleeps and to 0 after the last
//     has woken, under a lock, so it is never 0 while one sleeps.
//   - A sleeper that is killed leaves a 1, which costs a system call a Ring until
//     the record is used again, and nothing else.
//
// Ring and Load may be called by any goroutine of any process; Wait by any
// goroutine of the participant whose doorbell it is ([Participant.Doorbell]).
type Doorbell struct {
	// Shared; atomic.
	word     *atomic.Uint32
	sleeping *atomic.Uint32

	wakes atomic.Uint64

	mu       sync.Mutex
	sleepers int // goroutines within Wait; guarded by mu
}

func newDoorbell(word, sleeping *atomic.Uint32) *Doorbell {
	return &Doorbell{word: word, sleeping: sleeping}
}

// Load returns the word as it is, for Wait.
func (b *Doorbell) Load() uint32 { return b.word.Load() }

// Ring wakes the participant if it sleeps. A system call only in that case; it
// never blocks or allocates.
func (b *Doorbell) Ring() {
	step("ring")
	b.word.Add(1)               // pairs(doorbell): before the load of the sleeping word.
	if b.sleeping.Load() == 0 { // pairs(doorbell)
		return
	}
	b.wakes.Add(1)
	step("wake")
	if futexWakeAll(b.word) {
		woken.Store(true)
	}
}

// woken says that this process has woken another participant since HasWoken was asked.
var woken atomic.Bool

// HasWoken reports whether a Ring of this process has woken somebody since the last call: the system may have
// put them on our core. It makes no system call.
func HasWoken() bool { return woken.Load() && woken.Swap(false) }

// Wait sleeps until the doorbell is rung, for d at most and never longer than
// 100 ms, unless the word differs from seen already. It returns whether the
// word differs: false says that the time is over, or that a signal came, and the
// caller looks again in either case. A system call; it blocks the goroutine's
// thread; it does not allocate.
func (b *Doorbell) Wait(seen uint32, d time.Duration) (woken bool) {
	return b.WaitWatched(seen, min(d, maxSleep))
}

// WaitWatched is Wait without the bound of 100 ms, for a sleeper in whose place another goroutine of the
// participant looks that often, and rings where there is something.
func (b *Doorbell) WaitWatched(seen uint32, d time.Duration) (woken bool) {
	if b.word.Load() != seen {
		return true
	}
	if d <= 0 {
		return false
	}
	b.enter() // pairs(doorbell): before the kernel's load of the word.
	step("sleep")
	_ = futexWait(b.word, seen, d)
	b.leave()
	return b.word.Load() != seen
}

// Wakes returns how often Ring, of this Doorbell, went to the kernel: for tests and counters.
func (b *Doorbell) Wakes() uint64 { return b.wakes.Load() }

func (b *Doorbell) enter() {
	b.mu.Lock()
	b.sleepers++
	if b.sleepers == 1 {
		b.sleeping.Store(1)
	}
	b.mu.Unlock()
}

func (b *Doorbell) leave() {
	b.mu.Lock()
	b.sleepers--
	if b.sleepers == 0 {
		b.sleeping.Store(0)
	}
	b.mu.Unlock()
}

// nobody is the doorbell of participants that there are not: an index out of
// shared memory may be anything.
var nobody = newDoorbell(new(atomic.Uint32), new(atomic.Uint32))
