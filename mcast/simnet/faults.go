package simnet

import (
	"reflect"

	"github.com/ringcast/ringcast/mcast"
)

// Counts are the faults that were injected, by kind. The first two are datagrams
// that a sender handed to the network, one for each receiver, and those that arrived.
type Counts struct {
	Sent, Delivered uint64

	// Of the network, in datagrams.
	LostAtRandom  uint64 `sim:"lost, independently"`
	LostInBursts  uint64 `sim:"lost, in bursts"`
	LostAtNode    uint64 `sim:"lost, all ways of one node"`
	LostOneWay    uint64 `sim:"lost, one way between two nodes"`
	LostKind      uint64 `sim:"lost, of unicast, multicast, or what is long, alone"`
	LostChosen    uint64 `sim:"lost, chosen by a test"`
	LostPartition uint64 `sim:"lost, partition"`
	LostLong      uint64 `sim:"lost, longer than the path carries"`
	PortFull      uint64 `sim:"lost, full queue of a switch or card"`
	Duplicated    uint64 `sim:"duplicated"`
	Reordered     uint64 `sim:"reordered"`
	Replayed      uint64 `sim:"replayed, up to seconds late"`
	Forged        uint64 `sim:"forged"`
	Overrun       uint64 `sim:"lost, full socket"`

	// Of machines, in times that it happened.
	Partitions uint64 `sim:"partitions, one-way and both"`
	Restarts   uint64 `sim:"restarts"`
	ClocksBack uint64 `sim:"restarts with a clock that was set back"`
	Pauses     uint64 `sim:"pauses of a process"`
	Jumps      uint64 `sim:"jumps of a clock forward"`
	Drifts     uint64 `sim:"clocks that drift"`
	Slow       uint64 `sim:"slow receivers"`
	Twins      uint64 `sim:"machines under another's id"`

	// Enlarged, Shrunk: nodes that began to send large datagrams, and went back.
	Paths    uint64 `sim:"paths that carry more or less than before"`
	Enlarged uint64 `sim:"times that datagrams became large"`
	Shrunk   uint64 `sim:"times that they became small again"`

	// Of applications, in times that it happened.
	Wants uint64 `sim:"changes of what is wanted"`
	Full  uint64 `sim:"topics without room"`
	Rings uint64 `sim:"rings replaced"`
	// Directed: datagrams on lanes to one member; Moves: topics that went there, and back.
	Directed        uint64 `sim:"datagrams on lanes to one member"`
	DirectedRepairs uint64 `sim:"repairs of them"`
	DirectedResumes uint64 `sim:"such lanes read on from where a node stood"`
	MovesDirected   uint64 `sim:"topics that went on a lane to one member"`
	MovesShared     uint64 `sim:"topics that went back on the lane of all"`
	// Late: nodes began to want a topic with what was published before.
	Late uint64 `sim:"topics wanted with their history"`
	// Asked: nodes asked for what was published before of a topic that they wanted already.
	Asked uint64 `sim:"histories of topics that were wanted already"`
	// Lapped: messages of a history were overwritten before they were read.
	Lapped uint64 `sim:"messages overwritten before they were read"`
}

// Each calls f with every kind of fault, in the order above.
func (c *Counts) Each(f func(kind string, n uint64)) {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		if kind := v.Type().Field(i).Tag.Get("sim"); kind != "" {
			f(kind, v.Field(i).Uint())
		}
	}
}

// Add adds what another run counted.
func (c *Counts) Add(d *Counts) {
	v, w := reflect.ValueOf(c).Elem(), reflect.ValueOf(d).Elem()
	for i := range v.NumField() {
		v.Field(i).SetUint(v.Field(i).Uint() + w.Field(i).Uint())
	}
}

// gone is how many datagrams did not arrive.
func (c *Counts) gone() uint64 {
	return c.LostAtRandom + c.LostInBursts + c.LostAtNode + c.LostOneWay + c.LostKind + c.LostChosen + c.LostPartition + c.LostLong + c.Overrun
}

// link is the way from one node to another.
type link struct {
	last mcast.Time // when the last datagram in order arrives
	bad  bool       // in a burst of losses
	cut  bool
	loss float64 // of this direction alone
	kind losesKind
	path int // bytes of the longest datagram that it carries; 0: of any
}

// Partition cuts the way from one node to another, or mends it.
func (n *Network) Partition(from, to int, cut bool) { n.Nodes[from].links[to].cut = cut }

// LoseOneWay makes the way from one node to another lossy; 0 mends it.
func (n *Network) LoseOneWay(from, to int, loss float64) { n.Nodes[from].links[to].loss = loss }

// LoseAt makes everything that a node sends, and that is sent to it, lossy; 0 mends it.
func (n *Network) LoseAt(node int, loss float64) { n.Nodes[node].loss = loss }

// lost decides what becomes of a datagram, and counts it.
func (n *Network) lost(from, to *Node, data []byte, multi bool) bool {
	l := &from.links[to.index]
	c := &n.Counts
	switch {
	case l.cut:
		c.LostPartition++
	case l.path > 0 && len(data) > l.path:
		c.LostLong++
		n.tooLong(from, to, data)
	case multi && n.DropGroup != nil && n.DropGroup(from, to), n.Drop != nil && n.Drop(from, to, data):
		c.LostChosen++
	case l.loss > 0 && n.rnd.Float64() < l.loss:
		c.LostOneWay++
	case l.kind.loss > 0 && l.kind.of(data, multi) && n.rnd.Float64() < l.kind.loss:
		c.LostKind++
	case from.loss+to.loss > 0 && n.rnd.Float64() < from.loss+to.loss:
		c.LostAtNode++
	default:
		return n.loseAnywhere(l)
	}
	return true
}

// loseAnywhere decides by Options.Loss: independently, or by a two-state chain of
// the given mean burst.
func (n *Network) loseAnywhere(l *link) bool {
	o := &n.Options
	if o.Loss <= 0 {
		return false
	}
	if o.BurstMean <= 1 {
		lost := n.rnd.Float64() < o.Loss
		if lost {
			n.Counts.LostAtRandom++
		}
		return lost
	}
	out := 1 / o.BurstMean
	if in := o.Loss / (1 - o.Loss) * out; l.bad {
		l.bad = n.rnd.Float64() >= out
	} else {
		l.bad = n.rnd.Float64() < in
	}
	if l.bad {
		n.Counts.LostInBursts++
	}
	return l.bad
}
