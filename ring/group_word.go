package ring

import "github.com/ringcast/ringcast/codec/layout"

// takeWord is a take word: lap:44 | row:16 | state:4. It says who of a group has
// the position, by the row of the in-hand table that the message goes to.
//
// A position is started once, and a row's position word names it, so STARTED and
// what follows it has no ABA. TAKEN may come again; nothing hangs on it.
type takeWord uint64

const (
	takeTaken   = layout.TakeStateTaken
	takeStarted = layout.TakeStateStarted
	takeDone    = layout.TakeStateDone
)

func makeTakeWord(lap uint64, row uint16, state uint64) takeWord {
	return takeWord(lap<<20 | uint64(row)<<4 | state)
}

func (w takeWord) lap() uint64   { return uint64(w) >> 20 }
func (w takeWord) row() uint16   { return uint16(uint64(w) >> 4) }
func (w takeWord) state() uint64 { return uint64(w) & 15 }

// settled reports whether the gate may pass a position of that lap: it was started
// or stepped over. A higher lap was stamped by a jump.
func (w takeWord) settled(lap uint64) bool {
	return w.lap() > lap || w.lap() == lap && (w.state() == takeStarted || w.state() == takeDone)
}

// The states of a row's state word, which is laid out as an entry's.
const (
	rowFree      = layout.RowStateFree
	rowHeld      = layout.RowStateHeld
	rowAbandoned = layout.RowStateAbandoned
	rowReported  = layout.RowStateReported
)

// handWord is a row's position word: position << 2 | state. A row has a position
// in hand from CONFIRMED on until its holder says that it is done.
type handWord uint64

const (
	handFree        = layout.InHandStateFree
	handUnconfirmed = layout.InHandStateUnconfirmed
	handConfirmed   = layout.InHandStateConfirmed
)

func makeHandWord(position, state uint64) handWord { return handWord(position<<2 | state) }

func (w handWord) position() uint64 { return uint64(w) >> 2 }
func (w handWord) state() uint64    { return uint64(w) & 3 }

func (w handWord) with(state uint64) handWord { return w&^3 | handWord(state) }
