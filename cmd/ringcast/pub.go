package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/flatjson"
	"github.com/ringcast/ringcast/internal/jsonform"
	"github.com/ringcast/ringcast/internal/modeflag"
	"github.com/spf13/cobra"
)

const pubExamples = `  seq 10 | ringcast pub orders.eu
  ringcast pub orders.eu --file orders.txt --repeat 10 --wait-subscribers 1
  ringcast pub load --size 2000 --count 1000000 --rate 100000 --timestamps
  ringcast pub prices --topic-mode 640 --topic-group desk    # the group reads, you alone publish
  echo '{"number":7}' | ringcast pub orders.eu --schemas schemas     # a FlatBuffer, by schemas/orders.eu.bfbs
  ringcast pub images --slots 64 --slot-size 4194304 --binary < images.bin`

const pubHelp = `Publish messages on a topic: the lines of the standard input or of a file; with --binary,
messages that are each led by their length (four bytes, little endian); or generated ones,
with --size and --count. With --schemas each line is the JSON of a FlatBuffer. A message may
have up to half of the topic's ring; a new topic takes its shape from --slots and --slot-size.`

// pubOptions are the flags of pub as they stand.
type pubOptions struct {
	binary     bool
	file       string
	repeat     int
	rate       float64
	size       int
	count      uint64
	slots      int
	slotSize   int
	stall      time.Duration
	latest     bool
	exclusive  bool
	timestamps bool
	rights     ringcast.Rights
	subs       int
	patience   time.Duration
	sha        bool
	json       bool
	quiet      bool
	schemas    schemaFolder
	schema     *flatjson.Schema // of the topic; nil: bytes are published
}

func (t *tool) pubCommand() *cobra.Command {
	var o pubOptions
	cmd := &cobra.Command{
		Use: "pub TOPIC", Short: "publish lines, a file, or generated messages", Long: pubHelp, Example: pubExamples,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("size") && o.size < 0 {
				return usage("--size %d: want 0 or more", o.size)
			}
			if err := o.check(args[0]); err != nil {
				return err
			}
			return failed(t.pub(cmd.Context(), args[0], &o))
		},
	}
	f := cmd.Flags()
	f.Var(&waitFlag{&t.config.Wait}, "wait", "how to wait: block (sleeps when idle, the default), spin or yield (keep a core busy, for speed)")
	f.BoolVar(&o.binary, "binary", false, "the input is messages led by their length, u32 little endian")
	f.StringVar(&o.file, "file", "", "read this file instead of the standard input")
	f.IntVar(&o.repeat, "repeat", 1, "publish the file this many times")
	f.Float64Var(&o.rate, "rate", 0, "offer this many messages a second (default: as fast as they are taken)")
	f.IntVar(&o.size, "size", -1, "generate messages of this many bytes, numbered from 1 in their first eight")
	f.Lookup("size").DefValue = "0" // help has no default for what is not generated
	f.Uint64Var(&o.count, "count", 0, "end after this many messages (default: with the input)")
	f.IntVar(&o.slots, "slots", 0, "ask for a ring of this many slots, a power of two (default 1024 if the topic is new, fewer of slots above 16 KiB)")
	f.IntVar(&o.slotSize, "slot-size", 0, "ask for slots of this many bytes (default 2048 if the topic is new)")
	f.DurationVar(&o.stall, "stall-budget", 0, "ask for a topic on which a reader may hold publishers up for this long (default 500ms if the topic is new)")
	f.BoolVar(&o.latest, "latest", false, "ask for a topic that waits for nobody")
	f.BoolVar(&o.exclusive, "exclusive", false, "ask for a topic with one publisher at a time")
	f.Var(&modeflag.Value{Mode: &o.rights.Mode}, "topic-mode", "ask for a topic with this mode: whoever may write it publishes, whoever may read it subscribes (default: the domain's)")
	f.StringVar(&o.rights.Group, "topic-group", "", "ask for a topic of this group, one of yours (default: the domain's)")
	f.StringVar(&o.rights.Owner, "topic-owner", "", "ask for a topic of this user; root only (default: whoever makes it)")
	f.BoolVar(&o.timestamps, "timestamps", false, "put the time into every message, for sub --latency")
	f.IntVar(&o.subs, "wait-subscribers", 0, "begin when the topic has this many subscriptions")
	f.DurationVar(&o.patience, "timeout", 0, "wait for subscribers no longer than this (default: for ever)")
	f.BoolVar(&o.sha, "sha256", false, "print the SHA-256 of all messages, each led by its length as with --binary")
	f.BoolVar(&o.json, "json", false, "print the summary as one JSON object on the standard output")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress and no summary in words")
	o.schemas.flag(cmd, "each line is JSON, and a FlatBuffer is published")
	return cmd
}

func (o *pubOptions) check(topic string) error {
	switch {
	case o.size > maxMessage:
		return usage("--size %d: no message may be larger than %d bytes", o.size, maxMessage)
	case o.size >= 0 && (o.file != "" || o.binary):
		return usage("--size generates messages: leave --file and --binary away")
	case o.size >= 0 && o.count == 0:
		return usage("--size wants --count, the number of messages to generate")
	case o.repeat != 1 && o.file == "":
		return usage("--repeat wants --file: the standard input can't be read again")
	case o.repeat < 1:
		return usage("--repeat %d: want 1 or more", o.repeat)
	case !(o.rate >= 0): // NaN is neither
		return usage("--rate %v: want 0 or more messages a second", o.rate)
	case o.subs < 0 || o.patience < 0:
		return usage("--wait-subscribers and --timeout can't be negative")
	case o.patience > 0 && o.subs == 0:
		return usage("--timeout is how long to wait for subscribers: it wants --wait-subscribers")
	case o.slots < 0 || o.slotSize < 0 || o.stall < 0:
		return usage("--slots, --slot-size and --stall-budget can't be negative")
	case o.schemas.path != "" && (o.binary || o.size >= 0):
		return usage("--schemas makes messages of lines of JSON: leave --binary and --size away")
	}
	if err := o.schemas.read(); err != nil {
		return err
	}
	if o.schema = o.schemas.of(topic, jsonform.AsMessage); o.schema == nil && o.schemas.path != "" {
		return usage("--schemas %s: no schema for %q: want %s.bfbs there, or a pattern", o.schemas.path, topic, topic)
	}
	return nil
}

