package ringcast

import (
	"time"

	"github.com/ringcast/ringcast/shm"
)

// maxSlumber is how long a watch may sleep in whose stead a lookout looks.
const maxSlumber = time.Minute

// A lookout looks at the rings ten times a second while the watch slumbers: where nothing
// comes, the watch sleeps for up to a minute, and the promise that a wake-up which was lost with its
// killed waker costs no more than maxRest is the lookout's. It sleeps in the runtime's
// poller: a look of the watch's own costs four or five wake-ups of threads more (doc/decisions/318).
type lookout struct {
	place *place
	alarm *shm.Alarm
	isSet bool // guarded by place.mu: the alarm will go off
}

// slumber reports whether the watch may sleep for longer than maxRest, because the
// lookout looks in its stead: its last sleep was a long one, and nobody has to look sooner. mu is held.
func (p *place) slumber(rest time.Duration) bool {
	if rest < maxRest || p.rested < maxRest || !p.postLookout() {
		return false
	}
	if !p.lookout.isSet {
		p.lookout.isSet = true
		p.lookout.alarm.Set(maxRest)
	}
	return true
}

// postLookout makes the lookout, if there is none, and reports whether there is one; mu is held.
func (p *place) postLookout() bool {
	if p.lookout == nil && !p.alone {
		alarm, err := shm.NewAlarm()
		if err != nil { // no file descriptor: the watch looks itself
			p.alone = true
			return false
		}
		p.lookout = &lookout{place: p, alarm: alarm}
		go p.lookout.run()
	}
	return p.lookout != nil
}

// run looks each time that the alarm goes off, until it is closed.
func (l *lookout) run() {
	for l.alarm.Wait() {
		l.look()
	}
}

// look is a look in the watch's stead, and sets the alarm again. Where there is anything to do
// for the watch, or to be done soon, it is woken. If it is awake there is nothing to do.
func (l *lookout) look() {
	p := l.place
	p.mu.Lock()
	defer p.mu.Unlock()
	l.isSet = false
	if !p.slumbers {
		return
	}
	seen := p.bell.Load() // before the looks
	p.look(seen)
	if p.watch.has(seen) {
		p.watch.called = true
	} else if seen == p.slept && p.rest(p.watch) >= maxRest {
		l.isSet = true
		l.alarm.Set(maxRest)
		return
	}
	p.bell.Ring()
}

// end ends the lookout, if there is one: nobody will sleep here any more.
func (p *place) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alone = true
	if p.lookout != nil {
		_ = p.lookout.alarm.Close()
		p.lookout = nil
	}
}
