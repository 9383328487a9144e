// Cells measures the ring beside its limits on this machine and beside Aeron, cell
// by cell, and says where it stands against the goals.
//
//	make bench-ring [BENCH=quick] [JSON=1]
//
// Contenders of a cell run in turn (A B C, A B C, ...); each is compared with ours
// over the rounds in which both ran in one regime of the machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/table"
)

// A plan is how much is measured.
type plan struct {
	quick    bool
	json     bool
	java     bool
	only     string
	want     int           // pairs a row
	most     int           // rounds a cell
	duration time.Duration // of one run
	warmup   time.Duration
	jvm      time.Duration // warm-up of a Java program, whose code is slow at first
	budget   time.Duration // of everything
	limits   string        // folder of the C programs
	aeron    string        // folder of Aeron's
	self     []string
	deadline time.Time
	progress io.Writer
}

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
	p := plan{limits: "bin/limits", aeron: ".tools/aeron", progress: os.Stderr}
	flag.BoolVar(&p.quick, "quick", false, "three minutes instead of fifteen: fewer and shorter runs, no Java")
	flag.BoolVar(&p.json, "json", false, "one JSON object a row instead of a table")
	flag.DurationVar(&p.budget, "budget", 0, "about how long all cells together may take (default 14m; 170s with -quick)")
	flag.BoolVar(&p.java, "java", true, "measure Aeron's Java client, too, which takes half of the time; never with -quick")
	flag.StringVar(&p.only, "only", "", "only cells whose name contains this")
	flag.Parse()
	if err := p.run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench-cells:", err)
		os.Exit(1)
	}
}

// run measures all cells, and prints each row when it is there.
func (p *plan) run(ctx context.Context, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p.size()
	return p.all(ctx, out, []string{self, "child"})
}

// all measures the cells asked for; self is the command that is a process of a run.
func (p *plan) all(ctx context.Context, out io.Writer, self []string) error {
	p.self = self
	cells := p.cells()
	sum := table.Summary{}
	if !p.json {
		fmt.Fprintf(out, "%v\n\n", bench.ThisMachine())
		fmt.Fprintln(out, table.Header)
	}
	for i, c := range cells {
		fmt.Fprintf(p.progress, "\r\x1b[K%d of %d: %s", i+1, len(cells), c.name)
		until := time.Now().Add(bench.Share(time.Until(p.deadline), len(cells)-i))
		rows, err := c.measure(ctx, p, until)
		fmt.Fprint(p.progress, "\r\x1b[K")
		if err != nil {
			return fmt.Errorf("cell %s: %w", c.name, err)
		}
		for _, r := range rows {
			sum.Add(r)
			if err := r.Write(out, p.json); err != nil {
				return err
			}
		}
	}
	if !p.json {
		fmt.Fprintf(out, "\n%v\n", sum)
	}
	return nil
}

// size sets how much is measured.
func (p *plan) size() {
	budget := 14 * time.Minute
	p.want, p.most, p.duration, p.warmup, p.jvm = 5, 12, 400*time.Millisecond, 100*time.Millisecond, 2*time.Second
	if p.quick {
		budget = 170 * time.Second
		p.java = false
		p.want, p.most, p.duration = 2, 4, 250*time.Millisecond
	}
	if p.budget == 0 {
		p.budget = budget
	}
	p.deadline = time.Now().Add(p.budget)
}

// cells are those asked for.
func (p *plan) cells() []cell {
	var list []cell
	for _, c := range allCells() {
		if strings.Contains(c.name, p.only) {
			list = append(list, c)
		}
	}
	return list
}
