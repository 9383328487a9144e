package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/spf13/cobra"
)

const serveExamples = `  ringcast serve echo
  ringcast serve squares --exec 'read x; echo $((x * x))' --concurrency 4
  ringcast serve slow --delay 2s --queue 64`

const serveHelp = `Answer requests to a service until a signal comes: with what a shell command writes
to its standard output, which gets the request on its standard input, or with the
request itself. A command that ends with another exit code than 0 is an error of that
code to the caller; a caller that gives up has it killed, with all that it has started.
Start several instances, and they share the requests.`

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
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.config.Concurrency < 0 || o.config.Queue < 0 || o.delay < 0 {
				return usage("--concurrency, --queue and --delay can't be negative")
			}
			return failed(t.serve(cmd.Context(), args[0], &o))
		},
	}
	f := cmd.Flags()
	f.Var(&waitFlag{&t.config.Wait}, "wait", "how to wait: block (sleeps when idle, the default), spin or yield (keep a core busy, for speed)")
	f.StringVar(&o.exec, "exec", "", "answer with what this shell command writes (default: the request itself)")
	f.IntVar(&o.config.Concurrency, "concurrency", 1, "requests to run at a time")
	f.IntVar(&o.config.Queue, "queue", 0, "requests that may wait, a power of two from 64 (default 256 where the service is new)")
	f.DurationVar(&o.delay, "delay", 0, "wait so long before each answer")
	f.Uint64Var(&o.count, "count", 0, "end after so many requests")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no summary in words")
	return cmd
}

// stopPatience bounds how long the end waits for what is in hand.
const stopPatience = 10 * time.Second

// serve is the command.
func (t *tool) serve(ctx context.Context, name string, o *serveOptions) error {
	bus, err := ringcast.Open(ctx, &t.config)
	if err != nil {
		return err
	}
	defer bus.Close()
	var served atomic.Uint64
	enough := make(chan struct{})
	s, err := bus.Serve(name, func(ctx context.Context, r *ringcast.Request) error {
		err := o.answer(ctx, r)
		if served.Add(1) == o.count {
			close(enough)
		}
		return err
	}, &o.config)
	if err != nil {
		return err
	}
	if !o.quiet {
		_, _ = fmt.Fprintf(t.stderr, "serving %s at %v\n", name, bus.Address())
	}
	select {
	case <-ctx.Done():
	case <-enough:
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	err = s.Stop(last)
	if !o.quiet {
		_, _ = fmt.Fprintf(t.stderr, "served %d requests\n", served.Load())
	}
	return err
}

// pipePatience bounds how long the output of a command is waited for whose shell has
// ended, or was killed: a process that it has left behind may hold it.
const pipePatience = time.Second

// answer answers one request.
func (o *serveOptions) answer(ctx context.Context, r *ringcast.Request) error {
	if o.delay > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(o.delay):
		}
	}
	if o.exec == "" {
		return r.Reply(r.Payload())
	}
	var errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "sh", "-c", o.exec)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(r.Payload()), &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what the shell has started goes with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = pipePatience
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &exit):
		return &ringcast.ReplyError{Code: exitCode(exit), Text: failureOf(exit, errs.Bytes())}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return err
	}
	return r.Reply(bytes.TrimSuffix(out, []byte("\n")))
}

// failureOf is what a command says of its failure.
func failureOf(err error, said []byte) string {
	if text := bytes.TrimSpace(said); len(text) > 0 {
		return string(text[:min(len(text), 1000)])
	}
	return err.Error()
}

// exitCode is the code of a command as shells give it: 128 and the signal's number
// where a signal has ended it.
func exitCode(exit *exec.ExitError) uint32 {
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + uint32(status.Signal())
	}
	return uint32(exit.ExitCode())
}
