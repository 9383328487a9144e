//go:build mutants

package mcast

// Faults of a broken build. They exist only under the build tag mutants, whose
// test shows that the simulator's invariants catch each of them.
var (
	faultNoNak          bool // holes are never reported
	faultNoBackoff      bool // a hole is reported at once, with every later datagram again
	faultTrailOffByOne  bool // the oldest repairable datagram is given up
	faultDuplicate      bool // what was delivered is delivered again
	faultOldSession     bool // a session that was overtaken is still heard
	faultRepairSequence bool // a repair gets a lane sequence of its own
	faultAhead          bool // past a hole a message is handed over though others are missing before it
	faultFragments      bool // fragments are put together across a hole
	faultNoCopies       bool // who hears unicast only gets no copies
	faultHasty          bool // a peer that half of the others suspect is dead at once
	faultNoPull         bool // a stream that catches up does not get what is held of it
)

// Faults lists the switches by name.
var Faults = map[string]*bool{
	"no-nak":          &faultNoNak,
	"no-backoff":      &faultNoBackoff,
	"trail":           &faultTrailOffByOne,
	"duplicate":       &faultDuplicate,
	"old-session":     &faultOldSession,
	"repair-sequence": &faultRepairSequence,
	"ahead":           &faultAhead,
	"fragments":       &faultFragments,
	"no-pull":         &faultNoPull,
	"hasty":           &faultHasty,
	"no-copies":       &faultNoCopies,
}
