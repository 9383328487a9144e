package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"syscall"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/jsonform"
	"github.com/spf13/cobra"
)

const subExamples = `  ringcast sub orders.eu
  ringcast sub 'orders.>' --count 100 --timeout 5s
  ringcast sub orders.eu --last 10             # and what was published before, on other nodes too
  ringcast sub orders.eu --oldest --count 100
  ringcast sub jobs --queue-group workers      # each of those that say so gets a share
  ringcast sub load --quiet --latency --json
  ringcast sub 'orders.>' --json-lines         # topic, source, sequence, payload
  ringcast sub orders.eu --schemas schemas     # FlatBuffers as JSON, by schemas/orders.eu.bfbs
  ringcast sub images --binary --output images.bin --sha256`

const subHelp = `Read a topic, or all topics that match a pattern (* is one token, > the rest), from now on,
until a signal comes or --count is reached.

Messages go to the standard output, each with a line's end. With --binary each is led by its
length (four bytes, little endian). With --json-lines each is an object of JSON on a line:
topic, source, sequence, content, and payload (text), fields (texts), value (a FlatBuffer,
by --schemas) or base64. Events, such as messages that were missed, go to the standard
error. So does the summary; as JSON it goes to the standard output if no messages go there.`

// subOptions are the flags of sub as they stand.
type subOptions struct {
	count   uint64
	raw     bool
	binary  bool
	output  string
	quiet   bool
	sha     bool
	latency bool
	timeout time.Duration
	latest  bool
	group   string
	local   bool
	history int
	oldest  bool
	json    bool
	lines   bool
	schemas schemaFolder
}

func (t *tool) subCommand() *cobra.Command {
	var o subOptions
	cmd := &cobra.Command{
		Use: "sub TOPIC|PATTERN", Short: "read a topic or a pattern", Long: subHelp, Example: subExamples,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return failed(t.sub(cmd.Context(), args[0], &o))
		},
	}
	f := cmd.Flags()
	f.Var(&waitFlag{&t.config.Wait}, "wait", "how to wait: block (sleeps when idle, the default), spin or yield (keep a core busy, for speed)")
	f.Uint64Var(&o.count, "count", 0, "end after this many messages")
	f.BoolVar(&o.raw, "raw", false, "write each message with a line's end (the default)")
	f.BoolVar(&o.binary, "binary", false, "write each message led by its length, u32 little endian")
	f.StringVar(&o.output, "output", "", "write messages to this file")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "write no messages")
	f.BoolVar(&o.sha, "sha256", false, "print the SHA-256 of all messages, each led by its length as with --binary")
	f.BoolVar(&o.latency, "latency", false, "show how long messages took, if the publisher gives --timestamps")
	f.DurationVar(&o.timeout, "timeout", 0, "end when no message has come for this long; short of --count, or without any, exit code 4")
	f.BoolVar(&o.latest, "latest", false, "hold no publisher back, and miss what comes too fast")
	f.StringVar(&o.group, "queue-group", "", "share the topic with the other members of this queue group: each message goes to one of them")
	f.BoolVar(&o.local, "local", false, "read nothing from other nodes")
	f.IntVar(&o.history, "last", 0, "begin this many messages back, as far as the rings of this and of other nodes have them")
	f.IntVar(&o.history, "history", 0, "the same as --last")
	f.BoolVar(&o.oldest, "oldest", false, "begin with the oldest message that the rings have")
	cmd.MarkFlagsMutuallyExclusive("last", "history", "oldest")
	f.BoolVar(&o.json, "json", false, "print the summary as one JSON object")
	f.BoolVar(&o.lines, "json-lines", false, "write each message as an object of JSON, on a line")
	o.schemas.flag(cmd, "writes these FlatBuffers as JSON, with --json-lines")
	return cmd
}

