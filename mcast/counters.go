package mcast

import "github.com/ringcast/ringcast/mcast/wire"

// Counters count what an engine did since New. They only grow. Read them from
// the goroutine that drives the engine.
type Counters struct {
	// Sending.
	DataSent        uint64 // new datagrams of the lanes
	BytesSent       uint64 // bytes of them
	DirectedSent    uint64 // of them, to the one member that wants their topics
	MovesDirected   uint64 // times that a topic went on a lane to the one member that wants it
	MovesShared     uint64 // times that one went from there on the lane of all
	MessagesSent    uint64 // messages put into lanes, large ones once
	RepairsSent     uint64 // datagrams sent again
	CopiesSent      uint64 // frames for the group sent to one peer as well
	RepairsUnicast  uint64 // of these, to one member alone
	HeartbeatsSent  uint64
	ControlSent     uint64 // HELLO, SETUP, WANT, SM, NCF, BYE, SESSION_STALE, echoes
	Compressed      uint64 // datagrams sent compressed
	CompressTried   uint64 // datagrams on which it was tried
	BusyWindow      uint64 // Send refused: the window waits for a member
	BusyCredit      uint64 // Send refused: a member's socket has no room
	BusyPacing      uint64 // Send refused: the lane's rate
	BusyMoving      uint64 // Send refused: a topic goes on another lane, and members have first to take what lies on the old one
	BusyTopic       uint64 // Send refused: a topic is full at a member
	Untethered      uint64 // members put out
	RateCuts        uint64 // times the lane's rate was lowered
	NakReceived     uint64
	NakRefused      uint64 // over the member's share, not from where it speaks, or below the trail
	RepairGuarded   uint64 // datagrams asked for again within the guard
	RepairOverflow  uint64 // datagrams asked for by a member for whom too much waits
	NcfSent         uint64
	Isolated        uint64 // members isolated because they alone lost much, whatever the rate
	Readmitted      uint64 // of these, taken back
	HistoriesServed uint64 // streams of what was published before that members asked for
	ChunksSent      uint64 // of these streams
	ChunksRepeated  uint64
	LossTrials      uint64 // times the rate was lowered to see whether losses follow it
	LossCuts        uint64 // of these, those that they followed
	ProbesSent      uint64 // of large datagrams, to all or to one
	ProbesFailed    uint64 // rounds of them after which somebody had not shown that they come
	Enlarged        uint64 // times that datagrams became large
	Shrunk          uint64 // times that they became small again

	// Receiving.
	DataReceived      uint64 // datagrams of lanes, repairs and duplicates too
	RepairsReceived   uint64
	Duplicates        uint64 // datagrams that had been taken before
	DuplicateMessages uint64 // messages that had been delivered before
	Delivered         uint64 // messages handed to the sink
	Unwanted          uint64 // messages of topics that this node does not want
	Holes             uint64 // lane sequences missed at first, reordering not counted
	HolesLost         uint64 // lane sequences given up
	MessagesLost      uint64 // messages told by Lost
	NakSent           uint64
	NakRanges         uint64
	StatusSent        uint64
	ReorderFull       uint64 // datagrams dropped: too far past a hole, or no memory
	NotJoined         uint64 // datagrams before this node had joined the lane
	Reassembled       uint64 // large messages put together
	ReassemblyDropped uint64 // large messages given up
	OldSession        uint64 // frames of a session that was overtaken
	OwnFrames         uint64 // own multicast, heard again
	LanesResumed      uint64 // lanes of others that this node reads on from where it stood before
	DirectedResumed   uint64 // of these, to this node alone
	Misled            uint64 // lanes begun anew, because a forged frame had led this node beyond their heads
	StaleRefused      uint64 // SESSION_STALE that was not believed
	UnknownPeer       uint64 // frames of nodes that have not said HELLO
	HistoriesAsked    uint64 // peers asked for what they published before
	HistoriesGivenUp  uint64 // names of which they did not send all
	EchoesSent        uint64 // of other nodes' probes
	ProbesRefused     uint64 // probes that came too often, and echoes of none that was sent, or not from where their node speaks
	LocalLosses       uint64 // datagrams the kernel dropped at this socket
	Quarantines       uint64 // times that a source was put in quarantine
	QuarantinesOver   uint64 // of these, those that are over
	QuarantineIgnored uint64 // frames of sources in quarantine, dropped unseen

	// Refused counts malformed frames by reason.
	Refused [wire.ReasonCount]uint64
}

// Counters returns the engine's own counters, not a copy.
func (e *Engine) Counters() *Counters { return &e.count }
