package ringcast

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A patientBell never wakes by itself: a wake-up that is lost is a hang.
type patientBell struct {
	mu   sync.Mutex
	cond *sync.Cond
	word uint32
}

func newPatientBell() *patientBell {
	b := new(patientBell)
	b.cond = sync.NewCond(&b.mu)
	return b
}

func (b *patientBell) Load() uint32 {
	for range rand.IntN(4) { // things happen meanwhile
		runtime.Gosched()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.word
}

func (b *patientBell) Wait(seen uint32, _ time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.word == seen {
		b.cond.Wait()
	}
	return true
}

func (b *patientBell) WaitWatched(seen uint32, d time.Duration) bool { return b.Wait(seen, d) }

func (b *patientBell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.word++
	b.cond.Broadcast()
}

// A box is a sleeper's ring: so many messages lie in it. Its own word is not
// atomic, so that the race detector sees two who use it at once.
type box struct {
	full  atomic.Int64
	looks int
}

func (b *box) Arm() bool { b.looks++; return b.full.Load() > 0 }

func (b *box) Patience() time.Duration { b.looks++; return maxRest }

// take waits for one message.
func (b *box) take(bed *berth) {
	for {
		if b.looks++; b.full.Load() > 0 {
			b.full.Add(-1)
			return
		}
		seen := bed.Load()
		if !b.Arm() {
			for range rand.IntN(4) { // things happen meanwhile
				runtime.Gosched()
			}
			bed.Wait(seen, maxRest)
		}
	}
}

// TestNobodySleepsOn: one message at a time goes to one of the readers that sleep
// in one place, so that nothing but its own ring can wake it; some readers are
// called off now and then, and go on.
func TestNobodySleepsOn(t *testing.T) {
	for _, disturbed := range []bool{false, true} {
		seed := rand.Uint64()
		t.Logf("seed %d, and the schedule of the machine; disturbed: %v", seed, disturbed)
		r := rand.New(rand.NewPCG(seed, 0))
		bell := newPatientBell()
		p := &place{bell: bell}
		const readers, messages = 5, 20000
		boxes, beds := make([]box, readers), make([]*berth, readers)
		taken, ended := make(chan int, 1), atomic.Bool{}
		var sent atomic.Uint64
		var wg sync.WaitGroup
		for i := range boxes {
			beds[i] = p.newBerth()
			beds[i].sleepers = []sleeper{&boxes[i]}
			wg.Go(func() {
				for boxes[i].take(beds[i]); !ended.Load(); boxes[i].take(beds[i]) {
					mine := sent.Load()
					taken <- i
					for boxes[i].full.Load() == 0 && sent.Load() < mine+uint64(i) && !ended.Load() {
						runtime.Gosched() // some are away while others get theirs
					}
				}
			})
		}
		for n := range messages {
			to := r.IntN(readers)
			if disturbed && r.IntN(4) == 0 {
				beds[r.IntN(readers)].wake()
			}
			sent.Add(1)
			boxes[to].full.Add(1)
			bell.Ring()
			select {
			case got := <-taken:
				if got != to {
					t.Fatalf("message %d for %d was taken by %d", n, to, got)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("message %d: reader %d sleeps on", n, to)
			}
			for range r.IntN(50) { // the readers are at different points of going to sleep
				runtime.Gosched()
			}
		}
		ended.Store(true)
		for i := range boxes {
			boxes[i].full.Add(1)
			bell.Ring()
		}
		wg.Wait()
	}
}

// asleep waits until so many sleep in the bus's place, in any way.
func asleep(t *testing.T, b *Bus, n int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		b.place.mu.Lock()
		have := len(b.place.parked)
		if b.place.watch != nil {
			have++
		}
		b.place.mu.Unlock()
		if have == n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d sleep, want %d", have, n)
		}
	}
}

// threads counts the threads of this process.
func threads(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestHundredSubscriptionsSleepInOnePlace: a hundred goroutines wait for a hundred
// topics, and one thread sleeps for them. Each gets its message; the end of one
// context wakes one.
func TestHundredSubscriptionsSleepInOnePlace(t *testing.T) {
	ctx := within(t, time.Minute)
	b, other := openBus(t, t.TempDir()), (*Bus)(nil)
	other, err := Open(ctx, &Config{Dir: b.config.Dir})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	const count = 100
	before := threads(t)
	calls := make([]context.CancelFunc, count)
	ended := make(chan error, count)
	got := make(chan int, count)
	pubs := make([]*Publisher, count)
	for i := range count {
		topic := "t." + string(rune('a'+i/26)) + string(rune('a'+i%26))
		sub := subscribe(t, b, topic, nil)
		pubs[i] = publisher(t, other, topic, &PublisherConfig{Slots: 64})
		mine, cancel := context.WithCancel(ctx)
		calls[i] = cancel
		defer cancel()
		go func() {
			for _, err := range sub.Messages(mine) {
				if err != nil {
					ended <- err
					return
				}
				got <- i
			}
		}()
	}
	asleep(t, b, count)
	b.place.mu.Lock()
	if b.place.watch == nil || len(b.place.parked) != count-1 {
		t.Errorf("%d parked, watch %v", len(b.place.parked), b.place.watch != nil)
	}
	b.place.mu.Unlock()
	if n := threads(t) - before; n > count/4 {
		t.Errorf("%d threads more for %d sleepers", n, count)
	}
	for i := range pubs {
		if err := pubs[i].Publish(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if n := <-got; n != i {
			t.Fatalf("a message for %d woke %d", i, n)
		}
	}
	asleep(t, b, count)
	for i := range count {
		calls[i]()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		asleep(t, b, count-1-i) // and nobody else has ended
	}
}
