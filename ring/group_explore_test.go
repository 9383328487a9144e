//go:build invariants

package ring

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"
)

// A ledger is what became of messages, by position.
type ledger struct{ said []string }

func (l *ledger) note(who string, what any) { l.said = append(l.said, fmt.Sprint(who, " ", what)) }

func (l *ledger) String() string {
	sort.Strings(l.said)
	return strings.Join(l.said, ", ")
}

// work takes what there is and ends it, until it has found nothing so many times.
func (l *ledger) work(s *groupScene, who string, mb *Member, idle int) {
	var m Message
	for idle > 0 {
		err := mb.Next(&m)
		var gone *AbandonedError
		switch {
		case err == nil:
			mb.Done()
			l.note(who, m.Position)
		case errors.As(err, &gone):
			l.note(who, fmt.Sprintf("reports %d of %d", gone.Position, gone.Taker.Index))
		case err == ErrEmpty:
			idle--
		default:
			s.t.Errorf("%s: %v", who, err)
			return
		}
	}
}

// finish lets a member do what is left: time passes, so that it may steal.
func (l *ledger) finish(s *groupScene, who string, mb *Member) {
	for range 8 {
		l.work(s, who, mb, 1)
		s.clock.now += 2 * maxStep
	}
}

// TestExploreTwoMembers: two members at once over one message; one may die at any
// step. It is done once, or reported once with its taker, whoever had it.
func TestExploreTwoMembers(t *testing.T) {
	outcomes := explore(t, fewer(2), 0, func(e *explorer) ([]func(), func() string) {
		s := newGroupScene(t, small(Shared), 3)
		a, b := s.member(1, 1), s.member(2, 1)
		publishFor(t, s.producer(0), "x")
		l := &ledger{}
		bodies := []func(){
			dies(s.node, 1, func() { l.work(s, "a", a, 1) }),
			func() { l.work(s, "b", b, 1) },
		}
		return bodies, func() string {
			s.groups[2].recoverRows(1)
			l.finish(s, "b", b)
			return l.String()
		}
	})
	wantOutcomes(t, outcomes, map[string]string{
		"a 0":              "the first takes it and ends it, alive or not after that",
		"b 0":              "the second takes it, or steals it before it was started",
		"b reports 0 of 1": "the first dies between start and done",
	})
}

// TestExploreCleaners: a dead member had a message in hand, another started and not
// confirmed, another only taken. Two clean at once, one of them killed at any step,
// while a member reports. All are accounted for once.
func TestExploreCleaners(t *testing.T) {
	outcomes := explore(t, fewer(2), 0, func(e *explorer) ([]func(), func() string) {
		s := newGroupScene(t, small(Shared), 4)
		dead, b := s.member(1, 3), s.member(2, 1)
		p := s.producer(0)
		for range 3 {
			publishFor(t, p, "x")
		}
		for range 2 {
			if _, err := dead.Take(&Message{}); err != nil {
				t.Fatal(err)
			}
		}
		g, rows := s.groups[0], []int{dead.hands[0].row, dead.hands[1].row, dead.hands[2].row}
		g.rows[rows[1]].position.Store(uint64(makeHandWord(1, handUnconfirmed)))
		g.rows[rows[2]].position.Store(uint64(makeHandWord(2, handUnconfirmed)))
		g.take(2).Store(uint64(makeTakeWord(1, uint16(rows[2]), takeTaken)))
		s.node.dead[1].Store(true)
		l := &ledger{}
		bodies := []func(){
			func() { s.groups[3].recoverRows(1) },
			func() { l.work(s, "b", b, 1) },
		}
		return bodies, func() string {
			s.groups[0].recoverRows(1)
			l.finish(s, "b", b)
			return l.String()
		}
	})
	wantOutcomes(t, outcomes, map[string]string{
		"b 2, b reports 0 of 1, b reports 1 of 1": "each once",
	})
}

// TestExploreReporters: two members want one report, one of them dies at any step.
// It is told; twice only if the first died before its next call.
func TestExploreReporters(t *testing.T) {
	outcomes := explore(t, fewer(2), 0, func(e *explorer) ([]func(), func() string) {
		s := newGroupScene(t, small(Shared), 4)
		dead, b, c := s.member(1, 1), s.member(2, 1), s.member(3, 1)
		publishFor(t, s.producer(0), "x")
		wantTaken(t, dead, "x")
		s.node.dead[1].Store(true)
		s.groups[0].recoverRows(1)
		l := &ledger{}
		bodies := []func(){
			dies(s.node, 2, func() { l.work(s, "b", b, 1) }),
			func() { l.work(s, "c", c, 1) },
		}
		return bodies, func() string {
			s.groups[0].recoverRows(2)
			l.finish(s, "c", c)
			return l.String()
		}
	})
	wantOutcomes(t, outcomes, map[string]string{
		"b reports 0 of 1":                   "the first tells it and says so",
		"c reports 0 of 1":                   "the second does, or the first died before it told",
		"b reports 0 of 1, c reports 0 of 1": "the first told it and died before its next call",
	})
}

