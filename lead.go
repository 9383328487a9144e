package ringcast

import (
	"context"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// await returns when the party has what it waits for, or its context has ended. mu is
// held before and after.
func (d *desk) await(ctx context.Context, p *party) error {
	for {
		if p.ready(d) {
			d.pass()
			return nil
		}
		if err := d.over(ctx); err != nil {
			d.pass()
			return err
		}
		if d.led {
			d.park(ctx, p)
			continue
		}
		d.led, d.leader = true, p
		d.mu.Unlock()
		err := d.lead(ctx, p)
		d.mu.Lock()
		d.led, d.leader = false, nil
		if err != nil {
			d.pass()
			return err
		}
	}
}

// over says why nobody may wait any more; mu is held.
func (d *desk) over(ctx context.Context) error {
	if d.ended || d.post.closing() {
		return ErrClosed
	}
	return ctx.Err()
}

// pass has one of those that are parked lead, if nobody does; mu is held.
func (d *desk) pass() {
	if !d.led && d.first != nil {
		d.first.post()
	}
}

// park waits until another says that there is something, or that it is our turn to
// lead; mu is held before and after.
func (d *desk) park(ctx context.Context, p *party) {
	p.parked, p.prev, p.next = true, d.last, nil
	if d.last != nil {
		d.last.next = p
	} else {
		d.first = p
	}
	d.last = p
	d.mu.Unlock()
	select {
	case <-p.signal:
	case <-ctx.Done():
	}
	d.mu.Lock()
	if p.prev != nil {
		p.prev.next = p.next
	} else {
		d.first = p.next
	}
	if p.next != nil {
		p.next.prev = p.prev
	} else {
		d.last = p.prev
	}
	p.parked, p.prev, p.next = false, nil, nil
}

// lead reads the ring for all until the party has what it waits for.
func (d *desk) lead(ctx context.Context, p *party) error {
	d.wait.Context = ctx
	for {
		if d.news.Load() {
			if d.tidy(p) {
				return nil
			}
			if d.post.closing() {
				return ErrClosed
			}
		}
		err := d.reader.Next(&d.message)
		switch {
		case err == nil:
			if d.deliver(p) {
				return nil
			}
		case err == ErrEmpty:
			if err := d.waiter.Await(&d.wait, d.readers); err != nil && err != errAgain {
				return err
			}
		case isRetired(err):
			if err := d.reopen(); err != nil {
				return err
			}
		default: // put out after an hour: what was there is late
		}
	}
}

// reopen makes the ring anew where it was damaged. What lay in it is lost, and its
// callers have their deadlines; who waits for the last words of somebody who is gone
// waits no more. Where it can't be made now the old one stays: others look at it.
func (d *desk) reopen() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	file, reader := d.file, d.reader
	if err := d.open(); err != nil {
		return err
	}
	reader.Close()
	_ = file.Close()
	lost := d.dying
	d.dying = nil
	for _, x := range lost {
		d.bereave(x)
	}
	return nil
}

// tidy looks at what is new besides messages, and reports whether the party has what it
// waits for.
func (d *desk) tidy(p *party) bool {
	d.news.Store(false)
	if d.post.closing() {
		d.wakeAll()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	leader := d.leader
	d.leader = nil
	d.expire()
	d.bury()
	d.leader = leader
	return p.ready(d)
}

// wakeAll lets everybody see that the bus was closed.
func (d *desk) wakeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for p := d.first; p != nil; p = p.next {
		p.post()
	}
}

// expire settles the calls whose time is over; mu is held.
func (d *desk) expire() {
	now, first := ring.Now(), d.due.Load()
	if first == 0 || int64(now) < first {
		return
	}
	next := int64(0)
	for _, c := range d.calls {
		switch {
		case c.correlation == 0 || c.settled:
		case c.due <= now:
			d.overdue(c)
		case next == 0 || int64(c.due) < next:
			next = int64(c.due)
		}
	}
	if next != 0 {
		next = max(next, int64(now+time.Millisecond)) // many that end one behind the other cost one look
	}
	d.due.Store(next)
}

