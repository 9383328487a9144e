package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// A Queue is a queue group as it looks to one who publishes for it and does not belong
// to it: whether anybody reads, whose hands hold what, and the way to take back what
// nobody has started. It is safe for concurrent use; it ends with its File.
type Queue struct{ group *group }

// Queue maps the group of that name. fs.ErrNotExist: nobody has ever joined it. It
// makes system calls.
func (f *File) Queue(name string) (*Queue, error) {
	if err := validGroupName(name); err != nil {
		return nil, err
	}
	f.groups.mu.Lock()
	defer f.groups.mu.Unlock()
	if g := f.groups.open[name]; g != nil {
		return &Queue{g.group}, nil
	}
	g, err := f.mapGroup(groupPath(f.path, f.ctl.ID(), name))
	if err != nil {
		return nil, fmt.Errorf("group %q: %w", name, err)
	}
	kept, err := f.keepGroup(name, g, false)
	if err != nil {
		return nil, err
	}
	return &Queue{kept}, nil
}

// HasMembers reports whether the group has a member, dead ones that nobody has
// recovered among them. Some loads; it is sequentially consistent behind a commit.
func (q *Queue) HasMembers() bool {
	at("look for members from outside")
	return q.group.hasMembers()
}

// Waiting is how many positions behind the gate nobody has started, holes among them.
func (q *Queue) Waiting() int {
	gate := q.group.gateAt()
	return int(max(q.group.ring.ctl.tail.Load(), gate) - gate) // pairs(tail)
}

// Running is how many messages are in hand now. It looks at each hand of the group.
func (q *Queue) Running() (n int) {
	for i := range q.group.rows {
		if _, ok := q.group.snapshot(i); ok {
			n++
		}
	}
	return n
}

// Unstarted reports whether there is a position that nobody has started, nor stepped
// over: what a member that leaves looks for behind its leaving.
func (q *Queue) Unstarted() bool {
	g := q.group
	g.pass()
	p := g.gateAt()
	return g.ring.ctl.tail.Load() > p && !takeWord(g.take(p).Load()).settled(g.ring.lap(p)) // pairs(tail), pairs(take)
}

// Withdraw takes position p back, a message of one's own that was committed. True:
// nobody has started it and nobody will. False: a member has or had it in hand. It
// never blocks.
func (q *Queue) Withdraw(p uint64) bool {
	g := q.group
	lap, word := g.ring.lap(p), g.take(p)
	for range settleTries {
		at("withdraw")
		w := takeWord(word.Load()) // pairs(take)
		switch {
		case w.lap() > lap || p >= g.gateAt()+g.ring.capacity():
			return false
		case w.lap() == lap && w.state() == takeDone:
			return true
		case w.lap() == lap && w.state() != takeTaken:
			return false
		}
		at("swap withdrawn")
		if word.CompareAndSwap(uint64(w), uint64(makeTakeWord(lap, 0, takeDone))) { // pairs(take)
			g.pass()
			return true
		}
	}
	return false // words change without end
}

// InHand calls fn with the correlation and the taker of each message of the caller that is in a
// hand, or was when its taker died and was not told yet. Rows that change meanwhile
// are looked at again.
func (q *Queue) InHand(caller shm.Address, fn func(correlation uint64, taker shm.Address)) {
	for i := range q.group.rows {
		if s, ok := q.group.snapshot(i); ok && s.caller == caller {
			fn(s.correlation, s.taker)
		}
	}
}

// Hands is InHand for the messages of all callers.
func (q *Queue) Hands(fn func(caller shm.Address, correlation uint64, taker shm.Address)) {
	for i := range q.group.rows {
		if s, ok := q.group.snapshot(i); ok {
			fn(s.caller, s.correlation, s.taker)
		}
	}
}

// A heldMessage is what a row says of the message in its hand.
type heldMessage struct {
	caller, taker shm.Address
	correlation   uint64
	position      uint64
}

// snapshot reads a row that has a message in hand. What is loaded before and after the
// addresses has to be the same.
func (g *group) snapshot(i int) (heldMessage, bool) {
	row := &g.rows[i]
	for range settleTries {
		state, hand := row.state.Load(), handWord(row.position.Load()) // pairs(row), pairs(hand)
		if entryWord(state).state() == rowFree || hand.state() == handFree || !g.holds(i, hand) {
			return heldMessage{}, false
		}
		r := row.report(hand.position())
		recheckFence()
		if row.state.Load() == state && handWord(row.position.Load()).position() == hand.position() {
			return heldMessage{caller: r.Source, taker: r.Taker, correlation: r.Sequence, position: hand.position()}, true
		}
	}
	return heldMessage{}, false
}

// holds reports whether a row whose hand reads so has that position in hand.
func (g *group) holds(i int, hand handWord) bool {
	if hand.state() == handConfirmed {
		return true
	}
	p := hand.position()
	return takeWord(g.take(p).Load()) == makeTakeWord(g.ring.lap(p), uint16(i), takeStarted) // pairs(take)
}

// errNotInRow says that no row has a caller's message.
var errNotInRow = errors.New("no hand holds the request")

