package ring

// A reader at its producer's heels takes each line away just as it is written, or asks for it when the producer is about to, and
// what it has just read is what the producer needs next. Both then go at the pace of lines that pass between two cores. Where the
// producer is some hundred kilobytes ahead, and the ring is larger than a core's own caches, the lines have left them when
// the other needs them, and come from the cache that both share several times as fast. So in a stream that has not paused
// the reader lets its producers have a lead: it waits for it a few microseconds, not more, before each lease. Once it is there, it stays
// as long as the reader is the slower one. Only who waits for messages waits for a lead: not who polls, nor who reads several rings by turns.
const (
	leadBytes = 256 << 10 // besides a lease's messages
	leadMost  = 512 << 10 // of large slots, few are enough
	leadLooks = 200       // with a pause each, some 5 us
	leadLeast = 8         // messages that come meanwhile, or it was in vain
	leadRests = 64        // leases without a wait behind several in vain, at most
)

// leadOf is how many positions the producers of a stream are to be ahead.
func leadOf(r *Ring) uint64 {
	return min(maxLease+leadBytes/r.stride, leadMost/r.stride, r.capacity()/4)
}

// giveLead waits until the producers are ahead, or for leadLooks. It looks at one line, which
// is written once meanwhile. Where that brings nothing (they sleep, are done, wait for our answers or for our core) it rests for some
// leases, for twice as many each time.
func (rd *Reader) giveLead() {
	r, c := rd.ring, rd.cursor+rd.lead-1
	switch {
	case rd.lead == 0:
	case rd.rests > 0:
		rd.rests--
	case rd.hintAt(c): // pairs(publish)
		rd.vain = 0
	default:
		t := r.ctl.tail.Load()                                                             // pairs(tail)
		if soon(r.published(c), r.lap(c), leadLooks) || r.ctl.tail.Load()-t >= leadLeast { // pairs(publish)
			rd.vain = 0
			return
		}
		rd.vain = min(max(2*rd.vain, 1), leadRests)
		rd.rests = rd.vain
	}
}
