package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/spf13/cobra"
)

const benchHelp = `Measure how fast messages go between processes of this machine. The tool starts the
processes itself, over a domain of its own in a temporary directory, which it removes at
the end. It touches nothing else that runs.

Producers write every byte of each message in the slot (Claim, Commit). Readers read every
byte where it lies (NextBatch) and check it. With --rate, messages are offered at fixed
instants, and a latency counts from the instant at which its message was due: a stall shows
in all messages that it delayed.

Beside each figure stands the time that a cache line takes from one core to another and
back, before and after the run: "near" or "far". On virtual machines it changes, and
everything with it; compare only figures of one regime.

Exit codes: 0 measured, 1 something failed, 2 wrong arguments, 3 readers missed messages
(a reader was stopped, or had no core, for longer than --stall-budget; the figures are of what was read).`

const benchExamples = `  ringcast bench pingpong --size 256
  ringcast bench oneway --size 2048
  ringcast bench oneway --rate 100000 --hgrm oneway.hgrm
  ringcast bench oneway --exclusive --wait spin --pin 0,1
  ringcast bench fanout --readers 3 --wait yield
  ringcast bench fanin --producers 3 --json
  ringcast bench fanin --producers 3 --exclusive --apart
  ringcast bench request --size 256
  ringcast bench survey --readers 5
  ringcast bench wake --pause 10ms --pin 0,1
  ringcast bench idle --topics 100
  ringcast bench pingpong --html report.html --out before.json
  ringcast bench pingpong --against aeron,iceoryx2 --wait spin --duration 400ms
  ringcast bench compare before.json after.json --html report.html`

// benchOptions are the flags of bench as they stand.
type benchOptions struct {
	spec bench.Spec
	wait string
	json bool
	benchFiles
	against
}

func (t *tool) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "bench", Short: "measure rates and latencies on this machine", Long: benchHelp, Example: benchExamples,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		t.benchScenario("oneway", "one producer, one reader: messages a second, or latency at a rate", bench.Spec{Scenario: bench.Stream}),
		t.benchScenario("pingpong", "there and back: round-trip latency", bench.Spec{Scenario: bench.PingPong}),
		t.benchScenario("fanout", "one producer, several readers of everything", bench.Spec{Scenario: bench.Stream, Readers: 3}),
		t.benchScenario("fanin", "several producers, one reader", bench.Spec{Scenario: bench.Stream, Producers: 3}),
		t.benchScenario("request", "a service and its callers: time to the reply", bench.Spec{Scenario: bench.Request}),
		t.benchScenario("survey", "a question to all readers: time until the last has answered", bench.Spec{Scenario: bench.Survey, Readers: 3}),
		t.benchScenario("wake", "one message after a pause, to a reader that has gone to sleep", bench.Spec{Scenario: bench.Wake}),
		t.benchScenario("idle", "readers asleep on topics on which nothing comes: what they cost", bench.Spec{Scenario: bench.Idle}),
		t.benchNet("net", "between nodes, over multicast: messages a second, or latency at a rate", []float64{0}),
		t.benchNet("loss", "between nodes, while frames are lost: messages a second, or latency at a rate", []float64{0, 0.1, 1, 5}),
		t.benchCompare(),
		t.benchChild(),
		t.benchNode(),
	)
	return cmd
}

func (t *tool) benchScenario(name, short string, spec bench.Spec) *cobra.Command {
	o := benchOptions{spec: spec, benchFiles: benchFiles{command: name}}
	cmd := &cobra.Command{
		Use: name, Short: short, Long: sentence(short) + "\n\n" + benchHelp, Example: benchExamples, Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.spec.Wait = bench.Waiting(o.wait)
			if !o.overTime() {
				o.spec.Every = 0
			}
			complete, err := o.spec.Complete()
			if err != nil {
				return usage("%v", err)
			}
			return failed(t.bench(cmd.Context(), complete, &o))
		},
	}
	f, s := cmd.Flags(), &o.spec
	f.IntVar(&s.Size, "size", 256, "bytes of a message, at least 16")
	benchCrowd(cmd, s)
	f.StringVar(&o.wait, "wait", "block", "how all wait: block (spin briefly, then sleep), spin, yield")
	f.IntSliceVar(&s.Pin, "pin", nil, "cores for the processes, producers first, round about: 0,1")
	f.DurationVar(&s.Duration, "duration", 3*time.Second, "how long to measure")
	f.DurationVar(&s.Warmup, "warmup", 500*time.Millisecond, "how long to run before that")
	f.IntVar(&s.Slots, "slots", 1024, "slots of the ring, a power of two")
	f.IntVar(&s.SlotSize, "slot-size", 0, "bytes of a slot (default: the message's size, rounded up to 64)")
	f.DurationVar(&s.StallBudget, "stall-budget", 0, "how long a reader may hold its producers up before it misses messages (default 500ms)")
	f.BoolVar(&o.json, "json", false, "print everything as one JSON object")
	f.DurationVar(&s.Every, "every", 100*time.Millisecond, "length of the intervals that --hlog, --out and --html show; at most 120 of them")
	o.benchFiles.addFlags(cmd)
	o.against.addFlags(cmd)
	return cmd
}

