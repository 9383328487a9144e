package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// What a member of a queue group writes down, or a caller, each with a position.
const (
	noteTaken       = iota + 1 // it has the message in hand
	noteEnding                 // it has handled it, and is about to say Done
	noteReported               // it was told that a message's taker is gone
	noteWithdrawing            // a caller is about to take its request back
	noteWithdrawn              // it has it back: nobody has started it, and nobody will
	noteKept                   // it has not
)

// notesPath names the file of the slot's member, or caller, of that seed.
func notesPath(base string, slot int, seed uint64) string {
	return filepath.Join(base, fmt.Sprintf("member-%d-%x", slot, seed))
}

// note writes one down, so that it stays whatever becomes of us.
func note(f *os.File, what, position uint64) error {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], what)
	binary.LittleEndian.PutUint64(b[8:], position)
	_, err := f.Write(b[:])
	return err
}

// work is a member of a queue group.
func (c *child) work() error {
	if err := c.enter(false); err != nil {
		return err
	}
	f, err := os.Create(notesPath(c.Base, c.Slot, c.Seed))
	if err != nil {
		return err
	}
	defer f.Close()
	mb, err := c.file.JoinGroup("workers", ring.GroupOptions{Self: c.self.Address()})
	if err != nil {
		return err
	}
	for idle := 0; idle < 80; { // after the end, until nothing has come for some deadlines
		found, err := c.workOne(mb, f)
		switch {
		case err != nil:
			return err
		case found:
			idle = 0
		case c.ctx.Err() != nil:
			idle++
			time.Sleep(5 * time.Millisecond)
		default:
			_ = c.waiter.AwaitAny(c.ctx, []ring.Source{mb})
		}
	}
	mb.Close()
	return c.leave()
}

// workOne takes and handles one message, or a report.
func (c *child) workOne(mb *ring.Member, f *os.File) (found bool, err error) {
	var m ring.Message
	hand, err := mb.Take(&m)
	var gone *ring.AbandonedError
	switch {
	case err == ring.ErrEmpty:
		return false, nil
	case errors.As(err, &gone):
		return true, note(f, noteReported, gone.Position)
	case err != nil:
		return false, err
	}
	if err := checkPayload(m.Payload, m.Producer, m.Sequence); err != nil {
		return false, err
	}
	err = note(f, noteTaken, m.Position)
	mark("handling")
	switch c.rng.IntN(50) {
	case 0, 1, 2, 3:
		c.awaitCredit(&hand)
	case 4:
		time.Sleep(time.Duration(c.rng.IntN(1000)) * time.Microsecond)
	}
	if err := checkPayload(m.Payload, m.Producer, m.Sequence); err != nil {
		return false, fmt.Errorf("bytes changed in hand: %w", err)
	}
	err = errors.Join(err, note(f, noteEnding, m.Position))
	mark("handled")
	c.add(slotReceived)
	return true, errors.Join(err, hand.Done())
}

// A groupBook is what all members of a group wrote down.
type groupBook struct {
	taken, ended map[uint64]int  // by position: how often
	killed       map[uint64]bool // positions whose taker was killed
	reported     map[uint64]int
	withdrawn    map[uint64]int
	withdrawing  map[uint64]int // of callers that never said what came of it
}

func newGroupBook() *groupBook {
	return &groupBook{map[uint64]int{}, map[uint64]int{}, map[uint64]bool{}, map[uint64]int{}, map[uint64]int{}, map[uint64]int{}}
}

// readNotes adds one member's notes.
func (g *groupBook) readNotes(path string, killed bool) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it died before it joined
	}
	for i := 0; i+16 <= len(b); i += 16 {
		position := binary.LittleEndian.Uint64(b[i+8:])
		switch binary.LittleEndian.Uint64(b[i:]) {
		case noteTaken:
			g.taken[position]++
			g.killed[position] = g.killed[position] || killed
		case noteEnding:
			g.ended[position]++
		case noteReported:
			g.reported[position]++
		case noteWithdrawing:
			g.withdrawing[position]++
		case noteWithdrawn:
			g.withdrawn[position]++
			g.withdrawing[position]--
		case noteKept:
			g.withdrawing[position]--
		}
	}
	return err
}

