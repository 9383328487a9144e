package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/spf13/cobra"
)

const callExamples = `  ringcast call pricing 'AAPL 100'
  seq 10 | ringcast call squares                 # one request a line
  ringcast call n7-1f03.12.5 hello --timeout 2s  # to the inbox of one process
  ringcast call tail /var/log/x --stream         # replies as they come`

const callHelp = `Send a request to a service, or to the address of one process, and write its reply
to the standard output. Without a payload each line of the standard input is a
request. Exit code 1: no service, overloaded, the instance died, or the handler's own
error; 4: the time was over.`

type callOptions struct {
	timeout    time.Duration
	stream     bool
	idempotent bool
}

func (t *tool) callCommand() *cobra.Command {
	var o callOptions
	cmd := &cobra.Command{
		Use: "call SERVICE|ADDRESS [PAYLOAD]", Short: "send a request and print the reply", Long: callHelp, Example: callExamples,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.timeout < time.Millisecond {
				return usage("--timeout %v: want 1ms or more", o.timeout)
			}
			return failed(t.call(cmd.Context(), args, &o))
		},
	}
	f := cmd.Flags()
	f.Var(&waitFlag{&t.config.Wait}, "wait", "how to wait: block (sleeps when idle, the default), spin or yield (keep a core busy, for speed)")
	f.DurationVar(&o.timeout, "timeout", 10*time.Second, "time of each request")
	f.BoolVar(&o.stream, "stream", false, "take many replies of one request")
	f.BoolVar(&o.idempotent, "idempotent", false, "the request may run twice: ask another instance where one dies")
	return cmd
}

// call is the command.
func (t *tool) call(ctx context.Context, args []string, o *callOptions) error {
	bus, err := ringcast.Open(ctx, &t.config)
	if err != nil {
		return err
	}
	defer bus.Close()
	ask, err := asker(bus, args[0], o)
	if err != nil {
		return err
	}
	return t.payloads(args[1:], func(payload []byte) error {
		ctx, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		return timedOut(ask(ctx, payload, func(r *ringcast.Reply) error {
			_, err := fmt.Fprintf(t.stdout, "%s\n", r.Payload())
			return err
		}))
	})
}

// An ask makes one request and hands its replies on.
type ask func(ctx context.Context, payload []byte, reply func(*ringcast.Reply) error) error

// asker is how to ask whoever was named: an address contains a dash and dots, and parses.
func asker(bus *ringcast.Bus, to string, o *callOptions) (ask, error) {
	if address, err := ringcast.ParseAddress(to); err == nil {
		if o.stream || o.idempotent {
			return nil, usage("--stream and --idempotent are for services, not for addresses")
		}
		return func(ctx context.Context, payload []byte, reply func(*ringcast.Reply) error) error {
			r, err := bus.RequestTo(ctx, address, payload)
			if err != nil {
				return err
			}
			return reply(r)
		}, nil
	}
	client, err := bus.Client(to, &ringcast.ClientConfig{Idempotent: o.idempotent})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, payload []byte, reply func(*ringcast.Reply) error) error {
		if !o.stream {
			r, err := client.Request(ctx, payload)
			if err != nil {
				return err
			}
			return reply(r)
		}
		for r, err := range client.RequestStream(ctx, payload) {
			if err != nil {
				return err
			}
			if err := reply(r); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// payloads calls fn with the argument, or with each line of the standard input.
func (t *tool) payloads(args []string, fn func([]byte) error) error {
	if len(args) > 0 {
		return fn([]byte(strings.Join(args, " ")))
	}
	lines := bufio.NewReader(t.stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if err := fn([]byte(strings.TrimSuffix(string(line), "\n"))); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("input: %w", err)
		}
	}
}

// timedOut gives the end of the time its exit code.
func timedOut(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &exitError{exitTimeout, err}
	}
	return err
}