// bury settles calls whose instance is gone, once all that it can have answered was
// read; mu is held.
func (d *desk) bury() {
	kept := d.dying[:0]
	for _, x := range d.dying {
		if d.reader.Cursor() < x.tail {
			kept = append(kept, x)
			continue
		}
		d.bereave(x)
	}
	if d.dying = kept; len(kept) > 0 {
		d.news.Store(true) // again behind the next message
	}
}

// mourn notes that somebody is gone for whom a call waits, who may have answered before that
// position; once, however often it is seen. mu is held.
func (d *desk) mourn(c *call, tail uint64, who Address) {
	if c.survey != nil {
		c.survey.asked[who] = false
	} else if c.mourned {
		return
	}
	c.mourned = true
	d.dying = append(d.dying, dying{c.correlation, tail, who})
}

// bereave settles one of them, if it is open. Of a survey it is one answer less.
func (d *desk) bereave(x dying) {
	c := d.find(x.correlation)
	if c == nil {
		return
	}
	if c.survey != nil {
		delete(c.survey.asked, x.who)
		d.lessAsked(c)
		return
	}
	if !c.uplink.IsZero() {
		d.settle(c, ErrNodeDown)
		return
	}
	d.settle(c, ErrInstanceDied)
}

// review looks for calls whose instance or address is gone, and for services that have
// no instance any more. Anybody may call it.
func (d *desk) review() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return
	}
	tail := d.file.Tail() // after they went
	found := len(d.dying)
	services := map[*service]bool{} // whether an instance is left
	for _, c := range d.calls {
		c.missed = c.correlation != 0 && !c.sent // isSent looks
		switch {
		case c.correlation == 0 || c.settled:
		case !c.uplink.IsZero():
			if d.post.gone(c.uplink) {
				d.mourn(c, tail, c.uplink)
			}
		case c.service != nil: // also while it is being sent: its row may tell of it already
			d.reviewService(c, services, tail)
		case !c.sent:
		case c.survey != nil:
			d.reviewSurvey(c, tail)
		case d.post.gone(c.target):
			d.mourn(c, tail, c.target)
		}
	}
	if len(d.dying) > found {
		d.stir()
	}
}

// reviewService looks at the service of a call, once for all its calls; mu is held.
func (d *desk) reviewService(c *call, seen map[*service]bool, tail uint64) {
	left, known := seen[c.service]
	if !known {
		left = c.service.look(func(correlation uint64) {
			if c := d.find(correlation); c != nil {
				d.mourn(c, tail, Address{})
			}
		})
		seen[c.service] = left
	}
	if !left && c.sent && c.service.withdraw(c.at) {
		d.settle(c, c.service.none())
	}
}

// A deskWait is the context of who leads.
type deskWait struct {
	patience
	desk *desk
}

// Err is asked between two sleeps.
func (w *deskWait) Err() error {
	d := w.desk
	if first := d.due.Load(); first != 0 && int64(ring.Now()) >= first {
		d.news.Store(true)
	}
	if d.news.Load() {
		return errAgain
	}
	return w.Context.Err()
}

// A deskBell is the bell of who leads: only who sleeps has his context watched.
type deskBell struct{ desk *desk }

func (b *deskBell) Load() uint32 { return b.desk.bed.Load() }

func (b *deskBell) Wait(seen uint32, rest time.Duration) bool {
	w := &b.desk.wait
	w.attend(w.Context)
	if w.Err() != nil {
		return true
	}
	return b.desk.bed.Wait(seen, rest)
}

// A deskSleeper is the desk as the watch of the bus sees it.
type deskSleeper desk

// Arm asks to be woken by the next answer.
func (s *deskSleeper) Arm() bool { return ring.ArmAll(s.readers) || s.news.Load() }

// Patience is how long it may be left alone.
func (s *deskSleeper) Patience() time.Duration {
	rest := maxRest
	for _, r := range s.readers {
		rest = min(rest, r.Patience())
	}
	if first := s.due.Load(); first != 0 {
		rest = min(rest, max(0, time.Duration(first)-ring.Now()))
	}
	return rest
}
