package main

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"time"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/simnet"
)

const ms = mcast.Millisecond

func simTime(d time.Duration) mcast.Duration { return mcast.Duration(d) }

type options struct {
	nodes int
	seed  uint64
	loss  float64
	apart mcast.Duration // of two troubles, the mean
	most  int            // troubles; 0: all
	fault fault
}

// A fault is a rule that a test breaks, to see that it is noticed.
type fault uint8

const (
	faultNone    fault = iota
	faultForgets       // a forwarder forgets where its streams to a node stood when that node goes
	faultTrusts        // requests go to nodes that are known to be gone
	faultStalls        // nodes stand still for longer than anybody waits for them
)

// A kind is what a node is for: the services that each node of it has.
type kind struct {
	name     string
	services []string
}

var kinds = []kind{
	{"feed", []string{"feed.snapshot"}},
	{"pricing", []string{"pricing.quote", "pricing.curve"}},
	{"risk", []string{"risk.check"}},
	{"orders", []string{"orders.place", "orders.cancel"}},
	{"archive", []string{"archive.read"}},
}

// A fleet is all nodes with what is known of them from above.
type fleet struct {
	options
	net      *simnet.Network
	rnd      *rand.Rand
	nodes    []*node
	hashes   map[uint64]string // names of services
	requests []*request
	troubles []*trouble
	began    mcast.Time // of the load
	calm     bool       // no more load, no more trouble
	settled  mcast.Duration
	judged   judgement

	progress          io.Writer // where it is said how far it is; nil: nowhere
	startedAt, toldAt time.Time // of the machine
}

func newFleet(o options) *fleet {
	f := &fleet{options: o, rnd: rand.New(rand.NewPCG(o.seed, 0xc0)), hashes: map[uint64]string{}}
	f.net = simnet.New(simnet.Options{Seed: o.seed, Nodes: o.nodes, Loss: o.loss, Delay: 100 * mcast.Microsecond, Jitter: 100 * mcast.Microsecond})
	for _, k := range kinds {
		for _, s := range k.services {
			f.hashes[hashOf(s)] = s
		}
	}
	for i, x := range f.net.Nodes {
		f.nodes = append(f.nodes, newNode(f, x, &kinds[i%len(kinds)]))
	}
	return f
}

// hashOf is the service_hash of a name.
func hashOf(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return h.Sum64()
}

// now is the simulated time.
func (f *fleet) now() time.Duration { return time.Duration(f.net.Now()) }

// upTo is a random time.
func (f *fleet) upTo(d mcast.Duration) mcast.Duration {
	return mcast.Duration(f.rnd.Int64N(int64(d) + 1))
}

func (f *fleet) broken(invariant, format string, args ...any) {
	f.net.Violate(invariant, format, args...)
}

const (
	meetMax   = 20 * mcast.Second // by when all have to know all
	settleMax = 20 * mcast.Second // by when, after the last trouble, all have to know the same
)

// run lets the nodes meet, work while they die, and come to rest. The error names what broke.
func (f *fleet) run() error {
	f.startedAt, f.toldAt = time.Now(), time.Now()
	f.settle("all meet", meetMax)
	if text := f.apart(); text != "" && f.net.Err() == nil {
		f.broken("directory", "after the start: %s", text)
	}
	f.began = f.net.Now()
	for _, n := range f.nodes {
		f.ask(n)
	}
	f.net.Run(500*ms, nil)
	f.makeTrouble()
	for !f.over() && f.net.Err() == nil {
		f.net.Run(50*ms, nil)
		f.tellProgress("nodes die")
	}
	last := f.net.Now()
	f.settle("all settles", settleMax)
	f.settled = f.net.Now() - last
	f.calm = true
	f.net.RunUntil(requestTime+100*ms, f.ended)
	if f.net.Err() == nil {
		f.judge()
	}
	if err := f.net.Err(); err != nil {
		return fmt.Errorf("seed %d: %w", f.seed, err)
	}
	return nil
}

// settle goes on until all know the same.
func (f *fleet) settle(what string, most mcast.Duration) {
	f.net.RunUntil(most, func() bool {
		f.tellProgress(what)
		return f.apart() == ""
	})
}

// progressApart is the time of the machine between two lines of progress.
const progressApart = 5 * time.Second

// tellProgress says now and then how far it is, and about how long it takes.
func (f *fleet) tellProgress(what string) {
	if f.progress == nil || time.Since(f.toldAt) < progressApart {
		return
	}
	f.toldAt = time.Now()
	over := 0
	for _, t := range f.troubles {
		if t.over {
			over++
		}
	}
	fmt.Fprintf(f.progress, "%4.0f s: %s, %.1f s simulated, %d of %d troubles are over, %d requests\n",
		time.Since(f.startedAt).Seconds(), what, f.now().Seconds(), over, len(f.troubles), len(f.requests))
}

// ended reports whether every request has its outcome.
func (f *fleet) ended() bool {
	for _, q := range f.requests {
		if q.outcome == "" {
			return false
		}
	}
	return true
}

// over reports whether all troubles have come and gone.
func (f *fleet) over() bool {
	for _, t := range f.troubles {
		if !t.over {
			return false
		}
	}
	return true
}
