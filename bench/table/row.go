// Package table is the rows that programs of bench print: one comparison each, as text or as
// JSON, with its goal, and a last line about all goals.
package table

import (
	"fmt"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// A Row is one comparison of one cell. Without a peer, ours itself is held against
// the goal.
type Row struct {
	Cell    string  `json:"cell"`
	Ours    float64 `json:"ours"`
	Unit    string  `json:"unit"`
	Peer    string  `json:"peer,omitempty"`
	Theirs  float64 `json:"theirs,omitempty"`
	Ratio   float64 `json:"ratio,omitempty"` // ours to theirs
	Goal    float64 `json:"goal,omitempty"`  // of the ratio, or of ours where there is no peer
	Smaller bool    `json:"smaller_is_better"`
	Judged  bool    `json:"has_goal"`
	Met     bool    `json:"met"`
	Regime  string  `json:"regime"`
	LineNs  int64   `json:"cache_line_ns"` // there and back, of the same minute
	Runs    int     `json:"runs"`          // pairs within the regime
	Dropped int     `json:"runs_discarded"`
	Spread  float64 `json:"spread"` // of the pairs' ratios: interquartile range / median
	Note    string  `json:"note,omitempty"`
}

// Header names the columns of Row.String.
const Header = "cell                      ours unit  peer           theirs  ratio   goal       regime line runs"

// Verdict fills in whether the goal is met.
func (r *Row) Verdict() {
	value := r.Ratio
	if r.Peer == "" {
		value = r.Ours
	}
	known := r.Peer == "" || r.Runs > 0 && r.Theirs != 0
	r.Met = r.Judged && known && (r.Smaller && value <= r.Goal || !r.Smaller && value >= r.Goal)
}

// String is the row in the columns of Header, with its note on a line of its own.
func (r Row) String() string {
	goal := ""
	if r.Judged {
		sign, mark := ">=", "no"
		if r.Smaller {
			sign = "<="
		}
		if r.Met {
			mark = "ok"
		}
		goal = fmt.Sprintf("%s%s %s", sign, short(r.Goal), mark)
	}
	theirs, ratio := "", ""
	if r.Peer != "" {
		theirs, ratio = short(r.Theirs), fmt.Sprintf("%.2f", r.Ratio)
	}
	text := fmt.Sprintf("%-22s %7s %-5s %-13s %7s %6s %-10s %-7s %4d %2d+%d", r.Cell, short(r.Ours), r.Unit, r.Peer, theirs, ratio, goal,
		r.Regime, r.LineNs, r.Runs, r.Dropped)
	if r.Note != "" {
		text += "\n" + "    " + r.Note
	}
	return text
}

// short is a number in at most 7 characters.
func short(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 1e4:
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.01:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.1g", v)
}

// Compared makes a row of a comparison.
func Compared(name, unit, peer string, scale float64, c bench.Comparison) Row {
	r := Row{Cell: name, Unit: unit, Peer: peer, Ours: c.Ours * scale, Theirs: c.Theirs * scale, Ratio: c.Ratio,
		Regime: string(c.Regime), LineNs: int64(c.Line), Runs: c.Pairs, Dropped: c.Discarded, Spread: c.Spread}
	if c.Pairs == 0 {
		r.Regime, r.Note = string(bench.Changed), "the regime changed in every round: run this cell again"
	}
	return r
}

// Alone makes a row of ours without a peer, with the cache line of this moment.
func Alone(name, unit string, ours, goal float64) Row {
	line := bench.CacheLine()
	r := Row{Cell: name, Unit: unit, Ours: ours, Goal: goal, Smaller: true, Judged: true, Runs: 1,
		Regime: string(bench.RegimeOf(line)), LineNs: int64(line / time.Nanosecond)}
	r.Verdict()
	return r
}

// A Brief is a Row as other programs read it: these ten keys, in every row,
// and a note where there is one.
type Brief struct {
	Cell    string   `json:"cell"`
	Ours    float64  `json:"ours"`
	Unit    string   `json:"unit"`
	Peer    string   `json:"peer"`
	Theirs  float64  `json:"theirs"`
	Ratio   float64  `json:"ratio"` // ours to theirs; 0: no pair in one regime
	Goal    *float64 `json:"goal"`  // of the ratio; null: none
	Smaller bool     `json:"smaller_is_better"`
	Regime  string   `json:"regime"`
	Runs    int      `json:"runs"`
	Note    string   `json:"note,omitempty"` // what there is to say, if anything
}

// Brief leaves out what only the text shows.
func (r Row) Brief() Brief {
	b := Brief{Cell: r.Cell, Ours: r.Ours, Unit: r.Unit, Peer: r.Peer, Theirs: r.Theirs, Ratio: r.Ratio, Smaller: r.Smaller,
		Regime: r.Regime, Runs: r.Runs, Note: r.Note}
	if r.Judged {
		b.Goal = &r.Goal
	}
	return b
}

// A Summary counts goals.
type Summary struct {
	met, judged int
	missed      []string
}

// Add counts the row, if it has a goal.
func (s *Summary) Add(r Row) {
	if !r.Judged {
		return
	}
	s.judged++
	if r.Met {
		s.met++
		return
	}
	s.missed = append(s.missed, fmt.Sprintf("  %s, %s", r.Cell, r.against()))
}

func (r Row) against() string {
	if r.Peer == "" {
		return fmt.Sprintf("%s %s, goal %s", short(r.Ours), r.Unit, short(r.Goal))
	}
	return fmt.Sprintf("%.2f times %s, goal %s (%s, %d pairs)", r.Ratio, r.Peer, short(r.Goal), r.Regime, r.Runs)
}

// String says how many goals are met, and which are not, a line each.
func (s Summary) String() string {
	text := fmt.Sprintf("goals met: %d of %d", s.met, s.judged)
	for i, m := range s.missed {
		if i == 0 {
			text += "; not:"
		}
		text += "\n" + m
	}
	return text
}
