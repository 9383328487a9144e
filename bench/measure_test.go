package bench

import (
	"bytes"
	"compress/flate"
	"strings"
	"testing"
	"time"
)

// TestHistogramOfKnownDelays compares percentiles with delays counted by hand.
func TestHistogramOfKnownDelays(t *testing.T) {
	h := newHistogram()
	for i := 1; i <= 1000; i++ {
		record(h, time.Duration(i)*time.Microsecond)
	}
	record(h, -5) // an earlier instant: counts as 1 ns
	p := percentilesOf(h)
	for name, c := range map[string]struct{ got, want int64 }{
		"count": {p.Count, 1001}, "min": {p.Min, 1}, "p50": {p.P50, 500_000}, "p90": {p.P90, 900_000},
		"p99": {p.P99, 990_000}, "p99.9": {p.P999, 999_000}, "max": {p.Max, 1_000_000},
	} {
		if diff := c.got - c.want; diff < -c.want/500 || diff > c.want/500 {
			t.Errorf("%s = %d, want %d within 0.2 %%", name, c.got, c.want)
		}
	}
	if percentilesOf(newHistogram()) != nil {
		t.Error("percentiles of nothing")
	}
}

// TestScheduleDoesNotOmit stalls a producer for 20 periods: all the messages that
// were due meanwhile are due at their own instants, not after the stall.
func TestScheduleDoesNotOmit(t *testing.T) {
	const period = 500 * time.Microsecond
	start := now()
	s := newSchedule(start, float64(time.Second/period), 0, 1)
	stalled := 0
	for i := range 60 {
		due, ok := s.wait(func() bool { return false })
		if !ok || due != start+time.Duration(i)*period {
			t.Fatalf("message %d due at %v after the start, want %v", i, due-start, time.Duration(i)*period)
		}
		if now()-due >= period {
			stalled++
		}
		if i == 10 {
			time.Sleep(20 * period)
		}
	}
	if stalled < 18 || s.behind < 18*period {
		t.Errorf("%d messages bear the stall, the worst %v: want about 20, of 20 periods", stalled, s.behind)
	}
}

func TestScheduleOfSeveralProducers(t *testing.T) {
	a, b := newSchedule(0, 1000, 0, 2), newSchedule(0, 1000, 1, 2)
	for i := range 3 {
		if got, want := a.due(), time.Duration(2*i)*time.Millisecond; got != want {
			t.Errorf("first producer: message %d due at %v, want %v", i, got, want)
		}
		if got, want := b.due(), time.Duration(2*i+1)*time.Millisecond; got != want {
			t.Errorf("second producer: message %d due at %v, want %v", i, got, want)
		}
		a.sent, b.sent = a.sent+1, b.sent+1
	}
	stop := newSchedule(now()+time.Hour, 1, 0, 1)
	if _, ok := stop.wait(func() bool { return true }); ok {
		t.Error("a schedule that was told to stop said that the message is due")
	}
}

// TestPayload wants each byte to be written, and each one that is wrong to be seen, in both kinds of payload.
func TestPayload(t *testing.T) {
	testPayload(t, fill, read)
	testPayload(t, FillScattered, ReadScattered)
}

func testPayload(t *testing.T, fill func([]byte, uint64, uint64), read func([]byte) (uint64, uint64, bool)) {
	for _, size := range []int{16, 17, 23, 64, 65, 100, 256, 2048, 2050} {
		b := make([]byte, size)
		for i := range b {
			b[i] = 0xa5
		}
		tag := tagOf(3, 0x0102030405)
		fill(b, tag, 0x1122334455667788)
		got, stamp, whole := read(b)
		if !whole || got != tag || stamp != 0x1122334455667788 {
			t.Fatalf("size %d: tag %#x, stamp %#x, whole %v", size, got, stamp, whole)
		}
		for i := 16; i < size; i++ {
			b[i] ^= 0x40
			if _, _, whole := read(b); whole {
				t.Fatalf("size %d: byte %d changed and nobody saw it", size, i)
			}
			b[i] ^= 0x40
		}
	}
	if _, _, whole := read(make([]byte, 8)); whole {
		t.Error("a payload without room for its marks is whole")
	}
}

