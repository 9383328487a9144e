package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/script"
	"github.com/spf13/cobra"
)

const serveExamples = `  ringcast serve echo
  ringcast serve squares --exec 'read x; echo $((x * x))' --concurrency 4
  ringcast serve slow --delay 2s --queue 64`

const serveHelp = `Answer requests to a service until a signal comes: with the request itself, or with what a
shell command writes to its standard output when it gets the request on its standard input.
If the command ends with an exit code other than 0, the caller gets an error of that code.
If the caller gives up, the command is killed, with all that it has started. Several
instances share the requests.`

type serveOptions struct {
	exec   string
	config ringcast.ServeConfig
	delay  time.Duration
	count  uint64
	quiet  bool
}

func (t *tool) serveCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use: "serve SERVICE", Short: "answer requests, with a command or an echo", Long: serveHelp, Example: serveExamples,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.config.Concurrency < 0 || o.config.Queue < 0 || o.config.SlotSize < 0 || o.delay < 0 {
				return usage("--concurrency, --queue, --slot-size and --delay can't be negative")
			}
			return failed(t.serve(cmd.Context(), args[0], &o))
		},
	}
	f := cmd.Flags()
	f.Var(&waitFlag{&t.config.Wait}, "wait", "how to wait: block (sleeps when idle, the default), spin or yield (keep a core busy, for speed)")
	f.StringVar(&o.exec, "exec", "", "answer with what this shell command writes (default: the request itself)")
	f.IntVar(&o.config.Concurrency, "concurrency", 1, "requests to run at a time")
	f.IntVar(&o.config.Queue, "queue", 0, "requests that may wait, a power of two from 4 (default 256 if the service is new)")
	f.IntVar(&o.config.SlotSize, "slot-size", 0, "bytes that a request may have (default 2048 if the service is new)")
	f.DurationVar(&o.delay, "delay", 0, "wait this long before each answer")
	f.Uint64Var(&o.count, "count", 0, "end after this many requests")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no summary in words")
	return cmd
}

// stopPatience bounds how long the end waits for what is in hand.
const stopPatience = 10 * time.Second

// serve is the command.
func (t *tool) serve(ctx context.Context, name string, o *serveOptions) error {
	answer := func(_ context.Context, r *ringcast.Request) error { return r.Reply(r.Payload()) }
	if o.exec != "" {
		s := script.Service{Program: script.Program{Path: "sh", Args: []string{"-c", o.exec}}, Input: script.InputPlain, Chop: true}
		if err := s.Program.Find(); err != nil {
			return err
		}
		answer = s.Answer
	}
	enough := make(chan struct{})
	var answered atomic.Uint64
	return t.serving(ctx, &serving{name: name, config: &o.config, patience: stopPatience, enough: enough, quiet: o.quiet,
		answer: func(ctx context.Context, r *ringcast.Request) error {
			err := o.pause(ctx)
			if err == nil {
				err = answer(ctx, r)
			}
			if answered.Add(1) == o.count {
				close(enough)
			}
			return err
		}})
}

// pause waits as long as each answer is to take.
func (o *serveOptions) pause(ctx context.Context) error {
	if o.delay == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(o.delay):
		return nil
	}
}

// A serving is a service of the tool.
type serving struct {
	name     string
	config   *ringcast.ServeConfig
	answer   ringcast.Handler
	patience time.Duration   // how long the end waits for what is in hand
	enough   <-chan struct{} // closed when it is to end; nil: at a signal
	quiet    bool
}

// serving serves until a signal comes or there was enough, and stops without losing a request.
func (t *tool) serving(ctx context.Context, v *serving) error {
	bus, err := ringcast.Open(ctx, &t.config)
	if err != nil {
		return err
	}
	defer bus.Close()
	var served atomic.Uint64
	s, err := bus.Serve(v.name, func(ctx context.Context, r *ringcast.Request) error {
		defer served.Add(1)
		return v.answer(ctx, r)
	}, v.config)
	if err != nil {
		return err
	}
	if !v.quiet {
		_, _ = fmt.Fprintf(t.stderr, "serving %s at %v\n", v.name, bus.Address())
	}
	select {
	case <-ctx.Done():
	case <-v.enough:
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.patience)
	defer cancel()
	err = s.Stop(last)
	if !v.quiet {
		_, _ = fmt.Fprintf(t.stderr, "served %s\n", counted(served.Load(), "request"))
	}
	return err
}
