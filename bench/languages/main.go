// Languages measures the ring from every language that has a program for it, in one
// run, over the same work.
//
//	make bench-languages [BENCH=quick] [JSON=1]
//
// A language is a [bench.Program] in programs.go: it gets the work as flags and
// prints one line of JSON (bench/limits/work.h has the flags). Contenders of a cell run in
// turn, Go first; two are compared over the rounds in which both ran in one regime of
// the machine. All wait by spinning and are pinned to two cores; messages are
// written in claimed slots and read where they lie, every byte of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench/table"
)

func main() {
	table.Main("bench-languages", func(ctx context.Context) error {
		p := plan{progress: os.Stderr}
		only := flag.String("only", "", "languages beside Go, with commas between; default: all")
		flag.StringVar(&p.cell, "cell", "", "only cells whose name contains this")
		flag.BoolVar(&p.quick, "quick", false, "a budget of three minutes instead of sixteen: fewer and shorter runs, fewer cells")
		flag.BoolVar(&p.json, "json", false, "one JSON object a row instead of a table")
		flag.DurationVar(&p.budget, "budget", 0, "about how long all cells together may take (default 16m; 165s with -quick)")
		flag.Parse()
		return p.run(ctx, *only, os.Stdout)
	})
}

// A plan is how much is measured.
type plan struct {
	cell      string
	quick     bool
	json      bool
	budget    time.Duration // of everything
	want      int           // pairs a row
	duration  time.Duration // of one run
	languages []program
	self      []string // the command that is a process of a run in Go
	deadline  time.Time
	progress  io.Writer
}

func (p *plan) run(ctx context.Context, only string, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p.self = []string{self, table.ChildArgument}
	p.size()
	if err := p.choose(only); err != nil {
		return err
	}
	return p.all(ctx, out)
}

// size sets how much is measured.
func (p *plan) size() {
	budget := 16 * time.Minute
	p.want, p.duration = 5, 400*time.Millisecond
	if p.quick {
		budget, p.want, p.duration = 165*time.Second, 3, 250*time.Millisecond
	}
	if p.budget == 0 {
		p.budget = budget
	}
	p.deadline = time.Now().Add(p.budget)
}

// choose takes the languages asked for, with commas between.
func (p *plan) choose(only string) error {
	all := programs()
	if only == "" {
		p.languages = slices.DeleteFunc(all, func(l program) bool { return l.slow && p.quick })
		return nil
	}
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(all, func(l program) bool { return l.name == name })
		if i < 0 {
			return fmt.Errorf("-only %s: no such language; want some of C, C-calls, C++, Java, Python", name)
		}
		p.languages = append(p.languages, all[i])
	}
	return nil
}

// all measures the cells asked for.
func (p *plan) all(ctx context.Context, out io.Writer) error {
	cells := p.cells()
	if len(cells) == 0 {
		return errors.New("-cell: no cell has that in its name")
	}
	printer := table.Printer{Out: out, Progress: p.progress, JSON: p.json, Brief: true, Deadline: p.deadline}
	return printer.Print(ctx, cells)
}
