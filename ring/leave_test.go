package ring

import (
	"errors"
	"os"
	"testing"
	"time"
)

// TestReaderClosesWhileItsRingIsReplaced: wherever the replacer is when a reader
// leaves for good, and whether it goes on or not, no entry of the reader is left in
// the ring that takes the place.
func TestReaderClosesWhileItsRingIsReplaced(t *testing.T) {
	for _, kind := range bothKinds {
		for _, when := range []string{"before the seal", "sealed", "retired", "entered", "named", "published"} {
			t.Run(kind.String()+"/"+when, func(t *testing.T) { closesWhileReplaced(t, kind, when) })
		}
	}
}

func closesWhileReplaced(t *testing.T, kind Kind, when string) {
	node, path := &testNode{}, ringPath(t)
	old := openFor(t, path, node, 1, small(kind))
	rd := joinFor(t, old.Ring, JoinOptions{})
	next, err := old.buildSuccessor(small(kind).Default(), FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		reached string
		take    func() bool
	}{
		{"before the seal", old.seal},
		{"sealed", func() bool { return old.ctl.Retire(next.ctl.ID()) }},
		{"retired", func() bool { next.adoptReaders(old.Ring); return true }},
		{"entered", func() bool { return next.takeName(path) == nil }},
		{"named", func() bool { publishNamed(t, path, node); return true }},
	} {
		if step.reached == when {
			rd.Close()
			if when == "retired" || when == "entered" { // the reader did not wait for ever: it has finished the replacement
				if err := next.takeName(path); err != errAgain {
					t.Fatalf("the stopped replacer takes the name: %v, want %v", err, errAgain)
				}
				break
			}
		}
		if !step.take() {
			t.Fatalf("the replacer could not go on from %q", step.reached)
		}
	}
	rd.Close()
	last := openFor(t, path, node, 0, Shape{})
	if n := last.Counts().Readers; n != 0 {
		t.Errorf("%d entries are left of a reader that has closed", n)
	}
	if last.awaited() {
		t.Error("the ring waits for a reader that has closed")
	}
	closeFor(t, old, last)
	if n := filesOf(t, path); len(n) != 0 {
		t.Errorf("left behind: %v", n)
	}
}

// publishNamed publishes in the ring that has the name, and lets it go.
func publishNamed(t *testing.T, path string, node *testNode) {
	t.Helper()
	f := openFor(t, path, node, 0, Shape{})
	p := produceFor(t, f.Ring)
	publishFor(t, p, "x")
	p.Close()
	closeFor(t, f)
}

// TestSealOfAnExclusiveRingIsNoProducer: between the seal and RETIRED nobody is told
// that the ring has another producer, or keeps its shape.
func TestSealOfAnExclusiveRingIsNoProducer(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	old := openFor(t, path, node, 1, small(Exclusive))
	rd := joinFor(t, old.Ring, JoinOptions{})
	replacer := openFor(t, path, node, 3, Shape{})
	if !replacer.seal() || !old.seal() {
		t.Fatal("a ring that nobody owns was not sealed")
	}
	if _, err := old.NewProducer(testHost{node, 2}.address()); err != ErrRetired {
		t.Errorf("new producer on a sealed ring: %v, want %v", err, ErrRetired)
	}
	node.dead[3].Store(true)
	if !old.Recover(3) || !old.sealed() {
		t.Error("recovery of a dead replacer took its seal off")
	}
	next, err := OpenFile(path, testHost{node, 2}, FileOptions{Shape: Shape{Slots: 128}, Write: true})
	if err != nil {
		t.Fatalf("open a sealed ring with another shape: %v", err)
	}
	if got := next.Shape().Slots; got != 128 {
		t.Errorf("%d slots, want 128", got)
	}
	if err := nextFor(rd, &Message{}); err != ErrRetired {
		t.Fatalf("next: %v, want %v", err, ErrRetired)
	}
	if err := rd.Follow(next.Ring); err != nil {
		t.Fatal(err)
	}
	publishFor(t, produceFor(t, next.Ring), "x")
	wantNext(t, rd, "x")
	rd.Close()
	closeFor(t, old, replacer, next)
	if n := filesOf(t, path); len(n) != 0 {
		t.Errorf("left behind: %v", n)
	}
}

