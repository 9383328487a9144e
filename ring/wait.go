package ring

import (
	"context"
	"runtime"
	"time"

	"github.com/ringcast/ringcast/shm"

	"github.com/ringcast/ringcast/codec/layout"
)

// A Bell is the doorbell on which a participant sleeps, one for all its rings.
type Bell interface {
	// Load reads the bell; what changes after makes Wait return at once.
	Load() uint32
	// Wait sleeps until the bell no longer reads seen, or d has passed.
	Wait(seen uint32, d time.Duration) bool
}

// A Policy says how to wait for a message or for room.
type Policy uint8

const (
	// Block spins briefly while traffic is recent, then sleeps. Idle costs nothing.
	Block Policy = iota
	// Spin never sleeps: for those who own their cores.
	Spin
	// Yield gives the core away between looks, but does not sleep.
	Yield
)

// Bounds of sleeping: nobody sleeps longer than maxSleep without a look, and
// whoever waits for a writer's deadline or counts a reader's stall budget looks
// at every judgeSleep, because a step counts no more than that.
const (
	maxSleep   = 100 * time.Millisecond
	judgeSleep = maxStep
	stuckSleep = time.Millisecond
)

// A Waiter waits for one participant. It must not be used by more than one
// goroutine at a time.
type Waiter struct {
	bell    Bell
	policy  Policy
	spin    time.Duration // how long to spin before sleeping, by recent success
	stream  bool          // messages came one behind the other before this wait
	crowded bool          // others want our core: who gave way was away for a while
	slept   bool          // since way was given last
	busy    int           // waits in which way is not given, because who gave it was away for long
	procs   int           // GOMAXPROCS when it was last looked at, which takes a lock
}

// Bounds of the adaptive spin. Waking an idle core takes some 20 us of a bare
// machine and 100 to 200 us of a virtual one, so spinning that long while traffic
// is recent is what sleeping would cost anyway. It must also outlast the instants
// at which a hypervisor takes the producer's core away, 50 to 100 us each and some
// hundred a second: a reader that sleeps at each is woken late by as many messages.
const (
	minSpin = 2 * time.Microsecond
	maxSpin = 200 * time.Microsecond
)

// farSpin bounds the spin of a reader whose messages come from another node. Its forwarder brings them in batches and wakes it
// once for each, so that a sleep costs little, and is one of those who want the cores that spinning holds (doc/decisions/334).
const farSpin = 20 * time.Microsecond

// What tells that spinning longer would have been worth it: a sleep of less than
// soonAgain, or one of less than backlogSoon behind which a backlog has come,
// because waking alone took longer than many messages.
const (
	soonAgain   = 100 * time.Microsecond
	backlogSoon = 2 * maxSpin
	backlog     = 8 // messages
)

// ownTurn is what giving way takes at most where nobody else wants the core.
const ownTurn = 2 * time.Microsecond

// busyWaits is how many waits behind a waking don't give way once that took longer than maxSpin.
const busyWaits = 64

// How to look again while spinning.
const (
	hotLooks   = 96 // looks with a pause each, without reading the clock: some 2 us
	fewReaders = 8  // where there are more, all looks go by the clock
	streamGap  = 4  // messages taken without a wait between: they come in a stream
	pauseShort = 1  // pauses between two looks, some 20 ns each
	pauseFirst = 3  // before the first look
	pauseLong  = 40 // before the first look in a stream, so that the producer runs ahead
	longStream = 16 // messages without a look that found nothing
)

// NewWaiter returns a Waiter on the participant's bell.
func NewWaiter(bell Bell, policy Policy) *Waiter {
	return &Waiter{bell: bell, policy: policy, spin: maxSpin, procs: runtime.GOMAXPROCS(0)}
}

// spinFor looks again and again, and reports whether there was something in time.
// hint makes hotLooks cheap looks, which take no line from a producer but that of the
// next message; nil where there are none. ready sees all.
func (w *Waiter) spinFor(hint, ready func() bool) bool {
	switch {
	case w.policy == Yield:
		return w.yieldFor(ready)
	case w.procs == 1: // whom we wait for needs the one processor
		w.procs = runtime.GOMAXPROCS(0)
		if w.policy == Spin {
			yieldCore()
			runtime.Gosched()
		}
		return ready()
	}
	return hint != nil && hint() || w.spinLong(ready)
}

// spinLong spins with an eye on the clock. Who blocks while messages come in a stream
// gives way between looks: where another wants the core, it may be the one that is
// waited for. (For a single answer that would cost the latency of a turn of the other.)
func (w *Waiter) spinLong(ready func() bool) bool {
	if w.besideWaking() {
		w.giveWayOnce()
	}
	for start := time.Now(); time.Since(start) < w.spin; {
		for range 4 {
			if ready() {
				return true
			}
			pause(4 * pauseShort)
		}
		if w.stream && w.policy == Block {
			w.giveWay()
		}
	}
	w.procs = runtime.GOMAXPROCS(0)
	return ready()
}

