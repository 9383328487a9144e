package mcast

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/ringcast/ringcast/mcast/wire"
)

// Limits of the protocol and of this implementation.
const (
	// MTUDefault is what fits every Ethernet, tunnels included.
	MTUDefault = 1408
	// MTUMin leaves room for a full row of the table in one frame.
	MTUMin = 576
	// MTUMax is the largest datagram: a UDP payload over IPv4.
	MTUMax = 65507
	// MessageMax is the largest payload: 16 MiB less what 24 bits cannot say.
	MessageMax = 1<<24 - 1
	// NameMax bounds a topic's name and a pattern, in bytes.
	NameMax = 200
	// BlockSize is the size of Message.Block where there is one.
	BlockSize = 64
)

// seedsMax bounds Config.Seeds.
const seedsMax = 256

// Compression says when a datagram is compressed.
type Compression uint8

// The ways to compress. A datagram is compressed only where it has at least 256
// bytes and saves at least 12 %; a lane that does not save tries less and less often.
const (
	// CompressPaced compresses while the lane's rate, and not the processor, is
	// the limit: Send was refused for pacing in the last 100 ms. The default.
	CompressPaced Compression = iota
	// CompressAlways tries every datagram.
	CompressAlways
	// CompressNever sends everything as it is. What others compressed is still read.
	CompressNever
)

// Config says who the node is and bounds what it does. The zero value of every
// field but Node and Session is its default. New copies it.
type Config struct {
	DomainHash uint32 // hash of the domain's name; frames of others are dropped
	Node       uint32 // id of this node; not 0
	Epoch      uint32 // epoch of this node
	Session    uint64 // of this forwarder; greater than that of any predecessor; not 0, below 2^62
	Name       string // shown to peers, at most 64 bytes are sent
	Host       string // shown to peers, at most 64 bytes are sent
	// Overtaken is what the node knows of its earlier sessions; see there.
	Overtaken Overtaken

	// MTU is the largest datagram in bytes, 576..65507. Zero means 1408. All
	// members must be able to receive it; nothing is ever fragmented by IP
	// unless this is larger than the path.
	MTU int
	// MTULarge is a larger size, to which datagrams of the lanes grow while all peers have shown that they
	// receive such, at most 65507. Zero, or not more than MTU: there is none.
	MTULarge int
	// NoProbe: this node neither asks nor shows whether large datagrams come, as releases that
	// know of none.
	NoProbe bool
	// Window is the memory of the gated lane's window in bytes; that is how far
	// repairs reach. Zero means 32 MiB. Pages are touched when first used.
	Window int
	// LiveWindow is that of the live lane, made with the first live topic. Zero means 8 MiB.
	LiveWindow int
	// DirectedWindow is that of a lane to one member, given back when that is idle. It is taken
	// as the member lags. Zero means as much as Window.
	DirectedWindow int
	// NoDirected: neither are topics that one node alone wants sent to it alone, nor are such lanes
	// of others taken, as by releases that know none.
	NoDirected bool
	// ReceiveBuffer is what the socket really holds, in bytes as SO_RCVBUF
	// returns it; the credit told to senders is made of it. Zero means that the
	// socket is no limit.
	ReceiveBuffer int
	// ReorderBuffer bounds what is held past a hole, in bytes for each peer.
	// Zero means 32 MiB. Memory is taken as needed.
	ReorderBuffer int
	// ReassemblyBuffer bounds unfinished large messages, in bytes for each peer.
	// Zero means 64 MiB.
	ReassemblyBuffer int
	// MessageLimit is the largest payload sent or taken, in bytes. Zero means MessageMax.
	MessageLimit int

	// Rate is the upper bound of the pacing in datagrams a second, for each
	// lane. Zero means 400,000.
	Rate float64
	// RateMin is its lower bound. Zero means 1,000.
	RateMin float64
	// Compression: see there.
	Compression Compression

	// Seeds are addresses that other nodes may speak from, for networks in which
	// multicast does not reach them: they get this node's HELLO by unicast. Of each
	// two nodes one has to name the other. At most 256.
	Seeds []netip.AddrPort

	Timers Timers
	Limits Limits
	Guard  Guard
}

// Timers are the times of the protocol. Zero means the default of the LAN profile.
type Timers struct {
	Beacon        Duration // between two HELLOs, and with them SM and HB of idle lanes; 200 ms
	PeerTimeout   Duration // silence after which a peer is down; 2 s
	StatusBusy    Duration // between two SM while data flows; 50 ms
	GiveUp        Duration // a hole this old is lost; 2 s
	StallBudget   Duration // a gated member without progress this long is untethered; 500 ms
	LaneStall     Duration // a member that alone holds a lane up is untethered after so much of a second; 100 ms
	Silence       Duration // one that holds it up and says nothing is untethered after; 150 ms
	ReturnAfter   Duration // an untethered member may return after; 1 s
	Reassembly    Duration // an unfinished large message is dropped after; 2 s
	RoundTrip     Duration // group round trip before one was measured; 1 ms
	RoundTripMin  Duration // floor of the measured one; 0.2 ms
	Alone         Duration // one node alone has wanted a topic for so long, before the topic goes on a lane of that node's; 1 s
	Absent        Duration // a node that went is thought of for so long, when the lane of a topic is chosen that it wanted; 10 s
	DirectedIdle  Duration // the window of a lane to one member is given back after; 10 s
	LocalLossSpan Duration // how long a local loss explains new holes; 1 ms
}

