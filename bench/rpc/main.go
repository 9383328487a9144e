// Rpc measures requests of 256 bytes between processes of one node, beside whatever else answers
// requests there: ZeroMQ REQ/REP over ipc, NATS on loopback, gRPC over a unix socket, iceoryx2's
// request and response, and a bare unix socket, each in its own program (bench/peers). The contenders
// of a cell run by turns, and are compared over the rounds in which both ran in one regime. Then what one, two
// and four processes that serve one name answer in a second, and requests from one node to another
// (bench/nodes), beside NATS and ZeroMQ over TCP.
//
//	make bench-rpc [BUDGET=300s] [JSON=1]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/nodes"
	"github.com/ringcast/ringcast/bench/peers"
	"github.com/ringcast/ringcast/bench/table"
)

// A plan is what is measured, and for how long.
type plan struct {
	json     bool
	size     int
	budget   time.Duration // of everything
	programs string
	only     string
	rounds   int    // between nodes
	beside   string // of the peers there
	self     string
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == serveArgument {
		fmt.Fprintln(os.Stderr, "bench-rpc:", serve(os.Args[2], os.Args[3])) // it returns where it can't serve
		os.Exit(1)
	}
	if len(os.Args) > 2 && os.Args[1] == programArgument {
		if err := nodes.Program(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	table.Main("bench-rpc", func(ctx context.Context) error {
		if len(os.Args) == 3 && os.Args[1] == betweenArgument {
			return nodes.AskedMain(ctx, os.Args[2], os.Stdout)
		}
		p := plan{}
		flag.BoolVar(&p.json, "json", false, "one JSON object a row instead of a table")
		flag.IntVar(&p.size, "size", 256, "bytes of a request and of its reply, a multiple of 8")
		flag.DurationVar(&p.budget, "budget", 300*time.Second, "about how long all of it may take")
		flag.StringVar(&p.only, "only", "", "only cells whose name contains this: request, request spin, instances, nodes, nodes 16 open")
		flag.IntVar(&p.rounds, "rounds", 5, "pairs of runs of ours and each other between nodes")
		flag.StringVar(&p.beside, "beside", "", "between nodes only peers whose names contain one of these, with commas between")
		flag.StringVar(&p.programs, "programs", "bin/peers", "folder of the peers' programs")
		flag.Parse()
		if p.size < 16 || p.size > 1<<20 || p.size%8 != 0 || p.budget < time.Second {
			return fmt.Errorf("size %s, budget %v: want a multiple of 8 from 16 to 1048576, and a second or more", strconv.Itoa(p.size), p.budget)
		}
		return p.run(ctx)
	})
}

func (p *plan) run(ctx context.Context) (err error) {
	if p.self, err = os.Executable(); err != nil {
		return err
	}
	cells := []table.Cell{
		p.cell("request", bench.Block, 0.1, "zeromq", "nats", "grpc", "unix", "iceoryx2"),
		p.cell("request spin", bench.Spin, 1, "iceoryx2"),
		{Name: "instances", Measure: p.instances},
		p.between("nodes", 1),
		p.between("nodes 16 open", 16),
	}
	cells = slices.DeleteFunc(cells, func(c table.Cell) bool { return !strings.Contains(c.Name, p.only) })
	printer := table.Printer{Out: os.Stdout, Progress: os.Stderr, JSON: p.json, Deadline: time.Now().Add(p.budget)}
	return printer.Print(ctx, cells)
}

// hasGoal are those that ours should be ahead of by the goal of the cell.
var hasGoal = map[string]bool{"zeromq": true, "nats": true, "grpc": true, "iceoryx2": true}

// cell is one way to wait beside some peers, one request after the other: two rows for each.
func (p *plan) cell(name string, wait bench.Waiting, goal float64, names ...string) table.Cell {
	measure := func(ctx context.Context, until time.Time) ([]table.Row, error) {
		spec := bench.Spec{Scenario: bench.Request, Size: p.size, Wait: wait, Warmup: 100 * time.Millisecond, Duration: 400 * time.Millisecond}
		// Nobody is pinned: a handler runs in a goroutine of its own, whose thread a program does not choose.
		contenders := []bench.Contender{bench.Ours(spec, bench.Options{Child: []string{p.self, table.ChildArgument}})}
		var here []peers.Peer
		for _, n := range names {
			one, err := peers.Find(n)
			if err != nil {
				return nil, err
			}
			if why := one.Missing(p.programs); why != "" {
				fmt.Fprintln(os.Stderr, why)
				continue
			}
			here = append(here, one)
			contenders = append(contenders, one.Contender(spec, p.programs, false))
		}
		rounds, err := bench.Alternate(ctx, contenders, bench.Rounds{Want: 5, Most: 20, Again: 1, Until: until})
		if err != nil {
			return nil, err
		}
		return p.rows(name, wait, goal, here, rounds), nil
	}
	return table.Cell{Name: name, Measure: measure}
}

// rows are the medians of p50 and p99, in microseconds. Alone there is only ours.
func (p *plan) rows(name string, wait bench.Waiting, goal float64, here []peers.Peer, rounds []bench.Round) (rows []table.Row) {
	for _, q := range []struct {
		name string
		of   func(bench.Figure) float64
	}{{"p50", bench.P50Of}, {"p99", bench.P99Of}} {
		if len(here) == 0 {
			r := table.Compared(name+" "+q.name, "us", "", 1e-3, bench.Compare(rounds, 0, q.of, q.of))
			r.Smaller = true
			rows = append(rows, r)
		}
		for i, one := range here {
			r := table.Compared(name+" "+q.name, "us", one.Title, 1e-3, bench.Compare(rounds, 1+i, q.of, q.of))
			r.Smaller = true
			against := hasGoal[one.Name] && (wait == bench.Spin || one.Name != "iceoryx2")
			if q.name == "p50" && against {
				r.Goal, r.Judged = goal, true
				r.Verdict()
			}
			rows = append(rows, r)
		}
	}
	return rows
}
