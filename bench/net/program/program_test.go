package program

import (
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// message is the payload of a tag, due so long ago.
func message(w *Work, size int, tag uint64, ago time.Duration) []byte {
	b := make([]byte, size)
	w.Write(b, tag, Now()-uint64(ago))
	return b
}

// TestBooks counts what is missing, also at the end, and what comes in disorder.
func TestBooks(t *testing.T) {
	testBooks(t, &Work{Size: 64, Duration: time.Minute})
	testBooks(t, &Work{Size: 64, Duration: time.Minute, Compressible: true})
}

func testBooks(t *testing.T, w *Work) {
	b := NewBooks(w)
	for _, tag := range []uint64{1, 2, 5, 4, 6} {
		if last, err := b.Take(message(w, 64, tag, 0)); last || err != nil {
			t.Fatalf("message %d: last %v, %v", tag, last, err)
		}
	}
	if last, err := b.Take(message(w, 64, 8|bench.LastMark, 0)); !last || err != nil {
		t.Fatalf("the end: last %v, %v", last, err)
	}
	if b.received != 5 || b.missing != 2 || b.disorder != 1 || !b.ended || b.total != 8 {
		t.Errorf("books: %+v", *b)
	}
	bad := message(w, 64, 7, 0)
	bad[40]++
	for _, m := range [][]byte{bad, message(w, 32, 7, 0)} {
		if _, err := b.Take(m); err == nil {
			t.Errorf("%x was taken", m)
		}
	}
}

// TestQuantiles wants them at most 1.6 per cent too low.
func TestQuantiles(t *testing.T) {
	h := new(histogram)
	for ns := uint64(1); ns <= 100_000; ns++ {
		h.record(ns)
	}
	for _, q := range []float64{0.1, 0.5, 0.99} {
		want := q * 100_000
		if got := float64(h.quantile(q)); got > want+1 || got < want*0.98 {
			t.Errorf("quantile %g = %g, want %g", q, got, want)
		}
	}
}

// TestParts wants a stall of one part to leave the typical one as it is, and to be counted; what comes behind the last whole part is in none.
func TestParts(t *testing.T) {
	b := NewBooks(&Work{Rate: 1e4, Duration: 4*bench.PartBetween + 1})
	for i := range uint64(5000) {
		took := uint64(1000)
		if i >= 2000 && i < 2300 {
			took = uint64(8 * time.Millisecond)
		}
		b.book(i*100_000, took)
	}
	tail := b.tail()
	if tail == nil || tail.Parts != 4 || tail.Stalled != 0.25 || tail.Typical > 1000 || tail.Typical < 984 || b.latency.count != 5000 {
		t.Errorf("tail %+v of %d messages", tail, b.latency.count)
	}
	if whole := b.latency.quantile(0.99); whole < uint64(7*time.Millisecond) {
		t.Errorf("p99 of all %d ns: the stall is not in it", whole)
	}
	if NewBooks(&Work{Duration: time.Second}).tail() != nil {
		t.Error("parts at full rate")
	}
}

// TestParse refuses what is no role, and reads the flags of all programs.
func TestParse(t *testing.T) {
	w, err := Parse([]string{"receive", "--size", "256", "--rate", "1e4", "--warmup-ns", "5", "--sender", "10.77.0.1", "--compressible", "1"})
	if err != nil || w.Sends || w.Size != 256 || w.Rate != 1e4 || w.Warmup != 5 || w.Sender != "10.77.0.1" || !w.Compressible {
		t.Errorf("%+v, %v", w, err)
	}
	w, err = Parse([]string{"ask", "--open", "16"})
	if err != nil || !w.Asks || w.Answers || w.Sends || w.Open != 16 {
		t.Errorf("%+v, %v", w, err)
	}
	for _, bad := range [][]string{nil, {"listen"}, {"send", "--nonsense", "1"}} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}