// TestScatteredDoesNotFold wants two messages in a row to be worth no compression, and those of fill to be.
func TestScatteredDoesNotFold(t *testing.T) {
	folded := func(fill func([]byte, uint64, uint64)) float64 {
		const size, count = 1024, 8
		b := make([]byte, size*count)
		for i := range count {
			fill(b[i*size:][:size], uint64(1000+i), 1<<40+uint64(i)*1000)
		}
		var out bytes.Buffer
		w, err := flate.NewWriter(&out, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(b)
		_ = w.Close()
		return float64(out.Len()) / float64(len(b))
	}
	if plain, scattered := folded(Fill), folded(FillScattered); plain > 0.5 || scattered < 0.98 {
		t.Errorf("folded to %.3f and, scattered, to %.3f", plain, scattered)
	}
}

func TestTag(t *testing.T) {
	producer, seq, last := splitTag(tagOf(62, 1<<40) | lastMark)
	if producer != 62 || seq != 1<<40 || !last {
		t.Errorf("split = %d, %d, %v", producer, seq, last)
	}
}

func TestOrder(t *testing.T) {
	o := newOrder(2)
	steps := []struct {
		tag   uint64
		whole bool
		last  bool
		fails bool
	}{
		{tagOf(0, 1), true, false, false},
		{tagOf(1, 1), true, false, false},
		{tagOf(0, 3), true, false, true}, // a gap
		{tagOf(0, 1), true, false, true}, // again
		{tagOf(0, 2), false, false, true},
		{tagOf(2, 1), true, false, true}, // nobody's
		{tagOf(0, 2) | lastMark, true, true, false},
	}
	for i, s := range steps {
		last, err := o.next(s.tag, s.whole)
		if last != s.last || (err != nil) != s.fails {
			t.Errorf("step %d: last %v, error %v", i, last, err)
		}
	}
	if o.open != 1 {
		t.Errorf("%d producers open, want 1", o.open)
	}
	o.forgive()
	if _, err := o.next(tagOf(1, 9), true); err != nil {
		t.Errorf("after a gap that was told: %v", err)
	}
	if _, err := o.next(tagOf(1, 9), true); err == nil {
		t.Error("a message twice after a gap that was told")
	}
}

func TestWindowCountsBetweenPhases(t *testing.T) {
	w := worker{seat: &seat{}}
	for range 5 {
		w.count()
	}
	w.window.turn(phaseMeasure)
	for range 7 {
		w.count()
	}
	time.Sleep(time.Millisecond)
	w.window.turn(phaseStop)
	w.count()
	p := w.window.process(roleReader)
	if p.Messages != 7 || w.total != 13 || p.Seconds < 0.001 || p.Rate > 7000 {
		t.Errorf("%d messages in %v s, %v a second, of %d: want 7 of 13", p.Messages, p.Seconds, p.Rate, w.total)
	}
}

func TestRegimes(t *testing.T) {
	const near, far = 110 * time.Nanosecond, 520 * time.Nanosecond
	for _, c := range []struct {
		probes []time.Duration
		want   Regime
	}{
		{[]time.Duration{near, near}, Near}, {[]time.Duration{far, far, far}, Far},
		{[]time.Duration{near, far}, Changed}, {[]time.Duration{near, 0}, Unknown}, {nil, ""},
	} {
		if got := RegimeOf(c.probes...); got != c.want {
			t.Errorf("regime of %v = %q, want %q", c.probes, got, c.want)
		}
	}
}

func TestLoad(t *testing.T) {
	a := parseLoad("cpu  100 0 50 800 50 0 0 0 7 7")
	b := parseLoad("cpu  150 0 50 820 50 0 0 30 7 7")
	if a.total != 1000 || b.total-a.total != 100 {
		t.Fatalf("totals %d and %d, want 1000 and 1100", a.total, b.total)
	}
	if got := b.stealSince(a); got != 0.3 {
		t.Errorf("steal = %v, want 0.3", got)
	}
	if got := a.stealSince(a); got != 0 {
		t.Errorf("steal within no time = %v", got)
	}
	a.at, a.own = time.Unix(1, 0), time.Second
	b.at, b.own = time.Unix(2, 0), time.Second+100*time.Millisecond
	if got := b.othersSince(a); got != 0.4 { // of 50 ticks in a second 10 are our own
		t.Errorf("others had %v cores, want 0.4", got)
	}
	b.own += time.Second
	if got := b.othersSince(a) + a.othersSince(a); got != 0 {
		t.Errorf("others had %v cores of ours", got)
	}
}

func TestClockIsTheSystems(t *testing.T) {
	start, base := tieClock()
	if diff := now() - (base + time.Since(start)); diff < -10*time.Microsecond || diff > 10*time.Microsecond {
		t.Errorf("two ties of one clock differ by %v", diff)
	}
}

// TestInWords: what a rate counts and what latencies are of is said, no digit that the histogram does not have, and
// who else was at work.
func TestInWords(t *testing.T) {
	for scenario, want := range map[Scenario]string{
		PingPong: "of 1,234 round trips, there and back\n", Request: "of 1,234 requests, to the reply\n", Wake: "of 1,234 messages, to the receipt by who slept\n",
		Survey: "of 1,234 surveys, until the last has answered\n", Stream: "of 1,234 messages, from when each was due to the receipt\n",
	} {
		r := Result{Spec: Spec{Scenario: scenario}, OtherCores: 1.26, Latency: &Percentiles{Count: 1234, P50: 211071, Max: 7184383}}
		if scenario == Stream {
			r.Spec.Rate = 10
		}
		var b strings.Builder
		if err := r.Print(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{want, "p50 211µs ", "max 7.18ms\n", "kept 1.3 cores busy"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: %q is not in\n%s", scenario, want, b.String())
			}
		}
	}
	if doubts := Doubts(&Result{OtherCores: 1}, &Result{}); len(doubts) != 1 || !strings.Contains(doubts[0], "A 1.0 cores, B 0.0") {
		t.Errorf("doubts %q", doubts)
	}
}
