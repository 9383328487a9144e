package ring

import "github.com/ringcast/ringcast/codec/layout"

// word is a claim word: lap:44 | owner:16 | state:4.
//
// A position is claimed once, so a compare-and-swap of an exact word has no ABA.
type word uint64

const (
	// sealLap is a lap that is never claimed: a ring whose first claim word bears
	// it has been replaced before anybody wrote it.
	sealLap = layout.LapLimit

	stateHole        = layout.ClaimStateHole
	stateWriting     = layout.ClaimStateWriting
	stateReady       = layout.ClaimStateReady
	stateQuarantined = layout.ClaimStateQuarantined
)

func makeWord(lap uint64, owner uint16, state uint64) word {
	return word(lap<<20 | uint64(owner)<<4 | state)
}

func (w word) lap() uint64   { return uint64(w) >> 20 }
func (w word) owner() uint16 { return uint16(uint64(w) >> 4) }
func (w word) state() uint64 { return uint64(w) & 15 }

// with returns w in another state, of the same lap and owner.
func (w word) with(state uint64) word { return w&^15 | word(state) }

// entryWord is the state word of a consumer entry: generation:32 | participant:16 | state:16.
type entryWord uint64

const (
	entryFree     = layout.EntryStateFree
	entryJoining  = layout.EntryStateJoining
	entryActive   = layout.EntryStateActive
	entryEvicting = layout.EntryStateEvicting
	entryEvicted  = layout.EntryStateEvicted
	entryLeaving  = layout.EntryStateLeaving
)

func makeEntryWord(generation uint32, participant uint16, state uint64) entryWord {
	return entryWord(uint64(generation)<<32 | uint64(participant)<<16 | state)
}

func (w entryWord) generation() uint32  { return uint32(w >> 32) }
func (w entryWord) participant() uint16 { return uint16(w >> 16) }
func (w entryWord) state() uint64       { return uint64(w) & 0xffff }

func (w entryWord) with(state uint64) entryWord { return w&^0xffff | entryWord(state) }

// gates reports whether an entry in this state holds the producers back.
func (w entryWord) gates() bool {
	return w.state() == entryActive || w.state() == entryEvicting
}
