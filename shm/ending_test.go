package shm

import (
	"slices"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
)

func wantEnding(t *testing.T, d *Domain, index uint16, generation uint32, want uint8) {
	t.Helper()
	if got := d.Ending(index, generation); got != want {
		t.Errorf("ending of participant %d of generation %d: %d, want %d", index, generation, got, want)
	}
}

// How a life ended is told whoever freed the record, and as long as the record can keep it:
// ParticipantEndings lives back, beyond that it is not known.
func TestEnding(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	c := startChild(t, "join", base)
	index, generation := c.joined()
	wantEnding(t, d, index, generation, layout.EndingNone)
	c.kill()
	wantEnding(t, d, index, generation, layout.EndingNone) // dead, and not freed
	if err := d.Free(index, generation); err != nil {
		t.Fatal(err)
	}
	other := openTestDomain(t, base)
	for lives := range uint32(layout.ParticipantEndings) {
		wantEnding(t, other, index, generation, layout.EndingDied)
		p, err := d.Join(Info{Name: "next"})
		if err != nil {
			t.Fatal(err)
		}
		if p.Index() != index || p.Generation() != generation+1+lives {
			t.Fatalf("index %d of generation %d, want %d, %d", p.Index(), p.Generation(), index, generation+1+lives)
		}
		wantEnding(t, other, index, p.Generation(), layout.EndingNone)
		wantEnding(t, other, index, generation, layout.EndingDied)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		wantEnding(t, other, index, p.Generation(), layout.EndingLeft)
	}
	wantEnding(t, other, index, generation, layout.EndingNone)
	wantEnding(t, other, index, generation+100, layout.EndingNone)
	wantEnding(t, other, layout.ParticipantCount, 1, layout.EndingNone)
}

// Died lists those that died, of each index the latest last, and no more than were asked for.
func TestDied(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	var want []Address
	for range 3 {
		a, b := startChild(t, "join", base), startChild(t, "join", base)
		for _, c := range []*child{a, b} {
			index, generation := c.joined()
			c.kill()
			if index != 0 {
				continue
			}
			want = append(want, Address{Node: d.nodeID, Epoch: d.epoch, Index: index, Generation: generation})
		}
		for _, dead := range d.Dead() {
			if err := d.Free(dead.Index, dead.Generation); err != nil {
				t.Fatal(err)
			}
		}
		p := joinTest(t, d, "leaves")
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all := d.Died(100)
	if len(all) != 6 || len(d.Died(4)) != 4 {
		t.Fatalf("%d died, %d of at most 4: want 6 and 4 (%v)", len(all), len(d.Died(4)), all)
	}
	if !slices.Equal(d.Died(4), all[2:]) {
		t.Errorf("of at most 4: %v, want the last of %v", d.Died(4), all)
	}
	got := slices.DeleteFunc(slices.Clone(all), func(a Address) bool { return a.Index != 0 })
	if !slices.Equal(got, want) {
		t.Errorf("of index 0 died %v, want %v", got, want)
	}
}

// A mark that is none costs its own life its reason.
func TestEndingOfGarbage(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	p := joinTest(t, d, "p")
	index, generation := p.Index(), p.Generation()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	word := d.table.record(index).ending(generation)
	for _, mark := range []uint64{^uint64(0), endingMark(generation, layout.EndingUnheard), endingMark(generation, 0), endingMark(generation+8, layout.EndingDied), 0} {
		word.Store(mark)
		wantEnding(t, d, index, generation, layout.EndingNone)
		if died := d.Died(10); len(died) != 0 {
			t.Errorf("mark %#x: died %v", mark, died)
		}
	}
}
