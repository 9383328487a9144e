package simnet

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/rand/v2"

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

	// Mixed: some of the nodes are of an earlier release, which knows no lanes to one member.
	Mixed bool
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

// Network is a run.
type Network struct {
	Options Options
	Nodes   []*Node
	late    uint64 // datagrams that come out of order by more than nodes tolerate
	Counts  Counts
	// Drop, if set, decides about a datagram before the random faults do.
	Drop func(from, to *Node, datagram []byte) bool
	// DropGroup, if set, decides about what goes to the group, whatever it is.
	DropGroup func(from, to *Node) bool
	// OnData, if set, sees every datagram that arrives.
	OnData func(to *Node, datagram []byte)

	traffic    *traffic // counted, if it is set
	rnd        *rand.Rand
	now        mcast.Time
	events     eventHeap
	order      uint64
	trace      uint64
	violations []Violation
	lanes      map[laneKey]uint64 // hash of what a lane sequence bears
	restarts   int                // nodes killed so far
	prompt     *promptness        // nil: the invariant prompt is not checked
	steady     bool               // what a path carries does not change: what is too long for it is never sent
	flooded    bool               // somebody does what nobody healthy does: quarantines are no violation
}

// New makes a network and starts its nodes.
func New(o Options) *Network {
	n := &Network{Options: o.withDefaults(), rnd: rand.New(rand.NewPCG(o.Seed, 0x5eed)), now: mcast.Second,
		lanes: make(map[laneKey]uint64), trace: 14695981039346656037}
	if l := &n.Options.Config.Limits; l.Peers == 0 && n.Options.Nodes > 200 {
		l.Peers = n.Options.Nodes + twinsMax
	}
	for i := range n.Options.Nodes {
		node := newNode(n, i)
		node.undirected = n.Options.Mixed && i%3 == 1
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
	n.events.push(e)
}

// Run goes on until done says true, or for d of virtual time.
func (n *Network) Run(d mcast.Duration, done func() bool) {
	end := n.now + d
	for n.events.len() > 0 && n.events.list[0].at <= end && !n.failed() {
		e := n.events.pop()
		n.now = e.at
		if n.step(e) {
			n.events.free(e)
		}
		if done != nil && done() {
			return
		}
	}
	if done == nil {
		n.now = end
	}
}

// RunUntil goes on until done says true, or for d of virtual time. It looks only
// now and then: done may be a search through everything.
func (n *Network) RunUntil(d mcast.Duration, done func() bool) {
	for end := n.now + d; n.now < end && !n.failed() && !done(); {
		n.Run(min(lookApart, end-n.now), nil)
	}
}

// lookApart is the time between two looks of RunUntil.
const lookApart = 5 * mcast.Millisecond

// step lets an event happen; it says false where the event is kept for later.
func (n *Network) step(e *event) (over bool) {
	if e.node != nil && (e.life >= 0 && e.life != e.node.life || !e.node.up || e.tick && e.order != e.node.tick) {
		return true
	}
	if e.node != nil && e.node.mustWait() {
		e.node.postpone(e)
		return false
	}
	n.mix(uint64(e.at))
	if e.call != nil {
		e.call()
		return true
	}
	if e.data != nil {
		n.mix(uint64(e.node.index)<<32 | uint64(len(e.data)))
		n.mixBytes(e.data)
		n.Counts.Delivered++
		if n.traffic != nil {
			n.traffic.came(e.node, e.data)
		}
		if n.OnData != nil {
			n.OnData(e.node, e.data)
		}
		e.node.receive(e)
	} else {
		e.node.tickAt = mcast.Never
	}
	e.node.after()
	n.checkQuarantine(e.node)
	return true
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

// send passes one datagram to one node through the faults.
func (n *Network) send(from, to *Node, data []byte, multi bool) {
	o := &n.Options
	n.Counts.Sent++
	if n.lost(from, to, data, multi) {
		return
	}
	at := max(n.now, from.card.out) + o.Delay
	if o.Jitter > 0 {
		at += mcast.Duration(n.rnd.Int64N(int64(o.Jitter)))
	}
	if o.Reorder > 0 && n.rnd.Float64() < o.Reorder {
		at += mcast.Duration(n.rnd.Int64N(int64(o.ReorderBy)))
		n.reordered(at - max(n.now, from.card.out) - o.Delay)
	} else {
		way := &from.links[to.index].last
		at = max(at, *way+1)
		*way = at
	}
	if !to.inlet.pass(at) {
		n.Counts.PortFull++
		return
	}
	at = to.inlet.out
	n.arrive(at, from, to, data, multi)
	if o.Duplicate > 0 && n.rnd.Float64() < o.Duplicate {
		n.Counts.Duplicated++
		n.arrive(at+mcast.Duration(n.rnd.Int64N(int64(mcast.Millisecond))), from, to, data, multi)
	}
	if o.Replay > 0 && n.rnd.Float64() < o.Replay {
		n.Counts.Replayed++
		n.arrive(at+mcast.Duration(n.rnd.Int64N(int64(o.ReplayBy))), from, to, data, multi)
	}
}

// arrive lets a datagram come at a time.
func (n *Network) arrive(at mcast.Time, from, to *Node, data []byte, multi bool) {
	e := n.events.fresh()
	*e = event{at: at, node: to, life: to.life, data: data, from: from.address, multi: multi}
	if n.Options.SamePort {
		e.life = -1
	}
	n.push(e)
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
