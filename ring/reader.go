package ring

// A verdict is what a look at one position came to.
type verdict int

const (
	nothing verdict = iota // not there yet
	use                    // a message lies in the slot
	step                   // nobody will ever write here
	overrun                // the slot was given to a later lap
	sealed                 // the ring was replaced before anybody wrote it
	spoilt                 // a word that no correct process writes
)

// A Reader takes messages out of a ring, each once, in claim order. It must not
// be used by more than one goroutine at a time.
type Reader struct {
	// Immutable after Join.
	ring  *Ring
	mode  uint32
	index int
	tag   *Tag // of its messages

	// Owned by the reader.
	mine    entryWord // our entry's state word while nobody has put us out; 0: we have none
	end     error     // why there is nothing more to read here
	cursor  uint64    // next position to look at
	stored  uint64    // the cursor as the producers see it
	untold  bool      // the cursor was stored without a look at who waits for room
	lease   uint64    // positions below it are lent to us, whatever happens
	swift   uint64    // positions below it need no more than a look at published
	replay  uint64    // positions below it are history, read as a latest reader
	burst   uint64    // messages between the last two looks that found nothing
	emptyAt uint64    // where that was
	polls   uint      // looks that found nothing, in a row
	lead    uint64    // positions by which the producers of a stream are let be ahead
	rests   uint32    // leases before which no lead is waited for, since that was in vain
	vain    uint32    // how many those were last; 0: it was not
	waits   bool      // our owner has waited for us alone where there was nothing last
	missed  uint64    // positions that passed us by, in all
	blind   bool      // the producer does not fence and we cannot do it for it: it may not see that we sleep
	flush   flushing
	asm     assembler
	copied  []byte // what a latest reader hands out

	// Writers that stand before us.
	writing []claimSeen
	watch   stopwatch
	inquiry inquiry
}

// A claimSeen is a claim word found at a position.
type claimSeen struct {
	position uint64
	word     word
}

// JoinOptions say how a reader begins.
type JoinOptions struct {
	// Latest readers hold nobody back; on a latest ring every reader must be one.
	Latest bool
	// History is how many positions before the tail to start at, as far as the
	// ring still has them.
	History uint64
	// From, if FromSet, is the position to start at instead: what lies behind the
	// tail is read if it is still there, and what is not is a LaggedError.
	From    uint64
	FromSet bool
	// Tag is what every message of the reader bears, or nil.
	Tag *Tag
}

// Join adds a reader. Errors: ErrMode, ErrTooManyReaders; ErrRetired together
// with a reader that can only Follow or Close.
func (r *Ring) Join(o JoinOptions) (*Reader, error) {
	mode := uint32(modeReliable)
	switch {
	case o.Latest:
		mode = modeLatest
	case !r.gated():
		return nil, ErrMode
	}
	rd := &Reader{ring: r, mode: mode, tag: o.Tag}
	if err := rd.enter(); err != nil {
		return nil, err
	}
	rd.cursor -= min(o.History, rd.cursor, r.capacity()-1)
	if o.FromSet {
		rd.cursor = min(o.From, rd.replay)
	}
	rd.emptyAt = rd.cursor
	if r.retired() { // after ACTIVE: the replacer saw us, or we see this
		return rd, ErrRetired
	}
	return rd, nil
}

// enter takes an entry and starts at the position where it joined.
func (rd *Reader) enter() error {
	i, mine, at, err := rd.ring.enter(rd.mode)
	if err != nil {
		return err
	}
	rd.index = i
	rd.begin(mine, at)
	return nil
}

// begin starts at a position, with an entry of our own.
func (rd *Reader) begin(mine entryWord, at uint64) {
	rd.mine = mine
	rd.cursor, rd.stored, rd.lease, rd.replay = at, at, at, at
	rd.polls, rd.swift, rd.untold = 0, 0, false
	rd.emptyAt, rd.lead, rd.rests, rd.vain = at, leadOf(rd.ring), 0, 0
	rd.flush.begin(rd.ring, at)
}

// Cursor is the next position that the reader looks at.
func (rd *Reader) Cursor() uint64 { return rd.cursor }

