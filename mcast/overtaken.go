package mcast

import (
	"net/netip"

	"github.com/ringcast/ringcast/internal/guard"
)

// Overtaken is what a node knows, beyond its sessions, of having begun some because another one of its id was
// greater. One is at once: a clock was set back. Two machines that live under one id and do not hear each other
// would go above each other without end, as soon as a third hears both, and everybody would lose both of them again
// and again. So the second waits for a second after the first, and each that follows twice as long as the one before,
// as a quarantine grows; all is forgiven after two minutes without one. The zero value is of a node that was never
// overtaken. It is a value, for one goroutine at a time.
type Overtaken struct {
	times int
	at    Time // of the last
}

// Again notes that a session begins above another one, at an instant of the engines' clock. It allocates nothing.
func (o *Overtaken) Again(now Time) {
	if now-o.at >= Time(guard.Forgiven) {
		o.times = 0
	}
	o.times++
	o.at = now
}

// till says from when on the node may do so again.
func (o *Overtaken) till() Time {
	if o.times == 0 || faultGoAbove {
		return longAgo
	}
	return o.at + min(Time(guard.First)<<min(o.times-1, 16), Time(guard.Last))
}

// twice says whether it was done more than once: somebody who had not seen the greatest session explains one, and
// not that it goes on.
func (o *Overtaken) twice() bool { return o.times > 1 }

// waits says whether the word that this session was overtaken comes too early to be believed.
func (e *Engine) waits(now Time, seen uint64) bool {
	if now >= e.cfg.Overtaken.till() {
		return false
	}
	if e.cfg.Overtaken.twice() && !e.alarmed {
		e.alarmed = true
		e.sink.DuplicateNode(netip.AddrPort{}, seen)
	}
	return true
}
