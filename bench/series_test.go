package bench

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// TestIntervalsHoldEverything puts known latencies of two processes into intervals,
// and wants each where it ended, all of them in the whole, and the same after a file.
func TestIntervalsHoldEverything(t *testing.T) {
	const every = 10 * time.Millisecond
	r := &Result{Spec: Spec{Scenario: PingPong, Every: every, Duration: 30 * time.Millisecond}}
	r.Machine.Time = time.Unix(1_700_000_000, 0)
	for process := range 2 {
		rec := newRecorder(every, r.Spec.Duration)
		for ms := range 30 {
			rec.record(time.Duration(ms)*time.Millisecond, time.Duration(1+ms+100*process)*time.Microsecond)
		}
		rec.record(-1, time.Microsecond) // ended in the moment before: counts in the first
		rec.record(time.Hour, time.Hour) // ended long after: counts in the last
		parts, err := rec.encoded()
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
	var counts []int64
	for _, one := range r.Intervals {
		counts = append(counts, one.Latency.Count)
	}
	if want := []int64{22, 20, 20, 2}; !slices.Equal(counts, want) || r.Latency.Count != 64 {
		t.Errorf("latencies by interval: %v of %d, want %v of 64", counts, r.Latency.Count, want)
	}
	if first := r.Intervals[1].Latency; first.Min != 11_000 || first.Max < 119_900 || first.Max > 120_100 {
		t.Errorf("second interval: %+v, want 11 to 120 us", first)
	}
	checkFile(t, r)
}

// checkFile writes a result and reads it again, and reads its log with the library.
func checkFile(t *testing.T, r *Result) {
	t.Helper()
	var file, log bytes.Buffer
	if err := r.WriteJSON(&file); err != nil {
		t.Fatal(err)
	}
	again, err := ReadResult(&file)
	if err != nil {
		t.Fatal(err)
	}
	if *again.Latency != *r.Latency || len(again.Intervals) != len(r.Intervals) || !slices.Equal(again.Curve(), r.Curve()) {
		t.Errorf("read again: %+v and %d intervals, want %+v and %d", again.Latency, len(again.Intervals), r.Latency, len(r.Intervals))
	}
	if err := again.WriteHlog(&log); err != nil {
		t.Fatal(err)
	}
	reader := hdrhistogram.NewHistogramLogReader(&log)
	var sum int64
	for {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			break
		}
		sum += h.TotalCount()
	}
	if sum != r.Latency.Count {
		t.Errorf("%d latencies in the log, want %d", sum, r.Latency.Count)
	}
}

func TestReadResultRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "rate 5", "other JSON": `{"rate": 5}`,
		"a histogram of rubbish": `{"spec":{"scenario":"pingpong"},"histogram":"HISTrubbish"}`,
	} {
		if r, err := ReadResult(strings.NewReader(text)); err == nil {
			t.Errorf("%s: read as %+v", name, r)
		}
	}
}

// TestRatesOverTime wants rates of the measured time alone, about those that are offered.
func TestRatesOverTime(t *testing.T) {
	s := Spec{Scenario: Stream, Rate: 5000, Every: 20 * time.Millisecond, Warmup: 50 * time.Millisecond, Duration: 300 * time.Millisecond}
	r, err := Run(context.Background(), s, options(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rates) == 0 || len(r.Intervals) == 0 {
		t.Fatalf("%d rates, %d intervals", len(r.Rates), len(r.Intervals))
	}
	var sum float64
	before := time.Duration(0)
	for _, one := range r.Rates {
		if one.At <= before || one.At > s.Duration+time.Second {
			t.Errorf("rate at %v after one at %v", one.At, before)
		}
		sum += one.Rate * (one.At - before).Seconds()
		before = one.At
	}
	// What a busy machine delayed comes later, so the sum is what was offered in that time.
	if offered := s.Rate * before.Seconds(); sum < offered/3 || sum > 3*offered {
		t.Errorf("%.0f messages by the rates until %v, %.0f were offered", sum, before, offered)
	}
}

func TestPlot(t *testing.T) {
	r := &Result{histogram: newHistogram()}
	for i := range 100_000 {
		record(r.histogram, time.Duration(100+i))
	}
	record(r.histogram, time.Second)
	r.Latency = percentilesOf(r.histogram)
	var b strings.Builder
	if err := r.Plot(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	if len(lines) != plotHeight+1 || !strings.HasPrefix(lines[0], "       1s ┤") || !strings.HasSuffix(lines[0], "•") {
		t.Errorf("plot of %d lines, the first %q: want %d, the greatest latency on the right of the first:\n%s", len(lines), lines[0], plotHeight+1, b.String())
	}
	for _, want := range []string{"0%", "90%", "99%", "99.9%", "99.99%"} {
		if !strings.Contains(lines[plotHeight], want) {
			t.Errorf("axis %q lacks %s", lines[plotHeight], want)
		}
	}
	var none strings.Builder
	if err := (&Result{}).Plot(&none); err != nil || none.Len() > 0 {
		t.Errorf("plot of nothing: %q, %v", none.String(), err)
	}
}

// TestIdle wants the sleepers' processor time of the whole measured time.
func TestIdle(t *testing.T) {
	r, err := Run(context.Background(), tiny(Spec{Scenario: Idle, Topics: 3, Readers: 2}), options(t))
	if err != nil {
		t.Fatal(err)
	}
	idlers := 0
	for _, p := range r.Processes {
		if p.Role != string(roleIdler) {
			continue
		}
		idlers++
		if p.Seconds < 0.09 || p.CPU < 0 || p.Total != 0 {
			t.Errorf("idler: %v s, %v of a core, %d messages: want all of the measured 0.1 s and no message", p.Seconds, p.CPU, p.Total)
		}
	}
	if idlers != 2 || r.Latency != nil || r.RingBytes < 3*1024*256 {
		t.Errorf("%d idlers, latency %v, %d bytes of rings", idlers, r.Latency, r.RingBytes)
	}
}

func TestComparison(t *testing.T) {
	one := func(rate float64, p99 int64, regime Regime) *Result {
		return &Result{Spec: Spec{Scenario: PingPong, Size: 64}, Rate: rate, Regime: regime, Latency: &Percentiles{Count: 1, P50: 100, P99: p99},
			Processes: []Process{{CPU: 1}, {CPU: 0.5}}}
	}
	a, b := one(1000, 2000, Near), one(2000, 1000, Near)
	if doubts := Doubts(a, b); len(doubts) != 0 {
		t.Errorf("doubts about two runs of one kind: %v", doubts)
	}
	want := map[string]string{"rate": "B is better", "p50": "alike", "p99": "B is better", "processor": "alike"}
	for _, d := range Differences(a, b) {
		if v := want[d.What]; v != "" && d.verdict() != v {
			t.Errorf("%s %v and %v: %q, want %q", d.What, d.A, d.B, d.verdict(), v)
		}
	}
	other := one(1000, 2000, Far)
	other.Spec.Size, other.Machine.CPU, other.Missed = 128, "another", 3
	doubts := strings.Join(Doubts(a, other), "; ")
	for _, want := range []string{"work", "far apart", "machine", "missed"} {
		if !strings.Contains(doubts, want) {
			t.Errorf("doubts %q do not speak of %s", doubts, want)
		}
	}
}
