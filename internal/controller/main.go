// Command controller shows what a controller of many nodes sees when they die. It runs the
// real protocol of forwarders in virtual time: membership and lanes (mcast over mcast/simnet),
// the directory (internal/roster), requests between nodes and the choice of a node for them
// (internal/uplink). Nodes of five kinds, each with services of its own, ask each other all the
// time; every node is killed in turn, at random times, and meets another trouble beside that.
//
// It prints how long it took until each other node knew, by the kind of death; how long requests that
// had met a death took until another node of the kind had answered; and what was checked:
//
//	once      each request ends with exactly one outcome, and one that may not be repeated runs at most once
//	served    a client that repeats always gets its answer in the end
//	takeover  while a node is away, others of its kind answer to each of its services
//	placed    no request is given to a node that is known to be gone
//	alive     nobody who is there and reachable is taken for gone
//	directory in the end every node knows the same of all others, and it is true
//
// What the simulation cannot know is taken for granted: the kernel tells a forwarder of the end
// of a process within 0.1 to 1 ms, and a handler runs for 1 to 20 ms, one in ten for up to half a second. All else follows from the seed.
//
//	go run ./internal/controller -nodes 200
//	go run ./internal/controller -nodes 20 -seed 7
//
// Nothing of this measures a machine: internal/nettest kills real processes and prints real times.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	nodes := flag.Int("nodes", 200, "how many nodes, 10 to 500")
	seed := flag.Uint64("seed", 0, "run this seed; 0: a fresh one")
	loss := flag.Float64("loss", 0.001, "share of datagrams that each receiver loses")
	apart := flag.Duration("apart", 40*time.Millisecond, "mean time between two troubles")
	most := flag.Int("troubles", 0, "only so many of all troubles, chosen at random; 0: every node is killed, and meets another one")
	flag.Parse()
	if *nodes < 10 || *nodes > 500 || *loss < 0 || *loss > 0.2 || *apart < time.Millisecond {
		fmt.Fprintln(os.Stderr, "controller: want 10 to 500 nodes, a loss of 0 to 0.2, at least 1 ms apart")
		os.Exit(2)
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano()) >> 10 & 0xffffff
	}
	again := fmt.Sprintf("go run ./internal/controller -nodes %d -seed %d -loss %g -apart %v -troubles %d", *nodes, *seed, *loss, *apart, *most)
	fmt.Printf("seed %d; again: %s\n", *seed, again)
	begin := time.Now()
	f := newFleet(options{nodes: *nodes, seed: *seed, loss: *loss, apart: simTime(*apart), most: *most})
	f.progress = os.Stderr
	err := f.run()
	f.print(os.Stdout)
	fmt.Printf("%.1f s of simulated time in %.0f s; trace %016x\n", f.now().Seconds(), time.Since(begin).Seconds(), f.net.Trace())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
