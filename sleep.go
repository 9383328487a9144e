package ringcast

import (
	"runtime"
	"sync"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// A place is where everybody on a bus sleeps who waits for a message or for room.
// One goroutine, the watch, sleeps in the kernel, on the participant's doorbell;
// all others are parked by the runtime and cost no thread. Who rings can't say
// for whom, so the watch looks at the rings of all who are parked, on their behalf,
// and wakes those who have something. It hands the watch over when it leaves.
//
// Nothing is lost: while anybody is parked there is a watch, which loads the
// bell before it looks, so that what comes after its look keeps it from sleeping.
// Who parks does so under the lock, with the bell as it was before his own look:
// the watch that is woken by a later ring finds him. It is safe for concurrent use.
type place struct {
	bell doorbell

	mu     sync.Mutex
	watch  *berth   // guarded by mu: sleeps on the bell, or is about to
	parked []*berth // guarded by mu

	rested   time.Duration // of the watch: how long its last sleep took
	yielded  time.Time     // guarded by mu: when a watch last gave way before it slept
	lookout  *lookout      // guarded by mu: nil before the first slumber
	alone    bool          // guarded by mu: there is no lookout, and will be none
	slumbers bool          // guarded by mu: the watch sleeps, and the lookout looks in its stead
	slept    uint32        // guarded by mu: the bell as the watch that slumbers saw it
}

// A doorbell is the participant's, where the watch sleeps.
type doorbell interface {
	ring.Bell
	// WaitWatched is Wait for more than maxRest.
	WaitWatched(seen uint32, d time.Duration) bool
	Ring()
}

// A sleeper is a reader or a member that its owner has stopped using for as long
// as he is parked.
type sleeper interface {
	// Arm asks to be woken, and reports whether something is there now.
	Arm() bool
	// Patience is how long it may be left alone.
	Patience() time.Duration
}

// keepsP is for how long Go's monitor leaves the processor to a goroutine that sleeps in
// the kernel, counted from when the processor last changed its goroutine. Where sleeps
// are shorter, one who yields before them comes back to it, and the monitor is not woken
// in front of him: a third of the latency (doc/decisions/231). To yield wakes another thread
// where one sleeps, so it is done no more often than yieldEvery (doc/decisions/331).
const (
	keepsP     = 10 * time.Millisecond
	yieldEvery = keepsP / 2
)

// maxRest is the longest sleep without a look: whatever goes wrong with a wake-up
// costs no more.
const maxRest = 100 * time.Millisecond

// A berth is what one goroutine at a time sleeps in. It is the ring.Bell of that
// goroutine's Waiter.
type berth struct {
	place *place
	any   bool // woken by every ring of the bell: waits for room, not for a reader

	// Owned by the sleeper; the watch uses them while it is parked.
	sleepers []sleeper
	seen     uint32    // the bell before it looked itself
	due      time.Time // when it looks again, if any

	signal   chan struct{} // holds one token at most
	notice   bool          // see notice.go: no goroutine of ours waits here
	called   bool          // guarded by place.mu: wake came
	isParked bool          // guarded by place.mu
	ended    bool          // guarded by place.mu: the notice's channel is closed
}

func (p *place) newBerth() *berth { return &berth{place: p, signal: make(chan struct{}, 1)} }

// Load reads the doorbell.
func (b *berth) Load() uint32 { return b.place.bell.Load() }

// Wait sleeps until there may be something to see, wake was called, or, where
// there is no reader, d has passed. The bell was seen before the caller looked.
func (b *berth) Wait(seen uint32, d time.Duration) bool {
	p := b.place
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.called || p.bell.Load() != seen {
		b.called = false
		return true
	}
	b.seen = seen
	if b.any {
		b.due = time.Now().Add(d)
	}
	if p.watch == nil {
		p.watch = b
		p.look(seen)
		p.keepWatch(b, seen)
		return true
	}
	p.park(b)
	p.mu.Unlock()
	<-b.signal
	p.mu.Lock()
	if p.watch == b {
		p.takeOver(b)
	}
	b.called = false
	return true
}

// takeOver is keepWatch of one who was parked: things have come since he looked.
func (p *place) takeOver(b *berth) {
	seen := p.bell.Load() // before the looks
	mine := b.has(seen)
	p.look(seen)
	if mine {
		p.handOver()
		return
	}
	p.keepWatch(b, seen)
}

// keepWatch sleeps on the bell and looks for all, until b itself may be needed: it
// looks for itself only if others are parked. mu is held, but for the sleep.
func (p *place) keepWatch(b *berth, seen uint32) {
	for mine := false; !mine; {
		rest := p.rest(b)
		p.slumbers, p.slept = p.slumber(rest), seen
		p.rested = p.sleep(seen, rest)
		p.slumbers = false
		seen = p.bell.Load() // before the looks
		mine = len(p.parked) == 0 || b.has(seen)
		if p.look(seen) && !mine {
			p.mu.Unlock()
			runtime.Gosched() // they run here and now, not when another processor has woken
			p.mu.Lock()
		}
	}
	p.handOver()
}

// sleep sleeps on the bell, and returns how long. It lets go of mu meanwhile.
func (p *place) sleep(seen uint32, rest time.Duration) time.Duration {
	start := time.Now()
	slumbers, yields := p.slumbers, p.rested < keepsP && start.Sub(p.yielded) >= yieldEvery
	if yields {
		p.yielded = start
	}
	p.mu.Unlock()
	defer p.mu.Lock()
	if yields {
		runtime.Gosched()
		start = time.Now()
	}
	if slumbers {
		p.bell.WaitWatched(seen, maxSlumber)
	} else {
		p.bell.Wait(seen, rest)
	}
	return time.Since(start)
}

// has reports whether b has a reason to wake, and uses up the call; mu is held.
func (b *berth) has(bell uint32) bool {
	if b.called {
		b.called = false
		return true
	}
	if b.any {
		return bell != b.seen || !time.Now().Before(b.due)
	}
	has := false
	for _, s := range b.sleepers { // all: each has to be armed again
		has = s.Arm() || has
	}
	return has
}

// look wakes all who are parked and have something, and reports whether there were
// any; mu is held.
func (p *place) look(bell uint32) (found bool) {
	for i := len(p.parked) - 1; i >= 0; i-- {
		if p.parked[i].has(bell) {
			p.remove(i).post()
			found = true
		}
	}
	return found
}

// rest is how long the watch may sleep; mu is held.
func (p *place) rest(watch *berth) time.Duration {
	rest := watch.rest(maxRest)
	for _, b := range p.parked {
		rest = b.rest(rest)
	}
	return rest
}

func (b *berth) rest(most time.Duration) time.Duration {
	if b.any {
		return min(most, max(0, time.Until(b.due)))
	}
	for _, s := range b.sleepers {
		most = min(most, s.Patience())
	}
	return most
}

// park enters b among those whom the watch looks after; mu is held.
func (p *place) park(b *berth) {
	b.isParked = true
	p.parked = append(p.parked, b)
	if b.rest(maxRest) < maxRest {
		p.bell.Ring() // the watch must not sleep longer than that
	}
}

// remove takes out the one at i, and puts the last into its place; mu is held.
func (p *place) remove(i int) *berth {
	b, last := p.parked[i], len(p.parked)-1
	p.parked[i], p.parked[last] = p.parked[last], nil
	p.parked = p.parked[:last]
	b.isParked = false
	return b
}

// post leaves the token, unless it lies there.
func (b *berth) post() {
	select {
	case b.signal <- struct{}{}:
	default:
	}
}

// handOver gives the watch to one who is parked, if any can take it; mu is held.
func (p *place) handOver() {
	p.watch = nil
	for i := len(p.parked) - 1; i >= 0; i-- {
		if !p.parked[i].notice {
			p.watch = p.parked[i]
			p.remove(i).post()
			return
		}
	}
}

// wake lets b look again, now or, if it does not sleep, before it does. It wakes
// nobody else, but for the watch where that is b. It never blocks.
func (b *berth) wake() {
	p := b.place
	p.mu.Lock()
	defer p.mu.Unlock()
	b.called = true
	if p.watch == b {
		p.bell.Ring()
	} else if b.isParked {
		p.remove(b.index()).post()
	}
}

// index is where b is parked; mu is held.
func (b *berth) index() int {
	for i, c := range b.place.parked {
		if c == b {
			return i
		}
	}
	panic("parked nowhere")
}
