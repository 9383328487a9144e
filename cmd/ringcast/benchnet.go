package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/nodes"
	"github.com/spf13/cobra"
)

const benchNetHelp = `The tool makes nodes of its own on this machine: network namespaces joined by a bridge, MTU
1500, each with its own shared memory and forwarder (ringcastd). One node sends, all others
receive. nftables drops frames on their way into a node, and counts them. The tool does not
touch the machine's own network and needs no root. It needs a kernel that lets users make
namespaces, and the programs ip, nft and ethtool; it says what is missing.

A rate is that of the slowest receiver, whole and in order. With --rate, a latency counts
from the instant at which its message was due, at the receiver that waited longest.`

const benchNetExamples = `  ringcast bench net --size 1024
  ringcast bench net --nodes 3 --rate 10000
  ringcast bench loss --losses 0,0.1,1,5 --json`

// benchNetOptions are the flags of net and loss.
type benchNetOptions struct {
	work      nodes.Work
	count     int
	losses    []float64
	forwarder string
	json      bool
	against
}

func (t *tool) benchNet(name, short string, losses []float64) *cobra.Command {
	o := benchNetOptions{losses: losses}
	cmd := &cobra.Command{
		Use: name, Short: short, Long: sentence(short) + "\n\n" + benchNetHelp, Example: benchNetExamples, Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.work.Receivers = o.count - 1
			for _, loss := range o.losses {
				w := o.work
				w.Loss = loss
				if err := w.Check(); err != nil {
					return usage("%v", err)
				}
			}
			for _, peer := range o.peers {
				if nodes.Called(peer) == "" {
					return usage("--against %s between nodes: want one of %v", peer, nodes.Names()[1:])
				}
			}
			return failed(t.inLab(func() error {
				err := t.benchNodes(cmd.Context(), &o)
				if err != nil && cmd.Context().Err() != nil {
					return errors.New("interrupted") // and not what the signal met
				}
				return err
			}))
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.work.Size, "size", 1024, "bytes of a message, at least 16")
	f.IntVar(&o.count, "nodes", 2, "how many nodes: one sends, the others receive")
	f.Float64Var(&o.work.Rate, "rate", 0, "offer this many messages a second (default: as fast as they are taken)")
	f.Float64SliceVar(&o.losses, "losses", losses, "per cent of frames to lose on their way into a node, one run each")
	f.BoolVar(&o.work.Compressible, "compressible", false, "payloads that compress; otherwise they do not")
	f.DurationVar(&o.work.Duration, "duration", 2*time.Second, "how long to measure")
	f.DurationVar(&o.work.Warmup, "warmup", 700*time.Millisecond, "how long to run before that")
	f.StringVar(&o.forwarder, "forwarder", "", "the program ringcastd (default: beside this one, or on the path)")
	f.BoolVar(&o.json, "json", false, "print one JSON object a run")
	o.against.addFlags(cmd)
	return cmd
}

// inLab runs a function where nodes can be made, which is this program started once more.
func (t *tool) inLab(run func() error) error {
	var inside error
	code, err := nodes.Inside(func() int {
		if inside = run(); inside != nil {
			_, _ = fmt.Fprintln(t.stderr, "ringcast:", inside)
			return exitFailed
		}
		return exitOK
	})
	switch {
	case err != nil:
		return err
	case inside != nil:
		os.Exit(exitFailed) // said already; who started this one passes the code on
	case code != 0:
		os.Exit(code)
	}
	return nil
}

// programs are where our own programs are.
func (o *benchNetOptions) programs() (nodes.Places, error) {
	self, err := os.Executable()
	if err != nil {
		return nodes.Places{}, err
	}
	at := nodes.Places{Self: []string{self, "bench", "node"}, Forwarder: o.forwarder}
	if at.Forwarder == "" {
		at.Forwarder = filepath.Join(filepath.Dir(self), "ringcastd")
		if _, err := os.Stat(at.Forwarder); err != nil {
			if at.Forwarder, err = exec.LookPath("ringcastd"); err != nil {
				return at, errors.New("ringcastd is neither beside this program nor on the path: say where with --forwarder")
			}
		}
	}
	return at, nil
}