// Limits bound the tables. Zero means the default.
type Limits struct {
	Peers     int // 256
	Topics    int // own topics; 65536
	Wants     int // names and patterns of one peer; 16384
	Producers int // own (topic, producer) pairs a session; at most, and by default, 65535
	Streams   int // remembered (topic, producer) pairs of one node; 65536
}

// ErrConfig is wrapped by every error of New.
var ErrConfig = errors.New("mcast: invalid configuration")

func (c *Config) validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, args...))
	}
	switch {
	case c.Node == 0:
		return bad("node 0")
	case c.Session == 0:
		return bad("session 0")
	case c.Session >= wire.SequenceMax:
		return bad("session %d is too great", c.Session)
	case c.MTU != 0 && (c.MTU < MTUMin || c.MTU > MTUMax):
		return bad("MTU %d outside %d..%d", c.MTU, MTUMin, MTUMax)
	case c.MTULarge < 0 || c.MTULarge > MTUMax:
		return bad("large MTU %d outside 0..%d", c.MTULarge, MTUMax)
	case c.Window < 0 || c.LiveWindow < 0 || c.ReorderBuffer < 0 || c.ReassemblyBuffer < 0 || c.ReceiveBuffer < 0 || c.DirectedWindow < 0:
		return bad("negative size")
	case c.Window != 0 && c.Window < windowMin*max(c.MTU, MTUMin):
		return bad("window of %d bytes holds fewer than %d datagrams", c.Window, windowMin)
	case c.MessageLimit < 0 || c.MessageLimit > MessageMax:
		return bad("message limit %d outside 0..%d", c.MessageLimit, MessageMax)
	case !(c.Rate >= 0 && c.RateMin >= 0): // nor NaN
		return bad("rate %v, at least %v: want 0 or more", c.Rate, c.RateMin)
	case c.Limits.Producers < 0 || c.Limits.Producers > producersMax:
		return bad("more than %d producers", producersMax)
	case len(c.Seeds) > seedsMax:
		return bad("%d seeds, at most %d are allowed", len(c.Seeds), seedsMax)
	case slices.ContainsFunc(c.Seeds, func(a netip.AddrPort) bool { return !a.IsValid() || a.Port() == 0 }):
		return bad("a seed that is no address with a port")
	case c.Guard.invalid() != "":
		return bad("%s", c.Guard.invalid())
	case c.Compression > CompressNever:
		return bad("unknown compression %d", c.Compression)
	}
	return nil
}

func (c Config) withDefaults() Config {
	size := func(p *int, d int) {
		if *p == 0 {
			*p = d
		}
	}
	c.Seeds = slices.Clone(c.Seeds)
	size(&c.MTU, MTUDefault)
	if c.NoProbe || c.MTULarge <= c.MTU {
		c.MTULarge = 0
	}
	size(&c.Window, 32<<20)
	size(&c.LiveWindow, max(8<<20, windowMin*c.MTU))
	size(&c.DirectedWindow, c.Window)
	size(&c.ReorderBuffer, 32<<20)
	size(&c.ReassemblyBuffer, 64<<20)
	size(&c.MessageLimit, MessageMax)
	size(&c.Limits.Peers, 256)
	size(&c.Limits.Topics, 65536)
	size(&c.Limits.Wants, 16384)
	size(&c.Limits.Producers, producersMax)
	size(&c.Limits.Streams, 65536)
	if c.Rate == 0 {
		c.Rate = 400_000
	}
	if c.RateMin == 0 {
		c.RateMin = 1000
	}
	c.Rate = max(c.Rate, c.RateMin)
	c.Timers = c.Timers.withDefaults()
	c.Guard = c.Guard.withDefaults()
	return c
}

func (t Timers) withDefaults() Timers {
	set := func(p *Duration, d Duration) {
		if *p <= 0 {
			*p = d
		}
	}
	set(&t.Beacon, 200*Millisecond)
	set(&t.PeerTimeout, 2*Second)
	set(&t.StatusBusy, 50*Millisecond)
	set(&t.GiveUp, 2*Second)
	set(&t.StallBudget, 500*Millisecond)
	set(&t.LaneStall, 100*Millisecond)
	set(&t.Silence, 150*Millisecond)
	set(&t.ReturnAfter, Second)
	set(&t.Reassembly, 2*Second)
	set(&t.RoundTrip, Millisecond)
	set(&t.RoundTripMin, 200*Microsecond)
	set(&t.Alone, Second)
	set(&t.Absent, 10*Second)
	set(&t.DirectedIdle, 10*Second)
	set(&t.LocalLossSpan, Millisecond)
	return t
}
