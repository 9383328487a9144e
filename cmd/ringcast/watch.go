package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/spf13/cobra"
)

const watchHelp = `Show who is there, and then each change: processes that come and go, and what they publish,
subscribe to and serve, on this node and, as far as this node's forwarder knows, on all
others; and the nodes. For what is gone the reason is told: left, died (known within 50 ms,
100 ms from another node), node left, node down (not heard for 2 s), no forwarder. A
quarantine is up while this node's forwarder ignores a source that floods.

With a name or a pattern, only publishers, subscribers and instances are shown that have a
name in common with it.`

const watchExamples = `  ringcast watch
  ringcast watch 'orders.>' --kind publisher,subscriber
  ringcast watch pricing --kind instance --json
  ringcast watch --now`

type watchOptions struct {
	kinds []string
	json  bool
	now   bool
	count uint64
}

func (t *tool) watchCommand() *cobra.Command {
	var o watchOptions
	cmd := &cobra.Command{
		Use: "watch [NAME|PATTERN]", Short: "show who comes and goes", Long: watchHelp, Example: watchExamples,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			kinds, err := parseKinds(o.kinds)
			if err != nil {
				return err
			}
			return failed(t.watch(cmd.Context(), &ringcast.WatchConfig{Kinds: kinds, Name: strings.Join(args, ""), Once: o.now}, &o))
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.kinds, "kind", nil, "show only these: node, participant, publisher, subscriber, instance, quarantine (default: all)")
	f.BoolVar(&o.json, "json", false, "print one JSON object a change")
	f.BoolVar(&o.now, "now", false, "show what is there and end")
	f.Uint64Var(&o.count, "count", 0, "end after this many lines")
	return cmd
}

func parseKinds(names []string) ([]ringcast.PresenceKind, error) {
	all := []ringcast.PresenceKind{ringcast.PresenceNode, ringcast.PresenceParticipant, ringcast.PresencePublisher,
		ringcast.PresenceSubscriber, ringcast.PresenceInstance, ringcast.PresenceQuarantine}
	var kinds []ringcast.PresenceKind
	for _, name := range names {
		i := slices.IndexFunc(all, func(k ringcast.PresenceKind) bool { return k.String() == name })
		if i < 0 {
			return nil, usage("--kind %q: want node, participant, publisher, subscriber, instance or quarantine, with commas between", name)
		}
		kinds = append(kinds, all[i])
	}
	return kinds, nil
}

// A watchedEvent is the JSON of a change.
type watchedEvent struct {
	Time    time.Time `json:"time"`
	Up      bool      `json:"up"`
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	Address string    `json:"address"`
	Program string    `json:"program"`
	Version string    `json:"version,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	First   bool      `json:"first"`
	Limit   int       `json:"limit,omitempty"`
}

// watch is the command.
func (t *tool) watch(ctx context.Context, cfg *ringcast.WatchConfig, o *watchOptions) error {
	bus, err := ringcast.Open(ctx, &t.config)
	if err != nil {
		return err
	}
	defer bus.Close()
	var shown uint64
	for e, err := range bus.Watch(ctx, cfg) {
		if errors.Is(err, context.Canceled) {
			return nil // a signal
		}
		if err != nil {
			return err
		}
		if err := t.showEvent(&e, o.json); err != nil {
			return err
		}
		if shown++; shown == o.count {
			return nil
		}
	}
	return nil
}

func (t *tool) showEvent(e *ringcast.PresenceEvent, asJSON bool) error {
	now := time.Now()
	if asJSON {
		return json.NewEncoder(t.stdout).Encode(watchedEvent{Time: now, Up: e.Up, Kind: e.Kind.String(), Name: e.Name, Address: e.Address.String(),
			Program: e.Program, Version: e.Version, Reason: e.Reason.String(), First: e.First, Limit: e.Limit})
	}
	_, err := fmt.Fprintf(t.stdout, "%s  %v\n", now.Format("15:04:05.000"), e)
	return err
}
