package forward

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/internal/guard"
	"github.com/ringcast/ringcast/internal/uplink"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Limits bound what one source may do before it is refused, and set apart for a while. A zero
// Limit is the default.
type Limits struct {
	// Guard is about datagrams, each source an address and port.
	Guard mcast.Guard
	// Requests are about requests and one-way messages between nodes.
	Requests uplink.Limits
	// Directory is how many updates a node may tell.
	Directory Limit
}

// A Limit is how much of something one source may do: Rate a second in the long run, Burst at once.
type Limit = guard.Limit

// Quarantined tells of a source that is ignored from now on.
func (s *sink) Quarantined(q *mcast.Quarantine) {
	(*Forwarder)(s).setApart(table.QuarantinedSource{Source: q.From.String(), Node: q.Node, Why: q.Why.String(), Times: uint32(q.Times)}, time.Duration(q.For))
}

// Released tells that it is heard again.
func (s *sink) Released(q *mcast.Quarantine) {
	(*Forwarder)(s).release(q.From.String(), q.Ignored)
}

// judged tells of a participant that is ignored from now on, or no more.
func (f *Forwarder) judged(q *uplink.Quarantine, begins bool) {
	if begins {
		f.setApart(table.QuarantinedSource{Source: q.Source.String(), Node: q.Source.Node, Why: "requests", Times: uint32(q.Times)}, q.For)
		return
	}
	f.release(q.Source.String(), q.Ignored)
}

// setApart tells of a quarantine that begins. Mu is held.
func (f *Forwarder) setApart(q table.QuarantinedSource, d time.Duration) {
	f.cfg.Log("QUARANTINE: %s (node %d) sent too many %s: it is ignored for %v, the %d. time", q.Source, q.Node, q.Why, d, q.Times)
	f.counters.quarantined.Add(1)
	f.apart = append(f.apart, q)
	f.writeSoon()
}

// release tells that one is over. Mu is held.
func (f *Forwarder) release(source string, ignored uint64) {
	f.cfg.Log("quarantine of %s is over, %d were ignored", source, ignored)
	f.apart = slices.DeleteFunc(f.apart, func(q table.QuarantinedSource) bool { return q.Source == source })
	f.writeSoon()
}

// forgetApart begins anew: the engine of a new session has set nobody apart, nor has its router.
func (f *Forwarder) forgetApart() {
	f.apart = nil
	f.direct.router.Limit(f.cfg.Limits.Requests, f.judged)
}

// Incompatible tells of a release that this one cannot speak with.
func (s *sink) Incompatible(from netip.AddrPort, node uint32, least, most uint8) {
	spoken := fmt.Sprintf("version %d", least)
	if most > least {
		spoken = fmt.Sprintf("versions %d to %d", least, most)
	}
	s.cfg.Log("OTHER VERSION: node %d at %v speaks %s of the wire, this release speaks version %d: neither hears the other; update one of them",
		node, from, spoken, layout.WireConstantVersion)
}

// refusedStats are the frames that were refused, by source and reason.
func refusedStats(list []mcast.Refusals) (s Stats) {
	for i := range list {
		var why []string
		for reason, n := range list[i].By {
			if n != 0 {
				why = append(why, fmt.Sprintf("%d %v", n, wire.Reason(reason)))
			}
		}
		s = append(s, Stat{"mcast.refused." + list[i].From.String(), strings.Join(why, ", "), list[i].Total})
	}
	return s
}

// kinds are the limits by their names.
func (l *Limits) kinds() map[string]*Limit {
	return map[string]*Limit{
		"malformed": &l.Guard.Malformed, "join": &l.Guard.Join, "hello": &l.Guard.Hello, "flood": &l.Guard.Flood,
		"requests": &l.Requests.Source, "service": &l.Requests.Service, "refused": &l.Requests.Refused, "directory": &l.Directory,
	}
}

// Set reads KIND=RATE/BURST, as requests=50000/10000, or "off", which ends them all.
func (l *Limits) Set(text string) error {
	if text == "off" {
		none := Limit{Rate: -1}
		*l = Limits{Guard: mcast.Guard{Off: true}, Requests: uplink.Limits{Source: none, Service: none, Refused: none}, Directory: none}
		return nil
	}
	name, value, _ := strings.Cut(text, "=")
	limit, known := l.kinds()[name]
	rate, burst, two := strings.Cut(value, "/")
	r, err := strconv.ParseFloat(rate, 64)
	b, err2 := strconv.ParseFloat(burst, 64)
	if !known || !two || err != nil || err2 != nil || !(r > 0 && b >= 1 && r <= limitMax && b <= limitMax) {
		names := slices.Sorted(maps.Keys(l.kinds()))
		return fmt.Errorf("limit %q: want off, or KIND=RATE/BURST with a rate a second above 0 and a burst from 1 on, KIND one of %s", text, strings.Join(names, ", "))
	}
	*limit = Limit{Rate: r, Burst: b}
	return nil
}

// limitMax bounds a rate and a burst: more is none.
const limitMax = 1e12
