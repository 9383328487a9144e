package ring

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
	"golang.org/x/sys/unix"
)

// testGroup makes a group as testRing makes a ring, and gives every ring its view.
func testGroup(t testing.TB, rings []*Ring) []*group {
	t.Helper()
	groups := unsettledGroup(t, rings)
	for _, g := range groups {
		if err := g.settle(nameHash("g"), false); err != nil {
			t.Fatal(err)
		}
	}
	return groups
}

// unsettledGroup makes one that has no entry yet.
func unsettledGroup(t testing.TB, rings []*Ring) []*group {
	t.Helper()
	s := rings[0].shape
	span, _ := testSpan(t, shm.Spec{
		Kind: layout.SegmentKindRingGroup, Size: s.groupSize(), FixedSize: groupFixedSize,
		Fill: func(b []byte) { putGroup(b, s, 7) },
	})
	var groups []*group
	for _, r := range rings {
		g, err := attachGroup(r, viewOf(t, span, unix.PROT_READ|unix.PROT_WRITE), 7)
		if err != nil {
			t.Fatal(err)
		}
		r.groupOf = func(int) *group { return g }
		groups = append(groups, g)
	}
	return groups
}

// A groupScene is a scene whose rings share a group.
type groupScene struct {
	*scene
	groups []*group
}

func newGroupScene(t *testing.T, s Shape, n int) *groupScene {
	sc := newScene(t, s, n)
	return &groupScene{sc, testGroup(t, sc.rings)}
}

// member joins as participant i.
func (s *groupScene) member(i int, hands int) *Member {
	s.t.Helper()
	mb, err := s.groups[i].join("g", GroupOptions{Self: s.rings[i].host.(testHost).address(), Hands: hands})
	if err != nil {
		s.t.Fatal(err)
	}
	return mb
}

func wantTaken(t testing.TB, mb *Member, want string) *Message {
	t.Helper()
	var m Message
	if err := mb.Next(&m); err != nil {
		t.Fatalf("next: %v, want %q", err, want)
	}
	if string(m.Payload) != want {
		t.Fatalf("next: %q, want %q", m.Payload, want)
	}
	return &m
}

func wantNone(t testing.TB, mb *Member) {
	t.Helper()
	if err := mb.Next(&Message{}); err != ErrEmpty {
		t.Fatalf("next: %v, want %v", err, ErrEmpty)
	}
}

// wantReport wants the report of a message, and only it.
func wantReport(t testing.TB, mb *Member, taker, source uint16, sequence, position uint64) {
	t.Helper()
	var gone *AbandonedError
	if err := mb.Next(&Message{}); !errors.As(err, &gone) {
		t.Fatalf("next: %v, want a report of position %d", err, position)
	}
	if gone.Taker.Index != taker || gone.Source.Index != source || gone.Sequence != sequence || gone.Position != position {
		t.Fatalf("report %v, want message %d of %d at %d, taken by %d", gone, sequence, source, position, taker)
	}
}

// TestEachMessageGoesToOneMember: two members share what comes, each message once,
// over several laps, on both kinds of ring.
func TestEachMessageGoesToOneMember(t *testing.T) {
	for _, kind := range bothKinds {
		s := newGroupScene(t, small(kind), 3)
		p, a, b := s.producer(0), s.member(1, 1), s.member(2, 1)
		for lap := range 5 * 64 {
			first, second := fmt.Sprint("a", lap), fmt.Sprint("b", lap)
			publishFor(t, p, first)
			publishFor(t, p, second)
			wantTaken(t, a, first)
			wantTaken(t, b, second)
			wantNone(t, a)
		}
		wantNone(t, b)
	}
}

