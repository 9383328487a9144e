package ring

import (
	"fmt"

	"github.com/ringcast/ringcast/codec/layout"
)

// padBit marks, in an exclusive ring's published word, a position to step over.
const padBit = uint64(1) << 63

// own makes p the producer of an exclusive ring. A dead owner is followed, a
// living one is not.
//
// It registers the process first, also if it will be refused: the kernel may take
// its time for that, and whom it keeps cannot even be killed. An owner would hold
// everybody up meanwhile.
func (p *Producer) own() error {
	r, unfenced := p.ring, registered()
	for {
		if r.retired() {
			return ErrRetired
		}
		w := r.ctl.owner.Load() // pairs(exclusive)
		holder := uint32(w)
		if holder == layout.OwnerSealed {
			return ErrRetired // pairs(seal): a replacer is at work, or died at it
		}
		if holder != 0 && (uint16(holder-1) == p.owner || r.host.Alive(uint16(holder-1))) {
			return fmt.Errorf("%w: participant %d", ErrNotExclusive, holder-1)
		}
		next := (w>>32+1)<<32 | uint64(p.owner) + 1
		at("own")
		if r.ctl.owner.CompareAndSwap(w, next) { // pairs(exclusive)
			p.ownership = next
			p.unfenced = unfenced
			r.ctl.ownerFlags.Store(boolBit(p.unfenced)) // pairs(reader-mask): before anything is published
			p.mendTakeover()
			return nil
		}
	}
}

// mendTakeover steps over the positions that the predecessor had begun and not
// published. There may be several: claims that were open, fragments of a message.
// They are never used again: a reader may have seen the tail behind them.
func (p *Producer) mendTakeover() {
	r, T := p.ring, p.ring.ctl.tail.Load()
	for t := T - min(T, r.capacity()); t < T; t++ {
		head := headAt(r.slot(t))
		if head.published.Load()&^padBit != r.lap(t) {
			at("mend")
			head.published.Store(r.lap(t) | padBit) // pairs(publish)
		}
	}
	p.next = T
	r.wakeReaders()
}

func boolBit(b bool) uint64 {
	if b {
		return ownerFlagUnfenced
	}
	return 0
}

// disown gives an exclusive ring up. Claims that are still open cannot be
// committed any more: their positions are the next owner's to step over.
func (p *Producer) disown() {
	p.ring.ctl.owner.CompareAndSwap(p.ownership, p.ownership>>32<<32) // pairs(exclusive)
	p.ownership, p.open, p.swift = 0, 0, 0
}

// claimExclusive begins the next position of an exclusive ring. tail counts what
// was begun; only this producer writes it.
func (p *Producer) claimExclusive() (uint64, error) {
	r := p.ring
	if r.ctl.owner.Load() != p.ownership {
		return 0, ErrNotExclusive
	}
	for holes := uint64(0); holes <= r.capacity(); holes++ {
		t := p.next
		if p.open > 0 && t-p.oldest >= r.capacity() {
			return 0, ErrFull // the slot is that of an open claim of our own
		}
		if !r.room(&p.gate, t) {
			r.blame(&p.gate, t)
			return 0, ErrFull
		}
		at("begin")
		storeBefore(&r.ctl.tail, t+1) // pairs(tail): before any byte of the slot
		p.lookForward(t)
		if len(p.gate.pins) == 0 || !p.gate.pinned(t, r.capacity()) {
			if p.open++; p.open == 1 {
				p.oldest = t
			}
			p.swift = 0 // until it is ended
			return t, nil
		}
		r.unpinDead(&p.gate)
		at("pad")
		r.published(t).Store(r.lap(t) | padBit) // touches nothing else in the slot
		r.wakeReaders()                         // who sleeps before a ring full of pads holds us back
	}
	return 0, ErrStalled
}

// finishExclusive publishes position t, or steps over it.
func (p *Producer) finishExclusive(t uint64, state uint64) error {
	if p.ownership == 0 {
		return ErrNotExclusive
	}
	p.open--
	v := p.ring.lap(t)
	if state != stateReady {
		v |= padBit
	}
	at("publish exclusive")
	if p.unfenced { // who goes to sleep fences for us, and then looks again
		storeRelease(p.ring.published(t), v) // pairs(publish)
	} else {
		p.ring.published(t).Store(v) // pairs(publish); sequentially consistent: before the look at the mask
	}
	p.ring.wakeReaders()
	p.mayHurry()
	return nil
}
