package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ringcast/ringcast"
)

// joinGroup is the begin of member and hold.
func joinGroup(bus *ringcast.Bus, args []string, out io.Writer) (*ringcast.Subscription, error) {
	s, err := bus.Subscribe(args[0], &ringcast.SubscriberConfig{Group: args[1]})
	if err == nil {
		fmt.Fprintln(out, "ready")
	}
	return s, err
}

func takeStream(bus *ringcast.Bus, args []string, out io.Writer) error {
	s, err := joinGroup(bus, args, out)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	for {
		m, err := s.Next(ctx)
		if errors.Is(err, context.Canceled) {
			return s.Close()
		}
		if err := tell(m, err, out); err != nil {
			return err
		}
	}
}

// tell prints what a member was given: a message, which is done with then, or an event.
func tell(m *ringcast.Message, event error, out io.Writer) error {
	var left *ringcast.AbandonedError
	var lag *ringcast.LaggedError
	switch {
	case errors.As(event, &left):
		fmt.Fprintf(out, "abandoned %d\n", left.Sequence)
	case errors.As(event, &lag):
		fmt.Fprintf(out, "missed %d\n", lag.Missed)
	case event != nil:
		return event
	default:
		n := m.Sequence()
		if err := check(m); err != nil {
			return err
		}
		m.Done()
		fmt.Fprintf(out, "took %d\n", n)
	}
	return nil
}

func holdMessage(bus *ringcast.Bus, args []string, out io.Writer) error {
	s, err := joinGroup(bus, args, out)
	if err != nil {
		return err
	}
	m, err := next(s)
	if err != nil {
		return err
	}
	if err := check(m); err != nil {
		return err
	}
	fmt.Fprintf(out, "holding %d\n", m.Sequence())
	return stay()
}
