package table

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// TestVerdict holds ratios, and figures without a peer, against goals both ways.
func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		row Row
		met bool
	}{
		"larger is better, reached":    {Row{Peer: "x", Theirs: 1, Ratio: 1.3, Goal: 1.3, Judged: true, Runs: 5}, true},
		"larger is better, missed":     {Row{Peer: "x", Theirs: 1, Ratio: 1.29, Goal: 1.3, Judged: true, Runs: 5}, false},
		"smaller is better, reached":   {Row{Peer: "x", Theirs: 1, Ratio: 0.9, Goal: 1, Judged: true, Runs: 5, Smaller: true}, true},
		"smaller is better, missed":    {Row{Peer: "x", Theirs: 1, Ratio: 1.1, Goal: 1, Judged: true, Runs: 5, Smaller: true}, false},
		"without a pair":               {Row{Peer: "x", Goal: 1, Judged: true, Smaller: true}, false},
		"without a figure of the peer": {Row{Peer: "x", Goal: 1, Judged: true, Smaller: true, Runs: 5}, false},
		"alone, reached":               {Row{Ours: 0, Goal: 0, Judged: true, Smaller: true}, true},
		"alone, missed":                {Row{Ours: 0.1, Goal: 0, Judged: true, Smaller: true}, false},
		"without a goal":               {Row{Peer: "x", Theirs: 1, Ratio: 9, Runs: 5}, false},
	} {
		c.row.Verdict()
		if c.row.Met != c.met {
			t.Errorf("%s: met = %v", name, c.row.Met)
		}
	}
}

// TestRowsFit wants the table to be readable at 100 columns.
func TestRowsFit(t *testing.T) {
	r := Row{Cell: "after a pause, pinned p50", Ours: 123456, Unit: "wakes", Peer: "ours spinning", Theirs: 123456.7, Ratio: 123.45,
		Goal: 1.25, Judged: true, Smaller: true, Regime: "changed", LineNs: 12345, Runs: 12, Dropped: 12}
	if n := len(r.String()); n > 100 {
		t.Errorf("%d columns: %s", n, r)
	}
	if n := len(Header); n > 100 {
		t.Errorf("header of %d columns", n)
	}
}

// TestShort wants numbers in seven characters.
func TestShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 123456.7: "123457", 1234: "1234", 12.34: "12.3", 1.234: "1.23", 0.02: "0.02", 0.00123: "0.001"} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %q, want %q", v, got, want)
		}
	}
}

// TestRowAsJSON wants the keys that other programs read.
func TestRowAsJSON(t *testing.T) {
	r := Compared("a cell", "M/s", "peer", 1e-6, bench.Comparison{Ours: 2e6, Theirs: 1e6, Ratio: 2, Regime: bench.Near, Line: 110 * time.Nanosecond, Pairs: 5})
	var out bytes.Buffer
	if err := (&Printer{Out: &out, JSON: true}).row(r); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"cell": "a cell", "ours": 2.0, "unit": "M/s", "peer": "peer", "theirs": 1.0, "ratio": 2.0,
		"smaller_is_better": false, "regime": "near", "cache_line_ns": 110.0, "runs": 5.0} {
		if got[key] != want {
			t.Errorf("%s = %v, want %v", key, got[key], want)
		}
	}
}

// TestBrief wants ten keys in every row, those without a value too, and a note where there is one.
func TestBrief(t *testing.T) {
	want := []string{"cell", "goal", "ours", "peer", "ratio", "regime", "runs", "smaller_is_better", "theirs", "unit"}
	for _, r := range []Row{{}, {Cell: "a", Peer: "b", Theirs: 1, Ratio: 2, Goal: 3, Judged: true, Note: "c"}} {
		text, err := json.Marshal(r.Brief())
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if note, there := got["note"]; there != (r.Note != "") || there && note != r.Note {
			t.Errorf("note of %+v = %v", r, note)
		}
		delete(got, "note")
		if keys := slices.Sorted(maps.Keys(got)); !slices.Equal(keys, want) {
			t.Errorf("keys = %v, want %v", keys, want)
		}
		if got["goal"] == nil == r.Judged {
			t.Errorf("goal of %+v = %v", r, got["goal"])
		}
	}
}

func TestSummary(t *testing.T) {
	var s Summary
	s.Add(Row{Cell: "without a goal"})
	s.Add(Row{Cell: "good", Judged: true, Met: true})
	s.Add(Row{Cell: "bad", Judged: true, Peer: "x", Ratio: 0.5, Goal: 1})
	text := s.String()
	if !strings.Contains(text, "goals met: 1 of 2") || !strings.Contains(text, "bad, 0.50 times x") || strings.Contains(text, "good") {
		t.Errorf("summary = %q", text)
	}
}

// TestLineInALog: what is no terminal gets lines without control characters.
func TestLineInALog(t *testing.T) {
	var log bytes.Buffer
	l := NewLine(&log)
	l.Show("%d of 2: %s", 1, "one")
	l.Clear()
	l.Show("%d of 2: %s", 2, "two")
	if got, want := log.String(), "1 of 2: one\n2 of 2: two\n"; got != want {
		t.Errorf("log %q, want %q", got, want)
	}
}
