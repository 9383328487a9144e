package main

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/internal/roster"
	"github.com/ringcast/ringcast/internal/uplink"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/simnet"
	"github.com/ringcast/ringcast/shm"
)

const directoryTopic = "$ringcast.directory"

// ringShape stands for the rings of the forwarders' own topics.
var ringShape = mcast.TopicShape{SlotCount: 64, SlotPayload: layout.DefaultSlotPayload, Mode: layout.RingModeReliable}

// A node is a machine: processes that serve and one that asks, and a forwarder made of the
// real state machines. As sink of its engine it does what internal/forward does.
type node struct {
	*simnet.Node
	fleet   *fleet
	index   int
	kind    *kind
	reboots uint32
	forward bool     // a forwarder runs
	alone   bool     // it is cut off
	trouble *trouble // that goes on
	last    *trouble // that is over

	self      shm.Address // of the forwarder
	engine    *mcast.Engine
	roster    *roster.Roster
	router    *uplink.Router
	directory mcast.TopicID
	sequence  uint64
	held      []byte // told by the roster, and not taken by the engine yet
	peers     map[*mcast.Peer]*uplink.Node
	sent      map[uint32]*[uplink.Streams + 1]uint64 // of this session, by node
	sending   bool                                   // the engine may be called
	wakeAt    mcast.Time
	block     [layout.AddressBlockSize]byte

	serving   map[uint64][]shm.ServiceNode // by hash, as the roster knew it
	servingAt [2]uint64                    // revisions of that

	processes []*process
	services  map[uint64]*service
	client    *client
}

// A link is the way to another node.
type link struct {
	topic mcast.TopicID
	sent  *[uplink.Streams + 1]uint64 // the last sequence of each stream
}

func newNode(f *fleet, x *simnet.Node, k *kind) *node {
	n := &node{Node: x, fleet: f, index: int(x.ID()) - 1, kind: k}
	n.boot()
	x.Attach(n, n.prepare)
	return n
}

// boot begins the machine anew: other processes, and nothing of what was.
func (n *node) boot() {
	n.services = map[uint64]*service{}
	for _, name := range n.kind.services {
		n.services[hashOf(name)] = &service{node: n, name: name, hash: hashOf(name), taken: map[uint64]bool{}}
	}
	n.client = newClient(n)
	n.processes = nil
	for i := range instances {
		n.processes = append(n.processes, newProcess(n, uint16(i+1), 1))
	}
}

func (n *node) epoch() uint32 { return 7 + n.reboots }

// prepare makes the forwarder of a session.
func (n *node) prepare(e *mcast.Engine) {
	n.forward, n.engine = true, e
	n.self = shm.Address{Node: n.ID(), Epoch: n.epoch(), Index: 9, Generation: uint32(n.Session())}
	n.roster = roster.New(roster.Config{Node: n.ID(), Session: n.Session(), Software: "simulated"}, rand.New(rand.NewPCG(n.fleet.seed, n.Session()<<16|uint64(n.ID()))))
	n.router = uplink.New(n, n.self, n.Session())
	n.peers, n.sent = map[*mcast.Peer]*uplink.Node{}, map[uint32]*[uplink.Streams + 1]uint64{}
	n.serving, n.sequence, n.held = nil, 0, nil
	n.wakeAt, n.sending = mcast.Never, false
	var err error
	shape := ringShape
	shape.ForAll = true
	if n.directory, err = e.Topic(directoryTopic, shape); err == nil {
		err = e.SetWants(n.Clock(), []string{directoryTopic, uplink.Topic(n.ID())})
	}
	if err != nil {
		panic(err) // nothing of this depends on the seed
	}
	n.tellRows()
}

// tellRows tells the roster who is here.
func (n *node) tellRows() {
	n.roster.SetRows(roster.Time(n.Clock()), n.rows(), func(uint16, uint32) uint8 { return layout.EndingDied })
	n.soon()
}

// soon lets the forwarder do what is left to do, behind what is going on now.
func (n *node) soon() { n.wake(n.Clock()) }

func (n *node) wake(at mcast.Time) {
	if at = max(at, n.Clock()); at >= n.wakeAt { // Never, too
		return
	}
	n.wakeAt = at
	n.Act(at-n.Clock(), func() {
		if n.wakeAt == at {
			n.turn(func() {})
		}
	})
}