// TestGroupHoldsTheProducer: what nobody has taken is not overwritten; what was
// taken is free, though nobody has ended it.
func TestGroupHoldsTheProducer(t *testing.T) {
	for _, kind := range bothKinds {
		s := newGroupScene(t, small(kind), 2)
		p, mb := s.producer(0), s.member(1, 40)
		if n := s.fill(p); n != 64 {
			t.Fatalf("%v: %d messages fill the ring, want 64", kind, n)
		}
		var hands []Hand
		for range 40 {
			h, err := mb.Take(&Message{})
			if err != nil {
				t.Fatal(err)
			}
			hands = append(hands, h)
		}
		if _, err := mb.Take(&Message{}); err != ErrHandsFull {
			t.Errorf("take with full hands: %v, want %v", err, ErrHandsFull)
		}
		if n := s.fill(p); n != 40 {
			t.Errorf("%v: %d more, want the 40 that were taken", kind, n)
		}
		for _, h := range hands {
			if err := h.Done(); err != nil {
				t.Fatal(err)
			}
			if err := h.Done(); err != ErrNotInHand {
				t.Errorf("done twice: %v, want %v", err, ErrNotInHand)
			}
		}
		for range 64 {
			wantTaken(t, mb, "x")
		}
		wantNone(t, mb)
	}
}

// TestStoppedTakerIsStolenFrom: a member that stands between take and start loses
// the message to another after the commit deadline, and learns it.
func TestStoppedTakerIsStolenFrom(t *testing.T) {
	s := newGroupScene(t, small(Shared), 3)
	p, mb := s.producer(0), s.member(2, 1)
	s.member(1, 1)
	publishFor(t, p, "one")
	stopped := makeTakeWord(1, 0, takeTaken) // of the first row
	s.groups[1].take(0).Store(uint64(stopped))
	wantNone(t, mb)
	for range 4 {
		s.clock.now += maxStep
		wantNone(t, mb)
	}
	s.clock.now += maxStep
	wantTaken(t, mb, "one")
	if s.groups[1].take(0).CompareAndSwap(uint64(stopped), 1) {
		t.Error("the stopped member can still start")
	}
}

// TestDeadTakerIsStolenFrom: where the kernel says that he is dead it takes 1 ms.
func TestDeadTakerIsStolenFrom(t *testing.T) {
	s := newGroupScene(t, small(Shared), 3)
	p, mb := s.producer(0), s.member(2, 1)
	s.member(1, 1)
	publishFor(t, p, "one")
	s.groups[1].take(0).Store(uint64(makeTakeWord(1, uint16(s.rowOf(1)), takeTaken)))
	wantNone(t, mb)
	s.node.dead[1].Store(true)
	s.clock.now += firstInquiry
	wantTaken(t, mb, "one")
}

// rowOf is the first row of participant i.
func (s *groupScene) rowOf(i int) int {
	for j := range s.groups[0].rows {
		w := entryWord(s.groups[0].rows[j].state.Load())
		if w.state() == rowHeld && int(w.participant()) == i {
			return j
		}
	}
	s.t.Fatalf("participant %d holds no row", i)
	return 0
}

// TestDeadTakerIsReported: what a dead member had in hand is told to a living one,
// once; what it had done is not.
func TestDeadTakerIsReported(t *testing.T) {
	s := newGroupScene(t, small(Shared), 3)
	p, a, b := s.producer(0), s.member(1, 1), s.member(2, 1)
	publishFor(t, p, "done")
	publishFor(t, p, "in hand")
	wantTaken(t, a, "done")
	wantTaken(t, a, "in hand")
	wantNone(t, b)
	s.node.dead[1].Store(true)
	for range 2 { // the second finds all done
		if !s.groups[0].recoverRows(1) {
			t.Fatal("the dead member counts as living")
		}
	}
	wantReport(t, b, 1, 0, 2, 1)
	wantNone(t, b)
	wantNone(t, b)
}

// TestDeathIsFoundByMembers: nobody sweeps; a member that is about to sleep asks.
func TestDeathIsFoundByMembers(t *testing.T) {
	s := newGroupScene(t, small(Shared), 3)
	p, a, b := s.producer(0), s.member(1, 1), s.member(2, 1)
	publishFor(t, p, "in hand")
	wantTaken(t, a, "in hand")
	wantNone(t, b)
	s.node.dead[1].Store(true)
	s.clock.now += deadCheck
	if !b.Arm() {
		t.Fatal("the member may sleep, though there is a report")
	}
	wantReport(t, b, 1, 0, 1, 0)
}

