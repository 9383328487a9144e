package simnet

import (
	"math/rand/v2"

	"github.com/ringcast/ringcast/mcast"
)

// Result is what came of one run.
type Result struct {
	Trace     uint64 // hash of everything that happened
	Counts    Counts
	Nodes     int
	Virtual   mcast.Duration // how long the run was
	Delivered uint64         // messages
	Lost      uint64         // messages told as lost
	Settled   mcast.Duration // from the end of all faults until all was at rest; 0 where it is not measured
	Err       error          // the first broken invariant
}

// Scenario is a kind of run; a seed makes one of it.
type Scenario struct {
	Name  string
	About string
	Share int // of 100 seeds of a search
	run   func(seed uint64) *Result
}

// Run runs a seed to its end. The same seed gives the same Result.
func (s *Scenario) Run(seed uint64) *Result { return s.run(seed) }

// Scenarios lists the kinds of runs.
func Scenarios() []Scenario {
	return []Scenario{
		{"loss", "2 to 4 nodes, steady streams, faults of the network: all is delivered", 19,
			func(seed uint64) *Result { return runSeed(options(seed)).result(0) }},
		{"restart", "nodes are killed and come back in a new session: lost messages are counted exactly", 11,
			func(seed uint64) *Result { return runRestart(restartOptions(seed)).result(0) }},
		{"soft", "2 to 5 nodes, every use of the API, loss, replay, pauses, clocks: nothing is lost, nobody taken for dead", 11,
			func(seed uint64) *Result { return runChaos(seed, true).result() }},
		{"hard", "the same with partitions, restarts, clocks set back, other machines under one id, slow nodes", 16,
			func(seed uint64) *Result { return runChaos(seed, false).result() }},
		{"late", "nodes begin to want topics with what was published before, in soft and in hard worlds: from the beginning, once, and nothing left out; in half of them somebody forges asks", 7,
			func(seed uint64) *Result { return runLate(seed).result() }},
		{"moves", "nodes want topics and do without them again, in soft and in hard worlds: topics go to one member and to all, and who stays misses nothing", 9,
			func(seed uint64) *Result { return runMoves(seed).result() }},
		{"far", "machines that have run for long, in soft and in hard worlds: clocks and sequences pass what the wire has of them", 5,
			func(seed uint64) *Result { return runFar(seed).result() }},
		{"kinds", "ways that lose unicast, multicast or long datagrams alone, in soft and in hard worlds", 5,
			func(seed uint64) *Result { return runKinds(seed).result() }},
		{"sizes", "ways that carry no large datagrams, for good or for a while, in soft and in hard worlds: nobody is sent what does not come", 6,
			func(seed uint64) *Result { return runSizes(seed).result() }},
		{"stops", "processes are stopped for 5 to 60 s and go on, in hard worlds", 1,
			func(seed uint64) *Result { return runStops(seed).result() }},
		{"owner", "the owner of lanes is stopped just when they stand still: nobody is put out for that", 1,
			func(seed uint64) *Result { return runOwnStops(seed).result() }},
		{"forged", "frames that nobody sent, beside real ones: no node stays outside", 5,
			func(seed uint64) *Result { return runForged(seed).result(0) }},
		{"cluster", "15 to 40 nodes, all faults mixed", 3,
			func(seed uint64) *Result { return runCluster(seed, 15, 40).result() }},
		{"large", "60 to 200 nodes, all faults mixed", 1,
			func(seed uint64) *Result { return runCluster(seed, 60, 200).result() }},
	}
}

func (n *Network) result(settled mcast.Duration) *Result {
	for _, x := range n.Nodes {
		x.tally()
	}
	r := &Result{Trace: n.Trace(), Counts: n.Counts, Nodes: len(n.Nodes), Virtual: n.now - mcast.Second, Settled: settled, Err: n.Err()}
	for _, x := range n.Nodes {
		r.Delivered += x.Taken
		r.Lost += x.Missed
	}
	return r
}

func (w *World) result() *Result { return w.Network.result(w.Settled) }

// runCluster runs a world of many nodes: of two seeds one with everything that may
// go wrong, one without what explains a loss.
func runCluster(seed uint64, from, to int) *World {
	r := rand.New(rand.NewPCG(seed, 47))
	soft := seed%2 == 0
	o := chaosOptions(seed, soft)
	o.Nodes = from + r.IntN(to-from+1)
	w := NewWorld(o, soft)
	w.Live(1500 * mcast.Millisecond)
	return w
}
