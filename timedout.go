package ringcast

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// A TimedOutError says what was waited for until the context's deadline (10 s for a request
// without one), and what helps. It is context.DeadlineExceeded.
type TimedOutError struct {
	// Name is that of the service or topic; empty if an address was asked.
	Name string
	// Peer is the address that was asked or, for a service, of whoever said that the time
	// was over; zero if nobody is known.
	Peer Address
	// Waited is for how long, all tries together: for a request since it was made, for
	// messages since one could not be sent at once.
	Waited time.Duration
	// DidNotRun says that nothing was sent, or that the request was taken back before
	// anybody had started it. If it is false, nobody knows whether a request ran, and some
	// of a batch were sent. WaitForSubscribers leaves it false.
	DidNotRun bool

	kind string // of the name
	why  string // what did not come, and what helps; %v, which may be missing, is Waited
}

func (e *TimedOutError) Error() string {
	subject, why := e.Peer.String(), e.why
	if e.Name != "" {
		subject = strings.TrimPrefix(fmt.Sprintf("%s %q", e.kind, e.Name), " ")
	}
	if why == "" { // not of this package
		why = lateOther
		if e.Name != "" && !e.Peer.IsZero() {
			subject += " at " + e.Peer.String()
		}
	}
	unit := time.Millisecond
	if e.Waited < unit {
		unit = time.Microsecond
	}
	return subject + ": " + strings.Replace(why, "%v", e.Waited.Round(unit).String(), 1)
}

// Is reports whether the target is context.DeadlineExceeded.
func (e *TimedOutError) Is(target error) bool { return target == context.DeadlineExceeded }

// Timeout returns true, as that of context.DeadlineExceeded does.
func (e *TimedOutError) Timeout() bool { return true }

// Temporary returns true, as that of context.DeadlineExceeded does: both are a net.Error.
func (e *TimedOutError) Temporary() bool { return true }

// What was waited for in vain.
const (
	lateUnsent  = "not sent within %v, and it did not run: as many requests are open as Config.InFlight allows; wait for some, or allow more"
	lateOther   = "the time was over after %v"
	lateEnded   = "not sent, and it did not run: its time was over before it was made"
	lateBefore  = "not sent, and it did not run: its time was over after %v"
	lateQueued  = "nobody took it within %v, and it did not run: its instances are busy; start more, or give it more time"
	lateReply   = "no reply within %v, and nobody knows whether it ran: give it more time (the context's deadline; 10s without one), or ask again where it may run twice"
	lateThere   = "%v says that its time was over after %%v; it may have run: give it more time (the context's deadline; 10s without one)"
	lateSurvey  = "after %%v %d of those who were asked have not answered: go on with what came (SurveyConfig.Quorum), or give them more time"
	lateEmpty   = "%d of %d subscriptions after %%v: start more (ringcast ls shows who subscribes, ringcast nodes what other nodes want), or give them more time"
	lateRoom    = "no room for %v, and " + lateNothing + ": the slowest reliable subscription holds it up (ringcast ls, BEHIND); make that one faster, or ask for more slots"
	lateStalled = "no slot for %v, and " + lateNothing + ": stopped or slow processes hold them, or this one was too slow, or the ring was made anew; end those, ask for more slots, or give it more time"
	lateTurn    = "other goroutines published with this Publisher for %v, and " + lateNothing + ": make one for each of them, or give it more time"

	lateNothing = "nothing was sent"
)

// unsent is err, and where that is the end of the time why an errand was not sent.
func (e *errand) unsent(err error, why string) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	late := e.late()
	late.DidNotRun, late.why = true, why
	return late
}

// late is the error of an errand whose outcome nobody knows.
func (e *errand) late() *TimedOutError {
	late := &TimedOutError{Peer: e.target, Waited: ring.Now() - e.begun, why: lateReply}
	switch {
	case e.survey != nil:
		late.kind, late.Name, late.why = "survey of topic", e.survey.topic, fmt.Sprintf(lateSurvey, len(e.survey.asked))
	case e.service != nil:
		late.kind, late.Name = "service", e.service.name
	}
	return late
}

// overdue settles a call whose time is over; mu is held.
func (d *desk) overdue(c *call) {
	back := d.takeBack(c)
	late := c.late()
	if back && c.survey == nil {
		late.DidNotRun, late.why = true, lateQueued
	}
	d.settle(c, late)
}

// overdueAt settles a call of which somebody says that its time is over; mu is held.
func (d *desk) overdueAt(c *call, peer Address) {
	late := c.late()
	late.why = fmt.Sprintf(lateThere, peer)
	if late.Peer.IsZero() {
		late.Peer = peer
	}
	d.settle(c, late)
}

// unlessOverdue is err; the end of the time is the call's outcome, if it has no other. mu is held.
func (d *desk) unlessOverdue(c *call, err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if !c.settled {
		d.overdue(c)
	}
	return c.err
}

// ranBefore says of an error that the request may have run in an earlier try.
func ranBefore(err error) {
	var late *TimedOutError
	if errors.As(err, &late) && late.DidNotRun {
		late.DidNotRun, late.why = false, lateReply
	}
}

// late is err, and where that is the end of the time what the publisher has waited for since then.
func (p *Publisher) late(err error, since time.Duration, why string) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &TimedOutError{Name: p.topic, Waited: ring.Now() - since, DidNotRun: true, kind: "topic", why: why}
}

// partly is err, and where that is the end of the time it says that the first n of so many messages were sent.
func partly(err error, n, of int) error {
	var late *TimedOutError
	if n > 0 && errors.As(err, &late) {
		late.DidNotRun = false
		late.why = strings.Replace(late.why, lateNothing, fmt.Sprintf("%d of %d were sent", n, of), 1)
	}
	return err
}
