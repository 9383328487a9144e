package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/peers"
	"github.com/ringcast/ringcast/bench/report"
)

const method = `<!-- Written by make report from bench/results; do not edit. -->
# Benchmarks

What is measured how: [bench/README.md](../bench/README.md). In short: processes of their own, every byte of
each message written and read; at a rate an open loop, latencies from the instant at which a message was
due; ours and the peers by turns, the cache line between two cores probed before and after each run; medians
over pairs of runs within one regime of the machine (near: below 250 ns there and back), with the rounds left out
([decision 226](decisions/226-runs-matched-across-rounds.md)).

Programs in C, C++ and Rust are beside our C library, those in Go (NATS, gRPC) beside our Go package; the figures of the Go package
beside the others stand in a column of their own ([decision 420](decisions/420-like-beside-like.md)). Where three programs publish each has a topic of its own here, and the reader takes them all by one pattern, as three
programs of Aeron have a publication and a log each ([decision 421](decisions/421-topics-apart.md)); rounds without "ringcast C" had one topic for all three.

At 100,000 a second on one node each reader's latencies are told apart in parts of 20 ms; "p99 of 20 ms" is the median of the parts' p99, and
what it leaves out stands under [Stalls](#stalls). Between nodes, at 10,000 a second, parts are 100 ms long where nothing is lost; with losses
p99 is that of the whole run, since what a loss holds up is the contender's own.

A topic of ours has 1024 slots at a rate, at full rate as many as a ring of some 4 MiB has ([decision 405](decisions/405-the-producers-of-a-stream-get-a-lead.md);
rounds up to version f48fa19baa6e had 1024), where three read 64 or 256 bytes 8 to 10 MiB, at 64 KiB 256 at a rate ([decision 422](decisions/422-the-tail-at-a-pace-is-the-tick.md); rounds of before that decision had 128) and 128 at full rate, and at 4 MiB 4, as many as iceoryx2 buffers of that size
([decision 389](decisions/389-four-slots-are-a-ring.md); those rounds had 64, the standard number).

"better" is how many times better ours is; "spread" the interquartile range of the pairs' ratios over their
median; "pairs" those that count and those discarded, in how many of them the peer lost messages, how many of its runs failed meanwhile, and how many are of an earlier
version of Ringcast than the newest measured; "ours in Go": rounds of before the C library was measured. One-way rates are of all readers together. At 100,000 and 10,000
a second p99 is compared where both carry the rate, else the rate that arrives. A cell is ahead where ours is at
least as good as every peer; one that was not run beside a peer that can do it counts as behind.

Memory is the share (PSS) that all processes of a contender have, its daemon or server too, of private memory and of
programs' files, and the whole of its files in shared memory: "at start" when all have joined and none has sent, "after a run"
when they have sent 256 bytes at full rate for a second. The idle processor is what those processes take, one that could send and one
that waits; below 0.1 % of a core differences are not seen. "after a pause" is a round trip every 10 ms with the default wait, where both sides sleep in between;
our rings are mapped beforehand there by the memory setting prefault, since such a run is over before their first lap, while peers use their few buffers again and again.
`

