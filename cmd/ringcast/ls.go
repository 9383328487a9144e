package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/shm"
	"github.com/spf13/cobra"
)

const lsHelp = `Show the topics of the domain on this node with shape, readers and counters, their queue
groups with the members' process ids, and the processes that take part. SENT TO is where the
forwarder sends a topic: to all nodes by multicast; by unicast to the only one that wants it;
or - if no other node wants it. The command only looks: it joins nothing and leaves no trace.`

func (t *tool) lsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Short: "show topics and participants", Long: lsHelp, Args: arguments(0, 0),
		Example: "  ringcast ls\n  ringcast ls --domain plant --json",
		RunE: func(*cobra.Command, []string) error {
			s, err := ringcast.Inspect(&t.config)
			if err != nil {
				return failed(err)
			}
			if asJSON {
				return failed(json.NewEncoder(t.stdout).Encode(listing(s)))
			}
			return failed(printSnapshot(t.stdout, s))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func printSnapshot(out io.Writer, s *ringcast.Snapshot) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "domain %s, node %d, epoch %x, in %s\n\n", s.Domain, s.Node, s.Epoch, s.Dir)
	_, _ = fmt.Fprintln(w, "TOPIC\tSLOTS\tSIZE\tMODE\tKIND\tPOSITIONS\tREADERS\tBEHIND\tMISSED\tEVICTED\tFENCED\tDAMAGED\tSENT TO")
	for _, t := range s.Topics {
		if t.Err != nil {
			_, _ = fmt.Fprintf(w, "%s\t%v\n", t.Name, t.Err)
			continue
		}
		behind, missed := readerSums(&t)
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%v\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", t.Name, t.Slots, t.SlotSize, t.Mode, kind(t.Exclusive),
			t.Positions, len(t.Readers), behind, missed, t.Evicted, t.Quarantined, t.Damaged, sentTo(&t))
	}
	printGroups(w, s)
	_, _ = fmt.Fprintln(w, "\nPARTICIPANT\tPID\tNAME\tSINCE\tPUBLISHES\tSUBSCRIBES\tSERVES")
	for _, p := range s.Participants {
		name := p.Info.Name
		if !p.Alive {
			name += " (dead)"
		}
		if p.Err != nil {
			name = p.Err.Error()
		}
		_, _ = fmt.Fprintf(w, "%v\t%d\t%s\t%s\t%s\t%s\t%s\n", p.Address, p.PID, name, p.Started.Format(time.DateTime),
			strings.Join(interests(p.Info, true), " "), strings.Join(interests(p.Info, false), " "), strings.Join(servesOf(p.Info), " "))
	}
	return w.Flush()
}

func kind(exclusive bool) string {
	if exclusive {
		return "exclusive"
	}
	return "shared"
}

// sentTo is where the forwarder sends a topic, as it is shown.
func sentTo(t *ringcast.TopicState) string {
	switch {
	case !t.Forwarded:
		return "-"
	case t.Alone == 0:
		return "all"
	}
	return fmt.Sprint("node ", t.Alone)
}

// printGroups shows the queue groups, where there are any.
func printGroups(w io.Writer, s *ringcast.Snapshot) {
	head := "\nGROUP\tTOPIC\tMEMBERS\tBEHIND\tMISSED"
	for _, t := range s.Topics {
		for _, g := range t.Groups {
			if head != "" {
				_, _ = fmt.Fprintln(w, head)
				head = ""
			}
			members := make([]string, len(g.Members))
			for i, m := range g.Members {
				members[i] = memberName(s, m)
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%d: %s\t%d\t%d\n", g.Name, t.Name, len(members), strings.Join(members, " "), g.Behind, g.Missed)
		}
	}
}

// memberName is the pid of a participant, and its index where it is gone.
func memberName(s *ringcast.Snapshot, index uint16) string {
	for _, p := range s.Participants {
		if p.Address.Index == index {
			return fmt.Sprint(p.PID)
		}
	}
	return fmt.Sprintf("#%d", index)
}

// readerSums is how far the slowest reader or group is behind, and what all have missed.
func readerSums(t *ringcast.TopicState) (behind, missed uint64) {
	for _, r := range t.Readers {
		behind = max(behind, r.Behind)
		missed += r.Missed
	}
	for _, g := range t.Groups {
		behind = max(behind, g.Behind)
		missed += g.Missed
	}
	return behind, missed
}

// servesOf are the services of which a participant is an instance.
func servesOf(info shm.Info) []string {
	names := []string{}
	for _, one := range info.Services {
		names = append(names, one.Name)
	}
	return names
}

// interests are the names that a participant publishes, or subscribes to.
func interests(info shm.Info, publishes bool) []string {
	names := []string{}
	for _, i := range info.Interests {
		if i.Publisher == publishes {
			names = append(names, i.Name)
		}
	}
	return names
}
