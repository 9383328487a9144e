package ring

import (
	"errors"
	"testing"
)

func TestFollowTakesNoStrangersEntry(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, small(Shared))
	old := attach(t, node, 1, ctl, dat)
	late := joinFor(t, old, JoinOptions{})
	// The successor was made before the late reader was there; another reader of
	// the same participant is in its first entry.
	ctl2, dat2 := testRing(t, small(Shared))
	next := attach(t, node, 1, ctl2, dat2)
	other := joinFor(t, next, JoinOptions{})
	old.setRetired()
	if err := late.Follow(next); err != nil {
		t.Fatal(err)
	}
	if late.index == other.index {
		t.Fatalf("two readers share entry %d", late.index)
	}
	late.Close()
	if other.out() {
		t.Error("the other reader lost its entry")
	}
}

// TestFollowThroughTwoReplacements: a reader enters a successor that is just being
// replaced itself, behind the replacer's look at its entries. What is published in
// the third ring before the reader comes is read, or told.
func TestFollowThroughTwoReplacements(t *testing.T) {
	for _, published := range []int{1, 64 + 3} {
		node := &testNode{}
		var rings [3]*Ring
		var files [3][2][]byte
		for i := range rings {
			files[i][0], files[i][1] = testRing(t, small(Shared))
			rings[i] = attach(t, node, 1, files[i][0], files[i][1])
		}
		rings[0].setRetired()
		rd, err := rings[0].Join(JoinOptions{}) // behind the first look
		if err != ErrRetired {
			t.Fatalf("join: %v, want %v", err, ErrRetired)
		}
		rings[1].setRetired()
		rings[2].adoptReaders(rings[1]) // the second look
		if err := rd.Follow(rings[1]); err != nil {
			t.Fatal(err)
		}
		w := attach(t, node, 0, files[2][0], files[2][1])
		p, err := w.NewProducer(w.host.(testHost).address())
		if err != nil {
			t.Fatal(err)
		}
		for range published {
			publishFor(t, p, "x")
		}
		if err := rd.Next(&Message{}); err != ErrRetired {
			t.Fatalf("next: %v, want %v", err, ErrRetired)
		}
		if err := rd.Follow(rings[2]); err != nil {
			t.Fatal(err)
		}
		if got := readOrTold(t, rd); got != published {
			t.Errorf("%d published, %d read or told", published, got)
		}
	}
}

// readOrTold counts the messages that are there, and those that were missed.
func readOrTold(t *testing.T, rd *Reader) int {
	t.Helper()
	var m Message
	for n := 0; ; {
		var lagged *LaggedError
		switch err := rd.Next(&m); {
		case err == nil:
			n++
		case errors.As(err, &lagged):
			n += int(lagged.Missed)
		case err == ErrEmpty:
			return n
		default:
			t.Fatal(err)
		}
	}
}
