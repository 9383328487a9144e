// Package nodes measures messages between nodes: three network namespaces of internal/netlab, one
// sender, two receivers, MTU 1500, loss by nftables; ours beside Aeron, NORM, NATS,
// ZeroMQ, and raw UDP multicast as the limit. Its main function is that of bench/net:
//
//	make bench-net [BENCH=quick] [JSON=1]
//
// Ours and a peer run by turns, pair by pair; each run has a network of its own. Rates are of the
// slower receiver, whole and in order; latencies count from the instant at which the
// message was due, of the receiver that waited longer. Without root; what a host lacks is said.
package nodes

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench/net/program"
	"github.com/ringcast/ringcast/bench/table"
	"github.com/ringcast/ringcast/internal/netlab"
)

// programArgument makes the program our sender or receiver.
const programArgument = "peer"

// Main is the main function of bench-net.
func Main() {
	if len(os.Args) > 2 && os.Args[1] == programArgument {
		if err := Program(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code, err := netlab.Main(func() int {
		table.Main("bench-net", measureAll)
		return 0
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-net:", err)
	}
	os.Exit(code)
}

// programNow is the clock of the programs.
func programNow() uint64 { return program.Now() }

// A plan is how much is measured.
type plan struct {
	only, peers string
	json        bool
	rounds      int
	warmup      time.Duration
	duration    time.Duration
	contenders  []contender
	progress    io.Writer
}

func measureAll(ctx context.Context) error {
	p := plan{progress: os.Stderr}
	quick := flag.Bool("quick", false, "one round and shorter runs")
	budget := flag.Duration("budget", 30*time.Minute, "about how long all cells together may take")
	flag.StringVar(&p.only, "only", "", "only cells whose name contains this")
	flag.StringVar(&p.peers, "peers", "", "only peers whose names contain one of these, with commas between; none: no peers")
	flag.BoolVar(&p.json, "json", false, "one JSON object a row instead of a table")
	flag.IntVar(&p.rounds, "rounds", 2, "pairs of runs of ours and of each peer in a cell")
	flag.DurationVar(&p.duration, "duration", 2*time.Second, "of one run's window")
	flag.DurationVar(&p.warmup, "warmup", 700*time.Millisecond, "before it")
	flag.Parse()
	if *quick {
		p.rounds, p.duration = 1, time.Second
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p.choose(Places{Self: []string{self, programArgument}, Forwarder: "bin/ringcastd"})
	printer := table.Printer{Out: os.Stdout, Progress: p.progress, JSON: p.json, Brief: true, Deadline: time.Now().Add(*budget)}
	return printer.Print(ctx, p.cells())
}

// choose takes ours and the peers that were asked for.
func (p *plan) choose(at Places) { p.chooseOf(allContenders(at)) }

func (p *plan) chooseOf(list []contender) {
	for _, c := range list {
		wanted := p.peers == "" || c.name == ours
		for name := range strings.SplitSeq(p.peers, ",") {
			wanted = wanted || name != "" && strings.Contains(strings.ToLower(c.name), strings.ToLower(name))
		}
		if wanted {
			p.contenders = append(p.contenders, c)
		}
	}
}

// cells are those asked for.
func (p *plan) cells() (list []table.Cell) {
	for _, c := range p.allCells() {
		if strings.Contains(c.Name, p.only) {
			list = append(list, c)
		}
	}
	return list
}
