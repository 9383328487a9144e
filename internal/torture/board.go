//go:build linux

package main

import (
	"path/filepath"
	"sync/atomic"
)

// A board is the memory that the parent shares with its children, which outlives
// any of them: what they are told to do, and how far they came.
type board struct{ words []atomic.Uint64 }

// Limits of a board.
const (
	maxPoints = 256
	maxSlots  = 96
	slotWords = 32

	wordRound = 0 // an order is out or not
	wordTaker = 1 // pid << 32 | point of the child that took it
	wordEpoch = 2 // stalls are counted from here on, ns
	wordWants = 64
	wordPass  = wordWants + maxPoints
	wordSlots = wordPass + maxPoints
	wordCount = wordSlots + maxSlots*slotWords
)

// States of the round: at most one child stands still by order at a time.
const (
	roundIdle = iota
	roundArmed
	roundTaken
)

// Words of one child.
const (
	slotReady    = iota // it works
	slotIndex           // its participant's index + 1
	slotGen             // and generation
	slotHandle          // number of its handle, 0 if it publishes nothing
	slotKind            // kind of the publish that is under way, 0 if none
	slotBegun           // sequence that is being published
	slotAcked           // sequence of the last message that was sent with OK
	slotOps             // publishes that ended, well or not
	slotSince           // when the publish under way began, ns
	slotWorst           // longest publish since the parent cleared this, ns
	slotOutcome         // first outcome since the parent cleared this
	slotFenced          // publishes that were fenced
	slotOpened          // how long opening took, ns
	slotReceived        // messages read
	slotLagged          // LAGGED events
	slotPosition        // the reader's cursor
	slotTopic           // of a newcomer: which of the storm's topics it published to
	slotGroup           // and its queue group there, + 1
	slotMember          // whether it belongs to it now
	slotAsked           // it has asked for its handle, and got it or was refused: it is open for all that a handle needs
)

func openBoard(base string) (*board, error) {
	words, err := mapWords(filepath.Join(base, "board"), wordCount)
	return &board{words}, err
}

func (b *board) close() { unmapWords(b.words) }

func (b *board) round() *atomic.Uint64       { return &b.words[wordRound] }
func (b *board) taker() *atomic.Uint64       { return &b.words[wordTaker] }
func (b *board) epoch() *atomic.Uint64       { return &b.words[wordEpoch] }
func (b *board) want(p int) *atomic.Uint64   { return &b.words[wordWants+p] }
func (b *board) passes(p int) *atomic.Uint64 { return &b.words[wordPass+p] }

func (b *board) at(slot, word int) *atomic.Uint64 {
	return &b.words[wordSlots+slot*slotWords+word]
}

// clearSlot makes a child's words as new.
func (b *board) clearSlot(slot int) {
	for i := range slotWords {
		b.at(slot, i).Store(0)
	}
}

// raise makes a word at least v.
func raise(w *atomic.Uint64, v uint64) {
	for old := w.Load(); old < v && !w.CompareAndSwap(old, v); old = w.Load() {
	}
}
