package simnet

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net/netip"

	"github.com/ringcast/ringcast/mcast"
)

// Options describe a run. Probabilities are 0..1, for each datagram and receiver.
type Options struct {
	Seed  uint64
	Nodes int // 2 if zero

	Loss      float64
	BurstMean float64 // mean length of a burst of losses; 1 or less: independent
	Duplicate float64
	Reorder   float64        // late by up to ReorderBy
	ReorderBy mcast.Duration // 300 us if zero
	Replay    float64        // comes a second time after up to ReplayBy
	ReplayBy  mcast.Duration // 500 ms if zero
	Delay     mcast.Duration // one way; 100 us if zero
	Jitter    mcast.Duration

	Topics    int            // of each publishing node; 1 if zero
	Producers int            // of each topic; 1 if zero
	Messages  int            // of each producer
	SizeMax   int            // of a payload; 400 if zero
	Large     float64        // probability of a payload of up to LargeMax
	LargeMax  int            // 20,000 if zero
	Interval  mcast.Duration // between two rounds of sending; 100 us if zero
	Text      bool           // payloads that can be compressed
	Live      bool

	// SamePort: a node that comes back gets what was sent to it before.
	SamePort bool
	// Socket bounds the datagrams that wait for a node that is paused or busy; 0: no bound.
	Socket int

	// LossAllowed: Lost is counted and has to be exact, but is no violation.
	LossAllowed bool
	Config      mcast.Config // Node, Session and Epoch are set for each node
}

func (o Options) withDefaults() Options {
	num := func(p *int, d int) {
		if *p == 0 {
			*p = d
		}
	}
	span := func(p *mcast.Duration, d mcast.Duration) {
		if *p == 0 {
			*p = d
		}
	}
	num(&o.Nodes, 2)
	num(&o.Topics, 1)
	num(&o.Producers, 1)
	num(&o.SizeMax, 400)
	num(&o.LargeMax, 20_000)
	span(&o.ReorderBy, 300*mcast.Microsecond)
	span(&o.ReplayBy, 500*mcast.Millisecond)
	span(&o.Delay, 100*mcast.Microsecond)
	span(&o.Interval, 100*mcast.Microsecond)
	return o
}

// Counts are the faults that were injected, by kind.
type Counts struct {
	Sent, Delivered, Lost, Duplicated, Reordered, Replayed, Cut, Overrun uint64
}

// Network is a run.
type Network struct {
	Options Options
	Nodes   []*Node
	Counts  Counts
	// Drop, if set, decides about a datagram before the random faults do.
	Drop func(from, to *Node, datagram []byte) bool
	// DropGroup, if set, decides about what goes to the group, whatever it is.
	DropGroup func(from, to *Node) bool

	rnd        *rand.Rand
	now        mcast.Time
	events     eventHeap
	order      uint64
	trace      uint64
	violations []Violation
	lanes      map[laneKey]uint64 // hash of what a lane sequence bears
	cut        map[[2]int]bool
	restarts   int         // nodes killed so far
	prompt     *promptness // nil: the invariant prompt is not checked
}

type event struct {
	at    mcast.Time
	order uint64
	node  *Node
	life  int // the node's incarnation it is for; -1: any
	call  func()
	data  []byte
	from  netip.AddrPort
	multi bool
}

type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is heap.Interface's.
func (h *eventHeap) Push(x any) { *h = append(*h, x.(*event)) }

// Pop is heap.Interface's.
func (h *eventHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return x
}

// New makes a network and starts its nodes.
func New(o Options) *Network {
	n := &Network{Options: o.withDefaults(), rnd: rand.New(rand.NewPCG(o.Seed, 0x5eed)), now: mcast.Second,
		lanes: make(map[laneKey]uint64), cut: make(map[[2]int]bool), trace: 14695981039346656037}
	for i := range n.Options.Nodes {
		node := newNode(n, i)
		n.Nodes = append(n.Nodes, node)
	}
	for _, node := range n.Nodes {
		n.At(n.now+mcast.Duration(n.rnd.Int64N(int64(50*mcast.Millisecond))), node.Start)
	}
	return n
}

// Now returns the virtual time.
func (n *Network) Now() mcast.Time { return n.now }

// Trace returns a hash of everything that happened.
func (n *Network) Trace() uint64 { return n.trace }

// At runs f at a time.
func (n *Network) At(at mcast.Time, f func()) { n.push(&event{at: at, call: f, life: -1}) }

// After runs f after a while.
func (n *Network) After(d mcast.Duration, f func()) { n.At(n.now+d, f) }

