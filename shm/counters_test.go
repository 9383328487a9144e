package shm

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
)

func TestCountersOfAnotherProcess(t *testing.T) {
	base := testBase(t)
	c := startChild(t, "count", base)
	index, _ := c.joined()
	if got := c.line(); got != "counted" {
		t.Fatal(got)
	}
	d := openTestDomain(t, base)
	got, err := d.AllCounters()
	want := []CounterValue{{Participant: index, ID: 3, Label: "messages", Value: 7}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("counters = %+v, %v; want %+v", got, err, want)
	}
}

func TestCounters(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	p := joinTest(t, d, "p")
	c, err := d.Counters(p)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 47) + "ö" // its last letter is cut in half by 48 bytes
	a, b := c.Register(1, "a"), c.Register(2, long)
	if again := c.Register(1, "other"); again != a {
		t.Error("one id, two counters")
	}
	a.Add(2)
	a.Add(3)
	b.Set(9)
	if a.Load() != 5 || a.ID() != 1 || a.Label() != "a" {
		t.Errorf("counter = %d %d %q", a.Load(), a.ID(), a.Label())
	}
	got, err := d.AllCounters()
	want := []CounterValue{{0, 1, "a", 5}, {0, 2, strings.Repeat("x", 47), 9}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("counters = %+v, %v", got, err)
	}
	if n := testing.AllocsPerRun(100, func() { a.Add(1) }); n != 0 {
		t.Errorf("Add allocates %v times", n)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := d.AllCounters(); err != nil || len(got) != 0 {
		t.Errorf("counters after leaving = %+v, %v", got, err)
	}
	_, err = d.Counters(p)
	mustError(t, err, ErrClosed)
}

// A tool that keeps the counters of a participant open does not stand in the way
// of the next one of that index, whether the first left or was killed.
func TestCountersHeldByATool(t *testing.T) {
	base := testBase(t)
	tool := openTestDomain(t, base)
	for _, killed := range []bool{false, true} {
		d := openTestDomain(t, base)
		p := joinTest(t, d, "first")
		if _, err := d.Counters(p); err != nil {
			t.Fatal(err)
		}
		held, err := Open(d.countersPath(p.Index()), layout.SegmentKindCounters, false)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		if killed {
			crash(t, d, p)
			if err := tool.Free(p.Index(), p.Generation()); err != nil {
				t.Fatal(err)
			}
		} else if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = openTestDomain(t, base)
		q := joinTest(t, d, "next")
		if _, err := d.Counters(q); err != nil || q.Index() != p.Index() {
			t.Errorf("killed %v: counters of the next one, index %d: %v", killed, q.Index(), err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Counting never fails: beyond the last row it is not seen.
func TestMoreCountersThanRows(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	c, err := d.Counters(joinTest(t, d, "p"))
	if err != nil {
		t.Fatal(err)
	}
	for id := range uint32(layout.CounterRowCount + 10) {
		counter := c.Register(id+1, "n")
		counter.Add(uint64(id))
		if counter.Load() != uint64(id) {
			t.Fatalf("counter %d = %d", id, counter.Load())
		}
	}
	if got, err := d.AllCounters(); err != nil || len(got) != layout.CounterRowCount {
		t.Errorf("%d counters seen, %v", len(got), err)
	}
}

// A file of counters that is damaged spoils nobody else's.
func TestDamagedCounters(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	c, err := d.Counters(joinTest(t, d, "good"))
	if err != nil {
		t.Fatal(err)
	}
	c.Register(1, "good").Add(1)
	if err := errors.Join(os.WriteFile(d.countersPath(9), []byte("no counters"), 0o600),
		os.WriteFile(d.path("counters", "notes.txt"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	got, err := d.AllCounters()
	var notOurs *NotOursError
	if !errors.As(err, &notOurs) || len(got) != 1 || got[0].Label != "good" {
		t.Errorf("counters = %+v, %v", got, err)
	}
}
