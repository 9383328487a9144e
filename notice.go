package ringcast

import "sync/atomic"

// A notice is a berth in which nobody sleeps: its signal is the channel of Ready. A
// token lies there for as long as there may be something to read. After a call that
// has found nothing the token is taken away and the notice is parked; the watch
// puts a token back. The next call takes the readers back from the watch first.

// newNotice returns a notice with a token: nobody has looked yet. While there
// are notices somebody must keep watch, so the first one starts a goroutine.
func (b *Bus) newNotice() (*berth, error) {
	if err := b.startGuard(); err != nil {
		return nil, err
	}
	n := b.place.newBerth()
	n.notice = true
	n.post()
	return n, nil
}

// expect parks the notice until one of the sleepers has something.
func (b *berth) expect() {
	p := b.place
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-b.signal:
	default:
	}
	if b.has(p.bell.Load()) {
		b.post()
		return
	}
	p.park(b)
}

// retake gives the sleepers back to their owner.
func (b *berth) retake() {
	p := b.place
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.isParked {
		p.remove(b.index())
	}
}

// endNotice closes the channel, which from then on is always ready. A second one
// does nothing.
func (b *berth) endNotice() {
	b.retake()
	b.place.mu.Lock()
	defer b.place.mu.Unlock()
	if !b.ended {
		b.ended = true
		close(b.signal)
	}
}

// ready returns the channel of the notice, and makes it the first time. use is of
// whoever waits with p. What was closed is always ready.
func (p *patience) ready(use *atomic.Int32) <-chan struct{} {
	if p.notice.Load() == nil {
		n, err := p.bus.newNotice()
		if err != nil {
			return closedChannel
		}
		p.notice.CompareAndSwap(nil, n)
		if use.Load() == useEnded { // after the notice is there: one of the two sees the other
			p.endNotice()
		}
	}
	return p.notice.Load().signal
}

// closedChannel is always ready.
var closedChannel = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// retake takes the readers back from the notice, if there is one.
func (p *patience) retake() {
	if n := p.notice.Load(); n != nil {
		n.retake()
	}
}

// tell is called by whoever stops to use the readers, after a look that found
// nothing, or anything else.
func (p *patience) tell(empty bool) {
	n := p.notice.Load()
	switch {
	case n == nil:
	case empty:
		n.sleepers = p.bed.sleepers
		n.expect()
	default:
		n.post()
	}
}

// endNotice ends the notice, if there is one that has not ended.
func (p *patience) endNotice() {
	if n := p.notice.Load(); n != nil {
		n.endNotice()
	}
}

// A guard keeps watch on a bus where nobody else does. It is a member of the bus,
// which keeps the doorbell mapped.
type guard struct {
	bus   *Bus
	berth *berth
	ended chan struct{} // asks it to go
	gone  chan struct{} // it sleeps no more
}

// startGuard starts the bus's guard, unless it has one.
func (b *Bus) startGuard() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	if b.guard == nil {
		b.guard = &guard{bus: b, berth: b.place.newBerth(), ended: make(chan struct{}), gone: make(chan struct{})}
		b.members[b.guard] = struct{}{}
		go b.guard.run()
	}
	return nil
}

func (g *guard) run() {
	defer close(g.gone)
	for {
		select {
		case <-g.ended:
			return
		default:
			g.berth.Wait(g.berth.Load(), maxRest)
		}
	}
}

// end waits for the guard, which comes at once. Bus.Close ends each member once.
func (g *guard) end() error {
	close(g.ended)
	g.berth.wake()
	<-g.gone
	return g.bus.drop(g)
}
