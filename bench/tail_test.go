package bench

import (
	"testing"
	"time"
)

// TestTailOfOneStall wants a stall to be counted, and to leave the typical part as it is.
func TestTailOfOneStall(t *testing.T) {
	p99 := []float64{20e3, 22e3, 4e6, 21e3, 30e3}
	got := TailOf(p99, StallAbove)
	if got.Parts != 5 || got.Typical != 22e3 || got.Stalled != 0.2 {
		t.Errorf("%+v", *got)
	}
	f := Figure{Tail: got, Latency: &Percentiles{P999: 7}}
	if TypicalOf(f) != 22e3 || StalledOf(f) != 0.2 || P999Of(f) != 7 {
		t.Errorf("of the figure: %v, %v, %v", TypicalOf(f), StalledOf(f), P999Of(f))
	}
	if TailOf(nil, StallAbove) != nil || TypicalOf(Figure{}) != 0 || StalledOf(Figure{}) != 0 || P999Of(Figure{}) != 0 {
		t.Error("something of nothing")
	}
}

// TestTailOfReaders takes each reader's whole parts for themselves, without what came after them and without empty ones.
func TestTailOfReaders(t *testing.T) {
	r := &Result{Spec: Spec{Scenario: Stream, Rate: 1000, Every: PartLength, Duration: 3 * PartLength}}
	for reader := range 2 {
		times := newRecorder(r.Spec.Every, r.Spec.Duration)
		times.record(0, time.Duration(reader+1)*10*time.Microsecond)
		times.record(2*PartLength, 2*time.Millisecond)
		times.record(3*PartLength, time.Second) // after the measured time
		parts, err := times.encoded()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.mergeParts(parts); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.seal(); err != nil {
		t.Fatal(err)
	}
	if r.Tail == nil || r.Tail.Parts != 4 || r.Tail.Stalled != 0.5 {
		t.Fatalf("tail %+v, want 4 parts, half of them stalled", r.Tail)
	}
	if n := WholeParts(time.Hour); n != MostParts {
		t.Errorf("%d parts of an hour", n)
	}
}
