package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/ringcast/ringcast/bench"
)

// printTable writes one line a row, and ends with how many cells are ahead and which are not. inGo are the same lines of the Go package.
func printTable(out io.Writer, lines, inGo []line, causes []cause) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%v\n\n%-34s %-11s %-18s %11s %11s %7s %11s %7s %6s %-7s %s\n", bench.ThisMachine(), "cell", "peer", "what", "ours", "theirs", "better", "in Go", "better", "spread", "regime", "pairs")
	for i := range lines {
		for j := range lines[i].rows {
			b.WriteString(lines[i].rows[j].text(&inGo[i].rows[j]) + "\n")
		}
	}
	ahead, behind := verdict(lines, causes)
	b.WriteString("\n")
	for _, s := range scores(lines) {
		fmt.Fprintln(&b, s.String())
	}
	aheadInGo, _ := verdict(inGo, nil)
	fmt.Fprintf(&b, "the Go package beside all of them: ahead in %d of %d cells\nahead in %d of %d cells\n", aheadInGo, len(lines), ahead, len(lines))
	if n := failures(lines); n > 0 {
		fmt.Fprintf(&b, "  in %d rows the peer failed each time, which counts as ahead\n", n)
	}
	for _, text := range behind {
		b.WriteString("  " + text + "\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// text is the row in the table; "better" is how many times better ours is. The Go package's row has a place in it where ours is the C library.
func (r *row) text(inGo *row) string {
	head := fmt.Sprintf("%-34s %-11s ", r.cell.name, r.peer.Title)
	switch {
	case r.cannot != "":
		return head + "cannot: " + r.cannot
	case r.failed != "":
		return head + "failed: " + firstLine(r.failed)
	case r.Pairs == 0 && r.Discarded > 0:
		return head + fmt.Sprintf("the regime changed in all %d pairs", r.Discarded)
	case r.Pairs == 0:
		return head + "not run"
	}
	own, better := r.besides(inGo)
	return head + fmt.Sprintf("%-18s %11s %11s %6.2fx %11s %7s %5.0f%% %-7s %d+%d%s", r.what, r.what.text(r.Ours), r.what.text(r.Theirs), r.factor(), own, better,
		100*r.Spread, r.Regime, r.Pairs, r.Discarded, r.troubles())
}

// besides is what the Go package has at a row of the C library, and how many times better that is; nothing at a row of its own.
func (r *row) besides(inGo *row) (figure, better string) {
	if r.own == ours || inGo.Pairs == 0 {
		return "", ""
	}
	return inGo.what.text(inGo.Ours), fmt.Sprintf("%.2fx", inGo.factor())
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	const most = 90
	return line[:min(len(line), most)]
}
