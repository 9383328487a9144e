//go:build amd64 && !race

package ring

import "sync/atomic"

// putSlot stores next in tail, the header's words and n bytes of payload, if n is not
// 0, in a slot, and lap in the slot's first word, in that order and without a fence.
// One call instead of four, each of which costs as much as the stores of a line.
//
//go:noescape
func putSlot(tail *atomic.Uint64, next uint64, slot *byte, lap uint64, head *bodyWords, payload *byte, n int)

// put writes the slot of position t, the last that is begun up to next, and
// publishes it.
func (r *Ring) put(t, next uint64, head *bodyWords, payload []byte) {
	if stepping() {
		r.putInSteps(t, next, head, payload)
		return
	}
	if len(payload) > maxPut {
		storeBefore(&r.ctl.tail, next) // pairs(tail): before any byte of the slot
		copyShared(r.slot(t)[bodyOffset+len(head)*8:], payload, true)
		payload = nil
	}
	putSlot(&r.ctl.tail, next, r.slotStart(t), r.lap(t), head, start(payload), len(payload)) // pairs(publish), pairs(tail)
}

// maxPut is up to how many bytes the loop of putSlot copies as fast as copy does.
const maxPut = 4096
