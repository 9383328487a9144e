package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/report"
	"github.com/spf13/cobra"
)

const compareHelp = `Compare two or more runs that bench wrote with --out. The figures of each later run stand
beside those of the first, as ratios. The output says what makes a comparison doubtful:
other work, another machine, cores that were not equally far apart.`

const compareExamples = `  ringcast bench pingpong --out before.json
  ringcast bench pingpong --out after.json
  ringcast bench compare before.json after.json
  ringcast bench compare before.json after.json --html report.html`

func (t *tool) benchCompare() *cobra.Command {
	var asJSON bool
	var html string
	cmd := &cobra.Command{
		Use: "compare FILE FILE...", Short: "compare runs that were written with --out", Long: compareHelp, Example: compareExamples,
		Args: arguments(2, 64),
		RunE: func(_ *cobra.Command, args []string) error {
			runs, err := readRuns(args)
			if err != nil {
				return failed(err)
			}
			if err := t.compare(runs, asJSON); err != nil {
				return failed(err)
			}
			return failed(writeReport(html, runs))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a figure")
	cmd.Flags().StringVar(&html, "html", "", "write a report with all runs in each picture to this file")
	return cmd
}

func (t *tool) compare(runs []report.Run, asJSON bool) error {
	first := runs[0]
	for i, run := range runs[1:] {
		if i > 0 && !asJSON {
			_, _ = fmt.Fprintln(t.stdout)
		}
		if err := t.compareTwo(first, run, asJSON); err != nil {
			return err
		}
	}
	return nil
}

func (t *tool) compareTwo(a, b report.Run, asJSON bool) error {
	if !asJSON {
		return bench.PrintComparison(t.stdout, a.Name, b.Name, a.Result, b.Result)
	}
	enc := json.NewEncoder(t.stdout)
	for _, d := range bench.Differences(a.Result, b.Result) {
		row := struct {
			FileA    string `json:"file_a"`
			FileB    string `json:"file_b"`
			Doubtful bool   `json:"doubtful"`
			bench.Difference
		}{a.Name, b.Name, len(bench.Doubts(a.Result, b.Result)) > 0, d}
		if err := enc.Encode(row); err != nil {
			return err
		}
	}
	return nil
}

func writeReport(path string, runs []report.Run) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(report.Write(f, "ringcast bench compare", runs), f.Close())
}
