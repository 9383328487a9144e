// Versus measures ours beside every peer that is built, cell by cell, keeps each round under
// bench/results, and composes one table from what is kept there.
//
//	make bench-peers [CELLS=one-way,request] [PEERS=aeron,unix] [BUDGET=50s] [QUICK=1] [TABLE=1]
//
// Cells are measured one after the other, most important first, so that a run that is broken off, or has
// little time, has whole cells, and goes on next time where it was.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/nodes"
	"github.com/ringcast/ringcast/bench/peers"
	"github.com/ringcast/ringcast/bench/table"
)

// A plan is what is measured, and how much of it.
type plan struct {
	cells, peers string
	quick        bool
	want         int
	budget       time.Duration
	programs     string // folder of the peers' programs
	results      store
	causes       string
	worker       string   // is a process of a run of ours: bench/worker
	native       string   // runs the C library: cbindings/bench/node.c
	between      []string // measures one round between nodes
	at           nodes.Places
	length       length
	progress     io.Writer
	version      string
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == nodeArgument {
		if err := nodes.Program(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 3 && os.Args[1] == betweenArgument {
		os.Exit(betweenMain(os.Args[2]))
	}
	table.Main("bench-peers", runAll)
}

// The program is also our program of a node, and what measures one round between nodes.
const (
	nodeArgument    = "node"
	betweenArgument = "between"
)

func runAll(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p := newPlan(self)
	tableOnly := flag.Bool("table", false, "only print the table of what has been measured")
	report := flag.String("report", "", "write the document of what has been measured to this file, pictures beside it")
	flag.StringVar(&p.cells, "cells", "", "only cells whose names contain one of these, with commas between")
	flag.StringVar(&p.peers, "peers", "", "only these peers, with commas between")
	flag.BoolVar(&p.quick, "quick", false, "the most important cells, three pairs, eight minutes")
	flag.IntVar(&p.want, "pairs", 0, "pairs in one regime that each row should have (default 5; 3 with -quick)")
	flag.DurationVar(&p.budget, "budget", 0, "about how long to measure (default 2h; 8m with -quick)")
	flag.StringVar(&p.results.dir, "results", p.results.dir, "the folder of results")
	flag.StringVar(&p.version, "version", p.version, "what of ours is measured: pairs of another version are measured again")
	flag.Parse()
	p.complete()
	if !*tableOnly && *report == "" {
		if err := p.measureAll(ctx); err != nil {
			return err
		}
	}
	rounds, err := p.results.load()
	if err != nil {
		return err
	}
	causes, err := readCauses(p.causes)
	if err != nil {
		return err
	}
	lines, inGo := compose(rounds, max(p.want, 5), alikeLibrary), compose(rounds, max(p.want, 5), goPackage)
	if *report != "" {
		return writeReport(*report, rounds, lines, inGo, causes)
	}
	return printTable(os.Stdout, lines, inGo, causes)
}

func newPlan(self string) *plan {
	return &plan{programs: "bin/peers", results: store{"bench/results"}, causes: "bench/results/causes.txt", progress: os.Stderr,
		worker: filepath.Join(filepath.Dir(self), "bench-worker"), native: "cbindings/build/bench-node", between: []string{self, betweenArgument},
		at: nodes.Places{Self: []string{self, nodeArgument}, Forwarder: "bin/ringcastd", Native: "cbindings/build/bench-net"}, version: version()}
}

// complete fills in what depends on how quick it should be.
func (p *plan) complete() {
	want, budget := 5, 2*time.Hour
	p.length = length{100 * time.Millisecond, 300 * time.Millisecond, 300 * time.Millisecond, 800 * time.Millisecond}
	if p.quick {
		want, budget = 3, 8*time.Minute
		p.length = length{60 * time.Millisecond, 240 * time.Millisecond, 300 * time.Millisecond, 600 * time.Millisecond}
	}
	if p.want == 0 {
		p.want = want
	}
	if p.budget == 0 {
		p.budget = budget
	}
}

// version is the commit that this program was built from.
func version() string {
	info, _ := debug.ReadBuildInfo()
	var revision, changed string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = ", changed"
		}
	}
	return revision + changed
}

