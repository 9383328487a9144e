package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/report"
	"github.com/spf13/cobra"
)

// benchFiles are where a run is written to, empty for nowhere.
type benchFiles struct {
	command               string // of bench, which the report bears as a name
	hgrm, hlog, out, html string
}

func (b *benchFiles) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&b.hgrm, "hgrm", "", "write the latencies to this file in HdrHistogram's text form")
	f.StringVar(&b.hlog, "hlog", "", "write the latencies of each interval to this file in HdrHistogram's log form")
	f.StringVar(&b.out, "out", "", "write everything to this file as JSON, for bench compare")
	f.StringVar(&b.html, "html", "", "write a report with pictures to this file")
}

// overTime reports whether anything is to be noted by intervals.
func (b *benchFiles) overTime() bool { return b.hlog != "" || b.out != "" || b.html != "" }

// An outputs are files that are open before the run, so that a path that cannot be
// written costs no time.
type outputs []output

type output struct {
	file  *os.File
	write func(io.Writer, *bench.Result) error
}

// open makes the files.
func (b *benchFiles) open(spec bench.Spec) (outputs, error) {
	if queue := spec.Scenario == bench.Stream && spec.Rate == 0 || spec.Scenario == bench.Idle; queue && (b.hgrm != "" || b.hlog != "") {
		return nil, usage("--hgrm or --hlog without --rate: at the greatest rate a latency would be the length of the queue; add --rate 100000, say")
	}
	var list outputs
	for _, one := range []struct {
		path  string
		write func(io.Writer, *bench.Result) error
	}{
		{b.hgrm, func(w io.Writer, r *bench.Result) error { return r.WriteHgrm(w) }},
		{b.hlog, func(w io.Writer, r *bench.Result) error { return r.WriteHlog(w) }},
		{b.out, func(w io.Writer, r *bench.Result) error { return r.WriteJSON(w) }},
		{b.html, func(w io.Writer, r *bench.Result) error {
			return report.Write(w, "ringcast bench "+b.command, []report.Run{{Name: b.command, Result: r}})
		}},
	} {
		if one.path == "" {
			continue
		}
		f, err := os.Create(one.path)
		if err != nil {
			list.close()
			return nil, err
		}
		list = append(list, output{f, one.write})
	}
	return list, nil
}

// write fills the files and closes them.
func (l outputs) write(r *bench.Result) error {
	var errs []error
	for _, o := range l {
		errs = append(errs, o.write(o.file, r), o.file.Close())
	}
	return errors.Join(errs...)
}

// close closes what write did not: it may be called after it.
func (l outputs) close() {
	for _, o := range l {
		_ = o.file.Close() // closed already, or left empty after an error that is told
	}
}

// readRuns reads what --out has written.
func readRuns(paths []string) ([]report.Run, error) {
	var runs []report.Run
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		r, err := bench.ReadResult(f)
		_ = f.Close() // it was only read
		if err != nil {
			return nil, usage("%s: %v", path, err)
		}
		runs = append(runs, report.Run{Name: filepath.Base(path), Result: r})
	}
	return runs, nil
}
