package forward

import (
	"testing"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// Where a topic stood is found by mark: of one between two, at the one before; where nothing moved, nothing is kept.
func TestSpliceByMark(t *testing.T) {
	s := splices{list: []splice{{0, 5}}}
	s.note(1, 5, 0)
	s.note(2, 9, 0)
	s.note(4, 9, 0)
	s.note(7, 12, 0)
	for mark, want := range map[uint64]uint64{0: 0, 1: 5, 2: 9, 3: 9, 4: 9, 6: 9, 7: 12, 100: 12} {
		if at := s.of(mark); at != want {
			t.Errorf("mark %d: %d, want %d", mark, at, want)
		}
	}
	if len(s.list) != 3 {
		t.Errorf("%d are kept of 3 places", len(s.list))
	}
}

// Of what the ring has overwritten the last place is kept: a stream that ends before has nothing to read.
func TestSplicesThatAreOverwritten(t *testing.T) {
	s := splices{list: []splice{{0, 0}}}
	for mark := uint64(1); mark <= 100; mark++ {
		s.note(mark, 10*mark, 10*mark-min(64, 10*mark))
	}
	if len(s.list) != 8 { // the new one, six that the ring holds, and the one before
		t.Errorf("%d are kept", len(s.list))
	}
	for mark, want := range map[uint64]uint64{100: 1000, 94: 940, 93: 930, 92: 0, 1: 0} {
		if at := s.of(mark); at != want {
			t.Errorf("mark %d: %d, want %d", mark, at, want)
		}
	}
}

// There are no more than so many, and what is forgotten is known to be: nothing is read then.
func TestSplicesMost(t *testing.T) {
	s := splices{list: []splice{{0, 0}}}
	for mark := uint64(1); mark <= 3*splicesMost; mark++ {
		if s.note(mark, mark, 0); len(s.list) > splicesMost {
			t.Fatalf("%d are kept", len(s.list))
		}
	}
	if oldest := s.list[0].mark; oldest != 2*splicesMost+1 || s.of(oldest) != oldest || s.of(oldest-1) != 0 {
		t.Errorf("the oldest is of mark %d: %d, the one before %d", oldest, s.of(oldest), s.of(oldest-1))
	}
}

// A ring that is opened again stands behind all that was sent, also where its reader goes back; who was counted
// before finds what he did before, and who was counted meanwhile what it is opened with.
func TestSplicesOfOneThatIsReopened(t *testing.T) {
	f := &Forwarder{closed: map[uint64]splices{}}
	f.closed[7] = splices{list: []splice{{0, 5}, {2, 9}}, end: 20, mark: 3}
	if at := f.spliceClosed(7, 2, 30); at != 9 {
		t.Errorf("while it is closed, of mark 2: %d, want 9", at)
	}
	if at := f.spliceClosed(7, 0, 30) + f.spliceClosed(8, 0, 30); at != 0 {
		t.Errorf("of a mark that is not known: %d, want 0", at)
	}
	if at := f.spliceClosed(7, 4, 30); at != 30 {
		t.Errorf("while it is closed, of mark 4: %d, want the tail, 30", at)
	}
	if at := f.spliceClosed(8, 2, 30); at != 30 {
		t.Errorf("of another ring: %d, want the tail, 30", at)
	}
	s := f.splicesOf(7, 15)
	s.note(6, 25, 0)
	for mark, want := range map[uint64]uint64{0: 0, 1: 5, 2: 9, 3: 9, 4: 20, 5: 20, 6: 25} {
		if at := s.of(mark); at != want {
			t.Errorf("mark %d: %d, want %d", mark, at, want)
		}
	}
	if s := f.splicesOf(7, 15); s.of(9) != 15 {
		t.Errorf("it is not forgotten once it is open: %d", s.of(9))
	}
}

// A ring that takes another's place begins anew: nothing of it lies before where it began.
func TestSpliceOfAnotherRing(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 30*time.Second)
	a.writer("orders", ring.Shape{Slots: 64}) // it publishes nothing
	plain, rd := b.reader("orders")
	a.awaitOut(ctx, "orders")
	a.f.mu.Lock()
	id := a.f.out["orders"].id
	a.f.mu.Unlock()
	bigger, w2 := a.writer("orders", ring.Shape{Slots: 64, Payload: 8192})
	bigger.publishN(ctx, w2, 10)
	plain.sequences(ctx, rd, 10)
	a.f.mu.Lock()
	defer a.f.mu.Unlock()
	o := a.f.out["orders"]
	first := o.splices.list[0]
	if o.id == id || first.mark != 0 || o.splices.of(a.f.mark) != first.position || o.standing() < first.position+10 {
		t.Errorf("a ring of %v stands at %d, and began at %v", o.file.Shape(), o.standing(), o.splices.list)
	}
}

// While a ring that was opened again is read again up to what was sent, it stands behind that, for who is counted then, too.
func TestSplicesWhileItIsReadAgain(t *testing.T) {
	f := &Forwarder{closed: map[uint64]splices{}}
	f.closed[7] = splices{list: []splice{{0, 5}, {2, 9}}, end: 20, mark: 3}
	s := f.splicesOf(7, 15)
	s.note(4, 16, 0)
	s.note(5, 18, 0)
	if s.of(4) != 20 || s.of(5) != 20 {
		t.Errorf("%d and %d, want 20: %v", s.of(4), s.of(5), s.list)
	}
}

// Where too many rings are not forwarded any more, it is not known where they stood: nothing is read for who was counted before.
func TestSplicesThatAreForgotten(t *testing.T) {
	f := &Forwarder{closed: map[uint64]splices{}, mark: 5}
	f.closed[7] = splices{list: []splice{{0, 9}}, end: 9, mark: 5}
	if f.spliceClosed(7, 5, 30) != 9 || f.spliceClosed(8, 5, 30) != 30 {
		t.Error("it was forgotten too early")
	}
	clear(f.closed)
	f.forgot = f.mark
	s := f.splicesOf(7, 20)
	if f.spliceClosed(8, 5, 30) != 0 || f.spliceClosed(8, 6, 30) != 30 || s.of(5) != 0 || s.of(6) != 20 {
		t.Errorf("%d, %d; %v", f.spliceClosed(8, 5, 30), f.spliceClosed(8, 6, 30), s)
	}
}