// check refuses what does not go together, and reads the schemas.
func (o *subOptions) check() error {
	o.lines = o.lines || o.schemas.path != ""
	switch {
	case o.raw && o.binary:
		return usage("--raw and --binary are two forms of one output: choose one")
	case o.lines && (o.raw || o.binary || o.quiet && o.output == ""):
		return usage("--json-lines (and --schemas) is a form of output as --raw, --binary and --quiet are: choose one")
	case o.timeout != 0 && o.timeout < time.Millisecond:
		return usage("--timeout %v: want 1ms or more", o.timeout)
	}
	return o.schemas.read()
}

func (o *subOptions) framing() int {
	switch {
	case o.binary:
		return framingBinary
	case o.quiet && o.output == "" && !o.raw:
		return framingNone
	}
	return framingRaw
}

// sub is the command.
func (t *tool) sub(ctx context.Context, pattern string, o *subOptions) (err error) {
	bus, err := ringcast.Open(ctx, &t.config)
	if err != nil {
		return t.groupAdvice(err, o)
	}
	defer bus.Close()
	if o.oldest {
		o.history = math.MaxInt
	}
	sub, err := bus.Subscribe(pattern, &ringcast.SubscriberConfig{Latest: o.latest, LocalOnly: o.local, History: o.history, Group: o.group})
	if err != nil {
		return err
	}
	out, closeOut, err := t.output(o) // not before: a file is emptied when it is opened
	if err != nil {
		return err
	}
	r := &receiving{sub: sub, sink: newSink(out, o.framing()), tally: newTally(), events: t.stderr, count: o.count, timeout: o.timeout}
	r.shared = o.group != ""
	if o.lines {
		r.form = o.jsonLine
	}
	if o.sha {
		r.digest = newDigest()
	}
	if o.latency {
		r.latencies = newLatencies()
	}
	stop := func() {}
	if o.framing() == framingNone || o.output != "" {
		stop = progress(t.stderr, "received", r.tally)
	}
	err = r.run(ctx)
	stop()
	if err = errors.Join(err, r.sink.flush(), closeOut()); errors.Is(err, syscall.EPIPE) {
		return err // who reads is gone, and wants no sum
	}
	return errors.Join(err, t.subSummary(pattern, r, o))
}

// jsonLine writes a message as an object of JSON behind what is in out.
func (o *subOptions) jsonLine(out []byte, m *ringcast.Message) []byte {
	return jsonform.AppendMessage(out, m, o.schemas.of(m.Topic(), jsonform.AsMessage))
}

// groupAdvice adds to a refusal of rights what who meant a queue group has to write.
func (t *tool) groupAdvice(err error, o *subOptions) error {
	var other *ringcast.OtherRightsError
	if t.config.Group == "" || o.group != "" || !errors.Is(err, ringcast.ErrBadRights) && !errors.As(err, &other) {
		return err
	}
	return &exitError{code: exitUsage, err: err, advice: fmt.Sprintf("--group is the group of users whom the domain belongs to. For a queue group pass --queue-group %s.", t.config.Group)}
}

// output is where messages go.
func (t *tool) output(o *subOptions) (io.Writer, func() error, error) {
	if o.output == "" {
		return t.stdout, func() error { return nil }, nil
	}
	f, err := os.Create(o.output)
	if err != nil {
		return nil, nil, err
	}
	return f, f.Close, nil
}

// subSummary prints what came, and is an error with its own exit code if
// messages were missed.
func (t *tool) subSummary(pattern string, r *receiving, o *subOptions) error {
	s := summary{Topic: pattern, SHA256: r.digest.hex(), Latency: r.latencies.summary(), Interrupted: r.interrupted}
	s.Lagged, s.Lost, s.Gaps, s.Events = r.lagged, r.lost, r.gaps.missing, r.told
	s.Abandoned = r.abandoned
	s.finish(r.tally)
	w := t.stderr
	if o.json && (o.framing() == framingNone || o.output != "") {
		w = t.stdout
	}
	if err := s.print(w, o.json); err != nil {
		return err
	}
	if s.Lagged+s.Lost+s.Gaps > 0 {
		return &exitError{code: exitMissed, err: fmt.Errorf("messages were missed: %d positions lagged, %d messages lost, %d sequences did not come",
			s.Lagged, s.Lost, s.Gaps)}
	}
	return nil
}