// TestReporterDies: a report that was told to somebody who died before his next call
// is told again, with the same taker and position; one that he acknowledged is not.
func TestReporterDies(t *testing.T) {
	for _, acknowledged := range []bool{false, true} {
		s := newGroupScene(t, small(Shared), 4)
		p, a, b, c := s.producer(0), s.member(1, 1), s.member(2, 1), s.member(3, 1)
		publishFor(t, p, "in hand")
		wantTaken(t, a, "in hand")
		s.node.dead[1].Store(true)
		s.groups[0].recoverRows(1)
		wantReport(t, b, 1, 0, 1, 0)
		wantNone(t, c)
		if acknowledged {
			wantNone(t, b)
		}
		s.node.dead[2].Store(true)
		s.groups[0].recoverRows(2)
		if !acknowledged {
			wantReport(t, c, 1, 0, 1, 0)
		}
		wantNone(t, c)
	}
}

// TestLastMembersDeath: all members die; the next one gets the reports, and what
// nobody had taken, with nothing lost.
func TestLastMembersDeath(t *testing.T) {
	s := newGroupScene(t, small(Shared), 3)
	p, a := s.producer(0), s.member(1, 2)
	for i := range 5 {
		publishFor(t, p, fmt.Sprint(i))
	}
	for range 2 {
		if _, err := a.Take(&Message{}); err != nil {
			t.Fatal(err)
		}
	}
	s.node.dead[1].Store(true)
	if !s.rings[0].Recover(1) || !s.groups[0].recoverRows(1) {
		t.Fatal("the dead member counts as living")
	}
	b := s.member(2, 1)
	wantReport(t, b, 1, 0, 1, 0)
	wantReport(t, b, 1, 0, 2, 1)
	for i := 2; i < 5; i++ {
		wantTaken(t, b, fmt.Sprint(i))
	}
	wantNone(t, b)
}

// TestCloseWithAMessageInHand: it is reported; with Done it is not.
func TestCloseWithAMessageInHand(t *testing.T) {
	for _, done := range []bool{false, true} {
		s := newGroupScene(t, small(Shared), 3)
		p, a, b := s.producer(0), s.member(1, 1), s.member(2, 1)
		publishFor(t, p, "one")
		wantTaken(t, a, "one")
		if done {
			a.Done()
		}
		a.Close()
		if !done {
			wantReport(t, b, 1, 0, 1, 0)
		}
		wantNone(t, b)
		if err := a.Next(&Message{}); err != ErrClosed {
			t.Errorf("next after close: %v", err)
		}
	}
}

// TestStalledGroupIsPutOut: a group that takes nothing is put out after its stall
// budget; it is told exactly what it missed and gates again.
func TestStalledGroupIsPutOut(t *testing.T) {
	for _, kind := range bothKinds {
		s := newGroupScene(t, Shape{Slots: 64, Payload: 64, Kind: kind}, 2)
		p, mb := s.producer(0), s.member(1, 1)
		sent := 0
		for range 5 {
			publishFor(t, p, fmt.Sprint(sent))
			wantTaken(t, mb, fmt.Sprint(sent))
			sent++
		}
		for len(sentOf(s, p, &sent)) == 0 { // until it is put out
		}
		for range 100 { // nobody waits for it
			publishFor(t, p, fmt.Sprint(sent))
			sent++
		}
		got, missed := 5, uint64(0)
		var m Message
		for idle := 0; idle < 2; {
			var lag *LaggedError
			switch err := mb.Next(&m); {
			case errors.As(err, &lag):
				missed += lag.Missed
				if lag.First != 5 {
					t.Errorf("%v: lagged from %d, want 5", kind, lag.First)
				}
			case err == ErrEmpty:
				idle++
			case err != nil:
				t.Fatal(err)
			default:
				got++
				if want := fmt.Sprint(m.Position); string(m.Payload) != want {
					t.Fatalf("%v: %q at position %v", kind, m.Payload, want)
				}
			}
		}
		if got+int(missed) != sent || missed == 0 || got == 5 {
			t.Errorf("%v: %d messages and %d missed of %d", kind, got, missed, sent)
		}
		if n := s.fill(p); n != 64 {
			t.Errorf("%v: %d fill the ring again, want 64", kind, n)
		}
	}
}

