package netlab

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// A Drop is a rule by which the switch loses frames of one node. ARP is never lost.
type Drop struct {
	// Node is whose frames.
	Node int
	// Out is what the node sends, so that nobody gets it; else what it would receive.
	Out bool
	// Match narrows it down by an expression of nft(8), such as "ip daddr 224.0.0.0/4".
	// Empty: all IP packets.
	Match string
	// Percent of them are lost, independently of each other. Zero with Every: none at random.
	Percent float64
	// Every loses each such frame by number: 1 is all of them.
	Every int
}

// statement is the rule's text behind the counter of what passes by.
func (d Drop) statement() string {
	s := "meta protocol ip " + d.Match
	switch {
	case d.Every > 1:
		s += fmt.Sprintf(" numgen inc mod %d 0", d.Every)
	case d.Every == 0:
		s += fmt.Sprintf(" numgen random mod 1000000 < %d", int(d.Percent*10000+0.5))
	}
	return s + fmt.Sprintf(" counter name %s_lost drop", d.chain())
}

// chain is the name of the rule's chain, and of what it counts.
func (d Drop) chain() string { return chainOf(d.Node, d.Out) }

func chainOf(node int, out bool) string {
	if out {
		return fmt.Sprintf("out%d", node)
	}
	return fmt.Sprintf("into%d", node)
}

// Count is what the switch saw of one node in one direction since the lab was made, IP
// packets only.
type Count struct {
	Node int
	Out  bool
	Seen uint64 // lost ones among them
	Lost uint64
}

// String is the count in a few words.
func (c Count) String() string {
	direction := "into"
	if c.Out {
		direction = "out of"
	}
	share := 0.0
	if c.Seen > 0 {
		share = 100 * float64(c.Lost) / float64(c.Seen)
	}
	return fmt.Sprintf("%s node %d: %d of %d lost by nftables (%.2f %%)", direction, c.Node, c.Lost, c.Seen, share)
}

// drops are the rules and their counters.
type drops struct{ mu sync.Mutex }

// prepare makes a chain for each direction of each node, all in one transaction.
func (*drops) prepare(l *Lab) error {
	var b strings.Builder
	b.WriteString("add table netdev lab\n")
	for _, n := range l.nodes {
		for _, out := range []bool{false, true} {
			hook := "egress" // of the port: into the node
			if out {
				hook = "ingress"
			}
			c := chainOf(n.Index, out)
			fmt.Fprintf(&b, "add counter netdev lab %s_seen\nadd counter netdev lab %s_lost\n", c, c)
			fmt.Fprintf(&b, "add chain netdev lab %s { type filter hook %s device %q priority 0; policy accept; }\n", c, hook, n.port())
			fmt.Fprintf(&b, "add rule netdev lab %s meta protocol ip counter name %s_seen\n", c, c)
		}
	}
	return l.bridge.do(func() error { return pipe(b.String(), "nft", "-f", "-") })
}

// SetDrops replaces all rules by these, in one step; none: nothing is lost. It takes a
// few milliseconds, and returns when they hold. The counters go on.
func (l *Lab) SetDrops(rules ...Drop) error {
	var b strings.Builder
	for _, n := range l.nodes {
		for _, out := range []bool{false, true} {
			c := chainOf(n.Index, out)
			fmt.Fprintf(&b, "flush chain netdev lab %s\nadd rule netdev lab %s meta protocol ip counter name %s_seen\n", c, c, c)
		}
	}
	for _, d := range rules {
		if d.Node < 1 || d.Node > len(l.nodes) || d.Percent < 0 || d.Percent > 100 || d.Every < 0 {
			return fmt.Errorf("netlab: rule %+v: want a node of 1 to %d, 0 to 100 per cent", d, len(l.nodes))
		}
		fmt.Fprintf(&b, "add rule netdev lab %s %s\n", d.chain(), d.statement())
	}
	l.drops.mu.Lock()
	defer l.drops.mu.Unlock()
	return l.bridge.do(func() error { return pipe(b.String(), "nft", "-f", "-") })
}

// LoseInto makes every node lose that many per cent of what it would receive.
func (l *Lab) LoseInto(percent float64) error {
	var rules []Drop
	for _, n := range l.nodes {
		rules = append(rules, Drop{Node: n.Index, Percent: percent})
	}
	return l.SetDrops(rules...)
}

var counterLine = regexp.MustCompile(`counter (into|out)(\d+)_(seen|lost) \{\s*packets (\d+)`)

// Drops reads the kernel's counters: node by node, what came in and what went out.
func (l *Lab) Drops() ([]Count, error) {
	var text string
	err := l.bridge.do(func() (err error) {
		text, err = output("", "nft", "list", "counters", "netdev", "lab")
		if err != nil { // nft before 1.0.7 lists those of all tables only
			text, err = output("", "nft", "list", "counters")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	counts := make([]Count, 2*len(l.nodes))
	for i := range counts {
		counts[i].Node, counts[i].Out = i/2+1, i%2 == 1
	}
	for _, m := range counterLine.FindAllStringSubmatch(text, -1) {
		node, _ := strconv.Atoi(m[2])
		packets, _ := strconv.ParseUint(m[4], 10, 64)
		c := &counts[2*(node-1)]
		if m[1] == "out" {
			c = &counts[2*(node-1)+1]
		}
		if m[3] == "seen" {
			c.Seen = packets
		} else {
			c.Lost = packets
		}
	}
	return counts, nil
}

// Lost is what was lost in all, in both directions.
func Lost(counts []Count) (n uint64) {
	for _, c := range counts {
		n += c.Lost
	}
	return n
}
