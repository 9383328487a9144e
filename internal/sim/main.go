// Command sim searches the network protocol: it runs the real engines over a
// seeded network in virtual time (mcast/simnet), seed after seed, and says which
// seed breaks which invariant. It then replays seeds, to show that nothing but the
// seed decides, and prints what the protocol costs as nodes grow.
//
//	go run ./internal/sim -seconds 300
//	go run ./internal/sim -scenario hard -seed 17 -events
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/ringcast/ringcast/mcast/simnet"
)

type settings struct {
	seed, from uint64
	scenario   string
	seconds    int
	workers    int
	events     bool
	nodes      int
}

func main() {
	var s settings
	flag.Uint64Var(&s.seed, "seed", 0, "run this seed only, twice; 0: search")
	flag.Uint64Var(&s.from, "from", 0, "first seed of the search; 0: a fresh one")
	flag.StringVar(&s.scenario, "scenario", "", "this kind of run only")
	flag.IntVar(&s.seconds, "seconds", 300, "how long to search")
	flag.IntVar(&s.workers, "workers", 2, "runs at a time")
	flag.BoolVar(&s.events, "events", false, "with -seed: print what the nodes of a soft, hard, cluster or large run do")
	flag.IntVar(&s.nodes, "nodes", 500, "print the cost of the protocol up to so many nodes; 0: do not")
	flag.Parse()
	if !run(&s) {
		os.Exit(1)
	}
}

// run does what the settings say; it says false where something is broken.
func run(s *settings) bool {
	kinds, err := kindsOf(s.scenario)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return false
	}
	if s.seed != 0 {
		simnet.Verbose = s.events
		return replay(kinds, s.seed)
	}
	if s.from == 0 {
		s.from = uint64(time.Now().Unix())
	}
	ok := search(kinds, s)
	fmt.Println("\nreplayed:")
	ok = replay(kinds, s.from) && ok
	if s.nodes > 0 && s.scenario == "" {
		ok = cost(s.from, s.nodes) && ok
	}
	return ok
}

func kindsOf(name string) ([]simnet.Scenario, error) {
	all := simnet.Scenarios()
	if name == "" {
		return all, nil
	}
	names := ""
	for _, k := range all {
		if k.Name == name {
			return []simnet.Scenario{k}, nil
		}
		names += " " + k.Name
	}
	return nil, fmt.Errorf("no scenario %q; there are:%s", name, names)
}

// replay runs a seed of every kind twice; both have to be the same.
func replay(kinds []simnet.Scenario, seed uint64) bool {
	ok := true
	for _, k := range kinds {
		a, b := k.Run(seed), k.Run(seed)
		same := "equal"
		if a.Trace != b.Trace {
			same, ok = "DIFFERENT", false
		}
		fmt.Printf("  %-8s seed %d: traces %016x %016x, %s; %d nodes, %d ms, %d delivered, %d told as lost\n",
			k.Name, seed, a.Trace, b.Trace, same, a.Nodes, a.Virtual/1e6, a.Delivered, a.Lost)
		if len(kinds) == 1 {
			printFaults(&a.Counts)
		}
		if a.Err != nil {
			ok = false
			fmt.Printf("  %-8s seed %d: %v\n", k.Name, seed, a.Err)
		}
	}
	return ok
}

func printFaults(c *simnet.Counts) {
	fmt.Printf("faults injected, among %d copies of datagrams sent, %d arrived:\n", c.Sent, c.Delivered)
	c.Each(func(kind string, n uint64) { fmt.Printf("  %12d  %s\n", n, kind) })
}
