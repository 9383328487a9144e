package ringcast

import (
	"context"
	"errors"
	"sync/atomic"
)

// errAgain ends a wait because there is something besides messages to look after:
// topics have come, or one of several subscriptions was closed.
var errAgain = errors.New("look again")

// A patience is the context of a wait as package ring sees it: it ends with the
// caller's context, with Close, and, for a pattern, when a topic appears. It is
// the state of one publisher or subscription and is used by whoever holds that,
// but for closing, notice and owner.
type patience struct {
	context.Context // of the call that waits
	bus             *Bus
	bed             *berth // where it sleeps
	closing         atomic.Bool
	notice          atomic.Pointer[berth]    // nil before the first Ready
	owner           atomic.Pointer[patience] // waits for us, since we were merged
	topics          bool                     // a change of the topics ends it
	seen            uint64                   // changes of the topics that were looked at
	others          []*patience              // whose news end it, too

	done <-chan struct{} // whose end is told to us by stop's function
	stop func() bool
}

// Err is asked between two sleeps. It does not allocate.
func (p *patience) Err() error {
	if p.closing.Load() {
		return ErrClosed
	}
	if p.stirred() {
		return errAgain
	}
	for _, o := range p.others {
		if o.closing.Load() || o.stirred() {
			return errAgain
		}
	}
	return p.Context.Err()
}

// stirred reports whether topics have come that were not looked at.
func (p *patience) stirred() bool { return p.topics && p.bus.changes.Load() != p.seen }

// wake lets whoever waits ask Err again. It may come at any time.
func (p *patience) wake() {
	if o := p.owner.Load(); o != nil {
		p = o
	}
	p.bed.wake()
	if n := p.notice.Load(); n != nil {
		n.wake()
	}
}

// close ends the wait of now, and all to come.
func (p *patience) close() {
	p.closing.Store(true)
	p.wake()
}

// attend sees to it that the end of ctx wakes us. It allocates when the context
// is another than before.
func (p *patience) attend(ctx context.Context) {
	p.Context = ctx
	if done := ctx.Done(); done != p.done {
		p.release()
		if done != nil {
			p.done, p.stop = done, context.AfterFunc(ctx, p.wake)
		}
	}
}

// release lets go of the context attended to.
func (p *patience) release() {
	if p.stop != nil {
		p.stop()
	}
	p.done, p.stop = nil, nil
}
