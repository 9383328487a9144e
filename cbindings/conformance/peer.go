package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/ringcast/ringcast"
)

// sizes are the sizes of messages, by their number.
var sizes = [8]int{0, 1, 63, 128, 129, 400, 0, 17}

// payload is message n.
func payload(n uint64) []byte {
	b := make([]byte, sizes[n%uint64(len(sizes))])
	for i := range b {
		b[i] = byte(n*31 + uint64(i)*7)
	}
	return b
}

// stepPatience bounds one call of a peer.
const stepPatience = 30 * time.Second

// peer runs one command of the Go side.
func peer(args []string, out io.Writer) int {
	bus, err := ringcast.Open(context.Background(), nil)
	if err == nil {
		switch {
		case args[0] == "write" && len(args) == 5:
			err = writeStream(bus, args[1:])
		case args[0] == "claim" && len(args) == 4:
			err = holdClaim(bus, args[1:], out)
		case args[0] == "read" && len(args) == 3:
			err = readStream(bus, args[1:], out)
		default:
			err = fmt.Errorf("unknown command %q", args)
		}
		err = errors.Join(err, bus.Close())
	}
	if err != nil {
		fmt.Fprintln(out, err)
		return 1
	}
	return 0
}

func configOf(args []string) *ringcast.PublisherConfig {
	cfg := &ringcast.PublisherConfig{Slots: 64, SlotSize: 128, Exclusive: args[1] == "exclusive", Mode: ringcast.Reliable}
	if args[2] == "latest" {
		cfg.Mode = ringcast.Latest
	}
	return cfg
}

func writeStream(bus *ringcast.Bus, args []string) error {
	cfg := configOf(args)
	count, err := strconv.ParseUint(args[3], 10, 64)
	if err != nil {
		return err
	}
	p, err := bus.Publisher(args[0], cfg)
	if err != nil {
		return err
	}
	for n := uint64(1); n <= count; n++ {
		if err := publish(p, n); err != nil {
			return fmt.Errorf("message %d: %w", n, err)
		}
		if cfg.Mode == ringcast.Latest && n%8 == 0 {
			time.Sleep(200 * time.Microsecond)
		}
	}
	return p.Close()
}

// publish sends message n, every third in place.
func publish(p *ringcast.Publisher, n uint64) error {
	ctx, cancel := context.WithTimeout(context.Background(), stepPatience)
	defer cancel()
	b := payload(n)
	if n%3 != 0 || len(b) > 128 {
		return p.Publish(ctx, b)
	}
	c, err := p.Claim(ctx, len(b))
	if err != nil {
		return err
	}
	copy(c.Bytes(), b)
	if err := c.CommitN(len(b)); err != nil {
		return p.Publish(ctx, b) // this process was stopped for long: nothing was sent
	}
	return nil
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
	time.Sleep(stepPatience)
	return errors.New("was not killed")
}

func readStream(bus *ringcast.Bus, args []string, out io.Writer) error {
	count, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	s, err := bus.Subscribe(args[0], nil)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "ready")
	var last, got, missed uint64
	for lagged := false; last < count; {
		m, err := next(s)
		var lag *ringcast.LaggedError
		if errors.As(err, &lag) {
			lagged = true
			continue
		}
		if err != nil {
			return fmt.Errorf("after %d: %w", last, err)
		}
		n := m.Sequence()
		if n <= last || n != last+1 && !lagged || !bytes.Equal(m.Payload(), payload(n)) {
			return fmt.Errorf("after %d: sequence %d, %d bytes", last, n, len(m.Payload()))
		}
		missed += n - last - 1
		last, lagged = n, false
		got++
	}
	fmt.Fprintf(out, "got %d missed %d\n", got, missed)
	return s.Close()
}

func next(s *ringcast.Subscription) (*ringcast.Message, error) {
	ctx, cancel := context.WithTimeout(context.Background(), stepPatience)
	defer cancel()
	return s.Next(ctx)
}
