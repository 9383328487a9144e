// Languages measures the ring from every language that has a program for it, beside
// Go, over the same work: `make bench-languages`.
//
// A language is a [bench.Program] in programs.go: it gets the work as flags and
// prints one line of JSON (bench/limits/work.h has the flags). Contenders of a cell run in
// turn, Go first, and each is compared with Go over the rounds in which both ran in
// one regime of the machine. All wait by spinning and are pinned to two cores; messages are
// written in claimed slots and read where they lie, every byte of them.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 2 && os.Args[1] == "child" {
		if err := bench.Child(ctx, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	var p plan
	flag.StringVar(&p.only, "only", "", "languages beside Go, with commas between; default: all")
	flag.StringVar(&p.cell, "cell", "", "only cells whose name contains this")
	flag.IntVar(&p.rounds, "rounds", 5, "how often each is compared with Go")
	flag.DurationVar(&p.duration, "duration", 400*time.Millisecond, "how long one run measures")
	flag.Parse()
	if err := p.run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench-languages:", err)
		os.Exit(1)
	}
}

// A plan is how much is measured.
type plan struct {
	only, cell string
	rounds     int
	duration   time.Duration
}

// A cell is one kind of work.
type cell struct {
	name string
	spec bench.Spec
	unit string
	of   func(bench.Figure) float64
	want string // what is better
}

// cells are the table's. A stream is compared by its rate, a round trip by the median.
func (p *plan) cells() []cell {
	var list []cell
	add := func(scenario bench.Scenario, exclusive bool, size int) {
		c := cell{unit: "M/s", of: func(f bench.Figure) float64 { return f.Rate / 1e6 }, want: ">="}
		if scenario == bench.PingPong {
			c.unit, c.of, c.want = "ns", bench.P50Of, "<="
		}
		kind := map[bool]string{true: "exclusive", false: "shared"}[exclusive]
		c.name = fmt.Sprintf("%s %s %d B", scenario, kind, size)
		c.spec = bench.Spec{Scenario: scenario, Size: size, Exclusive: exclusive, Wait: bench.Spin, Pin: []int{0, 1},
			Duration: p.duration, Warmup: 100 * time.Millisecond}
		if strings.Contains(c.name, p.cell) {
			list = append(list, c)
		}
	}
	for _, exclusive := range []bool{true, false} {
		for _, size := range []int{64, 256, 2048} {
			add(bench.Stream, exclusive, size)
		}
		add(bench.PingPong, exclusive, 64)
	}
	return list
}

func (p *plan) run(ctx context.Context, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	all := programs()
	if p.only != "" {
		all = slices.DeleteFunc(all, func(l program) bool { return !slices.Contains(strings.Split(p.only, ","), l.name) })
	}
	fmt.Fprintf(out, "%v\n\n%-26s %-12s %9s %9s %-4s %6s  %s\n", bench.ThisMachine(), "cell", "language", "it", "Go", "unit", "ratio", "runs")
	for _, c := range p.cells() {
		if err := p.measure(ctx, out, c, all, []string{self, "child"}); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// measure runs one cell and prints a row a language.
func (p *plan) measure(ctx context.Context, out io.Writer, c cell, all []program, child []string) error {
	list := []bench.Contender{bench.Ours(c.spec, bench.Options{Child: child})}
	for _, l := range all {
		list = append(list, bench.Program{Name: l.name, Command: l.command, Spec: c.spec}.Contender())
	}
	rounds, err := bench.Alternate(ctx, list, bench.Rounds{Want: p.rounds, Most: 2 * p.rounds, Again: 2})
	if err != nil {
		return err
	}
	for i, l := range all {
		r := bench.Compare(rounds, i+1, c.of, c.of)
		ratio := 0.0
		if r.Ratio != 0 {
			ratio = 1 / r.Ratio // Compare has Go's figure above the other's
		}
		fmt.Fprintf(out, "%-26s %-12s %9.2f %9.2f %-4s %6.2f  %d+%d, %s is better\n", c.name, l.name, r.Theirs, r.Ours, c.unit, ratio, r.Pairs, r.Discarded, c.want)
	}
	return nil
}
