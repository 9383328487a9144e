package ringcast

import (
	"context"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// departures sees participants of this node go: who waits for one, or works for one,
// is told. One goroutine a bus, which sleeps in the runtime's poller.
type departures struct {
	post  *post
	stop  context.CancelFunc
	begun chan struct{} // closed after the first look at the table
	ended chan struct{}
}

// firstLook bounds how long the first request waits for that look.
const firstLook = 100 * time.Millisecond

// watchDepartures starts the watch, and returns once those who were dead before are
// recovered.
func (p *post) watchDepartures() error {
	p.mu.Lock()
	w := p.watch
	if w == nil {
		if p.closing() {
			p.mu.Unlock()
			return ErrClosed
		}
		ctx, stop := context.WithCancel(context.Background())
		w = &departures{post: p, stop: stop, begun: make(chan struct{}), ended: make(chan struct{})}
		p.watch = w
		go w.run(ctx)
	}
	p.mu.Unlock()
	select {
	case <-w.begun:
	case <-time.After(firstLook):
	}
	return nil
}

func (w *departures) run(ctx context.Context) {
	defer close(w.ended)
	begun := false
	changed := func() {
		w.post.review()
		if !begun {
			begun = true
			close(w.begun)
		}
	}
	died := func(index uint16) {
		generation, _ := w.post.bus.domain.State(index)
		w.post.bus.recover(index, generation)
		w.post.review()
	}
	for ctx.Err() == nil {
		if w.post.bus.domain.Watch(ctx, died, changed) != nil && ctx.Err() == nil {
			time.Sleep(firstLook) // out of descriptors: once more
		}
	}
}

// end waits for the watch to have ended.
func (w *departures) end() {
	w.stop()
	<-w.ended
}

// recover takes back what a dead participant held.
func (b *Bus) recover(index uint16, generation uint32) {
	_ = ring.RecoverParticipant(b.domain, index, generation) // what we have no rights on others take back
}

// review looks at everybody that somebody here depends on.
func (p *post) review() {
	if d := p.asking.Load(); d != nil {
		d.review()
	}
	p.dropDeparted()
	p.lookAfterContexts()
}
