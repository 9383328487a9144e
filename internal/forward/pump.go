package forward

import (
	"context"
	"runtime"
	"time"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/shm"
)

const (
	// nap is how long the pump rests after it moved a batch, without leaving word
	// with the rings: at high rates messages then come in batches, and publishers
	// make no system call to wake it.
	nap = 50 * time.Microsecond
	// napBatch is how many messages since the last rest make a nap worth it.
	napBatch = 4
	// busySleep bounds the sleep while the engine takes nothing more; Room rings.
	busySleep = 10 * time.Millisecond
	// idleSleep bounds it otherwise; every change rings.
	idleSleep = 100 * time.Millisecond
	// watchedSleep bounds it while the network loop looks in the pump's place.
	watchedSleep = time.Minute
	// lookApart is how often the network loop then looks at the latest, lookSoon how soon it looks where it is
	// awake anyway.
	lookApart = mcast.Duration(idleSleep)
	lookSoon  = lookApart / 2

	// A pump that is hot, since so many turns that moved something followed each other so closely, leaves its looks
	// to nobody: it sleeps for as long at most, and gives way before that so often (doc/decisions/331).
	hotTurns   = 8
	hotApart   = 2 * mcast.Millisecond
	hotSleep   = time.Millisecond
	yieldEvery = 5 * mcast.Millisecond
)

// A pace is how closely the pump's turns follow each other. It belongs to the pump.
type pace struct {
	hot     int // turns with messages, each soon after the one before
	moved   mcast.Time
	yielded mcast.Time
}

// note counts a turn that has moved messages.
func (p *pace) note(now mcast.Time) {
	if now-p.moved < hotApart {
		p.hot = min(p.hot+1, hotTurns)
	} else {
		p.hot = 0
	}
	p.moved = now
}

// isHot reports whether the next turn is likely to come soon.
func (p *pace) isHot(now mcast.Time) bool { return p.hot == hotTurns && now-p.moved < hotApart }

// giveWay lets other goroutines run, seldom: the pump's processor then counts as one that changes its goroutines, and stays the
// pump's while it sleeps.
func (p *pace) giveWay(now mcast.Time) {
	if now-p.yielded >= yieldEvery {
		p.yielded = now
		runtime.Gosched()
	}
}

// pumpLoop moves local messages to the engine and sleeps on the doorbell.
func (f *Forwarder) pumpLoop(ctx context.Context) error {
	guardFaults()
	bell := f.self.Doorbell()
	var p pace
	for ctx.Err() == nil {
		seen := bell.Load()
		if now := f.domain.Changes(); f.scanDue(now) {
			f.scanned.Store(now)
			if f.scan() {
				f.seat.SetScanned(now)
			}
		}
		t := f.pumpAll()
		if t.moved > 0 {
			p.note(f.now())
		}
		switch {
		case t.more:
			f.giveWay()
		case t.open:
			bell.Wait(seen, f.cfg.Linger)
		case t.moved >= napBatch:
			bell.Wait(seen, nap)
		case t.moved > 0:
		default:
			f.rest(bell, seen, t.busy, &p)
		}
	}
	return nil
}

// rest sleeps on the doorbell, unless a ring has something now.
func (f *Forwarder) rest(bell *shm.Doorbell, seen uint32, busy bool, p *pace) {
	d, idle := f.armAll()
	now := f.now()
	switch {
	case !idle:
	case p.isHot(now):
		p.giveWay(now)
		bell.Wait(seen, min(d, hotSleep))
	case busy:
		bell.Wait(seen, min(d, busySleep))
	case d < idleSleep || !f.leaveLooks():
		bell.Wait(seen, d)
	default:
		bell.WaitWatched(seen, watchedSleep)
	}
}

// leaveLooks leaves the looks that are due while nothing rings to the network loop, and says whether it
// has taken them over: it may be asleep for longer, and does so when it wakes. To it they cost next to nothing; a look of
// the pump's own costs some five wake-ups (doc/decisions/290).
func (f *Forwarder) leaveLooks() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resting = true
	return f.watching
}

// lookDue reports whether the network loop is to look in the pump's place now.
func (f *Forwarder) lookDue() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if !f.watching || now-f.looked < lookSoon {
		return false
	}
	f.looked = now
	return true
}

// look is a turn of the pump's while it rests. Where there is anything to do, it is woken.
func (f *Forwarder) look() {
	t := f.pumpAll()
	d, idle := f.armAll()
	if t != (turn{}) || !idle || d < idleSleep || f.domain.Changes() != f.scanned.Load() || f.scanNear() {
		f.self.Doorbell().Ring()
	}
}

// giveWay lets the network loop in, if it waits for the engine: the pump would come
// first again and again, and a repair would wait for it.
func (f *Forwarder) giveWay() {
	if f.waiting.Load() {
		runtime.Gosched()
	}
}

// pumpAll gives each outbound topic a turn, and sends what is packed once all of
// them are drained: a datagram stays open while there is more to come.
func (f *Forwarder) pumpAll() (t turn) {
	f.mu.Lock()
	defer f.unlock()
	now := f.now()
	f.sampleRooms(now)
	if f.dir.held != nil {
		f.tellDirectory(now)
	}
	t = f.direct.pump()
	for _, o := range f.out {
		t.add(f.pumpGuarded(o))
	}
	if t.moved > 0 {
		now = f.now()
	}
	if !t.more && (t.moved > 0 || t.busy || f.lingered) {
		f.flush(now, &t)
	}
	if t.moved > 0 || t.busy {
		f.engine.Tick(now)
		f.resting = false
	}
	f.kick()
	return t
}

// flush sends what is packed, or leaves it open once, for Config.Linger, where messages
// have just been put in. Mu is held.
func (f *Forwarder) flush(now mcast.Time, t *turn) {
	if f.cfg.Linger > 0 && t.moved > 0 && !t.busy && !f.lingered {
		f.lingered, t.open = true, true
		return
	}
	f.lingered = false
	f.engine.Flush(now)
}

// armAll leaves word with every ring, but for those whose message is still in hand:
// one topic that is full elsewhere must not delay the others, and what is lent must
// not be let go. It returns how long the pump may sleep, and false if a ring has
// something now.
func (f *Forwarder) armAll() (time.Duration, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, idle := f.direct.arm()
	for _, o := range f.out {
		if len(o.lent) != 0 || f.renewal.holds() {
			continue
		}
		if cutOff(func() {
			if o.reader.Arm() {
				idle = false
			}
			d = min(d, o.reader.Patience())
		}) {
			f.dropOut(o)
		}
	}
	return d, idle
}
