package mcast

import (
	"net/netip"
	"time"

	"github.com/ringcast/ringcast/internal/guard"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Limit is how much of something one source may do: Rate a second in the long run, Burst at once.
type Limit = guard.Limit

// Guard bounds what one source, an address and port, may send of what costs and says nothing
// (spec/wire.md, 9). A zero Limit is the default; Off ends all of it.
type Guard struct {
	Malformed Limit // frames that no release sends; 100, 1000
	Join      Limit // HELLOs of nodes and sessions that were not here; 4, 64
	Hello     Limit // HELLOs; 500, 5000
	Flood     Limit // frames that are refused and that a healthy node sends some of; 20,000, 50,000
	Off       bool
}

// An Offence is what a source did too much.
type Offence uint8

// The offences; each has a limit in Guard.
const (
	OffenceMalformed Offence = iota
	OffenceJoin
	OffenceHello
	OffenceFlood
	offences
)

// String returns the offence in one word or two.
func (o Offence) String() string {
	names := [offences]string{"malformed frames", "joins", "hellos", "refused frames"}
	if o >= offences {
		return "unknown"
	}
	return names[o]
}

// A Quarantine is that of one source.
type Quarantine struct {
	From  netip.AddrPort
	Node  uint32 // the peer that speaks from there; 0: none does
	Why   Offence
	For   Duration // how long it lasts
	Times int      // the how many-th one it is of that source
	// Ignored is how many frames were dropped unseen since it began.
	Ignored uint64
}

// A Warden is a Sink that wants to know of quarantines.
type Warden interface {
	// Quarantined says that one begins, Released that it is over. They are called as those of Sink are.
	Quarantined(q *Quarantine)
	Released(q *Quarantine)
}

// sourcesMax bounds how many sources are known.
const sourcesMax = 1024

func (g Guard) list() [offences]Limit { return [offences]Limit{g.Malformed, g.Join, g.Hello, g.Flood} }

func (g Guard) withDefaults() Guard {
	set := func(l *Limit, rate, burst float64) {
		if *l == (Limit{}) {
			*l = Limit{Rate: rate, Burst: burst}
		}
		if g.Off {
			*l = Limit{}
		}
	}
	set(&g.Malformed, 100, 1000)
	set(&g.Join, 4, 64)
	set(&g.Hello, 500, 5000)
	set(&g.Flood, 20_000, 50_000)
	return g
}

// invalid says what cannot be, empty for nothing.
func (g Guard) invalid() string {
	for i, l := range g.list() {
		if l != (Limit{}) && !(l.Rate > 0 && l.Burst >= 1) {
			return "limit of " + Offence(i).String() + ": want a rate above 0 and a burst of 1 or more"
		}
	}
	return ""
}

// offenceOf says what a refused frame counts as; false: another release may send it.
func offenceOf(r wire.Reason) (Offence, bool) {
	switch r {
	case wire.BadTruncated, wire.BadMagic, wire.BadLength, wire.BadNode, wire.BadSession, wire.BadSize, wire.BadCount, wire.BadText:
		return OffenceMalformed, true
	case wire.BadReserved, wire.BadRange, wire.BadLane, wire.BadMessage, wire.BadCompression:
		return OffenceFlood, true
	}
	return 0, false
}

// offend counts against a source, and sets it apart where that is too much. It reports
// whether the frame in hand may be looked at further.
func (e *Engine) offend(now Time, from netip.AddrPort, what Offence) bool {
	if e.sources.Note(time.Duration(now), from, int(what)) {
		e.setApart(now, from)
		return false
	}
	return !e.sources.Held(from)
}

// setApart begins a quarantine: nobody waits for a peer that speaks from there.
func (e *Engine) setApart(now Time, from netip.AddrPort) {
	e.count.Quarantines++
	e.arm(Time(e.sources.Due()))
	for _, p := range e.peers {
		if p.from != from {
			continue
		}
		for i := range p.members {
			l := e.laneOf(p, uint32(i))
			if m := &p.members[i]; m.joined && m.tethered {
				e.untether(now, p, l)
				e.updateLimit(now, l)
			}
		}
	}
	for _, x := range e.sources.List(nil) {
		if x.Key == from && e.warden != nil {
			q := e.quarantine(x)
			q.For = Time(x.Till) - now
			e.warden.Quarantined(&q)
		}
	}
}

// tickSources ends quarantines.
func (e *Engine) tickSources(now Time) {
	e.sources.Release(time.Duration(now), func(x guard.Entry[netip.AddrPort]) {
		e.count.QuarantinesOver++
		if e.warden != nil {
			q := e.quarantine(x)
			e.warden.Released(&q)
		}
	})
	if due := Time(e.sources.Due()); due != Never {
		e.arm(due)
	}
}

func (e *Engine) quarantine(x guard.Entry[netip.AddrPort]) Quarantine {
	q := Quarantine{From: x.Key, Why: Offence(x.Kind), Times: x.Times, Ignored: x.Ignored}
	for _, p := range e.peers {
		if p.from == x.Key {
			q.Node = p.node
		}
	}
	return q
}