// Unfinished is the first position of the messages of which this reader has a part, or
// Cursor where it has none: who goes on for it later has to begin here, or it misses them.
// It allocates nothing.
func (rd *Reader) Unfinished() uint64 { return rd.asm.first(rd.cursor, rd.ring.capacity()) }

// Ring is the ring that is read.
func (rd *Reader) Ring() *Ring { return rd.ring }

// Close leaves the ring. The last message's bytes must not be touched after. It
// does not block but where the ring is just being replaced: then it opens the one
// that takes its place, mostly within microseconds, and leaves that, too.
func (rd *Reader) Close() {
	if rd.mine != 0 {
		rd.ring.leave(rd.index, rd.mine)
		rd.ring.leaveHeirs(rd.index, rd.mine)
		rd.mine = 0
	}
	rd.end, rd.swift = ErrClosed, 0
}

// Next fills m with the next message and releases the one before. It never
// sleeps, makes no system call unless a writer stands in the way, and allocates
// only for messages larger than a slot and, once, for a latest reader's copy. For who
// waited (Await) it spins a few microseconds now and then in a stream, for its producers'
// lead: doc/decisions/405. Who only polls waits for nothing.
//
// Errors: ErrEmpty; *LaggedError and *DamagedError, after which reading goes on,
// as it does after ErrTooManyReaders (the reader was put out and has found no
// entry yet); ErrRetired and ErrClosed, after which it does not.
func (rd *Reader) Next(m *Message) error {
	if (rd.cursor < rd.swift || rd.proceed()) && rd.ring.fill(one(m), rd.cursor, rd.tag) == 1 {
		rd.cursor, rd.polls = rd.cursor+1, 0
		return nil
	}
	return rd.next(m)
}

// next is Next where more has to be seen to than the next slot.
func (rd *Reader) next(m *Message) error {
	if rd.end != nil {
		return rd.end
	}
	if rd.mine == 0 {
		if err := rd.rejoin(); err != nil {
			return err
		}
	}
	if rd.mode == modeLatest || rd.cursor < rd.replay {
		return rd.nextCopy(m)
	}
	return rd.nextLease(m)
}

// nextLease is Next of a reliable reader, which reads where the message lies.
func (rd *Reader) nextLease(m *Message) error {
	r := rd.ring
	if rd.cursor-rd.stored >= rd.batch() && rd.cursor < rd.lease {
		rd.show()
	}
	for {
		if rd.cursor >= rd.lease && !rd.extend() {
			if err := rd.rejoin(); err != nil {
				return err
			}
			continue
		}
		switch rd.poll(rd.cursor) {
		case use:
			var v view
			c := rd.cursor
			rd.cursor++
			if reason := r.look(c, &v); reason != "" {
				return r.damage(c, reason)
			}
			if done, err := rd.gather(m, c, &v); done {
				return err
			}
		case step:
			rd.cursor++
		case overrun:
			if !rd.out() {
				return rd.spoiled("slot of a gating reader was used again")
			}
			if err := rd.rejoin(); err != nil {
				return err
			}
		case spoilt:
			return rd.spoiled("claim word of another lap or state")
		case sealed:
			return ErrRetired
		default:
			return rd.idle()
		}
	}
}

// gather makes a message of the slot at position c, or of all the slots that it
// ends. It is not done if more slots have to come.
func (rd *Reader) gather(m *Message, c uint64, v *view) (done bool, err error) {
	if v.whole() {
		v.message(m, c, v.payload, rd.tag)
		return true, nil
	}
	whole, fits := rd.asm.add(v, c, rd.ring.capacity())
	if !fits {
		return true, rd.lag(c, 1)
	}
	if whole == nil {
		return false, nil
	}
	v.message(m, c, whole, rd.tag)
	return true, nil
}

// spoiled is reached when the ring's own words at the cursor are impossible.
// Nothing more can be read here.
func (rd *Reader) spoiled(reason string) error {
	rd.end, rd.swift = ErrRetired, 0
	return rd.ring.spoiled(rd.cursor, reason)
}

