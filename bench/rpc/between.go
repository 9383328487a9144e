package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench/nodes"
	"github.com/ringcast/ringcast/bench/table"
)

const (
	// betweenArgument makes the program the one that measures between nodes, in namespaces of its own.
	betweenArgument = "between"
	// programArgument makes it our service or the one who asks there.
	programArgument = "peer"
	// forwarder is ours on each node.
	forwarder = "bin/ringcastd"
)

// between is requests from one node to a service of another, so many open at a time. A host that can't have
// nodes meets no goal.
func (p *plan) between(name string, open int) table.Cell {
	return table.Cell{Name: name, Measure: func(ctx context.Context, until time.Time) ([]table.Row, error) {
		rows, err := p.asked(ctx, nodes.Asked{Cell: name, Size: p.size, Open: open, Warmup: 300 * time.Millisecond, Duration: 600 * time.Millisecond,
			Rounds: p.rounds, Peers: p.beside, Until: until, At: nodes.Places{Self: []string{p.self, programArgument}, Forwarder: forwarder}})
		var missing *missingError
		if errors.As(err, &missing) {
			return []table.Row{nodes.Unmeasured(name, missing)}, nil
		}
		return rows, err
	}}
}

// A missingError is what the host lacks for nodes.
type missingError struct{ what string }

func (e *missingError) Error() string { return e.what }

// asked has another process measure: it is the one that enters namespaces.
func (p *plan) asked(ctx context.Context, a nodes.Asked) ([]table.Row, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, p.self, betweenArgument, string(text))
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("between nodes: %w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return report(out.Bytes())
}

// report reads what it has printed.
func report(text []byte) ([]table.Row, error) {
	var r nodes.AskedReport
	switch err := json.Unmarshal(text, &r); {
	case err != nil:
		return nil, fmt.Errorf("between nodes: answer %q: %w", text, err)
	case r.Missing != "":
		return nil, &missingError{r.Missing}
	}
	return r.Rows, nil
}
