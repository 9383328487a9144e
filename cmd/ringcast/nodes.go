package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ringcast/ringcast"
	"github.com/spf13/cobra"
)

const nodesHelp = `Show this node and the others, as this node's forwarder knows them: how many processes take
part there, what they serve, what each node wants from the network, and which topics of this
node go to it alone, by unicast, because no other node wants them (ringcast ls shows the
others). If a node has not told yet, - stands for the number. Below them stand the sources
that the forwarder ignores for a while because they flood. The command only looks: it joins
nothing.`

// A listedNode is the JSON of nodes; the first is this one.
type listedNode struct {
	Node    uint32   `json:"node"`
	Epoch   uint32   `json:"epoch"`
	Name    string   `json:"name"`
	Host    string   `json:"host"`
	Version string   `json:"version"`
	Self    bool     `json:"self"`
	Wants   []string `json:"wants"`
	// Known says that the node has told of its processes; this one always has.
	Known     bool     `json:"known"`
	Processes int      `json:"processes"`
	Services  []string `json:"services"`
	Alone     []string `json:"alone"` // topics of this node that go to that one alone
}

// thisNode is the node where the tool runs; its forwarder is not counted, as on the others.
func thisNode(s *ringcast.Snapshot) listedNode {
	n := listedNode{Node: s.Node, Epoch: s.Epoch, Name: "this node", Self: true, Known: true, Wants: []string{}, Services: []string{}, Alone: []string{}}
	for i := range s.Participants {
		p := &s.Participants[i]
		if !p.Alive || p.Info.Name == "ringcastd" {
			continue
		}
		n.Processes++
		for _, one := range p.Info.Services {
			n.Services = append(n.Services, one.Name)
		}
	}
	slices.Sort(n.Services)
	n.Services = slices.Compact(n.Services)
	return n
}

func otherNode(s *ringcast.NodeState, topics []ringcast.TopicState) listedNode {
	n := listedNode{Node: s.Node, Epoch: s.Epoch, Name: s.Name, Host: s.Host, Version: s.Version, Wants: append([]string{}, s.Wants...),
		Known: s.Known, Processes: len(s.Participants), Services: []string{}, Alone: []string{}}
	for _, one := range s.Services {
		n.Services = append(n.Services, one.Name)
	}
	for i := range topics {
		if topics[i].Alone == s.Node {
			n.Alone = append(n.Alone, topics[i].Name)
		}
	}
	return n
}

// processes is the number as it is shown.
func (n *listedNode) processes() string {
	if !n.Known {
		return "-"
	}
	return fmt.Sprint(n.Processes)
}

func (t *tool) nodesCommand() *cobra.Command {
	return t.lookCommand("nodes", "show the nodes of the domain", nodesHelp, func(s *ringcast.Snapshot, asJSON bool) error {
		list := []listedNode{thisNode(s)}
		for i := range s.Nodes {
			list = append(list, otherNode(&s.Nodes[i], s.Topics))
		}
		if asJSON {
			return json.NewEncoder(t.stdout).Encode(list)
		}
		if !s.Forwarder {
			_, _ = fmt.Fprintln(t.stderr, "no forwarder runs here, so nothing is known of other nodes: start ringcastd")
		}
		w := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "NODE\tEPOCH\tNAME\tHOST\tVERSION\tPROCESSES\tSERVICES\tWANTS\tALONE")
		for i := range list {
			n := &list[i]
			_, _ = fmt.Fprintf(w, "%d\t%x\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", n.Node, n.Epoch, n.Name, n.Host, n.Version,
				n.processes(), strings.Join(n.Services, " "), strings.Join(n.Wants, " "), strings.Join(n.Alone, " "))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		for _, q := range s.Quarantined {
			_, _ = fmt.Fprintf(t.stdout, "in quarantine: %s (node %d) for %s, the %d. time\n", q.Source, q.Node, q.Why, q.Times)
		}
		return nil
	})
}

const servicesHelp = `Show the services of this node, and of all others as this node's forwarder knows them, with
their instances. ROOM is about how many requests more a node would take for the service; for
this node it is not known. The command only looks: it joins nothing.`

// A listedInstance is the JSON of services.
type listedInstance struct {
	Service string `json:"service"`
	Address string `json:"address"`
	Program string `json:"program"`
	PID     uint32 `json:"pid,omitempty"`  // of a process of this node
	Limit   uint32 `json:"limit"`          // requests that it runs at a time
	Room    *int   `json:"room,omitempty"` // of its node, for the service, where that is another
}

// instancesHere are those of this node.
func instancesHere(s *ringcast.Snapshot) []listedInstance {
	list := []listedInstance{}
	for i := range s.Participants {
		p := &s.Participants[i]
		for _, one := range p.Info.Services {
			if p.Alive {
				list = append(list, listedInstance{Service: one.Name, Address: p.Address.String(), Program: p.Info.Name, PID: p.PID, Limit: one.Limit})
			}
		}
	}
	return list
}

// instancesThere are those of another node.
func instancesThere(n *ringcast.NodeState) (list []listedInstance) {
	room := map[string]*int{}
	for i := range n.Services {
		room[n.Services[i].Name] = &n.Services[i].Room
	}
	for i := range n.Participants {
		p := &n.Participants[i]
		for _, one := range p.Info.Services {
			list = append(list, listedInstance{Service: one.Name, Address: p.Address.String(), Program: p.Info.Name, Limit: one.Limit, Room: room[one.Name]})
		}
	}
	return list
}

func (t *tool) servicesCommand() *cobra.Command {
	return t.lookCommand("services", "show services and their instances", servicesHelp, func(s *ringcast.Snapshot, asJSON bool) error {
		list := instancesHere(s)
		for i := range s.Nodes {
			list = append(list, instancesThere(&s.Nodes[i])...)
		}
		if asJSON {
			return json.NewEncoder(t.stdout).Encode(list)
		}
		w := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "SERVICE\tINSTANCE\tPROGRAM\tPID\tAT A TIME\tROOM")
		for _, one := range list {
			pid, room := "", ""
			if one.PID != 0 {
				pid = fmt.Sprint(one.PID)
			}
			if one.Room != nil {
				room = fmt.Sprint(*one.Room)
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", one.Service, one.Address, one.Program, pid, one.Limit, room)
		}
		return w.Flush()
	})
}

// lookCommand is a command that shows a part of what Inspect sees.
func (t *tool) lookCommand(name, short, long string, show func(*ringcast.Snapshot, bool) error) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: name, Short: short, Long: long, Args: arguments(0, 0), Example: "  ringcast " + name + "\n  ringcast " + name + " --json",
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
