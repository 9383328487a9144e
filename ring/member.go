package ring

import (
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// A Member takes messages as one of a queue group: each goes to one member, and free
// members take the next. A message is copied into the member's own memory, so its
// slot is free at once and no producer waits for a handler.
//
// A Member must not be used by more than one goroutine at a time; a Hand may be ended
// by any.
type Member struct {
	// Immutable after JoinGroup, but for Follow.
	ring    *Ring
	group   *group
	name    string
	self    shm.Address
	index   int // of our own entry, which says whom to wake
	mine    entryWord
	current Hand // what Next has handed out

	// Owned by the member.
	hands  []hand
	wanted int    // how many hands it has asked for
	eyes   Reader // how it looks at slots: as a latest reader without an entry
	end    error  // why there is nothing more to take here
	next   uint64 // where to look next; positions between the gate and it are others'
	takes  uint64
	lost   uint64 // positions of the group that nobody took, not told yet
	first  uint64 // the first of them
	missed uint64 // all of them so far

	// Reports.
	events    uint64        // of the group, when its rows were last looked through
	reporting int           // the row of the report that was told last; -1: none
	reported  handWord      // its position word
	looked    time.Duration // when the takers were last asked for

	// A taker that stands at the gate.
	suspect takeWord
	suspAt  uint64
	gone    bool // the kernel says that it is dead
	watch   stopwatch
	inquiry inquiry
}

// A hand is one row of the in-hand table and the memory of the message in it.
type hand struct {
	row int
	buf []byte
}

// A Hand is one message that was taken. It is in hand until Done; if its process dies
// before that, another member gets an AbandonedError. Done may be called from any
// goroutine, once, and not after the member's Close, which has given it up.
type Hand struct {
	row    *handRow // nil: it has ended
	word   handWord
	memory *byte // of the message, by its first byte
}

// Done ends the message: it was handled, and nobody will be told of it. Its bytes
// must not be touched after. One locked instruction. Error: ErrNotInHand.
func (h *Hand) Done() error {
	if h.row == nil {
		return ErrNotInHand
	}
	at("done")
	handEnds(h.memory)
	ended := h.row.position.CompareAndSwap(uint64(h.word), uint64(h.word.with(handFree))) // pairs(hand)
	h.row = nil
	if !ended {
		return ErrNotInHand
	}
	return nil
}

// GroupOptions say how a member joins.
type GroupOptions struct {
	// Self is the member's address, which reports name.
	Self shm.Address
	// Hands is how many messages the member may have in hand at once, for handlers
	// that run side by side. Zero means 1; a group has 1024 in all.
	Hands int
	// Tag is what every message of the member bears, or nil.
	Tag *Tag
}

// JoinGroup joins the queue group of that name. The first to join makes it, at the
// tail; from then on the group goes on where it stands, whoever leaves or dies, as
// far as the ring still has it; what it has not is a LaggedError.
//
// Errors: ErrMode on a latest ring; ErrRetired: open the name again; ErrTooManyReaders,
// ErrTooManyHands; those of shm.Open and shm.Create. It makes system calls.
func (f *File) JoinGroup(name string, o GroupOptions) (*Member, error) {
	return f.joinGroup(name, o, false)
}

func (f *File) joinGroup(name string, o GroupOptions, fromStart bool) (*Member, error) {
	if err := validGroupName(name); err != nil {
		return nil, err
	}
	switch {
	case !f.gated():
		return nil, ErrMode
	case f.retired():
		return nil, ErrRetired
	}
	g, err := f.openGroup(name, fromStart)
	if err != nil {
		return nil, err
	}
	return g.join(name, o)
}

// join makes a member of a group that is mapped.
func (g *group) join(name string, o GroupOptions) (*Member, error) {
	mb := &Member{ring: g.ring, group: g, name: name, self: o.Self.Participant(), reporting: -1}
	mb.eyes = Reader{ring: g.ring, mode: modeLatest, tag: o.Tag}
	mb.wanted = max(1, o.Hands)
	if mb.holdRows(); len(mb.hands) < mb.wanted {
		mb.looked = g.ring.now() - deadCheck
		mb.lookRound() // the dead may hold them
		mb.holdRows()
	}
	if len(mb.hands) < mb.wanted && !g.hasReports() {
		mb.freeRows()
		return nil, ErrTooManyHands
	}
	i, mine, _, err := g.ring.enter(layout.EntryModeMember)
	if err != nil {
		mb.freeRows()
		return nil, err
	}
	mb.index, mb.mine = i, mine
	g.ring.entries[i].group.Store(uint32(g.entry + 1))
	mb.lag(g.comeBack())
	mb.next = g.gateAt()
	mb.events = g.head.events.Load() - 1 // there may be reports from before
	if g.ring.retired() {                // after ACTIVE: the replacer saw the group, or we see this
		mb.Close()
		return nil, ErrRetired
	}
	return mb, nil
}

// holdRows takes free rows until it has as many as were asked for. A table may be
// full of reports; then it gets its rows when those have been told.
func (mb *Member) holdRows() {
	for i := range mb.group.rows {
		if len(mb.hands) == mb.wanted {
			return
		}
		row := &mb.group.rows[i]
		w := row.state.Load() // pairs(row)
		if entryWord(w).state() != rowFree {
			continue
		}
		at("hold row")
		if row.state.CompareAndSwap(w, uint64(mb.rowWord(rowHeld))) { // pairs(row)
			row.setTaker(mb.self)
			mb.hands = append(mb.hands, hand{row: i, buf: make([]byte, mb.ring.stride)})
		}
	}
}

// hasReports reports whether somebody's message waits to be told of.
func (g *group) hasReports() bool {
	for i := range g.rows {
		if s := entryWord(g.rows[i].state.Load()).state(); s == rowAbandoned || s == rowReported { // pairs(row)
			return true
		}
	}
	return false
}

// rowWord is a row's state word that names us.
func (mb *Member) rowWord(state uint64) entryWord {
	return makeEntryWord(mb.self.Generation, mb.ring.host.Index(), state)
}

// freeRows gives our rows up. A message that is still in hand becomes a report.
func (mb *Member) freeRows() {
	mine := mb.rowWord(rowHeld)
	for _, h := range mb.hands {
		row, next := &mb.group.rows[h.row], makeEntryWord(mine.generation(), 0, rowFree)
		if handWord(row.position.Load()).state() == handConfirmed {
			next = mine.with(rowAbandoned)
		}
		at("give row up")
		row.state.CompareAndSwap(uint64(mine), uint64(next)) // pairs(row)
		if next.state() == rowAbandoned {
			mb.group.head.events.Add(1) // pairs(report): after the word that it announces
		}
	}
	mb.hands = nil
}

// Close leaves the group. A message that was not ended by Done is reported to
// another member, or to the next that joins. The group goes on while it has members;
// one that all have left holds no producer back.
func (mb *Member) Close() {
	if mb.end == ErrClosed {
		return
	}
	mb.end = ErrClosed
	mb.acknowledge()
	mb.leave()
	if mb.group.left() {
		mb.group.leftHeirs()
	}
}

// leave gives up everything in this ring.
func (mb *Member) leave() {
	mb.freeRows()
	mb.ring.leave(mb.index, mb.mine)
	mb.mine = 0
	mb.ring.wakeReaders()
}

// left stops the group from gating if its last member has left it, and reports that.
// With reports that nobody has read it stays put out: its files are kept for the next
// member.
func (g *group) left() bool {
	state := &g.ring.entries[g.entry].state
	for range settleTries {
		at("look for members")
		if g.hasMembers() {
			return false
		}
		w := g.state()
		next := w.with(entryLeaving)
		if g.hasRows() {
			next = w.with(entryEvicted)
		}
		at("leave group")
		if !state.CompareAndSwap(uint64(w), uint64(next)) { // pairs(entry)
			continue
		}
		at("look for members again")
		if !g.hasMembers() {
			g.ring.wakeProducers()
			return true
		}
		// Who joined since we looked may have seen the group gate. He may have left
		// again, too: so this is looked at from the beginning.
		at("keep group")
		state.CompareAndSwap(uint64(next), uint64(w.with(entryActive))) // pairs(entry)
	}
	return false
}

// hasRows reports whether a row of the table is in use.
func (g *group) hasRows() bool {
	for i := range g.rows {
		if entryWord(g.rows[i].state.Load()).state() != rowFree { // pairs(row)
			return true
		}
	}
	return false
}

// hasMembers reports whether an entry names the group as its member's.
func (g *group) hasMembers() bool {
	for i := range g.ring.used() {
		if g.ring.memberOf(i, g.entry) {
			return true
		}
	}
	return false
}

// leftHeirs does the same in the rings that took this one's place: a replacer may
// have carried the group over.
func (g *group) leftHeirs() {
	was := g.state()
	for r := g.ring; r.heir != nil && r.retired(); { // pairs(seal)
		next, err := r.heir()
		if err != nil {
			return // nobody has the name, or nobody can open it
		}
		defer next.Close()
		r = next.Ring
		e := &r.entries[g.entry]
		if w := was.with(entryActive); e.joined.Load() == adopted &&
			e.state.CompareAndSwap(uint64(w), uint64(w.with(entryLeaving))) { // pairs(entry)
			r.wakeProducers()
		}
	}
}

// Alone reports whether the group has no other member.
func (mb *Member) Alone() bool {
	for i := range mb.ring.used() {
		if i != mb.index && mb.ring.memberOf(i, mb.group.entry) {
			return false
		}
	}
	return true
}

// Cursor is where the member looks next. Messages before it may still be taken by
// others, or be given back by them.
func (mb *Member) Cursor() uint64 { return mb.next }

// Ring is the ring that the group reads.
func (mb *Member) Ring() *Ring { return mb.ring }

// Missed counts the positions that passed the group by and that this member told of.
func (mb *Member) Missed() uint64 { return mb.missed }

// Follow moves a member whose ring was retired to the group of the same name in the
// ring that took its place. Where the group gated an unwritten ring it misses nothing.
// Errors: ErrInHand if a message of Take is not done yet; those of JoinGroup.
func (mb *Member) Follow(next *File) error {
	if mb.end == ErrClosed {
		return ErrClosed
	}
	_ = mb.current.Done()
	for i := range mb.hands {
		if mb.full(&mb.hands[i]) {
			return ErrInHand
		}
	}
	o := GroupOptions{Self: mb.self, Hands: mb.wanted, Tag: mb.eyes.tag}
	mb.end = ErrClosed
	mb.acknowledge()
	moved, err := next.joinGroup(mb.name, o, true)
	mb.leave() // not before: who closes here meanwhile would take the group for left, there, too
	mb.group.left()
	if err != nil {
		return err
	}
	moved.missed += mb.missed
	*mb = *moved
	return nil
}