// sentOf publishes as long as there is room, with time passing while there is none,
// and returns something once the group no longer gates.
func sentOf(s *groupScene, p *Producer, sent *int) (out []int) {
	switch err := p.TryPublish([]byte(fmt.Sprint(*sent)), &Meta{}); err {
	case nil:
		*sent++
	case ErrFull:
		s.clock.now += maxStep
		if s.groups[0].state().state() == entryEvicted {
			out = append(out, *sent)
		}
	default:
		s.t.Fatal(err)
	}
	return out
}

// TestProducerMovesTheGate: all members died or sleep between start and gate; the
// producer that is held back moves it.
func TestProducerMovesTheGate(t *testing.T) {
	s := newGroupScene(t, small(Shared), 2)
	p := s.producer(0)
	mb := s.member(1, 64)
	s.fill(p)
	for range 64 {
		if _, err := mb.Take(&Message{}); err != nil {
			t.Fatal(err)
		}
	}
	s.rings[0].entries[s.groups[0].entry].cursor.Store(0) // as if nobody had come to it
	if err := p.TryPublish([]byte("x"), &Meta{}); err != ErrFull && err != nil {
		t.Fatal(err)
	}
	s.clock.now += maxStep
	if n := s.fill(p); n == 0 {
		s.clock.now += maxStep
		if n = s.fill(p); n == 0 {
			t.Error("the producer does not move the gate")
		}
	}
}

// TestHolesAreSteppedOver: aborted claims and quarantined ones cost nobody anything.
func TestHolesAreSteppedOver(t *testing.T) {
	for _, kind := range bothKinds {
		s := newGroupScene(t, small(kind), 2)
		p, mb := s.producer(0), s.member(1, 1)
		for i := range 200 {
			if err := s.claim(p).Abort(); err != nil {
				t.Fatal(err)
			}
			publishFor(t, p, fmt.Sprint(i))
			wantTaken(t, mb, fmt.Sprint(i))
		}
		wantNone(t, mb)
	}
}

// TestGroupRefuses: what does not go together with groups is refused, with the reason.
// A message in pieces of before the group read the ring is told as one position missed.
func TestGroupRefuses(t *testing.T) {
	s := newGroupScene(t, Shape{Slots: 64, Payload: 64}, 2)
	p := s.producer(0)
	if err := p.TryPublish(make([]byte, 200), &Meta{}); err != nil {
		t.Errorf("a large message without a group: %v", err)
	}
	mb := s.member(1, 1)
	err := p.TryPublish(make([]byte, 200), &Meta{})
	var large *TooLargeError
	if !errors.As(err, &large) || !large.Group || large.Payload != 256 {
		t.Errorf("a large message: %v, want what to ask for", err)
	}
	var lag *LaggedError
	if err := mb.Next(&Message{}); !errors.As(err, &lag) || lag.Missed != 1 {
		t.Errorf("next: %v, want the beginning of the large message as missed", err)
	}
	publishFor(t, p, "small")
	wantTaken(t, mb, "small")
	for _, name := range []string{"", "a.b", "a/b", "übung", string(make([]byte, 40))} {
		if validGroupName(name) == nil {
			t.Errorf("%q is a valid name", name)
		}
	}
}

// TestMemberAllocatesNothing: one run is one message.
func TestMemberAllocatesNothing(t *testing.T) {
	s := newGroupScene(t, small(Shared), 2)
	p, mb := s.producer(0), s.member(1, 1)
	var m Message
	payload, meta := make([]byte, 20), Meta{}
	n := testing.AllocsPerRun(3000, func() {
		if err := p.TryPublish(payload, &meta); err != nil {
			t.Fatal(err)
		}
		if err := mb.Next(&m); err != nil {
			t.Fatal(err)
		}
		if mb.Next(&m) != ErrEmpty || mb.Arm() {
			t.Fatal("there is something")
		}
	})
	if n != 0 {
		t.Errorf("a message allocates %v times", n)
	}
}
