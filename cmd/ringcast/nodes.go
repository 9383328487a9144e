package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/ringcast/ringcast"
	"github.com/spf13/cobra"
)

const nodesHelp = `Show this node and the others, as this node's forwarder knows them: what each wants
from the network. It only looks: it joins nothing.`

// A listedNode is the JSON of nodes; the first is this one.
type listedNode struct {
	Node    uint32   `json:"node"`
	Epoch   uint32   `json:"epoch"`
	Name    string   `json:"name"`
	Host    string   `json:"host"`
	Version string   `json:"version"`
	Self    bool     `json:"self"`
	Wants   []string `json:"wants"`
}

func (t *tool) nodesCommand() *cobra.Command {
	return t.lookCommand("nodes", "show the nodes of the domain", nodesHelp, func(s *ringcast.Snapshot, asJSON bool) error {
		list := []listedNode{{Node: s.Node, Epoch: s.Epoch, Name: "this node", Self: true, Wants: []string{}}}
		for _, n := range s.Nodes {
			list = append(list, listedNode{Node: n.Node, Epoch: n.Epoch, Name: n.Name, Host: n.Host, Version: n.Version, Wants: append([]string{}, n.Wants...)})
		}
		if asJSON {
			return json.NewEncoder(t.stdout).Encode(list)
		}
		if !s.Forwarder {
			_, _ = fmt.Fprintln(t.stderr, "no forwarder runs here, so nothing is known of other nodes: start ringcastd")
		}
		w := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "NODE\tEPOCH\tNAME\tHOST\tVERSION\tWANTS")
		for _, n := range list {
			_, _ = fmt.Fprintf(w, "%d\t%x\t%s\t%s\t%s\t%s\n", n.Node, n.Epoch, n.Name, n.Host, n.Version, strings.Join(n.Wants, " "))
		}
		return w.Flush()
	})
}

const servicesHelp = `Show the services of this node with their instances. It only looks: it joins nothing.`

// A listedInstance is the JSON of services.
type listedInstance struct {
	Service string `json:"service"`
	Address string `json:"address"`
	Program string `json:"program"`
	PID     uint32 `json:"pid"`
	Limit   uint32 `json:"limit"` // requests that it runs at a time
}

func (t *tool) servicesCommand() *cobra.Command {
	return t.lookCommand("services", "show services and their instances", servicesHelp, func(s *ringcast.Snapshot, asJSON bool) error {
		list := []listedInstance{}
		for i := range s.Participants {
			p := &s.Participants[i]
			for _, one := range p.Info.Services {
				if p.Alive {
					list = append(list, listedInstance{one.Name, p.Address.String(), p.Info.Name, p.PID, one.Limit})
				}
			}
		}
		if asJSON {
			return json.NewEncoder(t.stdout).Encode(list)
		}
		w := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "SERVICE\tINSTANCE\tPROGRAM\tPID\tAT A TIME")
		for _, one := range list {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\n", one.Service, one.Address, one.Program, one.PID, one.Limit)
		}
		return w.Flush()
	})
}

// lookCommand is a command that shows a part of what Inspect sees.
func (t *tool) lookCommand(name, short, long string, show func(*ringcast.Snapshot, bool) error) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: name, Short: short, Long: long, Args: cobra.NoArgs, Example: "  ringcast " + name + "\n  ringcast " + name + " --json",
		RunE: func(*cobra.Command, []string) error {
			s, err := ringcast.Inspect(&t.config)
			if err != nil {
				return failed(err)
			}
			return failed(show(s, asJSON))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}
