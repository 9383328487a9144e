package mcast

import (
	"math/rand/v2"
	"net/netip"
)

// Lanes of a node. The lane number is in every frame; more may come.
const (
	// LaneGated carries topics whose window waits for tethered members.
	LaneGated uint32 = 0
	// LaneLive carries topics for which nobody is waited.
	LaneLive uint32 = 1

	lanesMax = 2
	// windowMin is the least window in datagrams: a batch and its repairs.
	windowMin = 64
	// producersMax is what 16 bits can number, 0 left out.
	producersMax = 1<<16 - 1
)

// Engine is the protocol of one node. An Engine must not be used by more than
// one goroutine at a time.
type Engine struct {
	cfg  Config
	sink Sink
	rnd  *rand.Rand
}

// New makes an Engine. It sends nothing before Start. It allocates the lane's
// window, whose pages are touched as they are used.
func New(cfg *Config, sink Sink, rnd *rand.Rand) (*Engine, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Engine{cfg: cfg.withDefaults(), sink: sink, rnd: rnd}, nil
}

// Start says HELLO. Resume, ResumeStream, Topic and SetWants may come before.
func (e *Engine) Start(now Time) {}

// Receive takes one datagram as it came from the socket; multicast says by which
// of the two it came. It never blocks; in order and without compression it does
// not allocate. The datagram may be re-used after it returns. What it makes to be
// sent waits for Tick or Flush, but unicast frames go at once.
func (e *Engine) Receive(now Time, datagram []byte, from netip.AddrPort, multicast bool) {}

// Tick runs the timers that are due and hands over what waits to be sent. It is
// cheap when nothing is due: call it after every batch of Receive and Send.
func (e *Engine) Tick(now Time) {}

// NextTimer returns when Tick has to be called at the latest.
func (e *Engine) NextTimer() Time { return Never }

// Close says BYE; the Engine then does nothing any more.
func (e *Engine) Close(now Time) {}

// Topic returns the number of one of the node's own topics, making it at the
// first call; a later call with another shape returns the same number and keeps
// the first shape. The error wraps ErrTopics or ErrName.
func (e *Engine) Topic(name string, shape TopicShape) (TopicID, error) { return 0, nil }

// SetWants says what this node wants of all others: its full list of names and
// patterns (* is one token, > is the rest). The list is copied and told to every
// peer until each has it. What is dropped from the list and taken up again later
// starts anew, without a loss for what lay between.
func (e *Engine) SetWants(now Time, patterns []string) error { return nil }

// Send puts a message of an own topic into its lane. It copies the payload; it
// does not allocate, but for the first message of a producer. It makes no system
// call until a batch of datagrams is full.
func (e *Engine) Send(now Time, topic TopicID, m *Message) SendResult { return Unwanted }

// Flush sends the datagrams that are packed, also the one that has room left.
// Call it when there is nothing more to Send at the moment (natural batching).
func (e *Engine) Flush(now Time) {}

// SetTopicFull says that the ring behind a remote gated topic has no room, or has
// room again. The topic's owner then stops sending it, within its stall budget;
// what is on its way still comes and has to be parked or given up by the caller.
// It may be called from within Deliver.
func (e *Engine) SetTopicFull(peer *Peer, topic *RemoteTopic, full bool) {}

// LocalLoss says that the kernel has dropped datagrams of this socket (its
// overflow counter moved by count): new holes are then asked for without back-off.
func (e *Engine) LocalLoss(now Time, count uint32) {}

// Resume says where a predecessor of this forwarder stood in a lane of a node:
// next is what its Position said. It must come before Start.
func (e *Engine) Resume(node, lane uint32, session, next uint64) {}

// ResumeStream says what a predecessor delivered last of a producer in a topic of
// a node, so that nothing is delivered twice and a gap is counted exactly. It
// must come before Start.
func (e *Engine) ResumeStream(node uint32, topic string, producer Address, last uint64) {}

// Position returns where this engine stands in a lane of a node, for a
// successor's Resume: everything below next was delivered or told as lost.
func (e *Engine) Position(node, lane uint32) (session, next uint64, ok bool) { return 0, 0, false }

// Head returns the lane sequence that the next new datagram of an own lane will
// have; what was sent so far lies below or in it.
func (e *Engine) Head(lane uint32) uint64 { return 0 }

// Settled returns the lane sequence below which every tethered member has taken
// everything, Head if there are no members. A message that was Sent when Head
// was h is with all of them once Settled is greater than h: then a forwarder may
// move its cursor past it.
func (e *Engine) Settled(lane uint32) uint64 { return 0 }

// WantedBy returns how many live peers want the topic of this name and can
// receive it now.
func (e *Engine) WantedBy(name string) int { return 0 }
