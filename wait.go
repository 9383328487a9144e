package ringcast

import (
	"context"
	"errors"
	"sync/atomic"
)

// errTopics ends a wait because the directory of topics has changed.
var errTopics = errors.New("topics changed")

// A patience is the context of a wait as package ring sees it: it ends with the
// caller's context, with Close, and, for a pattern, when a topic appears. It is
// the state of one publisher or subscription and is used by whoever holds that,
// but for closing.
type patience struct {
	context.Context // of the call that waits
	bus             *Bus
	closing         atomic.Bool
	topics          bool   // a change of the topics ends it
	seen            uint64 // changes of the topics that were looked at

	done <-chan struct{} // whose end is told to us by stop's function
	stop func() bool
}

// Err is asked between two sleeps. It does not allocate.
func (p *patience) Err() error {
	if p.closing.Load() {
		return ErrClosed
	}
	if p.topics && p.bus.changes.Load() != p.seen {
		return errTopics
	}
	return p.Context.Err()
}

// attend sees to it that the end of ctx wakes us. It allocates when the context
// is another than before.
func (p *patience) attend(ctx context.Context) {
	p.Context = ctx
	if done := ctx.Done(); done != p.done {
		p.release()
		if done != nil {
			p.done, p.stop = done, context.AfterFunc(ctx, p.bus.wake)
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
