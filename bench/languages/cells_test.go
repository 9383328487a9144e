package main

import (
	"errors"
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// round is one in which Go, C and Java had these rates, and medians as many ns.
func round(regime [3]time.Duration, values ...float64) bench.Round {
	var r bench.Round
	for i, v := range values {
		f := bench.Figure{Rate: v * 1e6, Latency: &bench.Percentiles{P50: int64(v)}}
		r = append(r, bench.Sample{Figure: f, Before: regime[i], After: regime[i]})
	}
	return r
}

func contenders(names ...string) []bench.Contender {
	var list []bench.Contender
	for _, n := range names {
		list = append(list, bench.Contender{Name: n})
	}
	return list
}

// TestWorkRows wants a language above its peer, goals turned round for times, and
// Java beside C where Go was in another regime.
func TestWorkRows(t *testing.T) {
	const near, far = 100 * time.Nanosecond, 500 * time.Nanosecond
	rounds := []bench.Round{round([3]time.Duration{near, far, far}, 10, 20, 15), round([3]time.Duration{near, near, far}, 10, 20, 15)}
	type want struct {
		cell, peer  string
		ratio, goal float64
		met         bool
		runs        int
	}
	for scenario, wants := range map[bench.Scenario][]want{
		bench.Stream:   {{"C x", "Go", 2, 1, true, 1}, {"Java x", "C", 0.75, 0.7, true, 1}, {"Java x", "Go", 0, 0, false, 0}},
		bench.PingPong: {{"C x", "Go", 2, 1, false, 1}, {"Java x", "C", 0.75, 1 / 0.7, true, 1}, {"Java x", "Go", 0, 0, false, 0}},
	} {
		rows := workRows("x", scenario, contenders("Go", "C", "Java"), rounds)
		if len(rows) != len(wants) {
			t.Fatalf("%s: %d rows, want %d: %v", scenario, len(rows), len(wants), rows)
		}
		for i, r := range rows {
			got := want{r.Cell, r.Peer, r.Ratio, r.Goal, r.Met, r.Runs}
			if got != wants[i] || r.Smaller != (scenario == bench.PingPong) {
				t.Errorf("%s: row %+v, want %+v", scenario, got, wants[i])
			}
		}
	}
}

// TestStreamsAreDeep wants the rings of bench-ring where messages come at full rate, and the standard number of slots for a round trip.
func TestStreamsAreDeep(t *testing.T) {
	for _, exclusive := range []bool{false, true} {
		for scenario, want := range map[bench.Scenario]int{bench.Stream: bench.DeepSlots(256), bench.PingPong: 1024} {
			s, err := new(plan).spec(scenario, exclusive, 256).Complete()
			if err != nil || s.Slots != want || s.Exclusive != exclusive {
				t.Errorf("%s: %d slots, exclusive %v, error %v; want %d, %v", scenario, s.Slots, s.Exclusive, err, want, exclusive)
			}
		}
	}
}

// TestEndedEarly wants a failed run told in each row, and the goals judged by the rounds
// before it.
func TestEndedEarly(t *testing.T) {
	const near = 100 * time.Nanosecond
	list, good := contenders("Go", "C"), []bench.Round{round([3]time.Duration{near, near}, 10, 20)}
	for _, c := range []struct {
		rounds []bench.Round
		met    bool
	}{{nil, false}, {good, true}} {
		rows := endedEarly(workRows("x", bench.Stream, list, c.rounds), errors.New("C: put out"))
		if len(rows) != 1 || rows[0].Met != c.met || rows[0].Note != "ended early: C: put out" {
			t.Errorf("%d rounds: rows = %+v, want the goal met: %v", len(c.rounds), rows, c.met)
		}
	}
	if rows := endedEarly(workRows("x", bench.Stream, list, good), nil); rows[0].Note != "" {
		t.Errorf("note %q where nothing failed", rows[0].Note)
	}
}

// TestChoose takes languages by name, and says which there are.
func TestChoose(t *testing.T) {
	var p plan
	if err := p.choose("Java,C"); err != nil || len(p.languages) != 2 || p.languages[0].name != "Java" {
		t.Errorf("languages = %v, error %v", p.languages, err)
	}
	if err := new(plan).choose("Cobol"); err == nil {
		t.Error("Cobol was taken")
	}
	quick := plan{quick: true}
	if err := quick.choose(""); err != nil || len(quick.languages) != len(programs())-1 {
		t.Errorf("quick: %d languages, error %v", len(quick.languages), err)
	}
}

// TestNamesFit wants the first column to be narrow.
func TestNamesFit(t *testing.T) {
	for _, c := range (&plan{}).cells() {
		for _, w := range pairs() {
			if name := w.name + " " + c.Name; len(name) > 27 {
				t.Errorf("cell %q: name of %d columns", name, len(name))
			}
		}
	}
}
