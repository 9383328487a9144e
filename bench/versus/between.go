package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/nodes"
)

// An errand is one round between nodes, which another process runs in namespaces of its own.
type errand struct {
	Work  nodes.Work   `json:"work"`
	Names []string     `json:"names"` // as bench/nodes calls them, ours first
	At    nodes.Places `json:"at"`
}

// measureBetween runs one round between nodes.
func (p *plan) measureBetween(ctx context.Context, t *task) (round, error) {
	r := p.newRound(t.cell.name)
	e := errand{Work: t.cell.work, Names: []string{nodes.Ours, nodes.OursInC}, At: p.at}
	for _, one := range t.peers {
		e.Names = append(e.Names, one.Contends(t.cell.work.Loss))
	}
	text, err := json.Marshal(e)
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, p.between[0], append(append([]string{}, p.between[1:]...), string(text))...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("%s: %w: %s", t.cell.name, err, strings.TrimSpace(complaint.String()))
	}
	if err := json.Unmarshal(out.Bytes(), &r.Runs); err != nil {
		return r, fmt.Errorf("%s: answer: %w", t.cell.name, err)
	}
	for i := range t.peers { // by the names of this program
		r.Runs[2+i].Who = t.peers[i].Name
	}
	return r, nil
}

// betweenMain is that process; it prints the runs.
func betweenMain(text string) int {
	var e errand
	err := json.Unmarshal([]byte(text), &e)
	code := 0
	if err == nil {
		code, err = nodes.Inside(func() int {
			runs, err := e.run(context.Background())
			if err == nil {
				err = json.NewEncoder(os.Stdout).Encode(runs)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			return 0
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// run measures each contender once.
func (e *errand) run(ctx context.Context) (list []run, err error) {
	line := bench.CacheLine()
	for i, name := range e.Names {
		report, err := nodes.Measure(ctx, name, e.Work, e.At)
		if err != nil && i < ownRuns {
			return nil, err
		}
		one := run{Who: name, Figure: report.Figure, Before: line}
		one.Figure.Missing = report.Missing
		switch {
		case err != nil:
			one.Failed = err.Error()
		case report.Figure.Rate == 0 && i < ownRuns:
			return nil, errors.New(nothingCame)
		case report.Figure.Rate == 0:
			one.Failed = nothingCame
		}
		line = bench.CacheLine()
		one.After = line
		list = append(list, one)
	}
	return list, nil
}
