package forward

import (
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/ring"
)

// A session has numbers for so many producers and topics, and takes none back. When they are used up the forwarder
// begins another one, and so it does when others know a greater one of this node. Nothing is lost by that:
//
//	renew ──▶ nothing more is sent ──▶ all of it is with its members ──▶ the new session ──▶ they want it ──▶ on
//
// Meanwhile the readers stay in the rings, which holds the publishers back, and what has just come is not looked at, so
// that a new publisher waits until it is heard.

const (
	// renewApart is how long after a session that was renewed the next one is at the earliest: where more
	// producers live than a session has numbers for, the others would hear of nothing else.
	renewApart = 60 * mcast.Second
	// renewPatience bounds how long what was sent may take to be with its members, returnPatience how long those
	// may take to say in the new session what they want.
	renewPatience  = 500 * mcast.Millisecond
	returnPatience = mcast.Second
)

// sessionLimits bound a session.
type sessionLimits struct {
	engine mcast.Limits
	apart  mcast.Duration
}

// A renewal is the way to a new session. It is guarded by Forwarder.mu.
type renewal struct {
	asked   bool            // a new session is to begin
	awaited map[uint32]bool // it has begun: nodes that were there before and did not say yet what they want
	until   mcast.Time      // the end of either
	last    mcast.Time      // when one was asked for last; 0: never
}

// holds says whether nothing may be taken from the rings now.
func (r *renewal) holds() bool { return r.asked || len(r.awaited) != 0 }

// renew asks for a new session, since this one has no numbers left for producers, or for topics. It says false if the last
// one began a short while ago. Mu is held.
func (f *Forwarder) renew(what string) bool {
	r, now := &f.renewal, f.now()
	if r.asked {
		return true
	}
	if r.last != 0 && now-r.last < f.cfg.session.apart {
		return false
	}
	r.asked, r.last, r.until = true, now, now+renewPatience
	f.cfg.Log("session %d has no numbers left for %s: another one begins", f.seat.Session(), what)
	f.conn.Wake()
	return true
}

// goAbove asks for a session above one that others have seen of this node: the clock was set back, or the node's memory was
// lost. Mu is held.
func (f *Forwarder) goAbove() {
	if r := &f.renewal; !r.asked {
		r.asked, r.until = true, f.now()+renewPatience
	}
}

// tickRenewal begins the new session once it can, and ends the waiting for the nodes. Mu is held.
func (f *Forwarder) tickRenewal(now mcast.Time) error {
	r := &f.renewal
	if r.asked && (f.allSettled() || now >= r.until) {
		return f.renewSession()
	}
	if !r.asked && len(r.awaited) != 0 && now >= r.until {
		f.cfg.Log("%d nodes have not found the new session yet", len(r.awaited))
		r.awaited = nil
		f.wantRescan()
	}
	return nil
}

// allSettled writes down where topics stand, and says whether all that was sent is with its members.
func (f *Forwarder) allSettled() bool {
	f.savePlaces()
	for _, o := range f.out {
		if len(o.unsettled) != 0 {
			return false
		}
	}
	return f.direct.settled()
}

// renewSession begins the session that was asked for.
func (f *Forwarder) renewSession() error {
	if f.stale != 0 {
		return f.newSession()
	}
	f.counters.renewed.Add(1)
	return f.beginAbove(f.seat.Session())
}

// goBack has a topic read again from its place: not all that was sent since is with its members. Its reader holds the
// publishers back as before.
func (f *Forwarder) goBack(o *outbound) error {
	reader, err := o.file.Join(ring.JoinOptions{Latest: o.lane == mcast.LaneLive, From: o.place, FromSet: true})
	if err != nil {
		if reader != nil {
			reader.Close()
		}
		return err
	}
	o.reader.Close()
	o.reader, o.lent, o.held, o.from = reader, nil, false, noPosition
	o.unsettled, o.large, o.cursor, o.rewound = o.unsettled[:0], o.large[:0], reader.Cursor(), o.file.Tail()
	return nil
}

// carryOver makes the topics that are forwarded known to a new session. Their readers stay where they are, or go back to
// where something is not with its members yet; the message in hand is sent anew, whole.
func (f *Forwarder) carryOver() {
	for name, o := range f.out {
		var err error
		if cutOff(func() {
			if len(o.unsettled) != 0 {
				err = f.goBack(o)
			}
			if err == nil {
				o.topic, err = f.engine.Topic(name, shapeOf(o.file.Shape()))
			}
		}) {
			f.dropOut(o)
			continue
		}
		if err != nil {
			f.closeOut(name)
			f.noteUnopened(name, err)
			continue
		}
		at := o.reader.Cursor()
		if len(o.lent) != 0 {
			at = o.lent[0].Position
		}
		o.splices = splices{list: []splice{{f.forgot + 1, at}}}
	}
}