// benchCrowd are the flags that say who takes part, and how often.
func benchCrowd(cmd *cobra.Command, s *bench.Spec) {
	f := cmd.Flags()
	switch s.Scenario {
	case bench.Wake:
		f.DurationVar(&s.Pause, "pause", 10*time.Millisecond, "time between two messages")
	case bench.Idle:
		f.IntVar(&s.Topics, "topics", 100, "topics that each reader sleeps on")
		f.IntVar(&s.Readers, "readers", 1, "processes that sleep")
	default:
		f.Float64Var(&s.Rate, "rate", 0, "offer this many messages a second, all producers together (default: as fast as they are taken)")
	}
	if s.Scenario == bench.Stream {
		f.IntVar(&s.Producers, "producers", max(s.Producers, 1), "processes that publish")
		f.IntVar(&s.Readers, "readers", max(s.Readers, 1), "processes that subscribe, each of which gets everything")
		f.IntVar(&s.Batch, "batch", 0, "claim and commit that many messages at once (default: one by one)")
	}
	switch s.Scenario {
	case bench.Request:
		f.IntVar(&s.Producers, "callers", 1, "processes that ask, each one request at a time")
	case bench.Survey:
		f.IntVar(&s.Readers, "readers", s.Readers, "processes that answer")
	default:
		benchWays(cmd, s)
	}
}

// benchWays are how a message gets into a ring and out of it.
func benchWays(cmd *cobra.Command, s *bench.Spec) {
	f := cmd.Flags()
	f.BoolVar(&s.Copy, "copy", false, "publish from a buffer and copy on reading, instead of in place")
	f.BoolVar(&s.Exclusive, "exclusive", false, "topics that take one publisher and are faster")
	if s.Scenario == bench.Stream {
		f.BoolVar(&s.Apart, "apart", false, "each producer has a topic of its own, and readers take all by a pattern")
	}
}

// benchChild is what the tool starts: one process of a run.
func (t *tool) benchChild() *cobra.Command {
	return &cobra.Command{
		Use: "child", Hidden: true, Args: cobra.NoArgs, Short: "one process of a run; bench starts it",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return failed(bench.Child(cmd.Context(), t.stdin, t.stdout))
		},
	}
}

// bench runs one scenario and says what it measured.
func (t *tool) bench(ctx context.Context, spec bench.Spec, o *benchOptions) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	run := bench.Options{Child: []string{self, "bench", "child"}, Dir: t.config.Dir}
	if len(o.peers) > 0 {
		if o.overTime() || o.hgrm != "" {
			return usage("--against with --hgrm, --hlog, --out or --html: those are of one run of ours; leave one or the other away")
		}
		return t.benchAgainst(ctx, spec, run, o)
	}
	files, err := o.open(spec)
	if err != nil {
		return err
	}
	defer files.close()
	show, clear := benchProgress(t.stderr, spec)
	run.Progress = show
	result, err := bench.Run(ctx, spec, run)
	clear()
	if err != nil {
		return err
	}
	if err := files.write(result); err != nil {
		return err
	}
	if err := t.printBench(result, o.json); err != nil {
		return err
	}
	return missedError(result)
}

func (t *tool) printBench(r *bench.Result, asJSON bool) error {
	if !asJSON {
		return errors.Join(r.Print(t.stdout), r.Plot(t.stdout))
	}
	return r.WriteJSON(t.stdout)
}