// besideWaking reports whether to give way before spinning. The system may have put whom we woke on our core, or us
// on the core of who woke us and waits for our answer: it would stay there until our spinning is over. So behind a
// waking the core is given up once, unless somebody else took it for long the last time.
func (w *Waiter) besideWaking() bool {
	if w.policy != Block {
		return false
	}
	woke := shm.HasWoken()
	if !w.slept && !woke {
		return false
	}
	w.slept = false
	if w.busy > 0 {
		w.busy--
		return false
	}
	return true
}

func (w *Waiter) giveWayOnce() {
	start := time.Now()
	yieldCore()
	if time.Since(start) > maxSpin {
		w.busy = busyWaits
	}
}

// giveWay lets others have the core, and notes whether there were any.
func (w *Waiter) giveWay() {
	start := time.Now()
	yieldCore()
	w.crowded = time.Since(start) > ownTurn
}

// yieldFor gives the core to whoever wants it, in this process and in others.
func (w *Waiter) yieldFor(ready func() bool) bool {
	for range 16 {
		if ready() {
			return true
		}
		yieldCore()
	}
	runtime.Gosched()
	return ready()
}

// sleep waits on the bell, and learns from how long it took and from what has come
// meanwhile. The bell is the participant's: a ring that was for another of its waiters
// says nothing of our traffic. many reports a backlog; nil where there is none.
func (w *Waiter) sleep(seen uint32, d time.Duration, ready, many func() bool) {
	start := time.Now()
	w.bell.Wait(seen, d)
	w.slept = true
	took := time.Since(start)
	w.learn(took, ready(), many != nil && took < backlogSoon && many())
}

// learn decides from one sleep whether spinning longer would have been worth it.
func (w *Waiter) learn(took time.Duration, ready, many bool) {
	if took < soonAgain && ready || took < backlogSoon && many {
		w.spin = min(maxSpin, w.spin*2)
	} else {
		w.spin = max(minSpin, w.spin/2)
	}
}

// Await returns nil once one of the readers has something for Next: a message,
// an event, or the end of its ring. It returns the context's error when that
// ends; whoever cancels the context must ring the bell to be heard at once.
func (w *Waiter) Await(ctx context.Context, readers []*Reader) error {
	hint := func() bool { return hintSoon(readers) }
	ready := func() bool { return anyReady(readers) }
	many := func() bool { return anyAt(readers, backlog-1) }
	if len(readers) > fewReaders {
		hint = nil
	}
	w.stream = anyStream(readers)
	if len(readers) == 1 {
		readers[0].waits = w.procs > 1 // else whom we wait for wants our core
		if readers[0].afar() {
			w.spin = min(w.spin, farSpin)
		}
	}
	for ahead := w.policy != Yield && w.procs > 1; ; ahead = false {
		if err := ctx.Err(); err != nil { // first of all: a stream must not outrun it
			return err
		}
		if ahead && w.letRunAhead(readers) || w.spinFor(hint, ready) {
			return nil
		}
		if w.policy != Block {
			if anyChanged(readers) {
				return nil
			}
			continue
		}
		seen := w.bell.Load()
		if ArmAll(readers) {
			return nil // also for what Next alone can find out: ready may never tell
		}
		if ctx.Err() == nil {
			w.sleep(seen, patience(readers), ready, many)
		}
		if anyChanged(readers) {
			return nil
		}
	}
}

// hintSoon looks for messages with a pause before each look: a reader that looks again
// at once takes the line away from the producer in the middle of its writing.
func hintSoon(readers []*Reader) bool {
	if len(readers) == 1 {
		r, c := readers[0].ring, readers[0].cursor
		return soon(r.published(c), r.lap(c), hotLooks) // pairs(publish)
	}
	for range hotLooks {
		if anyHint(readers) {
			return true
		}
		pause(pauseShort)
	}
	return false
}

// anyHint reports whether published says that a message is there.
func anyHint(readers []*Reader) bool {
	for _, rd := range readers {
		if rd.hint() {
			return true
		}
	}
	return false
}

func anyReady(readers []*Reader) bool {
	for _, rd := range readers {
		if rd.ready() {
			return true
		}
	}
	return false
}

// letRunAhead pauses where messages come in a stream, and reports whether there is
// one now. A reader right behind its producer takes each line from it just when it
// is being written, and both then go at the pace of the lines. A stream is where
// messages came one behind the other, or two are there by now: an answer is alone.
func (w *Waiter) letRunAhead(readers []*Reader) bool {
	switch {
	case w.stream && w.crowded && w.policy == Block: // the producer may be one of them
		w.giveWay()
		return anyHint(readers)
	case !w.stream:
		pause(pauseFirst)
		if !anyHint(readers) {
			return false
		}
		if !anyAt(readers, 1) {
			return true
		}
	}
	pause(pauseLong)
	return anyHint(readers)
}

// anyAt reports whether the message so far behind the next is there.
func anyAt(readers []*Reader, behind uint64) bool {
	for _, rd := range readers {
		if behind < rd.ring.capacity() && rd.hintAt(rd.cursor+behind) {
			return true
		}
	}
	return false
}

// anyStream reports whether messages came one behind the other before a reader
// found nothing.
func anyStream(readers []*Reader) bool {
	for _, rd := range readers {
		if rd.burst >= streamGap {
			rd.burst = 0 // one pause
			return true
		}
	}
	return false
}

