package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/table"
)

// cells are those asked for.
func (p *plan) cells() []table.Cell {
	var list []table.Cell
	sizes := []int{64, 256, 2048}
	if p.quick {
		sizes = []int{64, 2048}
	}
	for _, exclusive := range []bool{true, false} {
		for _, size := range sizes {
			list = append(list, p.workCell(bench.Stream, exclusive, size))
		}
		list = append(list, p.workCell(bench.PingPong, exclusive, 64))
	}
	list = append(list, p.pyzmqCell(2000))
	return slices.DeleteFunc(list, func(c table.Cell) bool { return !strings.Contains(c.Name, p.cell) })
}

// A pair is one row of a cell: a language beside another, and what of it is wanted.
type pair struct {
	name, peer string
	goal       float64 // of rates; times are wanted to be as many times shorter. 0: none
}

// pairs are the goals, and each other language beside Go without one.
func pairs() []pair {
	return []pair{{"C", "Go", 1}, {"C-calls", "Go", 0}, {"C++", "Go", 1}, {"Java", "C", 0.7}, {"Java", "Go", 0}, {"Python", "Go", 0}}
}

// workCell is one producer and one reader, or a round trip, in all languages by turns.
func (p *plan) workCell(scenario bench.Scenario, exclusive bool, size int) table.Cell {
	kind := map[bool]string{true: "exclusive", false: "shared"}[exclusive]
	name := fmt.Sprintf("%s %d B", kind, size)
	if scenario == bench.PingPong {
		name = "pingpong " + kind
	}
	return table.Cell{Name: name, Measure: func(ctx context.Context, until time.Time) ([]table.Row, error) {
		s := p.spec(scenario, exclusive, size)
		list := []bench.Contender{bench.Ours(s, bench.Options{Child: p.self})}
		list[0].Name = "Go"
		for _, l := range p.languages {
			list = append(list, l.contender(s))
		}
		rounds, err := bench.Alternate(ctx, list, bench.Rounds{Want: p.want, Most: 2 * p.want, Again: 2, Until: until})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return endedEarly(workRows(name, scenario, list, rounds), err), nil
	}}
}

// spec is the work of a cell, the same in all languages. A stream's ring is as deep as bench-ring has it.
func (p *plan) spec(scenario bench.Scenario, exclusive bool, size int) bench.Spec {
	s := bench.Spec{Scenario: scenario, Size: size, Exclusive: exclusive, Wait: bench.Spin, Pin: []int{0, 1},
		Duration: p.duration, Warmup: 100 * time.Millisecond}
	if scenario == bench.Stream {
		s.Slots = bench.DeepSlots(size)
	}
	return s
}

// workRows are the pairs of a cell of which both languages were measured. A stream is
// compared by its rate, a round trip by its median.
func workRows(name string, scenario bench.Scenario, list []bench.Contender, rounds []bench.Round) []table.Row {
	unit, scale, of := "M/s", 1e-6, bench.RateOf
	if scenario == bench.PingPong {
		unit, scale, of = "ns", 1.0, bench.P50Of
	}
	at := func(name string) int {
		return slices.IndexFunc(list, func(c bench.Contender) bool { return c.Name == name })
	}
	var rows []table.Row
	for _, w := range pairs() {
		i, j := at(w.name), at(w.peer)
		if i < 0 || j < 0 {
			continue
		}
		r := table.Compared(w.name+" "+name, unit, w.peer, scale, bench.Compare(only(rounds, i, j), 1, of, of))
		r.Judged, r.Goal = w.goal > 0, w.goal
		if scenario == bench.PingPong {
			r.Smaller = true
			if r.Judged {
				r.Goal = 1 / w.goal
			}
		}
		r.Verdict()
		rows = append(rows, r)
	}
	return rows
}

// endedEarly says in each row that a run failed, if one did: in all languages alike a run
// whose reader was put out is a failed one. The rounds before it count, and other cells
// are measured; a goal without a pair is not met.
func endedEarly(rows []table.Row, err error) []table.Row {
	for i := range rows {
		if err != nil {
			rows[i].Note = "ended early: " + err.Error()
		}
	}
	return rows
}

// only is the rounds with two of their contenders, i before j.
func only(rounds []bench.Round, i, j int) []bench.Round {
	two := make([]bench.Round, len(rounds))
	for k, r := range rounds {
		two[k] = bench.Round{r[i], r[j]}
	}
	return two
}

// pyzmqCell is Python's ways beside pyzmq. Here the first 8 bytes of a message and the
// last are read, as oneway.py says.
func (p *plan) pyzmqCell(size int) table.Cell {
	name := fmt.Sprintf("one way %d B", size)
	return table.Cell{Name: name, Measure: func(ctx context.Context, until time.Time) ([]table.Row, error) {
		ways := []string{"pyzmq", "lease", "claim"}
		if !p.quick {
			ways = append(ways, "copies", "async")
		}
		var list []bench.Contender
		for _, way := range ways {
			list = append(list, oneWay(way, size, p.duration))
		}
		rounds, err := bench.Alternate(ctx, list, bench.Rounds{Want: p.want, Most: 2 * p.want, Again: 2, Until: until})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var rows []table.Row
		for i, way := range ways[1:] {
			r := table.Compared("Python "+way+fmt.Sprintf(" %d B", size), "M/s", ways[0], 1e-6,
				bench.Compare(only(rounds, i+1, 0), 1, bench.RateOf, bench.RateOf))
			if way == "lease" {
				r.Judged, r.Goal = true, 5
			}
			r.Verdict()
			rows = append(rows, r)
		}
		return endedEarly(rows, err), nil
	}}
}
