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
	"io"
	"os"
	"strings"
	"time"

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
	table.Main("bench-cells", func(ctx context.Context) error {
		p := plan{limits: "bin/limits", aeron: ".tools/aeron", progress: os.Stderr}
		flag.BoolVar(&p.quick, "quick", false, "three minutes instead of fifteen: fewer and shorter runs, no Java")
		flag.BoolVar(&p.json, "json", false, "one JSON object a row instead of a table")
		flag.DurationVar(&p.budget, "budget", 0, "about how long all cells together may take (default 14m; 170s with -quick)")
		flag.BoolVar(&p.java, "java", true, "measure Aeron's Java client, too, which takes half of the time; never with -quick")
		flag.StringVar(&p.only, "only", "", "only cells whose name contains this")
		flag.Parse()
		return p.run(ctx, os.Stdout)
	})
}

// run measures all cells, and prints each row when it is there.
func (p *plan) run(ctx context.Context, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p.size()
	return p.all(ctx, out, []string{self, table.ChildArgument})
}

// all measures the cells asked for; self is the command that is a process of a run.
func (p *plan) all(ctx context.Context, out io.Writer, self []string) error {
	p.self = self
	printer := table.Printer{Out: out, Progress: p.progress, JSON: p.json, Deadline: p.deadline}
	return printer.Print(ctx, p.cells())
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
func (p *plan) cells() []table.Cell {
	var list []table.Cell
	for _, c := range allCells() {
		if strings.Contains(c.name, p.only) {
			list = append(list, table.Cell{Name: c.name, Measure: func(ctx context.Context, until time.Time) ([]table.Row, error) {
				return c.measure(ctx, p, until)
			}})
		}
	}
	return list
}
