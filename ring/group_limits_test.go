package ring

import "testing"

// TestTableFullOfReports: a member joins though no row is free, tells of the dead, and
// has its rows then.
func TestTableFullOfReports(t *testing.T) {
	s := newGroupScene(t, Shape{Slots: 2 * rowCount, Payload: 64}, 3)
	p, a := s.producer(0), s.member(1, rowCount)
	for range rowCount + 1 {
		publishFor(t, p, "x")
	}
	for range rowCount {
		if _, err := a.Take(&Message{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.groups[2].join("g", GroupOptions{}); err != ErrTooManyHands {
		t.Errorf("join with a table that the living fill: %v, want %v", err, ErrTooManyHands)
	}
	s.node.dead[1].Store(true)
	s.groups[0].recoverRows(1)
	b := s.member(2, 1)
	for i := range uint64(rowCount) {
		wantReport(t, b, 1, 0, i+1, i)
	}
	wantTaken(t, b, "x")
	wantNone(t, b)
}

// A countingHost counts what would be system calls.
type countingHost struct {
	testHost
	calls *int
}

func (h countingHost) Alive(i uint16) bool { *h.calls++; return h.testHost.Alive(i) }
func (h countingHost) Ring(i uint16)       { *h.calls++; h.testHost.Ring(i) }

// TestSteadyMemberMakesNoCall: nobody sleeps, nobody is in the way: taking and ending
// messages asks the kernel nothing and wakes nobody.
func TestSteadyMemberMakesNoCall(t *testing.T) {
	s := newGroupScene(t, small(Shared), 2)
	calls := 0
	s.rings[1].host = countingHost{s.rings[1].host.(testHost), &calls}
	p := s.producer(0)
	mb, err := s.groups[1].join("g", GroupOptions{Self: testHost{index: 1}.address()})
	if err != nil {
		t.Fatal(err)
	}
	calls = 0
	for range 5000 {
		publishFor(t, p, "x")
		wantTaken(t, mb, "x")
	}
	if calls != 0 {
		t.Errorf("%d system calls in 5000 messages", calls)
	}
}
