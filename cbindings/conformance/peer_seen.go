package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/forward"
	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/shm"
)

// forwardFor is the forwarder of a node, on loopback.
func forwardFor(domain string, out io.Writer) error {
	f, err := forward.New(forward.Config{Domain: shm.Config{Domain: domain}, Net: udp.Config{Interface: "lo"}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // it says goodbye when its input ends
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	fmt.Fprintln(out, "up")
	return errors.Join(f.Run(ctx), f.Close())
}

// watchOthers prints who comes and goes.
func watchOthers(bus *ringcast.Bus, _ []string, out io.Writer) error {
	fmt.Fprintln(out, "ready")
	kinds := []ringcast.PresenceKind{ringcast.PresenceNode, ringcast.PresencePublisher, ringcast.PresenceSubscriber, ringcast.PresenceInstance}
	ctx, cancel := context.WithTimeout(context.Background(), cellPatience)
	defer cancel()
	for e, err := range bus.Watch(ctx, &ringcast.WatchConfig{Kinds: kinds}) {
		if err != nil {
			return err
		}
		word, why := "up", ""
		if !e.Up {
			word, why = "down", " "+strings.ReplaceAll(e.Reason.String(), " ", "-")
		}
		fmt.Fprintf(out, "%s %v %s %v%s\n", word, e.Kind, e.Name, e.Address, why)
	}
	return nil
}

// countSubscribers prints how many subscribe to a topic.
func countSubscribers(bus *ringcast.Bus, args []string, out io.Writer) error {
	n, err := bus.Subscribers(args[0])
	if err == nil {
		fmt.Fprintln(out, n)
	}
	return err
}
