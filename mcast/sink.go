package mcast

import "net/netip"

// Sink takes what an Engine gives. Its methods are called from within the
// Engine's; they must not call the Engine, but for SetTopicFull and the methods
// that only read. Slices and messages are lent until the method returns.
type Sink interface {
	// Multicast sends datagrams to the group, in this order, before it returns.
	// What the network drops is repaired.
	Multicast(datagrams [][]byte)
	// Unicast sends one datagram to one address.
	Unicast(to netip.AddrPort, datagram []byte)

	// Deliver hands over a message: once, in order per (topic, producer). The
	// sink takes it always, and parks it where its ring is full (SetTopicFull).
	Deliver(peer *Peer, topic *RemoteTopic, m *Message)
	// Lost says that messages first..last (inclusive) of a producer will never
	// be delivered. It comes in the place of those messages where a later one
	// exists, otherwise as soon as it is known.
	Lost(peer *Peer, topic *RemoteTopic, producer Address, first, last uint64, reason LossReason)

	// PeerUp says that a node is there.
	PeerUp(peer *Peer)
	// PeerDown says that a node, or its forwarder's session, is gone. The Peer
	// is not used after.
	PeerDown(peer *Peer, reason DownReason)
	// Wants says which names and patterns a peer wants now: its full list. It is
	// called when the peer can receive them, and at every change.
	Wants(peer *Peer, patterns []string)
	// Notice says that a member of an own lane was put out or isolated, or this node
	// in a lane of the peer's, and when that ends.
	Notice(peer *Peer, lane uint32, what Notice)
	// Room says that Send may succeed again after it returned Busy.
	Room()

	// Stale says that others have seen a greater session of this node: the
	// caller must close the Engine and start one with a session above seen. It calls
	// Overtaken.Again, and the new Engine's Config has the result.
	Stale(seen uint64)
	// DuplicateNode says that another machine speaks under this node's id. From is
	// not valid where that machine is not heard here, and others told of it.
	DuplicateNode(from netip.AddrPort, session uint64)
}

// A Copier is a Sink that can send many datagrams to one address at once. Where a Sink is
// none, copies for peers without multicast, and repairs for one member, go one by one to Unicast.
type Copier interface {
	// Copies sends datagrams to one address, in this order, before it returns.
	Copies(to netip.AddrPort, datagrams [][]byte)
}

// A Judge is a Sink that wants to know who speaks another version.
type Judge interface {
	// Incompatible says that a node speaks versions of the wire of which this release knows none:
	// neither hears the other. It is called once a source while that is among the refused.
	Incompatible(from netip.AddrPort, node uint32, least, most uint8)
}

// Address is a participant's address: 16 bytes on the wire. It has the shape of
// shm.Address, to which it converts.
type Address struct {
	Node, Epoch, Generation uint32
	Index, Handle           uint16
}

// Message is one message, whole.
type Message struct {
	Producer    Address
	Sequence    uint64 // dense per (topic, producer)
	Kind        uint8  // fb.MessageKind
	Content     uint8  // fb.Content
	Flags       uint16 // fb.MessageFlag, carried as it is
	SchemaHash  uint32
	TimestampNs uint64
	Block       []byte // an AddressBlock of 64 bytes, or nil
	Payload     []byte // at most Config.MessageLimit bytes
	// Missed is how many of the producer's messages before this one the caller may
	// have missed, where it cannot know: an upper bound. It counts for the first
	// message of a producer; later gaps show in the sequences.
	Missed uint64
}

// TopicShape is what a topic's ring looks like on its own node.
type TopicShape struct {
	SlotCount, SlotPayload, History uint32
	Mode, Kind, Purpose             uint8
	// Live: nobody is waited for; the topic goes on the live lane.
	Live bool
	// ForAll: every member is about to want it. It stays on the lane of all, where those get it too of
	// whom the owner does not know yet, though one alone wants it now.
	ForAll bool
}

// TopicID names one of the node's own topics within a session; never 0.
type TopicID uint32

// RemoteTopic is a topic of a peer, as its table describes it. It lives as long
// as the peer's session; equal pointers are the same topic.
type RemoteTopic struct {
	Name  string
	ID    TopicID
	Lane  uint32
	Shape TopicShape
	// Data is the sink's own: the engine never touches it.
	Data any

	wanted      bool
	wantedSince uint64 // lane sequence from which on the topic was wanted
	held        bool   // until what was published before is here
	full        bool
	fullSeq     uint64 // sequence of the message that came last when it was full
	lastSeq     uint64
}

// Wanted says whether this node wants the topic now.
func (t *RemoteTopic) Wanted() bool { return t.wanted }

// SendResult says what Send did with a message.
type SendResult uint8

// The results of Send.
const (
	// Sent: it is in the lane, or nothing more has to be done with it.
	Sent SendResult = iota
	// Busy: no room now (window, credit, pacing, a full topic of a peer). The
	// caller keeps the message and tries again after Sink.Room. A large message
	// may be in the lane in part: the same message must be tried again.
	Busy
	// Unwanted: no live peer wants the topic; it was not sent, and counts as passed:
	// a peer that comes back is told that it missed it. Who would rather keep the
	// message asks WantedBy first.
	Unwanted
	// TooLarge: the payload is over Config.MessageLimit, or the block is not of 64 bytes.
	TooLarge
	// NoTopic: there is no such topic.
	NoTopic
	// NoProducers: the session has given out all its producer numbers; a new
	// session has to be started.
	NoProducers
	// Closed: after Close.
	Closed
)

// LossReason says why messages are lost; the numbers are those of fb.LossReason.
type LossReason uint32

// The reasons of Lost.
const (
	LossTrail      LossReason = 1 // the sender's window has moved past them
	LossGaveUp     LossReason = 2 // no repair came in time
	LossUntethered LossReason = 3 // this node was put out for slowness
	LossSource     LossReason = 4 // the sender never put them on the lane
	LossSession    LossReason = 5 // the sender's session ended before they were repaired
)

func (r LossReason) String() string {
	switch r {
	case LossTrail:
		return "trail"
	case LossGaveUp:
		return "gave up"
	case LossUntethered:
		return "untethered"
	case LossSource:
		return "source"
	case LossSession:
		return "session"
	}
	return "unknown"
}

// DownReason says why a peer is gone.
type DownReason uint8

// The reasons of PeerDown.
const (
	DownBye       DownReason = 1 // it said so
	DownTimeout   DownReason = 2 // silence
	DownRestarted DownReason = 3 // a new session of the same node is there
	DownClosed    DownReason = 4 // this engine was closed
)

func (r DownReason) String() string {
	switch r {
	case DownBye:
		return "bye"
	case DownTimeout:
		return "timeout"
	case DownRestarted:
		return "restarted"
	case DownClosed:
		return "closed"
	}
	return "unknown"
}