// TestSealFailsOnAnOwnedRing: a living producer keeps its ring, a dead one only
// what it has begun.
func TestSealFailsOnAnOwnedRing(t *testing.T) {
	s := newScene(t, small(Exclusive), 2)
	p := s.producer(0)
	if s.rings[1].seal() {
		t.Error("the ring of a living producer was sealed")
	}
	publishFor(t, p, "x")
	s.node.dead[0].Store(true)
	if s.rings[1].seal() {
		t.Error("a written ring was sealed")
	}
	if _, err := s.rings[1].NewProducer(s.rings[1].host.(testHost).address()); err != nil {
		t.Errorf("producer after a dead one: %v", err)
	}
}

// TestSealOutOfPlaceIsDamage: the word of a seal anywhere but before the first
// message is scribble. Who took it for a seal would open the same ring for ever.
func TestSealOutOfPlaceIsDamage(t *testing.T) {
	for who, look := range map[string]func(p *Producer, rd *Reader) error{
		"producer": func(p *Producer, _ *Reader) error { return p.TryPublish([]byte("y"), &Meta{}) },
		"reader": func(_ *Producer, rd *Reader) (err error) {
			for range 16 { // it looks at the claim word now and then
				if err = rd.Next(&Message{}); err != ErrEmpty {
					break
				}
			}
			return err
		},
	} {
		t.Run(who, func(t *testing.T) {
			s := newScene(t, small(Shared), 2)
			p, rd := s.producer(0), s.reader(1)
			publishFor(t, p, "x")
			wantNext(t, rd, "x")
			s.rings[0].claims[1].Store(uint64(sealWord))
			var damaged *DamagedError
			if err := look(p, rd); !errors.As(err, &damaged) {
				t.Errorf("a seal in slot 1: %v, want a DamagedError", err)
			}
		})
	}
}

// TestLateChargeSparesTheNextReader: a producer that looked at a reader long ago
// charges nobody when the entry has another reader by now.
func TestLateChargeSparesTheNextReader(t *testing.T) {
	s := newScene(t, small(Shared), 3)
	first := s.reader(1)
	r, e, w := s.rings[0], &s.rings[0].entries[first.index], first.mine
	s.clock.now += time.Second
	if got := r.charge(e, w, s.clock.now-time.Millisecond, s.clock.now); got != time.Millisecond {
		t.Fatalf("charged %v, want 1ms", got)
	}
	first.Close()
	second := s.reader(2)
	if second.index != first.index {
		t.Fatalf("entry %d, want %d again", second.index, first.index)
	}
	s.clock.now += time.Second
	for range 3 {
		s.clock.now += maxStep
		if got := r.charge(e, w, s.clock.now-maxStep, s.clock.now); got != 0 {
			t.Errorf("the first reader is charged %v after it has left", got)
		}
	}
	if got, want := e.blocked.Load(), blockedWord(second.mine, 0); got != want {
		t.Errorf("the second reader has used up %#x, want %#x", got, want)
	}
}

// TestCloseWithoutANameMakesNone: a reader leaves a retired ring of which no file is
// left; it makes none.
func TestCloseWithoutANameMakesNone(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	f := openFor(t, path, node, 1, small(Shared))
	rd := joinFor(t, f.Ring, JoinOptions{})
	other := openFor(t, path, node, 0, Shape{})
	if err := errors.Join(os.Remove(f.ctl.Path()), other.ctl.Close(), other.dat.Close()); err != nil {
		t.Fatal(err)
	}
	f.Retire()
	rd.Close()
	for _, name := range filesOf(t, path) {
		if name == "topic.ctl" {
			t.Error("a reader that closed made a ring")
		}
	}
}
