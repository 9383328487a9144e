package mcast

import "github.com/ringcast/ringcast/mcast/wire"

// Datagrams are small or large (spec/wire.md, 16). What all lanes begin with, and all that is
// no Data, is small; probe.go finds out whether Data may be large.

// largeSpan is for how long this node expects more datagrams like the largest that came.
const largeSpan = 10 * Second

// places are the bytes of one place of a window, and how many of them a large datagram takes.
func (c *Config) places() (unit, span int) {
	large := max(c.MTU, c.MTULarge)
	span = large / c.MTU
	return (large + span - 1) / span, span
}

// setSize sets what a lane's next datagram may be.
func (l *lane) setSize(mtu int) {
	c := &l.engine.cfg
	l.mtu, l.whole, l.span = mtu, (mtu-wire.DataOverhead)&^7, 1
	if mtu > c.MTU {
		_, l.span = c.places()
	}
}

// enlarge lets the datagram that begins be a large one, if datagrams may be, and nothing that a
// member lacks has to go for that.
func (l *lane) enlarge(now Time) {
	e := l.engine
	if e.probe.large && l.mtu == e.cfg.MTU && int(l.lag(l.lowest))+3*l.places.span <= l.places.count {
		l.resize(now, e.cfg.MTULarge)
	}
}

// shrink makes all datagrams small, from the next one of each lane on.
func (e *Engine) shrink(now Time) {
	if !e.probe.large {
		return
	}
	e.probe.large = false
	if now-e.probe.since >= probeForgets {
		e.probe.wait = 0 // rounds that failed before are forgotten
	}
	e.count.Shrunk++
	for _, l := range e.lanes {
		l.shrink(now)
	}
	for _, l := range e.used {
		l.shrink(now)
	}
}

func (l *lane) shrink(now Time) {
	if small := l.engine.cfg.MTU; l.mtu > small {
		l.seal(now)
		l.resize(now, small)
	}
}

// resize makes the next datagram of a lane, none being open, one of another size, and begins
// anew with what is counted in datagrams. As many bytes a second go as before.
func (l *lane) resize(now Time, mtu int) {
	before := l.mtu
	l.setSize(mtu)
	if l.places.count != 0 {
		l.claim()
	}
	l.compress.raw = nil
	if l.trial.phase != trialWatch {
		l.pace.rate = max(l.pace.rate, l.trial.rate)
	}
	l.pace.scale(float64(before) / float64(mtu))
	l.endTrial(now)
	for _, p := range l.peers() {
		p.members[l.id].drained = mostFilter{}
	}
	l.engine.updateLimit(now, l)
}

// scale makes the rate one of datagrams of another size.
func (p *pacer) scale(by float64) {
	p.rate = min(max(p.rate*by, p.min), p.max)
	p.before *= by
	p.ceiling *= by
	p.setDepth()
}

// sawLarge notes a datagram that is longer than small ones are here.
func (e *Engine) sawLarge(now Time, bytes int) {
	if bytes > e.largest() {
		e.large = bytes
	}
	e.largeAt = now
}

// largest is the longest datagram that this node has to expect, in bytes.
func (e *Engine) largest() int {
	if e.now-e.largeAt < largeSpan {
		return e.large
	}
	return e.cfg.MTU
}

// Datagram returns the largest datagram that is begun now, in bytes.
func (e *Engine) Datagram() int {
	if e.probe.large {
		return e.cfg.MTULarge
	}
	return e.cfg.MTU
}