// turn does something for which the engine may be called, and what is due then.
func (n *node) turn(f func()) {
	n.sending, n.wakeAt = true, mcast.Never
	f()
	now := n.Clock()
	n.roster.Tick(roster.Time(now))
	n.tell(now)
	busy := n.router.Pump(time.Duration(now))
	n.router.Tick(time.Duration(now))
	n.engine.Flush(now)
	n.sending = false
	next := mcast.Time(n.roster.Next())
	if n.held != nil {
		next = mcast.Never // Room comes
	}
	if due := mcast.Time(n.router.Due()); due > 0 && !busy {
		next = min(next, due)
	}
	if next < mcast.Never {
		n.wake(next)
	}
}

// tell sends what the roster has to say, as far as the engine takes it.
func (n *node) tell(now mcast.Time) {
	for {
		if n.held == nil {
			if n.held = n.roster.Emit(roster.Time(now)); n.held == nil {
				return
			}
			n.sequence++
		}
		m := mcast.Message{Producer: mcast.Address(n.self), Sequence: n.sequence, Kind: layout.MessageKindSystem, Payload: n.held}
		if n.engine.Send(now, n.directory, &m) == mcast.Busy {
			return
		}
		n.held = nil
	}
}

// Deliver is the sink's.
func (n *node) Deliver(p *mcast.Peer, t *mcast.RemoteTopic, m *mcast.Message) {
	switch t.Name {
	case directoryTopic:
		if _, err := n.roster.Receive(roster.Time(n.Clock()), p.Node(), m.Payload); err != nil {
			n.fleet.broken("directory", "node %d, of node %d: %v", n.ID(), p.Node(), err)
		}
		n.fleet.heard(n, p.Node())
		n.wake(mcast.Time(n.roster.Next())) // most of what is told asks for nothing
		return
	case uplink.Topic(n.ID()):
		n.arrive(n.peers[p], m)
	}
	n.soon()
}

// Lost is the sink's.
func (n *node) Lost(p *mcast.Peer, t *mcast.RemoteTopic, _ mcast.Address, _, _ uint64, _ mcast.LossReason) {
	if t.Name == directoryTopic {
		n.roster.Missed(roster.Time(n.Clock()), p.Node())
	}
	n.soon()
}

// PeerUp is the sink's.
func (n *node) PeerUp(p *mcast.Peer) {
	u := n.router.NodeUp(p.Node(), p.Epoch(), p.Session())
	sent := n.sent[p.Node()]
	if sent == nil || n.fleet.fault == faultForgets {
		sent = new([uplink.Streams + 1]uint64)
		n.sent[p.Node()] = sent
	}
	u.Data = &link{sent: sent}
	n.peers[p] = u
	n.roster.Up(roster.Time(n.Clock()), p.Node(), p.Epoch(), p.Session())
	n.soon()
}

// PeerDown is the sink's.
func (n *node) PeerDown(p *mcast.Peer, reason mcast.DownReason) {
	u := n.peers[p]
	delete(n.peers, p)
	n.router.NodeDown(time.Duration(n.Clock()), u)
	n.roster.Down(roster.Time(n.Clock()), p.Node(), layout.EndingUnheard, reason == mcast.DownRestarted)
	n.fleet.lost(n, p, reason)
	n.soon()
}

// Wants is the sink's.
func (n *node) Wants(p *mcast.Peer, patterns []string) {
	if slices.Contains(patterns, directoryTopic) {
		n.roster.Joined(roster.Time(n.Clock()), p.Node())
	}
	n.router.NodeReady(time.Duration(n.Clock()), n.peers[p], slices.Contains(patterns, uplink.Topic(p.Node())))
	n.soon()
}

// Room is the sink's.
func (n *node) Room() { n.soon() }

// Notice is the sink's.
func (n *node) Notice(*mcast.Peer, uint32, mcast.Notice) {}

// Stale is the sink's.
func (n *node) Stale(seen uint64) {
	n.fleet.broken("session", "node %d is in session %d, and was told of %d", n.ID(), n.Session(), seen)
}

// DuplicateNode is the sink's.
func (n *node) DuplicateNode(_ netip.AddrPort, session uint64) {
	n.fleet.broken("session", "node %d was told of a machine with its id in session %d", n.ID(), session)
}
