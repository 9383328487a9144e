package ring

import "math/bits"

// A sleeper sets its bit, then the summary, then looks again; a waker changes
// the claim word, then swaps the summary, then the words it names. All of it is
// sequentially consistent, so either the sleeper sees the change or the waker
// sees the bit. (The other order on either side loses a wake-up.)

// wakeReaders rings everybody who sleeps on this ring. It makes no system call
// when nobody does.
func (r *Ring) wakeReaders() {
	at("wake")
	if r.ctl.readerSummary.Load() != 0 { // pairs(reader-mask)
		r.wakeAsleep()
	}
}

// wakeAsleep is wakeReaders when somebody sleeps.
func (r *Ring) wakeAsleep() {
	at("wake summary")
	for words := r.ctl.readerSummary.Swap(0) & 0xf; words != 0; words &= words - 1 {
		n := bits.TrailingZeros64(words)
		at("wake mask")
		for mask := r.ctl.readerMask[n].Swap(0); mask != 0; mask &= mask - 1 {
			i := n*64 + bits.TrailingZeros64(mask)
			r.ring(entryWord(r.entries[i].state.Load()).participant())
		}
	}
}

// armReader leaves word that entry i is about to sleep. True: an exclusive producer
// does not fence between its store of published and its look at the mask, so we do it
// for it (fenceFor), and then look again.
func (r *Ring) armReader(i int) (unfenced bool) {
	at("arm mask")
	r.ctl.readerMask[i/64].Or(1 << (i % 64))
	at("arm summary")
	r.ctl.readerSummary.Or(1 << (i / 64))                 // pairs(reader-mask)
	return r.ctl.ownerFlags.Load()&ownerFlagUnfenced != 0 // pairs(reader-mask)
}

// fenceFor fences for the producers that do not, a system call. True: we are not
// allowed to, and the sleep has to be short.
func fenceFor(unfenced bool) (blind bool) {
	if !unfenced {
		return false
	}
	at("fence for others")
	return !fenceOthers()
}

// wakeProducers rings every producer that waits for room.
func (r *Ring) wakeProducers() {
	if r.ctl.roomSummary.Load() == 0 { // pairs(room-mask)
		return
	}
	at("room summary")
	for words := r.ctl.roomSummary.Swap(0) & 0xffff; words != 0; words &= words - 1 {
		n := bits.TrailingZeros64(words)
		at("room mask")
		for mask := r.ctl.roomMask[n].Swap(0); mask != 0; mask &= mask - 1 {
			r.ring(uint16(n*64 + bits.TrailingZeros64(mask)))
		}
	}
}

// armProducer leaves word that our participant waits for room.
func (r *Ring) armProducer() {
	i := r.host.Index()
	at("arm room")
	r.ctl.roomMask[i/64%16].Or(1 << (i % 64))
	r.ctl.roomSummary.Or(1 << (i / 64 % 16)) // pairs(room-mask)
}

func (r *Ring) ring(participant uint16) {
	r.ctl.wakes.Add(1)
	r.host.Ring(participant)
}
