package ring

import "time"

// A reader may flush what it has read: put the lines of a slot out of all caches, before it gives the slot back. The
// producer then writes lines that nobody has, which come from memory and ahead of it by themselves. Otherwise it takes each
// from the reader's cache, and where that is far away (another complex of cores, another socket) this bounds a stream,
// whatever is asked for ahead. Where it is near, the caches are faster. Nothing tells a program which it is, and it changes
// when threads move, so a reader tries both, a lap of the ring each, and goes on with the faster one.
//
// Where others read the ring, too, a reader flushes only what all of them have passed: the last one does it. A lap is longer
// there, since readers may take turns on a core, and one turn is as long as another only by chance.
//
// Flushing changes nothing that anybody reads: it is a hint, like asking for a line.
type flushing struct {
	// Immutable after begin.
	slowest float64 // ns a message; a stream that takes longer is not held up by lines
	lap     uint64  // positions that are timed together

	// Owned by the reader.
	on    bool
	phase flushPhase
	from  uint64        // where the lap began
	end   uint64        // where it ends; the highest number where nothing is ever flushed
	began time.Duration // when it began
	last  float64       // ns a message in the lap before this
	usual float64       // the smaller one of the last two laps
	left  int           // laps until the other way is tried
}

// A flushPhase is what the lap that is timed is good for.
type flushPhase uint8

const (
	flushSettled flushPhase = iota // it goes on as it is
	flushTurned                    // the first lap of a try: its lines were left as before
	flushTried                     // the second one, which counts
)

const (
	flushMostLines  = 1025 // of a slot: rings of larger ones don't fit a cache
	flushMostOthers = 3    // readers besides: their cursors are looked at behind each batch
	flushLeastLap   = 1024
	flushTurns      = 8                     // laps that are timed as one where others read, too
	flushBatch      = 16                    // messages that are flushed and released together: the lines of 64 stand in each other's way
	flushFirst      = 4                     // laps before the first try
	flushAgain      = 64                    // laps between two, at least
	flushSeldom     = 4 * flushAgain        // and at most
	flushSlowLine   = 128 * time.Nanosecond // a stream that takes longer for a line has another bound
	flushGain       = 0.9                   // of the usual time, below which a try is a success
	neverFlushed    = ^uint64(0)
)

// begin is called where the reader begins at a position.
func (f *flushing) begin(r *Ring, at uint64) {
	*f = flushing{end: neverFlushed, left: flushFirst}
	if lines := r.stride / lineSize; flushable && lines <= flushMostLines {
		f.slowest = float64(lines) * float64(flushSlowLine)
		f.lap = max(r.capacity(), flushLeastLap)
		f.from, f.end, f.began = at, at+f.lap, r.now()
	}
}

// turn is called at the end of a lap: the reader has come to a position, and so many others read, too. Begun says that the message
// there is being written or comes behind others: it is a stream, and no answer that has yet to be asked for.
func (f *flushing) turn(at uint64, now time.Duration, others int, begun bool) {
	pace := float64(now-f.began) / float64(at-f.from)
	f.from, f.end, f.began = at, at+f.lap, now
	if others > 0 {
		f.end += (flushTurns - 1) * f.lap
	}
	switch {
	case others > flushMostOthers || pace > f.slowest:
		f.on, f.phase, f.last, f.left = false, flushSettled, 0, flushFirst
	case f.on || f.phase != flushSettled || begun:
		f.judge(pace)
	}
}

// judge takes the time of a message in the lap that ended, of a reader in a stream.
func (f *flushing) judge(pace float64) {
	switch f.phase {
	case flushTurned:
		f.phase = flushTried
		return
	case flushTried:
		f.phase = flushSettled
		if pace < flushGain*f.usual {
			f.left = flushAgain
			break
		}
		f.on = !f.on
		// what a try costs is spread over so many laps
		f.left = int(min(max(flushAgain, flushAgain*pace/f.usual), flushSeldom))
	default:
		f.left--
	}
	f.usual = pace
	if f.last > 0 {
		f.usual = min(pace, f.last) // a reader that lost its core in one of them proves nothing
	}
	f.last = pace
	if f.left <= 0 {
		f.on, f.phase = !f.on, flushTurned
	}
}

// turnLap ends a lap of the reader's.
func (rd *Reader) turnLap() {
	r := rd.ring
	rd.flush.turn(rd.cursor, r.now(), r.others(rd.index), r.ctl.tail.Load() > rd.cursor) // pairs(tail)
}

// others is how many entries are in use besides that one.
func (r *Ring) others(index int) int {
	n := 0
	for i := range r.used() {
		if i != index && entryWord(r.entries[i].state.Load()).state() != entryFree { // pairs(entry)
			n++
		}
	}
	return n
}

// passed is the position, end at most, up to which all who have an entry besides that one have read. Who just joins may have an older
// cursor in its entry, or stand behind it: it is a hint.
func (r *Ring) passed(index int, end uint64) uint64 {
	for i := range r.used() {
		e := &r.entries[i]
		if i != index && entryWord(e.state.Load()).state() != entryFree { // pairs(entry)
			end = min(end, e.cursor.Load()) // pairs(cursor)
		}
	}
	return end
}

// flushRead flushes the slots that are about to be released, as far as nobody else has yet to read them.
func (rd *Reader) flushRead() {
	r := rd.ring
	for t, end := rd.stored, r.passed(rd.index, rd.cursor); t < end; t++ {
		where, _, _, _, _, _, _ := loadBody(r.body(t))
		used := min(uint64(uint32(where))+where>>32, r.stride) // of a hole, what an older message left
		flushLines(r.published(t), max(used+lineSize-1, lineSize)/lineSize)
	}
}