// lag counts and names positions that passed the reader by.
func (rd *Reader) lag(first, n uint64) error {
	rd.missed += n
	if rd.mine != 0 {
		rd.ring.entries[rd.index].missed.Store(rd.missed)
	}
	return &LaggedError{Missed: n, First: first}
}

// batch is how many messages are released with one store.
func (rd *Reader) batch() uint64 {
	most := uint64(maxLease)
	if rd.flush.on {
		most = flushBatch
	}
	return max(1, min(most, rd.ring.capacity()/16))
}

// store releases everything before the cursor, and wakes producers that wait
// once half of the ring is free (or nothing is left to read).
func (rd *Reader) store() {
	if rd.releases() || rd.untold {
		if rd.flush.on {
			rd.flushRead()
		}
		at("cursor")
		rd.ring.entries[rd.index].cursor.Store(rd.cursor) // pairs(cursor); sequentially consistent: before the look at the mask
		rd.stored, rd.untold = rd.cursor, false
		rd.hasten()
		rd.wakeRoom()
	}
}

// show releases everything before the cursor within a lease. Producers that wait
// are woken at the lease's end, or when nothing is left to read: no fence here.
func (rd *Reader) show() {
	if rd.releases() {
		if rd.flush.on {
			rd.flushRead()
		}
		at("show cursor")
		storeRelease(&rd.ring.entries[rd.index].cursor, rd.cursor) // pairs(cursor)
		rd.stored, rd.untold = rd.cursor, true
		rd.hasten()
	}
}

// releases reports whether there is something to release.
func (rd *Reader) releases() bool {
	return rd.cursor != rd.stored && rd.cursor >= rd.replay && rd.mine != 0
}

// wakeRoom wakes producers that wait, if half of the ring is free. It comes behind
// a full fence behind the store of the cursor.
func (rd *Reader) wakeRoom() {
	r := rd.ring
	if r.ctl.roomSummary.Load() != 0 && r.ctl.tail.Load() <= rd.cursor+r.capacity()/2 { // pairs(room-mask)
		r.wakeProducers()
	}
}

// hasten says how far Next may go without looking at anything but published.
func (rd *Reader) hasten() {
	rd.swift = 0
	if rd.mode == modeReliable && rd.mine != 0 && rd.end == nil && rd.cursor >= rd.replay {
		rd.swift = min(rd.lease, rd.stored+rd.batch())
	}
}

// maxLease bounds what an evicted reader keeps pinned.
const maxLease = 64

// extend asks for the next positions. The store of the lease's end is a full
// fence before the look at our state: either an evictor's producer sees the lease
// and keeps off these slots, or we see that we were put out.
func (rd *Reader) extend() bool {
	r := rd.ring
	rd.show()
	if rd.cursor >= rd.flush.end {
		rd.turnLap()
	}
	if rd.waits && rd.cursor-rd.emptyAt >= longStream {
		rd.giveLead()
	}
	e := &r.entries[rd.index]
	end := rd.cursor + min(maxLease, r.capacity()/2)
	at("lease")
	e.leaseEnd.Store(end) // pairs(lease)
	at("leased")
	if entryWord(e.state.Load()) != rd.mine {
		return false
	}
	rd.lease, rd.untold = end, false
	rd.hasten()
	rd.wakeRoom() // what the fence of the lease is good for, too
	return true
}

// idle is reached when there is nothing to read: it lets go of everything read.
func (rd *Reader) idle() error {
	rd.burst, rd.emptyAt, rd.waits = rd.cursor-rd.emptyAt, rd.cursor, false
	rd.store()
	if rd.polls%64 == 0 && rd.out() {
		rd.lease, rd.swift = rd.cursor, 0 // the next look at the state is the next call
	}
	if rd.ring.retired() && rd.poll(rd.cursor) == nothing {
		return ErrRetired
	}
	return ErrEmpty
}

// out reports whether we were put out.
func (rd *Reader) out() bool {
	return entryWord(rd.ring.entries[rd.index].state.Load()) != rd.mine // pairs(entry)
}