// A netLine is one run of one contender.
type netLine struct {
	Who string     `json:"who"`
	W   nodes.Work `json:"work"`
	nodes.Report
}

// benchNodes runs all losses, ours and the peers by turns.
func (t *tool) benchNodes(ctx context.Context, o *benchNetOptions) error {
	at, err := o.programs()
	if err != nil {
		return err
	}
	names, err := o.nodePeers(o.work, at)
	if err != nil {
		return err
	}
	if !o.json {
		_, _ = fmt.Fprintf(t.stdout, "machine   %v\nwork      %d bytes, 1 node to %d, %s, %v after %v\n", bench.ThisMachine(), o.work.Size,
			o.work.Receivers, offered(o.work.Rate), o.work.Duration, o.work.Warmup)
	}
	out := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	if !o.json {
		_, _ = fmt.Fprintln(out, "loss %\t\tmessages/s\tp50\tp99\tp99.9\tmax\tcores\tdaemon MB\tframes lost\tmissing\ttold\t")
	}
	var lines []netLine
	for _, loss := range o.losses {
		w := o.work
		w.Loss = loss
		for range o.rounds(len(names)) {
			for _, name := range names {
				r, err := nodes.Measure(ctx, name, w, at)
				if err != nil {
					return err
				}
				line := netLine{name, w, r}
				lines = append(lines, line)
				if o.json {
					err = json.NewEncoder(t.stdout).Encode(line)
				} else {
					err = line.print(out)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return errors.Join(out.Flush(), t.netRatios(names, o, lines))
}

func (l netLine) print(out *tabwriter.Writer) error {
	took := func(ns int64) string {
		if l.W.Rate == 0 {
			return "-" // of the queue
		}
		return time.Duration(ns).Round(time.Microsecond / 10).String()
	}
	p := l.Latency
	_, err := fmt.Fprintf(out, "%g\t%s\t%s\t%s\t%s\t%s\t%s\t%.2f\t%.1f\t%d of %d\t%d\t%d\t\n", l.W.Loss, l.Who, bench.Grouped(l.Rate), took(p.P50),
		took(p.P99), took(p.P999), took(p.Max), l.CPU, l.DaemonMB, l.Lost, l.Frames, l.Missing, l.Told)
	return err
}

// netRatios says how each peer compares, by medians over the runs.
func (t *tool) netRatios(names []string, o *benchNetOptions, lines []netLine) error {
	if o.json {
		return nil
	}
	for _, loss := range o.losses {
		rates := func(name string) float64 {
			var list []float64
			for _, l := range lines {
				if l.Who == name && l.W.Loss == loss {
					list = append(list, l.Rate)
				}
			}
			return bench.Median(list)
		}
		for _, name := range names[1:] {
			if theirs := rates(name); theirs > 0 {
				_, _ = fmt.Fprintf(t.stdout, "loss %g %%: %.2f times the rate of %s\n", loss, rates(names[0])/theirs, name)
			}
		}
	}
	return nil
}

func offered(rate float64) string {
	if rate > 0 {
		return bench.Grouped(rate) + " offered a second"
	}
	return "as fast as possible"
}

// nodePeers are ours and the peers asked for, if they are here.
func (a *against) nodePeers(w nodes.Work, at nodes.Places) ([]string, error) {
	names := []string{nodes.Ours}
	for _, wanted := range a.peers {
		name := nodes.Called(wanted)
		if why := nodes.Lacks(name, w, at); why != "" {
			return nil, errors.New(why)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// benchNode is what the tool starts on a node: the sender or a receiver.
func (t *tool) benchNode() *cobra.Command {
	return &cobra.Command{
		Use: "node", Hidden: true, Short: "one process of a run between nodes; bench starts it", DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error { return failed(nodes.Program(args)) },
	}
}