// writeReport writes the document, and its pictures into a folder beside it.
func writeReport(path string, rounds []round, lines, inGo []line, causes []cause) error {
	var b strings.Builder
	b.WriteString(method)
	writeMachines(&b, rounds)
	ahead, behind := verdict(lines, causes)
	aheadInGo, _ := verdict(inGo, nil)
	fmt.Fprintf(&b, "\n**Ahead of all of them at once in %d of %d cells.** The Go package by itself, beside the same peers: in %d. One by one, over the cells that both can do:\n", ahead, len(lines), aheadInGo)
	if n := failures(lines); n > 0 {
		fmt.Fprintf(&b, "(In %d rows the peer failed each time, which counts as ahead.)\n", n)
	}
	writeScores(&b, lines, inGo)
	pictures, err := writePictures(filepath.Join(filepath.Dir(path), "pictures"), lines)
	if err != nil {
		return err
	}
	for _, name := range pictures {
		fmt.Fprintf(&b, "\n![%s](pictures/%s)\n", strings.TrimSuffix(name, ".svg"), name)
	}
	writeRows(&b, lines, inGo)
	writeStalls(&b, lines)
	b.WriteString("\n## Behind\n\n")
	for _, text := range behind {
		fmt.Fprintf(&b, "- %s\n", text)
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// writeScores says how ours stands beside each peer, and how the Go package does.
func writeScores(b *strings.Builder, lines, inGo []line) {
	b.WriteString("\n| beside | ahead in | of cells | median of \"better\" | the Go package ahead in | median |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	alone := scores(inGo)
	for _, s := range scores(lines) {
		own, middle := "", ""
		if i := slices.IndexFunc(alone, func(a score) bool { return a.peer.Name == s.peer.Name }); i >= 0 {
			own, middle = fmt.Sprint(alone[i].ahead), fmt.Sprintf("%.2f", alone[i].middle())
		}
		fmt.Fprintf(b, "| %s | %d | %d | %.2f | %s | %s |\n", s.peer.Title, s.ahead, len(s.factors), s.middle(), own, middle)
	}
}

// writeRows is the table.
func writeRows(b *strings.Builder, lines, inGo []line) {
	b.WriteString("\n| cell | peer | what | ours | theirs | better | in Go | better | spread | regime | pairs |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for i := range lines {
		if !slices.ContainsFunc(lines[i].rows, func(r row) bool { return r.ran() && r.cannot == "" || r.Discarded > 0 }) {
			fmt.Fprintf(b, "| %s | all | not run | | | | | | | | |\n", lines[i].cell.name)
			continue
		}
		for j := range lines[i].rows {
			b.WriteString(lines[i].rows[j].markdown(&inGo[i].rows[j]))
		}
	}
}

// writeStalls says what the p99 of parts leaves out, ours and theirs: medians over the same pairs.
func writeStalls(b *strings.Builder, lines []line) {
	const head = "\n## Stalls\n\nThe whole runs of the rows above that compare the p99 of parts of 20 ms, between nodes of 100 ms: p99, p99.9, and how many of the parts have a p99 above 1 ms, between nodes above 5 ms.\n\n" +
		"| cell | peer | p99, ours | theirs | p99.9, ours | theirs | parts above, ours | theirs |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n"
	first := true
	for i := range lines {
		for j := range lines[i].rows {
			r := &lines[i].rows[j]
			if r.what != typical && r.what != between {
				continue
			}
			if first {
				b.WriteString(head)
				first = false
			}
			fmt.Fprintf(b, "| %s | %s |", r.cell.name, r.peer.Title)
			for _, of := range []func(bench.Figure) float64{bench.P99Of, bench.P999Of} {
				fmt.Fprintf(b, " %s | %s |", tail.text(middle(r.pairs, 0, of)), tail.text(middle(r.pairs, 1, of)))
			}
			fmt.Fprintf(b, " %.0f %% | %.0f %% |\n", 100*middle(r.pairs, 0, bench.StalledOf), 100*middle(r.pairs, 1, bench.StalledOf))
		}
	}
}

// writeMachines says where and when all that was measured.
func writeMachines(b *strings.Builder, rounds []round) {
	var list []string
	for _, r := range rounds {
		machine, _, _ := strings.Cut(r.Machine.String(), ", clock") // which is another each time
		text := fmt.Sprintf("- %s, %s, version %s", r.Time.Format("2006-01-02"), machine, r.Version)
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	if len(list) == 0 {
		list = []string{"- nothing has been measured yet"}
	}
	b.WriteString("\n" + strings.Join(list[max(0, len(list)-10):], "\n") + "\n")
}

// markdown is the row in the document's table.
func (r *row) markdown(inGo *row) string {
	head := fmt.Sprintf("| %s | %s | ", r.cell.name, r.peer.Title)
	switch {
	case r.cannot != "":
		return head + "cannot: " + r.cannot + " | | | | | | | | |\n"
	case r.failed != "":
		return head + "failed: " + strings.ReplaceAll(firstLine(r.failed), "|", "/") + " | | | | | | | | |\n"
	case r.Pairs == 0 && r.Discarded > 0:
		return head + fmt.Sprintf("the regime changed | | | | | | | | 0+%d |\n", r.Discarded)
	case r.Pairs == 0:
		return head + "not run | | | | | | | | |\n"
	}
	own, better := r.besides(inGo)
	return head + fmt.Sprintf("%s | %s | %s | %.2f | %s | %s | %.0f %% | %s | %d+%d%s |\n", r.what, r.what.text(r.Ours), r.what.text(r.Theirs), r.factor(),
		own, strings.TrimSuffix(better, "x"), 100*r.Spread, r.Regime, r.Pairs, r.Discarded, r.troubles())
}

// A picture is of some cells: a line for ours and each peer.
type picture struct {
	file, title string
	cells       []string
	unit        string
}

var pictures = []picture{
	{"one-way.svg", "One producer, one reader: messages a second by size", []string{"one-way 64 B 1-1", "one-way 256 B 1-1", "one-way 1024 B 1-1",
		"one-way 2048 B 1-1", "one-way 64 KiB 1-1", "one-way 4 MiB 1-1"}, "messages/s"},
	{"ping-pong.svg", "Round trip, spinning: p50 by size", []string{"ping-pong 64 B, spin", "ping-pong 256 B, spin", "ping-pong 2048 B, spin"}, "ns"},
	{"loss.svg", "Two nodes, 1024 B: messages a second by loss", []string{"two nodes 1024 B, loss 0 %", "two nodes 1024 B, loss 0.1 %",
		"two nodes 1024 B, loss 1 %", "two nodes 1024 B, loss 5 %"}, "messages/s"},
}

// writePictures draws those of which there are figures, and returns their files.
func writePictures(dir string, lines []line) (files []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, p := range pictures {
		text, err := report.Curves(p.title, p.unit, p.labels(), p.curves(lines))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.file, err)
		}
		path := filepath.Join(dir, p.file)
		if text == "" {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, err
		}
		files = append(files, p.file)
	}
	return files, nil
}

// labels are the cells' own words.
func (p *picture) labels() (list []string) {
	for _, name := range p.cells {
		name = strings.TrimSuffix(strings.TrimSuffix(name, ", spin"), " 1-1")
		for _, before := range []string{"one-way ", "ping-pong ", "two nodes 1024 B, loss "} {
			name = strings.TrimPrefix(name, before)
		}
		list = append(list, name)
	}
	return list
}

// curves are ours, by its median over the rows, and each peer's.
func (p *picture) curves(lines []line) (list []report.Curve) {
	own := report.Curve{Name: ours, Values: make([]float64, len(p.cells))}
	byPeer := make(map[string]*report.Curve)
	for _, one := range peers.All {
		byPeer[one.Name] = &report.Curve{Name: one.Title, Values: make([]float64, len(p.cells))}
	}
	for i := range lines {
		at := slices.Index(p.cells, lines[i].cell.name)
		if at < 0 {
			continue
		}
		for _, r := range lines[i].rows {
			if r.Pairs > 0 {
				if r.own == alikeLibrary(r.cell, peers.All[0]) {
					own.Values[at] = max(own.Values[at], r.Ours)
				}
				byPeer[r.peer.Name].Values[at] = r.Theirs
			}
		}
	}
	list = append(list, own)
	for _, one := range peers.All {
		list = append(list, *byPeer[one.Name])
	}
	return list
}
