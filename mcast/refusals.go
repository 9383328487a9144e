package mcast

import (
	"net/netip"

	"github.com/ringcast/ringcast/mcast/wire"
)

// refusalsMax is how many sources of refused frames are told apart.
const refusalsMax = 32

// Refusals are the frames of one source that were refused, by reason.
type Refusals struct {
	From  netip.AddrPort
	Last  Time // when the last one came
	Total uint64
	By    [wire.ReasonCount]uint64
}

// refusalTable keeps the sources that most was refused of. Its size is fixed: a flood
// from made-up addresses takes no memory, and a source that goes on stays in it.
type refusalTable struct {
	list [refusalsMax]Refusals
	used int
}

// malformed counts a malformed frame by its reason and its source.
func (e *Engine) malformed(reason wire.Reason, from netip.AddrPort) {
	e.count.Refused[reason]++
	x := e.refusals.of(from)
	x.Last = e.now
	x.Total++
	x.By[reason]++
	if what, counts := offenceOf(reason); counts {
		e.offend(e.now, from, what)
	}
}

// otherVersion tells, once, of a source that speaks another version than this release.
func (e *Engine) otherVersion(reason wire.Reason, datagram []byte, from netip.AddrPort) {
	if judge, ok := e.sink.(Judge); ok && reason == wire.BadVersion && e.refusals.of(from).By[reason] == 1 {
		node, least, most := wire.VersionsOf(datagram)
		judge.Incompatible(from, node, least, most)
	}
}

// of returns the row of a source. A new one takes the row of the source that least
// was refused of.
func (t *refusalTable) of(from netip.AddrPort) *Refusals {
	least := &t.list[0]
	for i := range t.used {
		x := &t.list[i]
		if x.From == from {
			return x
		}
		if x.Total < least.Total {
			least = x
		}
	}
	if t.used < refusalsMax {
		least = &t.list[t.used]
		t.used++
	}
	*least = Refusals{From: from}
	return least
}

// Refusals returns the sources of malformed frames, at most 32 of them, those that most
// was refused of. The slice is the engine's own, valid until the next Receive.
func (e *Engine) Refusals() []Refusals { return e.refusals.list[:e.refusals.used] }
