package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/ringcast/ringcast"
)

// stepPatience bounds one call of a peer.
const stepPatience = 30 * time.Second

// commands are the commands of a peer, with the number of words behind each.
var commands = map[string]struct {
	words int
	run   func(bus *ringcast.Bus, args []string, out io.Writer) error
}{
	"write":  {5, writeStream},
	"claim":  {3, holdClaim},
	"read":   {4, readStream},
	"member": {2, takeStream},
	"hold":   {2, holdMessage},
	"refuse": {0, provoke},
	"answer": {0, answerAll},
	"ask":    {1, askNear},
	"drop":   {0, dropRequest},
	"images": {1, showImages},

	"ask-away":    {1, askAway},
	"ask-again":   {1, askIdempotent},
	"watch":       {0, watchOthers},
	"subscribers": {1, countSubscribers},
}

// domainVariable names the domain of a peer, where it is not the default.
const domainVariable = "CONFORMANCE_DOMAIN"

// peer runs one command of the Go side.
func peer(args []string, out io.Writer) int {
	err := fmt.Errorf("unknown command %q", args)
	if args[0] == "forward" {
		err = forwardFor(os.Getenv(domainVariable), out)
	}
	if c, ok := commands[args[0]]; ok && len(args) == c.words+1 {
		var bus *ringcast.Bus
		if bus, err = ringcast.Open(context.Background(), &ringcast.Config{Domain: os.Getenv(domainVariable)}); err == nil {
			err = errors.Join(c.run(bus, args[1:], out), bus.Close())
		}
	}
	if err != nil {
		fmt.Fprintln(out, err)
		return 1
	}
	return 0
}

// configOf is the publisher of TOPIC KIND MODE.
func configOf(args []string) *ringcast.PublisherConfig {
	cfg := &ringcast.PublisherConfig{Slots: 64, SlotSize: slotSize, Exclusive: args[1] == "exclusive", Mode: ringcast.Reliable, Schema: orderSchema}
	switch args[2] {
	case "latest":
		cfg.Mode = ringcast.Latest
	case "few":
		cfg.Slots = fewSlots
	}
	return cfg
}

func writeStream(bus *ringcast.Bus, args []string, _ io.Writer) error {
	cfg, like := configOf(args), sizesOf[args[3]]
	count, err := strconv.ParseUint(args[4], 10, 64)
	if err != nil {
		return err
	}
	p, err := bus.Publisher(args[0], cfg)
	if err != nil {
		return err
	}
	for n := uint64(1); n <= count; n++ {
		if err := publish(p, n, like[n%8]); err != nil {
			return fmt.Errorf("message %d: %w", n, err)
		}
		if cfg.Mode == ringcast.Latest && n%8 == 0 {
			time.Sleep(200 * time.Microsecond)
		}
	}
	return p.Close()
}

// publish sends message n, orders and every third in place.
func publish(p *ringcast.Publisher, n uint64, size int) error {
	ctx, cancel := context.WithTimeout(context.Background(), stepPatience)
	defer cancel()
	for {
		err := publishOnce(ctx, p, n, size)
		if err != ringcast.ErrFenced { // this process was stopped for long: nothing was sent
			return err
		}
	}
}

func publishOnce(ctx context.Context, p *ringcast.Publisher, n uint64, size int) error {
	if n%8 != order && (n%3 != 0 || size > slotSize) {
		return p.Publish(ctx, payload(n, size))
	}
	room := size
	if n%8 == order {
		room = slotSize
	}
	c, err := p.Claim(ctx, room)
	if err != nil {
		return err
	}
	if n%8 == order {
		build(c.Builder(), n)
		return c.Commit()
	}
	copy(c.Bytes(), payload(n, size))
	return c.CommitN(size)
}

func holdClaim(bus *ringcast.Bus, args []string, out io.Writer) error {
	p, err := bus.Publisher(args[0], configOf(args))
	if err != nil {
		return err
	}
	if _, err := p.Claim(context.Background(), 1); err != nil {
		return err
	}
	fmt.Fprintln(out, "claimed")
	return stay()
}

// stay waits to be killed.
func stay() error {
	time.Sleep(stepPatience)
	return errors.New("was not killed")
}

func readStream(bus *ringcast.Bus, args []string, out io.Writer) error {
	history, err := strconv.Atoi(args[2])
	count, cerr := strconv.ParseUint(args[3], 10, 64)
	if err := errors.Join(err, cerr); err != nil {
		return err
	}
	s, err := bus.Subscribe(args[0], &ringcast.SubscriberConfig{Latest: args[1] == "latest", History: history})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "ready")
	got, missed, err := readUpTo(s, count)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "got %d missed %d\n", got, missed)
	return s.Close()
}

func readUpTo(s *ringcast.Subscription, count uint64) (got, missed uint64, err error) {
	var last uint64
	for lagged := false; last < count; {
		m, err := next(s)
		var lag *ringcast.LaggedError
		if errors.As(err, &lag) {
			lagged = true
			continue
		}
		if err != nil {
			return 0, 0, fmt.Errorf("after %d: %w", last, err)
		}
		n := m.Sequence()
		if n <= last || n != last+1 && !lagged {
			return 0, 0, fmt.Errorf("after %d: sequence %d", last, n)
		}
		if err := check(m); err != nil {
			return 0, 0, err
		}
		missed += n - last - 1
		last, lagged = n, false
		got++
	}
	return got, missed, nil
}

func next(s *ringcast.Subscription) (*ringcast.Message, error) {
	ctx, cancel := context.WithTimeout(context.Background(), stepPatience)
	defer cancel()
	return s.Next(ctx)
}