// anyChanged looks at everything that Next would tell, besides what ready sees.
func anyChanged(readers []*Reader) bool {
	for _, rd := range readers {
		if rd.changed() {
			return true
		}
	}
	return false
}

// patience is how long all of the readers may sleep.
func patience(readers []*Reader) time.Duration {
	d := maxSleep
	for _, rd := range readers {
		d = min(d, rd.Patience())
	}
	return d
}

// Arm leaves word that the reader is about to sleep on its participant's bell,
// whose value must have been loaded before. True means: do not sleep.
func (rd *Reader) Arm() bool { return rd.lookAgain(fenceFor(rd.leaveWord())) }

// Patience is how long the reader may sleep before it must look again.
func (rd *Reader) Patience() time.Duration {
	if len(rd.writing) != 0 || rd.blind {
		return stuckSleep
	}
	return maxSleep
}

func (rd *Reader) leaveWord() (unfenced bool) {
	if rd.mine == 0 {
		return false // closed, or without an entry to be woken by: changed says so
	}
	rd.store()
	return rd.ring.armReader(rd.index)
}

func (rd *Reader) lookAgain(blind bool) bool {
	rd.blind = blind
	return rd.changed() || rd.ready()
}

// changed reports whether Next has something to tell besides a message: that we
// were put out, that the ring is retired or damaged.
func (rd *Reader) changed() bool {
	if rd.end != nil || rd.mine == 0 || rd.ring.retired() {
		return true
	}
	if rd.out() {
		rd.lease, rd.swift = rd.cursor, 0 // Next finds it out at once
		return true
	}
	return rd.skipped()
}

// skipped reports whether the tail has passed the cursor without a claim word.
func (rd *Reader) skipped() bool {
	r, c := rd.ring, rd.cursor
	if r.shape.Kind == Exclusive || r.ctl.tail.Load() <= c { // pairs(tail): before the claim word
		return false
	}
	return word(r.claim(c).Load()).lap() < r.lap(c)
}

// hint reports whether published says that the next message is there.
func (rd *Reader) hint() bool { return rd.hintAt(rd.cursor) }

func (rd *Reader) hintAt(c uint64) bool {
	return rd.ring.published(c).Load() == rd.ring.lap(c) // pairs(publish)
}

// afar reports whether the message before the next one came from another node, and was no request or reply. Its slot may be
// another message's by now: this is a hint.
func (rd *Reader) afar() bool {
	if rd.cursor == 0 {
		return false
	}
	var b slotBody
	copyShared(bodyBytes(&b), rd.ring.slot(rd.cursor - 1)[bodyOffset:layout.SlotHeaderSize], false)
	return b.flags&layout.MessageFlagRemote != 0 && b.kind == layout.MessageKindData
}

// ready reports whether Next would return something else than ErrEmpty, as far
// as the words of the cursor's position tell.
func (rd *Reader) ready() bool {
	r, c := rd.ring, rd.cursor
	lap := r.lap(c)
	if r.shape.Kind == Exclusive {
		return r.published(c).Load()&^padBit >= lap // pairs(publish)
	}
	if r.published(c).Load() == lap { // pairs(publish)
		return true
	}
	w := word(r.claim(c).Load()) // pairs(commit)
	if w.lap() == lap && w.state() == stateWriting {
		rd.stuck(c, w)
		return false
	}
	rd.writing = rd.writing[:0]
	return w.lap() >= lap
}

// AwaitRoom returns nil once n positions may be free; the caller tries again. It
// charges the readers that are in the way and puts out those that have used up
// their budget.
func (w *Waiter) AwaitRoom(ctx context.Context, p *Producer, n int) error {
	ready := func() bool { return p.mayClaim(n) }
	ample := func() bool { return p.mayClaimMany(n) }
	w.stream = true // of ours
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.ring.retired() {
			return ErrRetired
		}
		if w.spinFor(nil, ample) || ready() {
			return nil
		}
		if w.policy != Block {
			continue
		}
		seen := w.bell.Load()
		p.ring.armProducer()
		if !p.mayClaim(n) && !p.ring.retired() && ctx.Err() == nil {
			w.sleep(seen, judgeSleep, ready, nil)
		}
	}
}

// mayClaimMany is mayClaim with a part of the ring free, for who can wait a little: who
// goes on when there is room for one message waits again behind it.
func (p *Producer) mayClaimMany(n int) bool {
	r := p.ring
	many := max(uint64(n), r.capacity()/4)
	return r.room(&p.gate, r.ctl.tail.Load()+many-1) && p.mayClaim(n)
}

// mayClaim reports whether a try for n positions has a chance.
func (p *Producer) mayClaim(n int) bool {
	r := p.ring
	t := r.ctl.tail.Load()
	if !p.roomFor(n) {
		return false
	}
	if r.shape.Kind == Exclusive {
		return p.open == 0 || t-p.oldest < r.capacity()
	}
	w := word(r.claim(t).Load())
	return w.state() != stateWriting || w.lap()+1 != r.lap(t) || p.overdue(t, w)
}