// wanted reports whether a name is asked for: no list asks for all.
func wanted(list, name string, exactly bool) bool {
	if list == "" {
		return true
	}
	for _, part := range namesIn(list) {
		glob, _ := path.Match(part, name)
		if glob || part == name || !exactly && part != "" && strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// namesIn are the names of a list with commas between. A cell's name may have a comma itself: then the two parts are one name.
func namesIn(list string) (names []string) {
	for part := range strings.SplitSeq(list, ",") {
		n := len(names)
		if n > 0 && slices.ContainsFunc(allCells(), func(c cell) bool { return strings.Contains(c.name, names[n-1]+","+part) }) {
			names[n-1] += "," + part
		} else {
			names = append(names, strings.TrimSpace(part))
		}
	}
	return names
}

// nothingCame is the failure of a stream whose readers got no message.
const nothingCame = "no message came"

// here are the peers that are asked for, built, and able to do a cell.
func (p *plan) here(c *cell) (list []peers.Peer) {
	for _, one := range peers.All {
		switch {
		case !wanted(p.peers, one.Name, true):
		case c.between() && (one.Between == "" || nodes.Lacks(one.Contends(c.work.Loss), c.work, p.at) != ""):
		case !c.between() && (one.Missing(p.programs) != "" || one.Cannot(c.spec) != ""):
		default:
			list = append(list, one)
		}
	}
	return list
}

// sayMissing says which peers are not built.
func (p *plan) sayMissing() {
	for _, one := range peers.All {
		if why := one.Missing(p.programs); why != "" && wanted(p.peers, one.Name, true) {
			_, _ = fmt.Fprintln(p.progress, why)
		}
	}
}

// measure runs one round. A run of ours that fails ends everything; a peer's is noted.
func (p *plan) measure(ctx context.Context, t *task) (round, error) {
	if t.cell.between() {
		return p.measureBetween(ctx, t)
	}
	r := p.newRound(t.cell.name)
	o := bench.Options{Child: []string{p.worker}}
	own := bench.Ours(t.cell.spec, o)
	if t.cell.watched {
		own = bench.OursWatched(t.cell.spec, o)
	}
	contenders := []bench.Contender{own, p.nativeContender(&t.cell)}
	for _, one := range t.peers {
		contenders = append(contenders, one.Contender(t.cell.spec, p.programs, t.cell.watched))
	}
	line := bench.CacheLine()
	for i, c := range contenders {
		f, err := c.Measure(ctx)
		one := run{Who: c.Name, Figure: f, Before: line}
		switch {
		case err != nil && (i < ownRuns || ctx.Err() != nil):
			return r, fmt.Errorf("%s: %w", t.cell.name, err)
		case err != nil:
			one.Failed = err.Error()
		case t.cell.spec.Scenario == bench.Stream && f.Rate == 0 && i < ownRuns:
			return r, fmt.Errorf("%s: %s", t.cell.name, nothingCame)
		case t.cell.spec.Scenario == bench.Stream && f.Rate == 0:
			one.Failed = nothingCame
		}
		line = bench.CacheLine()
		one.After = line
		r.Runs = append(r.Runs, one)
	}
	return r, nil
}

// nativeContender is our C library at a cell.
func (p *plan) nativeContender(c *cell) bench.Contender {
	program := bench.Program{Name: oursNative, Command: []string{p.native}, Spec: c.spec, Scratch: "/dev/shm", Watched: c.watched}
	if c.spec.Apart {
		program.More = append(program.More, "--apart", "1")
	}
	if c.spec.Prefault {
		program.More = append(program.More, "--prefault", "1")
	}
	return program.Contender()
}

func (p *plan) newRound(name string) round {
	return round{Cell: name, Time: time.Now().UTC().Round(time.Second), Machine: bench.ThisMachine(), Version: p.version}
}