// Cancel tells the taker of a request that its caller has given it up, and rings its
// bell. An error says that no living hand holds it, which is no fault.
func (q *Queue) Cancel(caller shm.Address, correlation uint64) error {
	return q.control(caller, correlation, func(c controlWord) controlWord { return c | controlCancel }, true)
}

// Grant adds n to the credit of a request's stream, and rings the taker's bell if it
// waits for that.
func (q *Queue) Grant(caller shm.Address, correlation uint64, n uint32) error {
	return q.control(caller, correlation, func(c controlWord) controlWord { return c.add(n) &^ controlWaiting }, false)
}

// control changes the control word of the row that has the request in hand.
func (q *Queue) control(caller shm.Address, correlation uint64, change func(controlWord) controlWord, ring bool) error {
	g := q.group
	for i := range g.rows {
		s, ok := g.snapshot(i)
		if !ok || s.caller != caller || s.correlation != correlation {
			continue
		}
		word := &g.rows[i].control
		for range settleTries {
			at("control")
			c := controlWord(word.Load()) // pairs(control)
			if c.tag() != uint32(s.position) {
				return errNotInRow
			}
			if !word.CompareAndSwap(uint64(c), uint64(change(c))) { // pairs(control)
				continue
			}
			if owner := entryWord(g.rows[i].state.Load()); ring || c&controlWaiting != 0 { // pairs(row)
				g.ring.ring(owner.participant())
			}
			return nil
		}
	}
	return errNotInRow
}

// A controlWord is what a caller tells the taker of its request: tag:32, the low half
// of the position in hand | credit:30 | waiting | cancel.
type controlWord uint64

const (
	controlCancel  controlWord = 1
	controlWaiting controlWord = 2
	controlOne     controlWord = 4 // of credit
	maxCredit                  = 1<<30 - 1
)

// FirstCredit is how many answers of a stream may be sent before the caller has taken one.
const FirstCredit = 15

func newControlWord(p uint64) controlWord {
	return controlWord(p&0xffffffff)<<32 | FirstCredit*controlOne
}

func (c controlWord) tag() uint32    { return uint32(c >> 32) }
func (c controlWord) credit() uint32 { return uint32(c) >> 2 }

func (c controlWord) add(n uint32) controlWord {
	return c + controlWord(min(n, maxCredit-c.credit()))*controlOne
}

// Canceled reports whether the caller of the request in hand has given it up. One load.
func (h *Hand) Canceled() bool { return h.control().mine(h) && h.control()&controlCancel != 0 }

// Credit is how many answers with MORE the caller of the request in hand allows. One load.
func (h *Hand) Credit() uint32 {
	if c := h.control(); c.mine(h) {
		return c.credit()
	}
	return 0
}

func (h *Hand) control() controlWord { return controlWord(h.row.control.Load()) } // pairs(control)

// mine reports whether the word is about the hand's message.
func (c controlWord) mine(h *Hand) bool { return c.tag() == uint32(h.word.position()) }

// AwaitCredit leaves word that the taker waits for more credit than so much. True: there is
// more, or the request was canceled; do not sleep.
func (h *Hand) AwaitCredit(have uint32) bool {
	for range settleTries {
		at("wait for credit")
		c := h.control()
		if !c.mine(h) || c.credit() > have || c&controlCancel != 0 {
			return true
		}
		if c&controlWaiting != 0 || h.row.control.CompareAndSwap(uint64(c), uint64(c|controlWaiting)) { // pairs(control)
			return false
		}
	}
	return true
}

// A Seat is a reader's entry as one sees it who writes for that reader alone.
type Seat struct {
	entry *entry
	word  entryWord
}

// SeatOf finds the entry of a reader of that participant. It neither blocks nor makes
// a system call.
func (r *Ring) SeatOf(participant uint16) (Seat, bool) {
	for i := range r.used() {
		w := entryWord(r.entries[i].state.Load()) // pairs(entry)
		if w.state() == entryActive && w.participant() == participant {
			return Seat{&r.entries[i], w}, true
		}
	}
	return Seat{}, false
}

// Taken reports whether the reader is still there. One load.
func (s Seat) Taken() bool { return entryWord(s.entry.state.Load()) == s.word } // pairs(entry)

// Last is the position of the last slot that this producer has claimed, where it has claimed any.
func (p *Producer) Last() uint64 { return p.next - 1 }

// Used reports whether there is a ring of that name that somebody uses: one that nobody
// uses is removed. It makes system calls.
func Used(path string, host Host) bool {
	f, err := openExisting(path, host)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errAgain)
	}
	_ = f.Close()
	f, err = openExisting(path, host)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errAgain)
	}
	_ = f.Close()
	return true
}

// describeMessage writes down whose message the row is about to have in hand: the
// source and correlation of its address block, or its producer and sequence.
func (r *handRow) describeMessage(v *view) {
	if v.block == nil {
		r.describe(v.producer(), v.body.sequence)
		return
	}
	source := shm.ReadAddress(v.block[layout.AddressBlockSourceOffset:])
	r.describe(source, binary.LittleEndian.Uint64(v.block[layout.AddressBlockCorrelationOffset:]))
}
