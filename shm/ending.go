package shm

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/ringcast/ringcast/codec/layout"
)

// ending is the word that bears the mark of a generation, and those of the generations
// ParticipantEndings before and after it.
func (r record) ending(generation uint32) *atomic.Uint64 {
	return word64(r.b, layout.ParticipantEndingsOffset+8*int(generation%layout.ParticipantEndings))
}

// endingMark is a mark: generation:32 | ending:32.
func endingMark(generation uint32, ending uint8) uint64 {
	return uint64(generation)<<32 | uint64(ending)
}

// markLeft leaves the mark of who leaves now: nobody else writes it, since he lives.
func (r record) markLeft(generation uint32) {
	r.ending(generation).Store(endingMark(generation, layout.EndingLeft))
}

// markDied leaves the mark of a participant whose lock was free while his record was
// {g, LIVE}. It returns false if the record is not any more: then he may have left before
// the kernel was asked. The mark is loaded before that look, so it is not one of a later life.
func (r record) markDied(generation uint32) bool {
	mark := r.ending(generation)
	before := mark.Load()
	step("look again")
	if r.state().Load() != stateWord(generation, layout.ParticipantStateLive) {
		return false
	}
	step("mark")
	if died := endingMark(generation, layout.EndingDied); before != died {
		mark.CompareAndSwap(before, died) // lost to somebody who has found the same
	}
	return true
}

// Ending tells how the participant of that index and generation ended: layout.EndingLeft or
// EndingDied, whoever freed its record and however long ago, as long as the index was not
// given away ParticipantEndings times since. It is EndingNone of one whose record was not
// freed, dead or alive, and where nothing is known. Two atomic loads.
func (d *Domain) Ending(index uint16, generation uint32) uint8 {
	if int(index) >= d.table.count {
		return layout.EndingNone
	}
	r := d.table.record(index)
	// pairs(ending): the mark was left before the record went on.
	if r.state().Load() == stateWord(generation, layout.ParticipantStateLive) {
		return layout.EndingNone
	}
	switch r.ending(generation).Load() {
	case endingMark(generation, layout.EndingLeft):
		return layout.EndingLeft
	case endingMark(generation, layout.EndingDied):
		return layout.EndingDied
	}
	return layout.EndingNone
}

// Died returns participants that died and were recovered, as far as the records tell: at
// most so many, of each index the latest, the last of an index behind those before it. It reads all
// records.
func (d *Domain) Died(most int) []Address {
	type death struct {
		address Address
		age     uint32 // lives of the index since
	}
	var deaths []death
	for i := range d.table.count {
		r := d.table.record(uint16(i))
		now, _ := splitState(r.state().Load())
		for age := uint32(1); age <= layout.ParticipantEndings && age < now; age++ {
			if d.Ending(uint16(i), now-age) == layout.EndingDied {
				deaths = append(deaths, death{Address{Node: d.nodeID, Epoch: d.epoch, Generation: now - age, Index: uint16(i)}, age})
			}
		}
	}
	slices.SortStableFunc(deaths, func(a, b death) int { return cmp.Compare(b.age, a.age) })
	var list []Address
	for _, x := range deaths[max(0, len(deaths)-most):] {
		list = append(list, x.address)
	}
	return list
}
