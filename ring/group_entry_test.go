package ring

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// TestFullTableKeepsTheGroup: a reader that finds no free entry frees those of the
// dead; a group's entry names nobody, and is not one of them.
func TestFullTableKeepsTheGroup(t *testing.T) {
	s := newGroupScene(t, small(Shared), 3)
	p, mb := s.producer(0), s.member(1, 1)
	for range layout.EntryCount - 2 {
		if _, err := s.rings[2].Join(JoinOptions{Latest: true}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.rings[2].Join(JoinOptions{}); err != ErrTooManyReaders {
		t.Errorf("join with a full table: %v, want %v", err, ErrTooManyReaders)
	}
	s.wantGroup(mb, p)
}

// wantGroup wants the group to gate, and the member to get what it holds back.
func (s *groupScene) wantGroup(mb *Member, p *Producer) {
	s.t.Helper()
	if w := s.groups[1].state(); w.state() != entryActive || w.participant() != nobody {
		s.t.Fatalf("the group's entry is in state %d, of participant %d", w.state(), w.participant())
	}
	sent := s.fill(p)
	for range sent {
		wantTaken(s.t, mb, "x")
	}
	wantNone(s.t, mb)
}

// TestPinsKeepTheGroup: a producer that steps over the slots of a reader that was put
// out asks whether it lives; a group that was put out is not one of the dead.
func TestPinsKeepTheGroup(t *testing.T) {
	for _, kind := range bothKinds {
		s := newGroupScene(t, small(kind), 3)
		p, mb := s.producer(0), s.member(1, 1)
		rd, err := s.rings[2].Join(JoinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s.fill(p)
		if err := rd.Next(&Message{}); err != nil {
			t.Fatal(err)
		}
		e := s.rings[0].entries
		for _, i := range []int{rd.index, s.groups[0].entry} {
			s.rings[0].evict(i, entryWord(e[i].state.Load()))
		}
		s.clock.now += maxStep
		for i := range 200 {
			if err := p.TryPublish([]byte(fmt.Sprint(i)), &Meta{}); err != nil {
				t.Fatalf("%v: publish %d: %v", kind, i, err)
			}
		}
		if w := s.groups[0].state(); w.state() != entryEvicted || w.participant() != nobody {
			t.Fatalf("%v: the group's entry is in state %d, of participant %d", kind, w.state(), w.participant())
		}
		rd.Close()
		wantMissed(t, mb)
		for mb.Next(&Message{}) != ErrEmpty {
		}
		s.wantGroup(mb, p)
	}
}

// wantMissed wants to hear that positions were missed.
func wantMissed(t testing.TB, mb *Member) *LaggedError {
	t.Helper()
	lag, ok := mb.Next(&Message{}).(*LaggedError)
	if !ok {
		t.Fatal("nothing was missed")
	}
	return lag
}

// TestDeadTakerUnderABusyMember: the ring is full, its first message was taken by a
// member that died before it started it, and the other has enough to take. It steals
// all the same, before the producer that is held back puts the group out.
func TestDeadTakerUnderABusyMember(t *testing.T) {
	for _, kind := range bothKinds {
		s := newGroupScene(t, small(kind), 3)
		p, mb := s.producer(0), s.member(2, 1)
		s.member(1, 1)
		sent := s.fill(p)
		s.groups[1].take(0).Store(uint64(makeTakeWord(1, uint16(s.rowOf(1)), takeTaken)))
		s.node.dead[1].Store(true)
		got := 0
		for range 30 { // 100 ms each
			if err := mb.Next(&Message{}); err != nil {
				t.Fatalf("%v: next: %v", kind, err)
			}
			got++
			for range 10 {
				s.clock.now += maxStep
				sent += s.fill(p)
			}
		}
		for mb.Next(&Message{}) == nil {
			got++
		}
		if w := s.groups[0].state(); w.state() != entryActive || got != sent || sent <= 64 {
			t.Errorf("%v: %d of %d were taken, and the group's entry is in state %d", kind, got, sent, w.state())
		}
	}
}

// TestBroughtBackLate: who brings a group back is stopped behind its look at the tail,
// which goes on for a thousand laps. The group does not go through them one by one.
func TestBroughtBackLate(t *testing.T) {
	for _, kind := range bothKinds {
		s := newGroupScene(t, small(kind), 2)
		p, mb := s.producer(0), s.member(1, 1)
		publishFor(t, p, "x")
		wantTaken(t, mb, "x")
		mb.Done()
		mb.group.pass()
		e := &s.rings[1].entries[mb.group.entry]
		w := entryWord(e.state.Load())
		e.state.Store(uint64(w.with(entryEvicted)))
		for range 64 * 1000 {
			publishFor(t, p, "x")
		}
		e.state.Store(uint64(w)) // here he goes on
		got, missed, calls := 1, uint64(0), 0
		for err := error(nil); err != ErrEmpty; calls++ {
			err = mb.Next(&Message{})
			if lag, ok := err.(*LaggedError); ok {
				missed += lag.Missed
			} else if err == nil {
				got++
			}
		}
		if got+int(missed) != 64*1000+1 || got < 60 || calls > 70 {
			t.Errorf("%v: %d taken, %d missed, in %d calls", kind, got, missed, calls)
		}
	}
}

// TestRowsOfTheDead: a table full of rows that the dead hold has room for the next.
func TestRowsOfTheDead(t *testing.T) {
	s := newGroupScene(t, small(Shared), 3)
	s.member(1, rowCount)
	s.node.dead[1].Store(true)
	wantNone(t, s.member(2, 1))
}

// TestFirstJoinerDies: a group that nobody ever was a member of keeps no ring.
func TestFirstJoinerDies(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	f, g := openFor(t, path, node, 0, small(Shared)), openFor(t, path, node, 1, Shape{})
	if _, err := g.openGroup("g", false); err != nil {
		t.Fatal(err)
	}
	node.dead[1].Store(true)
	closeFor(t, g)
	if n := s64(produceFor(t, f.Ring)); n != 200 {
		t.Errorf("%d messages found room: a group without members gates", n)
	}
	closeFor(t, f)
	if left := filesOf(t, path); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestGroupWithoutAFile: a producer is held back by two groups, of which it can open
// only one. It moves that one's gate.
func TestGroupWithoutAFile(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	f, g := openFor(t, path, node, 0, small(Shared)), openFor(t, path, node, 1, Shape{})
	clock := &fakeClock{now: time.Hour}
	clock.on(f.Ring, g.Ring)
	o := GroupOptions{Self: g.host.(testHost).address(), Hands: 64}
	var members []*Member
	for _, name := range []string{"gone", "there"} {
		mb, err := g.JoinGroup(name, o)
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, mb)
	}
	if err := os.Remove(groupPath(path, f.ID(), "gone")); err != nil {
		t.Fatal(err)
	}
	p := produceFor(t, f.Ring)
	s64(p)
	for range 64 {
		if _, err := members[1].Take(&Message{}); err != nil {
			t.Fatal(err)
		}
	}
	f.entries[members[1].group.entry].cursor.Store(0) // as if nobody had come to it
	for range 20 {                                    // 200 ms
		clock.now += maxStep
		if err := p.TryPublish([]byte("x"), &Meta{}); err != ErrFull {
			t.Fatalf("publish: %v, want %v", err, ErrFull)
		}
	}
	if n := members[1].group.gateAt(); n != 64 {
		t.Errorf("the gate stands at %d, want 64", n)
	}
}
