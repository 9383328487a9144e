package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/jsonform"
	"github.com/spf13/cobra"
)

const sendExamples = `  ringcast send n7-1f03.12.5 'come home'     # to the inbox of one process
  seq 10 | ringcast send jobs                # each to any one instance of a service`

const sendHelp = `Send messages to the inbox of one process, by its address, or to any one instance of a
service: the argument, or the lines of the standard input. Nobody answers.`

func (t *tool) sendCommand() *cobra.Command {
	return &cobra.Command{
		Use: "send ADDRESS|SERVICE [MESSAGE]", Short: "send messages to one process, or to a service", Long: sendHelp, Example: sendExamples,
		Args: arguments(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error { return failed(t.send(cmd.Context(), args)) },
	}
}

// send is the command.
func (t *tool) send(ctx context.Context, args []string) error {
	bus, err := ringcast.Open(ctx, &t.config)
	if err != nil {
		return err
	}
	defer bus.Close()
	address, err := ringcast.ParseAddress(args[0])
	put := func(payload []byte) error { return outcome(args[0], bus.Send(ctx, address, payload)) }
	if err != nil {
		put = func(payload []byte) error { return outcome(args[0], bus.SendTo(ctx, args[0], payload)) }
	}
	return t.payloads(args[1:], put)
}

const inboxHelp = `Print an address of one's own, then what others send to it, until a signal comes or --count
is reached. --reply answers requests; without it they wait until their time is over.`

func (t *tool) inboxCommand() *cobra.Command {
	var reply string
	var count uint64
	var asJSON bool
	cmd := &cobra.Command{
		Use: "inbox", Short: "read what is sent to an address of one's own", Long: inboxHelp,
		Example: "  ringcast inbox --reply 'at work' &\n  ringcast call $ADDRESS 'where are you?'",
		Args:    arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return failed(t.inbox(cmd.Context(), reply, count, asJSON))
		},
	}
	cmd.Flags().StringVar(&reply, "reply", "", "answer requests with this")
	cmd.Flags().Uint64Var(&count, "count", 0, "end after this many messages")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an object of JSON for each message: from, request, content, and payload, fields or base64; the first has the address alone")
	return cmd
}

// inbox is the command.
func (t *tool) inbox(ctx context.Context, reply string, count uint64, asJSON bool) error {
	bus, err := ringcast.Open(ctx, &t.config)
	if err != nil {
		return err
	}
	defer bus.Close()
	mail, err := bus.Mail()
	if err != nil {
		return err
	}
	first := "%v\n"
	if asJSON {
		first = "{\"address\":\"%v\"}\n"
	}
	if _, err := fmt.Fprintf(t.stdout, first, bus.Address()); err != nil {
		return err
	}
	for n := uint64(0); count == 0 || n < count; {
		m, err := mail.Next(ctx)
		switch {
		case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
			return nil
		case ringcast.IsEvent(err):
			_, _ = fmt.Fprintln(t.stderr, err)
			continue
		case err != nil:
			return err
		}
		if err := t.printFrom(m.From(), m.IsRequest(), m.Content(), m.Payload(), asJSON); err != nil {
			return err
		}
		if m.IsRequest() && reply != "" {
			if err := m.Reply([]byte(reply)); err != nil {
				return err
			}
		}
		n++
	}
	return nil
}

// printFrom prints what somebody sent, on a line.
func (t *tool) printFrom(from ringcast.Address, request bool, content uint8, payload []byte, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintf(t.stdout, "%v: %s\n", from, payload)
		return err
	}
	line := fmt.Appendf(nil, `{"from":"%v","request":%t,`, from, request)
	_, err := t.stdout.Write(append(jsonform.AppendPayload(line, content, payload, nil), "}\n"...))
	return err
}

const surveyHelp = `Ask all who subscribe to a topic, and print each answer as it comes, with the address of
whoever gave it: until all have answered, or --quorum of them, or until the time is over.
Programs answer with Message.Reply.

Exit codes: 0 all who were asked, or --quorum of them, have answered; 1 something failed;
2 wrong arguments; 4 the time was over before that; 5 nobody subscribes to the topic, or
all who did left without an answer. No more questions are asked after one that is not answered.`

func (t *tool) surveyCommand() *cobra.Command {
	var c ringcast.SurveyConfig
	var timeout time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use: "survey TOPIC [QUESTION]", Short: "ask all subscribers of a topic", Long: surveyHelp,
		Example: "  ringcast survey inventory 'who has 4711?' --timeout 1s",
		Args:    arguments(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeout < time.Millisecond || c.Quorum < 0 {
				return usage("--timeout wants 1ms or more, --quorum 0 or more")
			}
			return failed(t.survey(cmd.Context(), args, &c, timeout, asJSON))
		},
	}
	cmd.Flags().IntVar(&c.Quorum, "quorum", 0, "this many answers are enough (default: all)")
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Second, "how long to wait for answers, to each question")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an object of JSON for each answer: from, content, and payload, fields or base64")
	return cmd
}

// survey is the command.
func (t *tool) survey(ctx context.Context, args []string, c *ringcast.SurveyConfig, timeout time.Duration, asJSON bool) error {
	bus, err := ringcast.Open(ctx, &t.config)
	if err != nil {
		return err
	}
	defer bus.Close()
	return t.payloads(args[1:], func(question []byte) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		answers := 0
		for r, err := range bus.Survey(ctx, args[0], question, c) {
			if err != nil {
				return surveyed(args[0], answers, timeout, err)
			}
			if err := t.printFrom(r.Source(), false, r.Content(), r.Payload(), asJSON); err != nil {
				return err
			}
			answers++
		}
		if answers == 0 {
			return &exitError{code: exitNobody, err: fmt.Errorf("survey of %q: nobody subscribes to the topic", args[0]),
				advice: "ringcast ls shows who subscribes to what; on other nodes those are asked that a ringcastd reaches (ringcast nodes)."}
		}
		return nil
	})
}

// surveyed is the error that ended a survey, with what had come by then.
func surveyed(topic string, answers int, timeout time.Duration, err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &exitError{code: exitTimeout, err: fmt.Errorf("survey of %q: %s within %v, and not all who subscribe to it",
		topic, counted(uint64(answers), "answer"), timeout),
		advice: "Subscribers answer with Message.Reply; --quorum N is content with N answers, --timeout waits for longer."}
}
