package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/ringcast/ringcast/bench/peers"
	"github.com/ringcast/ringcast/bench/table"
)

// A task is one round to be run: a cell beside the peers whose rows want more pairs.
type task struct {
	cell  cell
	peers []peers.Peer
}

// Rounds of a cell are run until all its rows have the pairs that are wanted, at first at most so many times
// as many rounds, and at last, when all cells have had their turn, so many.
const (
	patience    = 2
	morePatient = 4
)

// schedule is the cells in the order in which they are measured.
func (p *plan) schedule() (list []cell) {
	for _, c := range allCells() {
		if c.measure != commands && c.source == "" && wanted(p.cells, c.name, false) && (!p.quick || c.rank == 0) {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b cell) int { return a.rank - b.rank })
	return list
}

// next is the next round of a cell, nil where it wants no more.
func (p *plan) next(c *cell, rounds []round, times int) *task {
	var own []round
	for _, r := range rounds {
		if r.Cell == c.name && r.Version == p.version {
			own = append(own, r)
		}
	}
	t := &task{cell: c.timed(p.length)}
	for _, one := range p.here(c) {
		m := matchesOf(c, own, alikeLibrary(c, one), one.Name)
		_, pairs := m.best(p.want)
		if len(pairs) >= p.want || len(m.failed) >= patience && m.tried == 0 || m.tried+len(m.failed) >= times*p.want {
			continue
		}
		t.peers = append(t.peers, one)
	}
	if len(t.peers) == 0 {
		return nil
	}
	return t
}

// measureAll runs rounds until each row has its pairs or the time is over.
func (p *plan) measureAll(ctx context.Context) error {
	for program, build := range map[string]string{p.worker: "go build -o " + p.worker + " ./bench/worker", p.native: "make -C cbindings bench", p.at.Native: "make -C cbindings bench"} {
		if _, err := os.Stat(program); err != nil {
			return fmt.Errorf("our own program is not built: %w: %s, or make bench-peers", err, build)
		}
	}
	p.sayMissing()
	until := time.Now().Add(p.budget)
	rounds, err := p.results.load()
	if err != nil {
		return err
	}
	line := table.NewLine(p.progress)
	defer line.Clear()
	list := p.schedule()
	if len(list) == 0 {
		return fmt.Errorf("no cell's name contains one of %q: -table names them all", p.cells)
	}
	if p.peers != "" && !slices.ContainsFunc(peers.All, func(one peers.Peer) bool { return wanted(p.peers, one.Name, true) }) {
		return fmt.Errorf("no peer is one of %q: want some of %v", p.peers, peers.Names())
	}
	for _, times := range []int{patience, morePatient} {
		for i := range list {
			for t := p.next(&list[i], rounds, times); t != nil; t = p.next(&list[i], rounds, times) {
				if time.Now().After(until) || ctx.Err() != nil {
					return ctx.Err()
				}
				line.Show("%v left, cell %d of %d: %s", time.Until(until).Round(time.Second), i+1, len(list), t.cell.name)
				r, err := p.measure(ctx, t)
				if err != nil {
					return err
				}
				if err := p.results.add(&r); err != nil {
					return err
				}
				rounds = append(rounds, r)
			}
		}
	}
	return nil
}
