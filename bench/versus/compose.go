package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/peers"
)

// A row is ours beside one peer at one cell.
type row struct {
	cell *cell
	peer peers.Peer
	what measure
	own  string // which of ours
	// Which of ours was asked for; rounds from before the C library was measured have the Go package alone.
	asked string
	bench.Comparison
	pairs  []bench.Round // that were compared
	failed string        // the peer's last words, where it has no figure
	cannot string
	// In how many of the pairs the peer lost messages, and how many of its runs failed since the first of them.
	lossy, failures int
	older           int // pairs of a version of ours before the newest in the results
}

// troubles says what else has to be known of the pairs, or nothing.
func (r *row) troubles() (text string) {
	if r.own != r.asked {
		text = ", ours in Go"
	}
	if r.lossy > 0 {
		text += fmt.Sprintf(", messages lost in %d", r.lossy)
	}
	if r.failures > 0 {
		text += fmt.Sprintf(", %d failed", r.failures)
	}
	if r.older > 0 {
		text += fmt.Sprintf(", %d of an earlier version", r.older)
	}
	return text
}

// ahead reports whether ours is at least as good. A row without pairs is not, unless the
// peer cannot do it.
func (r *row) ahead() bool {
	switch {
	case r.cannot != "":
		return true
	case r.Pairs == 0:
		return r.failed != ""
	case r.what.smaller():
		return r.Ours <= r.Theirs
	}
	return r.Ours >= r.Theirs
}

// ran reports whether anything is known of the row.
func (r *row) ran() bool { return r.Pairs > 0 || r.failed != "" || r.cannot != "" }

// factor is how many times better ours is; 0 without pairs.
func (r *row) factor() float64 {
	if r.Pairs == 0 || r.Ours == 0 || r.Theirs == 0 {
		return 0
	}
	if r.what.smaller() {
		return r.Theirs / r.Ours
	}
	return r.Ours / r.Theirs
}

// A line of the table is a cell with a row for each peer.
type line struct {
	cell cell
	rows []row
}

// ahead reports whether ours is ahead of every peer, and every one has been run that can.
func (l *line) ahead() bool {
	return !slices.ContainsFunc(l.rows, func(r row) bool { return !r.ahead() })
}

// A library says which contender of ours a peer is compared with at a cell.
type library func(c *cell, p peers.Peer) string

// alikeLibrary sets programs in C, C++ and Rust beside our C library and those in Go beside the Go package. Where something is
// counted by hand ours is the Go package.
func alikeLibrary(c *cell, p peers.Peer) string {
	if p.InGo || c.measure == commands {
		return ours
	}
	return oursNative
}

// goPackage sets all beside the Go package.
func goPackage(*cell, peers.Peer) string { return ours }

// compose makes the table of the newest rounds: up to want pairs a row, in the regime that has most. The rounds are by time.
func compose(rounds []round, want int, of library) (lines []line) {
	var newest string
	if n := len(rounds); n > 0 {
		newest = rounds[n-1].Version
	}
	for _, c := range allCells() {
		l := line{cell: c}
		var own []round
		for _, r := range rounds {
			if r.Cell == c.key() {
				own = append(own, r)
			}
		}
		for _, p := range peers.All {
			if r := compare(&c, p, own, want, newest, of); r != nil {
				l.rows = append(l.rows, *r)
			}
		}
		lines = append(lines, l)
	}
	return lines
}

// measuredOf is which of ours the rounds of a cell have: those from before the C library was measured have the Go package alone.
func measuredOf(own string, rounds []round) string {
	if slices.ContainsFunc(rounds, func(r round) bool { return r.has(own) }) {
		return own
	}
	return ours
}

// compare is a peer's row at a cell, nil where it has no part in it; newest is the version of ours measured last.
func compare(c *cell, p peers.Peer, rounds []round, want int, newest string, of library) *row {
	asked := of(c, p)
	r := &row{cell: c, peer: p, what: c.measure, own: measuredOf(asked, rounds), asked: asked}
	switch {
	case c.measure == commands:
		r.Ours, r.Theirs, r.Pairs = float64(len(newcomer[ours])), float64(len(newcomer[p.Name])), 1
		r.Regime = bench.Unknown
		return r
	case c.between() && p.Between == "", !c.between() && !p.OnNode():
		return nil
	case !c.between():
		r.cannot = p.Cannot(c.spec)
	}
	if r.cannot != "" {
		return r
	}
	m := matchesOf(c, rounds, r.own, p.Name)
	regime, pairs := m.best(want)
	r.Discarded = m.tried
	if m.tried == 0 {
		r.failed = m.why
	}
	if len(pairs) > 0 {
		r.pairs = roundsOf(pairs)
		r.what = c.compared(r.pairs)
		r.Comparison = comparison(c, r.what, regime, r.pairs)
		r.Discarded = m.tried - len(m.pairs[regime])
		r.note(m, pairs, newest)
	}
	return r
}

// note books what the comparison does not show of the pairs, and of the peer's rounds since the first of them.
func (r *row) note(m *matches, pairs []pair, newest string) {
	for _, one := range pairs {
		r.lossy += b2i(one.Round[1].Missing > 0)
		r.older += b2i(one.version != newest)
	}
	for _, at := range m.failed {
		r.failures += b2i(at >= pairs[0].at)
	}
}

// failures is in how many rows a peer has no figure because it failed each time, which counts as ahead.
func failures(lines []line) (n int) {
	for i := range lines {
		for j := range lines[i].rows {
			n += b2i(lines[i].rows[j].failed != "")
		}
	}
	return n
}

// verdict counts the cells, and lists those behind with their causes.
func verdict(lines []line, causes []cause) (ahead int, behind []string) {
	for i := range lines {
		l := &lines[i]
		if l.ahead() {
			ahead++
			continue
		}
		var missing []string
		for j := range l.rows {
			switch r := &l.rows[j]; {
			case r.ahead():
			case r.ran():
				behind = append(behind, r.behind(causes))
			default:
				missing = append(missing, r.peer.Title)
			}
		}
		if len(missing) > 0 {
			behind = append(behind, fmt.Sprintf("%s: not run beside %s", l.cell.name, strings.Join(missing, ", ")))
		}
	}
	return ahead, behind
}

// behind is one line of the list.
func (r *row) behind(causes []cause) string {
	return fmt.Sprintf("%s beside %s: %s %s to %s: %s", r.cell.name, r.peer.Title, r.what, r.what.text(r.Ours), r.what.text(r.Theirs),
		causeOf(causes, r.cell.name, r.peer.Name))
}