// check compares the book with the positions of all messages: each was handled once, or reported, or
// withdrawn; never taken twice, nor when it was withdrawn; reported only if its taker was killed.
func (g *groupBook) check(positions []uint64) (faults []string) {
	fault := func(format string, args ...any) {
		if len(faults) < maxFaults {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	for _, p := range positions {
		switch {
		case g.taken[p] > 1 || g.ended[p] > 1:
			fault("the message at position %d was taken %d times and handled %d times", p, g.taken[p], g.ended[p])
		case g.withdrawn[p] > 0 && g.taken[p]+g.reported[p] > 0:
			fault("the message at position %d was withdrawn, and taken %d times and reported %d times", p, g.taken[p], g.reported[p])
		case g.ended[p] == 0 && g.reported[p] == 0 && g.withdrawn[p] == 0 && g.withdrawing[p] == 0:
			fault("the message at position %d, taken %d times, was neither handled nor reported", p, g.taken[p])
		case g.reported[p] > 0 && g.taken[p] > 0 && !g.killed[p]:
			fault("the message at position %d is reported, and its taker lives", p)
		}
	}
	sent := make(map[uint64]bool, len(positions))
	for _, p := range positions {
		sent[p] = true
	}
	for p := range g.taken {
		if !sent[p] {
			fault("a message at position %d was taken that nobody sent", p)
		}
	}
	return faults
}

// members is the scene of a queue group whose members are killed and stopped.
func members(r *run, d time.Duration) error {
	return r.attended("members", smallShape(ring.Shared), 3, d)
}

// membersFew has more members than the ring has slots.
func membersFew(r *run, d time.Duration) error {
	return r.attended("members-few", fewShape(ring.Shared), 6, d)
}

// attended plays one topic with that many members of a group.
func (r *run) attended(name string, shape ring.Shape, members int, d time.Duration) error {
	shape.StallBudget = time.Minute // or what stopped members hold up is missed, which is told
	a, err := r.newArena(name, shape)
	if err != nil {
		return err
	}
	if err := a.audit("t", shape); err != nil {
		return err
	}
	for slot := range members {
		a.start(task{Role: "work", Slot: slot, Topic: "t", Shape: shape})
	}
	a.ready()
	for i, role := range []string{"produce", "produce", "sweep", "call"} {
		a.start(task{Role: role, Slot: members + i, Topic: "t", Shape: shape, Small: true})
	}
	a.ready()
	// What is not confirmed yet has to be looked at word by word.
	a.focus[kill] = r.near("ring:hand", "ring:start", "ring:confirm", "ring:look at take", "ring:look at hand again")
	a.focus[stop] = r.near("ring:copy", "ring:start", "ring:confirm", "ring:look at take", "ring:look at hand again")
	a.torment(d, kill, kill, stop)
	a.atEnd = func() { // a group whose last member was killed waits for the next, and its ring with it
		p := a.start(task{Role: "work", Slot: members + 4, Topic: "t", Shape: shape, Calm: true})
		a.ready()
		a.end(p)
		a.settle(p)
	}
	return a.conclude()
}

// checkMembers checks the members' notes against the ledger.
func (a *arena) checkMembers(au *auditor) {
	book := newGroupBook()
	some := false
	for _, p := range au.promises {
		if p.notes == "" {
			continue
		}
		some = true
		if err := book.readNotes(p.notes, p.spare > 0); err != nil {
			a.fault("%v", err)
		}
	}
	if !some {
		return
	}
	for _, f := range book.check(au.positions) {
		a.fault("queue group: %s", f)
	}
	a.run.count("messages handled by group members", uint64(len(book.ended)))
	a.run.count("messages reported by group members", uint64(len(book.reported)))
	a.run.count("messages withdrawn by callers", uint64(len(book.withdrawn)))
}