func (n *Network) push(e *event) {
	e.at = max(e.at, n.now)
	e.order = n.order
	n.order++
	heap.Push(&n.events, e)
}

// Run goes on until done says true, or for d of virtual time.
func (n *Network) Run(d mcast.Duration, done func() bool) {
	end := n.now + d
	for len(n.events) > 0 && n.events[0].at <= end && !n.failed() {
		e := heap.Pop(&n.events).(*event)
		n.now = e.at
		n.step(e)
		if done != nil && done() {
			return
		}
	}
	if done == nil {
		n.now = end
	}
}

func (n *Network) step(e *event) {
	if e.node != nil && (e.life >= 0 && e.life != e.node.life || !e.node.up) {
		return
	}
	if e.node != nil && e.node.mustWait() {
		e.node.postpone(e)
		return
	}
	n.mix(uint64(e.at))
	if e.call != nil {
		e.call()
		return
	}
	if e.data != nil {
		n.mix(uint64(e.node.index)<<32 | uint64(len(e.data)))
		n.mixBytes(e.data)
		n.Counts.Delivered++
		e.node.receive(e)
	} else {
		e.node.tickAt = mcast.Never
	}
	e.node.after()
}

func (n *Network) mix(x uint64) {
	h := (n.trace ^ x) * 1099511628211
	n.trace = h ^ h>>29
}

func (n *Network) mixBytes(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		n.mix(binary.LittleEndian.Uint64(b))
	}
	for _, c := range b {
		n.mix(uint64(c))
	}
}

// Partition cuts the way from one node to another, or mends it.
func (n *Network) Partition(from, to int, cut bool) { n.cut[[2]int{from, to}] = cut }

// send passes one datagram to one node through the faults.
func (n *Network) send(from, to *Node, data []byte, multi bool) {
	o := &n.Options
	n.Counts.Sent++
	if multi && n.DropGroup != nil && n.DropGroup(from, to) || n.cut[[2]int{from.index, to.index}] || n.Drop != nil && n.Drop(from, to, data) {
		n.Counts.Cut++
		return
	}
	if n.lose(from, to) {
		n.Counts.Lost++
		return
	}
	delay := o.Delay
	if o.Jitter > 0 {
		delay += mcast.Duration(n.rnd.Int64N(int64(o.Jitter)))
	}
	at := n.now + delay
	if o.Reorder > 0 && n.rnd.Float64() < o.Reorder {
		at += mcast.Duration(n.rnd.Int64N(int64(o.ReorderBy)))
		n.Counts.Reordered++
	} else if way := from.way(to); at <= *way {
		at = *way + 1
		*way = at
	} else {
		*way = at
	}
	arrive := func(at mcast.Time) {
		life := to.life
		if o.SamePort {
			life = -1
		}
		n.push(&event{at: at, node: to, life: life, data: data, from: from.address, multi: multi})
	}
	arrive(at)
	if o.Duplicate > 0 && n.rnd.Float64() < o.Duplicate {
		n.Counts.Duplicated++
		arrive(at + mcast.Duration(n.rnd.Int64N(int64(mcast.Millisecond))))
	}
	if o.Replay > 0 && n.rnd.Float64() < o.Replay {
		n.Counts.Replayed++
		arrive(at + mcast.Duration(n.rnd.Int64N(int64(o.ReplayBy))))
	}
}

// lose decides about a loss: independent, or by a two-state chain of the given mean burst.
func (n *Network) lose(from, to *Node) bool {
	o := &n.Options
	if o.Loss <= 0 {
		return false
	}
	if o.BurstMean <= 1 {
		return n.rnd.Float64() < o.Loss
	}
	bad := from.bad(to)
	out := 1 / o.BurstMean
	in := o.Loss / (1 - o.Loss) * out
	if *bad {
		*bad = n.rnd.Float64() >= out
	} else {
		*bad = n.rnd.Float64() < in
	}
	return *bad
}

// Violation is a broken invariant.
type Violation struct {
	Invariant string
	At        mcast.Time
	Text      string
}

func (v Violation) Error() string {
	return fmt.Sprintf("invariant %s broken at %d us: %s", v.Invariant, v.At/mcast.Microsecond, v.Text)
}

func (n *Network) violate(invariant, format string, args ...any) {
	n.violations = append(n.violations, Violation{Invariant: invariant, At: n.now, Text: fmt.Sprintf(format, args...)})
}

func (n *Network) failed() bool { return len(n.violations) > 0 }

// Err returns the first violation, nil if there is none.
func (n *Network) Err() error {
	if len(n.violations) == 0 {
		return nil
	}
	return n.violations[0]
}

var hashSeed = maphash.MakeSeed()
