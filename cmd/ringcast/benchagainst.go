package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/peers"
	"github.com/spf13/cobra"
)

// against are the peers to run beside ours.
type against struct {
	peers []string
	pairs int
}

func (a *against) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&a.peers, "against", nil, "run these peers by turns with ours and print ratios: aeron,zeromq (built by make peer-NAME)")
	f.IntVar(&a.pairs, "pairs", 3, "pairs in one regime that are wanted of ours and each peer, with --against")
}

// rounds are how often all run.
func (a *against) rounds(contenders int) int {
	if contenders < 2 {
		return 1
	}
	return max(a.pairs, 1)
}

// find are the peers asked for, if they are here and can do the work; the error names all that are not.
func (a *against) find(spec bench.Spec) (list []bench.Contender, err error) {
	dir, err := programsOfPeers()
	if err != nil {
		return nil, err
	}
	var lacks []error
	for _, name := range a.peers {
		p, err := peers.Find(name)
		if err != nil {
			return nil, usage("--against: %v", err)
		}
		for _, why := range []string{p.Cannot(spec), p.Missing(dir)} {
			if why != "" {
				lacks = append(lacks, errors.New(why))
			}
		}
		list = append(list, p.Contender(spec, dir, false))
	}
	return list, errors.Join(lacks...)
}

// programsOfPeers is the folder peers beside this program, which is where make puts both.
func programsOfPeers() (string, error) {
	self, err := os.Executable()
	return filepath.Join(filepath.Dir(self), "peers"), err
}

// A ratio is ours beside one peer: a line of --against.
type ratio struct {
	Peer   string  `json:"peer"`
	What   string  `json:"what"`
	Ours   float64 `json:"ours"`
	Theirs float64 `json:"theirs"`
	Ratio  float64 `json:"ratio"` // ours to theirs
	Spread float64 `json:"spread"`
	Regime string  `json:"regime"`
	LineNs int64   `json:"cache_line_ns"`
	Pairs  int     `json:"pairs"`
	Lost   int     `json:"pairs_discarded"`
}

// benchAgainst runs ours and peers by turns, and prints how they compare.
func (t *tool) benchAgainst(ctx context.Context, spec bench.Spec, run bench.Options, o *benchOptions) error {
	list, err := o.find(spec)
	if err != nil {
		return err
	}
	all := append([]bench.Contender{bench.Ours(spec, run)}, list...)
	rounds, err := bench.Alternate(ctx, all, bench.Rounds{Want: max(o.pairs, 1), Most: 4 * max(o.pairs, 1), Again: 2})
	if err != nil {
		return err
	}
	lines := ratiosOf(spec, all, rounds)
	if o.json {
		enc := json.NewEncoder(t.stdout)
		for _, l := range lines {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	_, _ = fmt.Fprintf(t.stdout, "machine   %v\nwork      %s\n\n", bench.ThisMachine(), (&bench.Result{Spec: spec}).Work())
	out := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(out, "peer\twhat\tours\ttheirs\tours to theirs\tspread\tregime\tpairs\tdiscarded\t")
	for _, l := range lines {
		_, _ = fmt.Fprintln(out, l)
	}
	return out.Flush()
}

// ratiosOf compares rates, and latencies where there are any.
func ratiosOf(spec bench.Spec, all []bench.Contender, rounds []bench.Round) (lines []ratio) {
	timed := spec.Scenario != bench.Stream || spec.Rate > 0
	for i, c := range all[1:] {
		for _, of := range []struct {
			what  string
			value func(bench.Figure) float64
			shown bool
		}{{"rate", bench.RateOf, true}, {"p50", bench.P50Of, timed}, {"p99", bench.P99Of, timed}} {
			if !of.shown {
				continue
			}
			r := bench.Compare(rounds, i+1, of.value, of.value)
			lines = append(lines, ratio{c.Name, of.what, r.Ours, r.Theirs, r.Ratio, r.Spread, string(r.Regime), int64(r.Line), r.Pairs, r.Discarded})
		}
	}
	return lines
}

// String is a line of the table.
func (r ratio) String() string {
	text := func(v float64) string {
		if r.What == "rate" {
			return bench.Grouped(v) + "/s"
		}
		return time.Duration(v).String()
	}
	if r.Pairs == 0 {
		return fmt.Sprintf("%s\t%s\t\t\t\t\tchanged\t0\t%d\t", r.Peer, r.What, r.Lost)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%.2f\t%.0f %%\t%s\t%d\t%d\t", r.Peer, r.What, text(r.Ours), text(r.Theirs), r.Ratio, 100*r.Spread, r.Regime, r.Pairs, r.Lost)
}