// TestExplorePassing: a member that is killed behind its start, a producer that is
// held back and moves the gate for it, and a cleaner: nothing is lost, nothing stuck.
func TestExplorePassing(t *testing.T) {
	outcomes := explore(t, fewer(2), 0, func(e *explorer) ([]func(), func() string) {
		s := newGroupScene(t, small(Shared), 4)
		a, b := s.member(1, 1), s.member(2, 64)
		p := s.producer(0)
		s.fill(p)
		l := &ledger{}
		bodies := []func(){
			dies(s.node, 1, func() { l.work(s, "a", a, 0); _ = a.Next(&Message{}); a.Done(); l.note("a", 0) }),
			func() { s.groups[0].pass(); s.groups[3].recoverRows(1) },
		}
		return bodies, func() string {
			s.groups[0].recoverRows(1)
			l.finish(s, "b", b)
			l.said = l.said[:len(l.said)-min(len(l.said), 63)] // the rest of the ring
			if g := s.groups[0].gateAt(); g != 64 {
				t.Errorf("the gate stands at %d", g)
			}
			return fmt.Sprint(len(l.said))
		}
	})
	wantOutcomes(t, outcomes, map[string]string{"1": "the first message is accounted for once"})
}

// TestExploreJump: a group that was put out is brought back by two members at once,
// one of which may die, while a third has a message in hand and one just taken. What
// is told as missed and what is done are all there was.
func TestExploreJump(t *testing.T) {
	outcomes := explore(t, fewer(2), 0, func(e *explorer) ([]func(), func() string) {
		s := newGroupScene(t, small(Shared), 4)
		a, b, c := s.member(1, 1), s.member(2, 1), s.member(3, 1)
		p := s.producer(0)
		for range 40 {
			publishFor(t, p, "x")
		}
		wantTaken(t, c, "x")
		w := s.groups[0].state()
		s.rings[0].entries[s.groups[0].entry].state.Store(uint64(w.with(entryEvicted)))
		var missed [3]uint64
		back := func(i int, mb *Member) func() {
			return func() { mb.lag(mb.group.comeBack()); missed[i] = mb.lost }
		}
		bodies := []func(){back(1, a), back(2, b)}
		e.victim = -1
		return bodies, func() string {
			if w := s.groups[0].state(); w.state() != entryActive {
				t.Errorf("the group is in state %d", w.state())
			}
			return fmt.Sprint(missed[1]+missed[2], " ", s.groups[0].gateAt())
		}
	})
	wantOutcomes(t, outcomes, map[string]string{"7 8": "eight positions lie before the middle, one was started"})
}

// TestExploreLastLeaves: the last member leaves while another joins: the group gates
// for whoever has joined, without his doing anything more.
func TestExploreLastLeaves(t *testing.T) {
	outcomes := explore(t, fewer(3), -1, func(e *explorer) ([]func(), func() string) {
		s := newGroupScene(t, small(Shared), 3)
		a := s.member(1, 1)
		bodies := []func(){a.Close, func() { s.member(2, 1) }}
		return bodies, func() string { return fmt.Sprint(s.groups[0].state().state() == entryActive) }
	})
	wantOutcomes(t, outcomes, map[string]string{"true": "it gates"})
}

// TestExploreAllLeave: two members leave while a third joins and leaves: the group
// gates nobody, and keeps no files.
func TestExploreAllLeave(t *testing.T) {
	outcomes := explore(t, fewer(4), -1, func(e *explorer) ([]func(), func() string) {
		s := newGroupScene(t, small(Shared), 3)
		a := s.member(1, 1)
		bodies := []func(){a.Close, func() { s.member(2, 1).Close() }}
		return bodies, func() string { return fmt.Sprint(s.groups[0].state().state() == entryLeaving) }
	})
	wantOutcomes(t, outcomes, map[string]string{"true": "it was left"})
}

// TestExploreFirstJoiners: two make a group at once, one of which may die at any step
// and is cleaned up after. One entry comes of it, which gates, and nothing is left over.
func TestExploreFirstJoiners(t *testing.T) {
	outcomes := explore(t, fewer(3), 0, func(e *explorer) ([]func(), func() string) {
		sc := newScene(t, small(Shared), 3)
		s := &groupScene{sc, unsettledGroup(t, sc.rings)}
		join := func(i int) *Member {
			if err := s.groups[i].settle(nameHash("g"), false); err != nil {
				t.Error(err)
			}
			return s.member(i, 1)
		}
		var b *Member
		bodies := []func(){dies(s.node, 1, func() { join(1) }), func() { b = join(2) }}
		return bodies, func() string {
			dead := s.node.dead[1].Load()
			if dead && !(s.rings[0].Recover(1) && s.groups[0].recoverRows(1)) {
				t.Error("the dead counts as living")
			}
			used, active := 0, b.group.state().state() == entryActive
			for i := range s.rings[0].entries {
				if entryWord(s.rings[0].entries[i].state.Load()).state() != entryFree {
					used++
				}
			}
			publishFor(t, s.producer(0), "x")
			wantTaken(t, b, "x")
			b.Done()
			return fmt.Sprint(dead, " ", active, " ", used)
		}
	})
	wantOutcomes(t, outcomes, map[string]string{
		"false true 3": "two members and the group",
		"false true 2": "the first died before it began",
		"true true 2":  "the dead one has left nothing",
	})
}
