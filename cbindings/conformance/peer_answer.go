package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/ringcast/ringcast"
)

// Names that both ends of the request cells know.
const (
	serviceName = "asked"
	surveyTopic = "questions"
)

// answerAll serves, answers what comes to its inbox and on the topic of surveys, and says so. It
// ends with its input.
func answerAll(bus *ringcast.Bus, _ []string, out io.Writer) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := bus.Serve(serviceName, func(ctx context.Context, r *ringcast.Request) error { return answerOne(ctx, r, out) }, nil)
	if err != nil {
		return err
	}
	inbox, err := bus.Mail()
	if err != nil {
		return err
	}
	questions, err := bus.Subscribe(surveyTopic, nil)
	if err != nil {
		return err
	}
	go func() {
		for m, err := range inbox.Messages(ctx) {
			answerMail(m, err)
		}
	}()
	go func() {
		for m, err := range questions.Messages(ctx) {
			if err == nil && m.IsRequest() {
				_ = m.Reply([]byte("here"))
			}
		}
	}()
	fmt.Fprintf(out, "ready %v\n", bus.Address())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return s.Stop(context.Background())
}

func answerMail(m *ringcast.Message, err error) {
	switch {
	case err != nil || !m.IsRequest(): // mail is for the client that asks next
	case string(m.Payload()) == "error":
		_ = m.Fail(3, "away")
	default:
		_ = m.Reply(m.Payload())
	}
}

// answerOne does what a request's first byte says.
func answerOne(ctx context.Context, r *ringcast.Request, out io.Writer) error {
	p := r.Payload()
	if len(p) == 0 {
		return r.Reply(nil)
	}
	switch p[0] {
	case 'f':
		return &ringcast.ReplyError{Code: 7, Text: "no"}
	case 'n':
		return nil
	case 'l':
		_ = r.Reply(make([]byte, 4096))
		return nil
	case 's':
		return answerMany(r, string(p[1:]))
	case 'w':
		fmt.Fprintln(out, "waiting")
		<-ctx.Done()
		fmt.Fprintln(out, "given up")
		return ctx.Err()
	case 'h':
		_ = r.More([]byte("holding"))
		return stay()
	}
	return r.Reply(p)
}

func answerMany(r *ringcast.Request, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	for i := range n {
		if err := r.More(strconv.AppendInt(nil, int64(i), 10)); err != nil {
			return err
		}
	}
	return r.Reply([]byte("end"))
}
