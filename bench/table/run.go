package table

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// Main is the main function of a program that prints a table: it ends with the first
// interrupt, and says what went wrong under the program's name, with exit code 1. The
// program is the command of its own runs, too, with the one argument that ChildArgument is.
func Main(name string, run func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 2 && os.Args[1] == ChildArgument {
		run = func(ctx context.Context) error { return bench.Child(ctx, os.Stdin, os.Stdout) }
	}
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// ChildArgument makes the program one process of a run.
const ChildArgument = "child"

// A Cell is one kind of work, which gives one row or several. Until is when it should be over.
type Cell struct {
	Name    string
	Measure func(ctx context.Context, until time.Time) ([]Row, error)
}

// A Printer measures cells and prints each row when it is there.
type Printer struct {
	Out      io.Writer
	Progress io.Writer // what is measured just now: a Line
	JSON     bool      // one object a row instead of a table
	Brief    bool      // with the keys of Brief alone
	Deadline time.Time // of all cells
}

// Print measures the cells one after the other, shares the time that is left among them,
// and counts the goals in a last line. The first error ends it.
func (p *Printer) Print(ctx context.Context, cells []Cell) error {
	if !p.JSON {
		fmt.Fprintf(p.Out, "%v\n\n%s\n", bench.ThisMachine(), Header)
	}
	var sum Summary
	line := NewLine(p.Progress)
	for i, c := range cells {
		line.Show("%d of %d: %s", i+1, len(cells), c.Name)
		rows, err := c.Measure(ctx, time.Now().Add(bench.Share(time.Until(p.Deadline), len(cells)-i)))
		line.Clear()
		if err != nil {
			return fmt.Errorf("cell %s: %w", c.Name, err)
		}
		for _, r := range rows {
			sum.Add(r)
			if err := p.row(r); err != nil {
				return err
			}
		}
	}
	if !p.JSON {
		fmt.Fprintf(p.Out, "\n%v\n", sum)
	}
	return nil
}

func (p *Printer) row(r Row) error {
	switch {
	case !p.JSON:
		_, err := fmt.Fprintln(p.Out, r)
		return err
	case p.Brief:
		return json.NewEncoder(p.Out).Encode(r.Brief())
	}
	return json.NewEncoder(p.Out).Encode(r)
}
