package ring

// A reader at its producer's heels takes each line away just as it is written, or asks for it when the producer is about to, and
// what it has just read is what the producer needs next. Both then go at the pace of lines that pass between two cores. Where the
// producer is some hundred kilobytes ahead, and the ring is larger than a core's own caches, the lines have left them when
// the other needs them, and come from the cache that both share several times as fast. So in a stream that has not paused
// the reader lets its producers have a lead: it waits for it a few microseconds, not more, before each lease. Once it is there, it stays
// as long as the reader is the slower one.
const (
	leadBytes = 256 << 10 // besides a lease's messages
	leadMost  = 512 << 10 // of large slots, few are enough
	leadLooks = 200       // with a pause each, some 5 us
)

// leadOf is how many positions the producers of a stream are to be ahead.
func leadOf(r *Ring) uint64 {
	return min(maxLease+leadBytes/r.stride, leadMost/r.stride, r.capacity()/4)
}

// giveLead waits until the producers are ahead, or for leadLooks. It looks at one line, which
// is written once meanwhile.
func (rd *Reader) giveLead() {
	if r, c := rd.ring, rd.cursor+rd.lead-1; rd.lead > 0 {
		soon(r.published(c), r.lap(c), leadLooks) // pairs(publish)
	}
}
