package uplink

import (
	"time"

	"github.com/ringcast/ringcast/internal/guard"
	"github.com/ringcast/ringcast/shm"
)

// Limits bound the requests and one-way messages between nodes (spec/messaging.md, 15). A zero
// Limit is the default; one with a negative rate is none.
type Limits struct {
	Source  guard.Limit // of one participant; 200,000, 200,000
	Service guard.Limit // for one service, of all together; 400,000, 400,000
	Refused guard.Limit // beyond these, of one participant, before it is set apart; 100,000, 200,000
}

// A Quarantine is that of a participant.
type Quarantine struct {
	Source  shm.Address
	For     time.Duration
	Times   int // the how many-th one it is of that participant
	Ignored uint64
}

// Bounds of the tables of limits, and the kinds in that of sources.
const (
	sourcesMax  = 4096
	servicesMax = 4096
	kindSource  = 0
	kindRefused = 1
)

// limits are what each source and each service may still do.
type limits struct {
	sources  *guard.Table[shm.Address]
	services *guard.Table[uint64]
	tell     func(q *Quarantine, begins bool)
}

func newLimits(l Limits) limits {
	set := func(l *guard.Limit, rate, burst float64) guard.Limit {
		switch {
		case *l == guard.Limit{}:
			return guard.Limit{Rate: rate, Burst: burst}
		case l.Rate < 0:
			return guard.Limit{}
		}
		return *l
	}
	return limits{
		sources:  guard.NewTable[shm.Address](sourcesMax, set(&l.Source, 200_000, 200_000), set(&l.Refused, 100_000, 200_000)),
		services: guard.NewTable[uint64](servicesMax, set(&l.Service, 400_000, 400_000)),
		tell:     func(*Quarantine, bool) {},
	}
}

// Limit sets the limits, in the place of the defaults; tell is called with each quarantine that
// begins or ends. It must not call the Router.
func (r *Router) Limit(l Limits, tell func(q *Quarantine, begins bool)) {
	r.guard = newLimits(l)
	r.guard.tell = tell
}

// A verdict says what becomes of a request or a one-way message by its source.
type verdict uint8

const (
	pass   verdict = iota
	refuse         // told OVERLOADED
	ignore         // not told: it goes on although it was
)

// judge takes the tokens of a request or a one-way message.
func (r *Router) judge(now time.Duration, m *Message) verdict {
	g := &r.guard
	who := m.Source
	who.Handle = 0
	if g.sources.Held(who) {
		r.count.Ignored++
		return ignore
	}
	ok := g.sources.Take(now, who, kindSource)
	if ok && m.Destination.IsZero() && m.Service != 0 {
		ok = g.services.Take(now, m.Service, 0)
	}
	if ok {
		return pass
	}
	r.count.Limited++
	if g.sources.Note(now, who, kindRefused) {
		for _, x := range g.sources.List(nil) {
			if x.Key == who {
				g.tell(&Quarantine{Source: who, For: x.Till - now, Times: x.Times}, true)
			}
		}
		return ignore
	}
	return refuse
}

// releaseSources ends quarantines.
func (r *Router) releaseSources(now time.Duration) {
	r.guard.sources.Release(now, func(x guard.Entry[shm.Address]) {
		r.guard.tell(&Quarantine{Source: x.Key, Times: x.Times, Ignored: x.Ignored}, false)
	})
}