func (o *pubOptions) publisher() *ringcast.PublisherConfig {
	c := &ringcast.PublisherConfig{Slots: o.slots, SlotSize: o.slotSize, StallBudget: o.stall, Exclusive: o.exclusive, Timestamps: o.timestamps, Rights: o.rights}
	if o.latest {
		c.Mode = ringcast.Latest
	}
	return c
}

// source is where the messages come from.
func (o *pubOptions) source(stdin io.Reader) source {
	if o.size >= 0 {
		return newGeneratedSource(o.size, o.count)
	}
	open := func(r io.Reader) source { return newLineSource(r) }
	if o.binary {
		open = func(r io.Reader) source { return newBinarySource(r) }
	}
	var s source
	if o.file != "" {
		s = &fileSource{path: o.file, open: open, repeat: o.repeat}
	} else {
		s = open(stdin)
	}
	if o.count > 0 {
		s = &limitedSource{s, o.count}
	}
	if o.schema != nil {
		s = &flatSource{source: s, schema: o.schema}
	}
	return s
}

// pub is the command.
func (t *tool) pub(ctx context.Context, topic string, o *pubOptions) error {
	bus, err := ringcast.Open(ctx, &t.config)
	if err != nil {
		return err
	}
	defer bus.Close()
	p, err := bus.Publisher(topic, o.publisher())
	if err != nil {
		return err
	}
	if err := waitSubscribers(ctx, bus, topic, o); err != nil {
		return err
	}
	s := &sending{publish: p.Publish, source: o.source(t.stdin), pacer: newPacer(o.rate), tally: newTally()}
	if o.schema != nil {
		s.publish = func(ctx context.Context, payload []byte) error { return p.PublishMarked(ctx, payload, flatBuffer) }
	}
	if o.sha {
		s.digest = newDigest()
	}
	stop := func() {}
	if !o.quiet {
		stop = progress(t.stderr, "published", s.tally)
	}
	err = s.run(ctx)
	stop()
	if err == nil && !o.quiet && !o.json {
		t.tellEmptyRoom(bus, topic)
	}
	if err != nil && !o.json && s.tally.messages.Load() == 0 {
		return err // a sum of nothing would hide it
	}
	return errors.Join(err, t.pubSummary(topic, s, o))
}

// tellEmptyRoom says that nobody is there: who tries it out waits for messages that are gone.
func (t *tool) tellEmptyRoom(bus *ringcast.Bus, topic string) {
	if n, err := bus.Subscribers(topic); err == nil && n == 0 {
		_, _ = fmt.Fprintf(t.stderr, "ringcast: nobody subscribes to %s now; --wait-subscribers 1 waits for somebody first\n", topic)
	}
}

func waitSubscribers(ctx context.Context, bus *ringcast.Bus, topic string, o *pubOptions) error {
	if o.subs == 0 {
		return nil
	}
	if o.patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.patience)
		defer cancel()
	}
	err := bus.WaitForSubscribers(ctx, topic, o.subs)
	if errors.Is(err, context.DeadlineExceeded) {
		return &exitError{code: exitTimeout, err: err}
	}
	return err
}

func (t *tool) pubSummary(topic string, s *sending, o *pubOptions) error {
	s.mu.Lock() // a reader of the input that never comes back has no message in hand
	defer s.mu.Unlock()
	out := summary{Topic: topic, SHA256: s.digest.hex(), Interrupted: s.interrupted}
	if s.pacer != nil {
		out.BehindNs = int64(s.pacer.behind)
	}
	out.finish(s.tally)
	switch {
	case o.json:
		return out.print(t.stdout, true)
	case !o.quiet:
		return out.print(t.stderr, false)
	case o.sha:
		_, err := fmt.Fprintln(t.stdout, out.SHA256)
		return err
	}
	return nil
}

// A sending publishes what a source gives. A signal may come while it waits for
// input that never comes, so it has a goroutine of its own; mu is held whenever
// that has a message in hand.
type sending struct {
	publish func(ctx context.Context, payload []byte) error
	source  source
	pacer   *pacer

	mu          sync.Mutex
	tally       *tally
	digest      *digest // guarded by mu
	interrupted bool    // guarded by mu
}

// run returns at the end of the input, after an error, or soon after the end of ctx.
func (s *sending) run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- s.publishAll(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(100 * time.Millisecond): // it reads
		s.mu.Lock()
		defer s.mu.Unlock()
		s.interrupted = true
		return nil
	}
}

func (s *sending) publishAll(ctx context.Context) error {
	for {
		payload, err := s.source.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("input: %w", err)
		}
		if err := s.send(ctx, payload); err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				s.interrupted = true
				return nil
			}
			return err
		}
	}
}

func (s *sending) send(ctx context.Context, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.interrupted {
		return ctx.Err()
	}
	if err := s.pacer.wait(ctx); err != nil {
		return err
	}
	if err := s.publish(ctx, payload); err != nil {
		return err
	}
	s.tally.add(len(payload))
	s.tally.pause()
	s.digest.add(payload)
	return nil
}
