package ring

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// fileMember joins the group "g" of an open ring.
func fileMember(t testing.TB, f *File, hands int) *Member {
	t.Helper()
	mb, err := f.JoinGroup("g", GroupOptions{Self: f.host.(testHost).address(), Hands: hands})
	if err != nil {
		t.Fatal(err)
	}
	return mb
}

// TestGroupOfFiles: members of mappings of their own share one group; the last user
// removes its file with the ring's.
func TestGroupOfFiles(t *testing.T) {
	for _, kind := range bothKinds {
		node, path := &testNode{}, ringPath(t)
		files := []*File{openFor(t, path, node, 0, small(kind)), openFor(t, path, node, 1, Shape{}), openFor(t, path, node, 2, Shape{})}
		p, a, b := produceFor(t, files[0].Ring), fileMember(t, files[1], 1), fileMember(t, files[2], 1)
		other, err := files[2].JoinGroup("other", GroupOptions{Self: files[2].host.(testHost).address()})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 300 {
			publishFor(t, p, fmt.Sprint(i))
			wantTaken(t, []*Member{a, b}[i%2], fmt.Sprint(i))
			wantTaken(t, other, fmt.Sprint(i))
		}
		if n := len(filesOf(t, path)); n != 4 {
			t.Errorf("%v, want a ring and two groups", filesOf(t, path))
		}
		for _, mb := range []*Member{a, b, other} {
			mb.Done()
			mb.Close()
		}
		if n := s64(p); n < 200 {
			t.Errorf("after the last member left, %d messages find room", n)
		}
		closeFor(t, files...)
		if left := filesOf(t, path); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// s64 publishes until the ring is full, at most 200 times.
func s64(p *Producer) int {
	for n := range 200 {
		if p.TryPublish([]byte("x"), &Meta{}) != nil {
			return n
		}
	}
	return 200
}

// TestGroupOfTheDeadIsKept: all members died and the producer has gone; the ring is
// there for the next member, with reports and all that nobody had taken.
func TestGroupOfTheDeadIsKept(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	f, g := openFor(t, path, node, 0, small(Shared)), openFor(t, path, node, 1, Shape{})
	p, a := produceFor(t, f.Ring), fileMember(t, g, 1)
	publishFor(t, p, "in hand")
	publishFor(t, p, "free")
	wantTaken(t, a, "in hand")
	node.dead[1].Store(true)
	if !f.Recover(1) {
		t.Fatal("the dead counts as living")
	}
	if dies, err := f.recoverGroups(1); !dies || err != nil {
		t.Fatal(dies, err)
	}
	closeFor(t, g, f)
	h := openFor(t, path, node, 2, Shape{})
	b := fileMember(t, h, 1)
	wantReport(t, b, 1, 0, 1, 0)
	wantTaken(t, b, "free")
	wantNone(t, b)
	b.Close()
	closeFor(t, h)
	if left := filesOf(t, path); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestGroupFollows: a member comes first and makes a ring of the default shape; a
// publisher replaces it, writes, and goes on before the member follows. Nothing is
// missed, and the group gates meanwhile.
func TestGroupFollows(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	first := openFor(t, path, node, 1, Shape{})
	mb, late := fileMember(t, first, 1), fileMember(t, first, 1)
	want := Shape{Slots: 64, Payload: 192, StallBudget: small(Shared).StallBudget}
	f := openFor(t, path, node, 0, want)
	p := produceFor(t, f.Ring)
	if n := s64(p); n != 64 {
		t.Fatalf("%d messages fill the ring, want 64: the group gates it", n)
	}
	if err := mb.Next(&Message{}); err != ErrRetired {
		t.Fatalf("next: %v, want %v", err, ErrRetired)
	}
	second := openFor(t, path, node, 1, Shape{})
	for _, m := range []*Member{mb, late} {
		if err := m.Follow(second); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 64 {
		wantTaken(t, []*Member{mb, late}[i%2], "x")
	}
	wantNone(t, mb)
	if n := f.Counts().Readers; n != 3 { // two members, one group
		t.Errorf("%d entries are in use, want 3", n)
	}
	late.Done()
	late.Close()
	mb.Close()
	closeFor(t, first, f, second)
	if left := filesOf(t, path); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestGroupThatDoesNotFollow: members close while their ring is being replaced; the
// successor is not held by them.
func TestGroupThatDoesNotFollow(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	first := openFor(t, path, node, 1, Shape{})
	mb := fileMember(t, first, 1)
	f := openFor(t, path, node, 0, Shape{Slots: 64, Payload: 192, StallBudget: small(Shared).StallBudget})
	mb.Close()
	if n := s64(produceFor(t, f.Ring)); n != 200 {
		t.Errorf("%d messages found room: the group that left gates", n)
	}
	closeFor(t, first, f)
	if left := filesOf(t, path); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFollowWithAMessageInHand is refused.
func TestFollowWithAMessageInHand(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	f := openFor(t, path, node, 0, small(Shared))
	p, mb := produceFor(t, f.Ring), fileMember(t, f, 1)
	publishFor(t, p, "x")
	h, err := mb.Take(&Message{})
	if err != nil {
		t.Fatal(err)
	}
	if err := mb.Follow(f); err != ErrInHand {
		t.Errorf("follow: %v, want %v", err, ErrInHand)
	}
	if err := h.Done(); err != nil {
		t.Fatal(err)
	}
	mb.Close()
	closeFor(t, f)
}

// TestGroupFileRefused: what is no group of this ring is refused; a latest ring has none.
func TestGroupFileRefused(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	f := openFor(t, path, node, 0, small(Shared))
	o := GroupOptions{Self: f.host.(testHost).address()}
	if _, err := f.JoinGroup("a.b", o); err == nil || !strings.Contains(err.Error(), "a.b") {
		t.Errorf("join a.b: %v", err)
	}
	bad := groupPath(path, f.ID(), "bad")
	if err := os.WriteFile(bad, []byte("no segment at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.JoinGroup("bad", o); err == nil {
		t.Error("a file that is no segment was joined")
	}
	o.Hands = rowCount + 1
	if _, err := f.JoinGroup("g", o); err != ErrTooManyHands {
		t.Errorf("join with %d hands: %v", o.Hands, err)
	}
	o.Hands = rowCount
	mb, err := f.JoinGroup("g", o)
	if err != nil {
		t.Fatal(err)
	}
	mb.Close()
	latest := openFor(t, ringPath(t), node, 0, Shape{Slots: 64, Mode: Latest})
	if _, err := latest.JoinGroup("g", o); !errors.Is(err, ErrMode) {
		t.Errorf("join on a latest ring: %v, want %v", err, ErrMode)
	}
	closeFor(t, f, latest)
}

// TestManyJoinAtOnce: one group comes of it, with one entry.
func TestManyJoinAtOnce(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	f := openFor(t, path, node, 0, small(Shared))
	done := make(chan *Member)
	for i := range 8 {
		go func() {
			g, err := OpenFile(path, testHost{node, uint16(i)}, FileOptions{})
			if err != nil {
				t.Error(err)
				done <- nil
				return
			}
			mb, err := g.JoinGroup("g", GroupOptions{Self: testHost{node, uint16(i)}.address()})
			if err != nil {
				t.Error(err)
			}
			done <- mb
		}()
	}
	entries := map[int]bool{}
	for range 8 {
		if mb := <-done; mb != nil {
			entries[mb.group.entry] = true
		}
	}
	if len(entries) != 1 {
		t.Errorf("the group has entries %v, want one", entries)
	}
	p := produceFor(t, f.Ring)
	if n := s64(p); n != 64 {
		t.Errorf("%d messages fill the ring, want 64", n)
	}
}