// rejoin is reached when we were put out for slowness. It starts again at the
// tail and says how many positions were missed; nil if none was.
func (rd *Reader) rejoin() error {
	if rd.mine != 0 {
		rd.ring.leave(rd.index, rd.mine)
		rd.mine, rd.swift = 0, 0 // from here on the entry may be another's
	}
	first := rd.cursor
	if err := rd.enter(); err != nil {
		return err
	}
	if rd.cursor <= first {
		rd.cursor = first // by one at most: a claim that its owner has not told the tail of yet
		return nil
	}
	rd.asm.reset()
	return rd.lag(first, rd.cursor-first)
}

// poll looks at position c.
func (rd *Reader) poll(c uint64) verdict {
	if rd.ring.shape.Kind == Exclusive {
		return rd.pollExclusive(c)
	}
	r, lap := rd.ring, rd.ring.lap(c)
	at("poll")
	if r.published(c).Load() == lap { // pairs(publish)
		rd.polls = 0
		return use
	}
	rd.polls++
	at("poll tail")
	passed := r.ctl.tail.Load() > c // pairs(tail): before the claim word
	if rd.polls%8 != 0 && !passed {
		return nothing // the claim word's line stays with the producers
	}
	at("poll claim")
	w := word(r.claim(c).Load()) // pairs(commit)
	switch {
	case w == sealWord && c == 0:
		return sealed // pairs(seal)
	case w.lap() < lap && passed:
		return spoilt // the tail passes no position without a word
	case w.lap() < lap:
		return nothing
	case w.lap() > lap:
		return overrun
	case w.state() == stateReady:
		rd.polls = 0
		return use
	case w.state() == stateWriting:
		rd.stuck(c, w)
		return nothing
	case w.state() == stateHole, w.state() == stateQuarantined:
		return step
	}
	return spoilt
}

func (rd *Reader) pollExclusive(c uint64) verdict {
	r, lap := rd.ring, rd.ring.lap(c)
	at("poll exclusive")
	v := r.published(c).Load() // pairs(publish)
	switch {
	case v == lap:
		rd.polls = 0
		return use
	case v == lap|padBit:
		return step
	case v&^padBit > lap:
		return overrun
	}
	rd.polls++
	return nothing
}

// stuck is reached when the writer of position c has not committed. It notes all
// writers up to the tail, so that a crowd of dead ones costs one deadline and not
// one each; after the deadline, or when the kernel says that the owner is dead,
// their claims are quarantined and the readers step over them.
func (rd *Reader) stuck(c uint64, w word) {
	r, now := rd.ring, rd.ring.now()
	if len(rd.writing) == 0 || rd.writing[0] != (claimSeen{c, w}) {
		rd.noteWriters(c)
		rd.watch.start(now)
		rd.inquiry.start()
		return
	}
	waited := rd.watch.step(now)
	overdue, due := waited >= r.shape.CommitDeadline, rd.inquiry.due(waited)
	if !overdue && !due {
		return
	}
	asked, dead := -1, false
	for _, s := range rd.writing {
		if owner := int(s.word.owner()); !overdue && owner != asked { // a large message has many claims
			asked, dead = owner, !r.host.Alive(s.word.owner())
		}
		if overdue || dead {
			r.quarantine(s)
		}
	}
	if overdue {
		rd.writing = rd.writing[:0]
	}
}

// noteWriters remembers the WRITING words from c up to the tail.
func (rd *Reader) noteWriters(c uint64) {
	r := rd.ring
	rd.writing = rd.writing[:0]
	end := min(r.ctl.tail.Load(), c+r.capacity())
	for t := c; t < max(end, c+1); t++ {
		w := word(r.claim(t).Load())
		if w.lap() == r.lap(t) && w.state() == stateWriting {
			rd.writing = append(rd.writing, claimSeen{t, w})
		}
	}
}

// quarantine takes a claim from its writer, unless it has changed.
func (r *Ring) quarantine(s claimSeen) {
	at("take away")
	if r.claim(s.position).CompareAndSwap(uint64(s.word), uint64(s.word.with(stateQuarantined))) {
		r.ctl.quarantined.Add(1)
		r.wakeReaders()
	}
}
