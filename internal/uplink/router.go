package uplink

import (
	"time"

	"github.com/ringcast/ringcast/shm"
)

// Bounds of a router.
const (
	// tableMax is how many requests each table has at most.
	tableMax = 65536
	// nodeMax is how many of the requests that are here may be one node's: others have room, too.
	nodeMax = tableMax / 4
	// queueMax is how many messages may wait for a node; answers and control have room
	// beyond that, since somebody holds a place for each of them.
	queueMax  = 1024
	answerMax = 4096
	// queueBytes is how many bytes of them may wait, whatever their number; answers have four
	// times of it. One message may always wait.
	queueBytes = 4 << 20
	// expirePause is how often at most the tables are looked through for time that is over.
	expirePause = 20 * time.Millisecond
)

// A Host is the node that a Router works for. Its methods neither block nor call the Router.
type Host interface {
	// Alive reports whether a participant of this node is there, by its record.
	Alive(a shm.Address) bool
	// Mail puts a message into the mail of its destination.
	Mail(m *Message) (Outcome, int)
	// Reply puts an answer into the replies of its destination; false: it is gone, or has no room.
	Reply(m *Message) bool
	// Serve puts a message into the ring of the service whose hash it has, at a position. The
	// number is how many bytes would fit, where it is too large.
	Serve(m *Message) (s Service, position uint64, o Outcome, limit int)
	// Send gives a message to the lane; false: not now.
	Send(n *Node, m *Message) bool
	// Pick names a node that has instances of the service of a request or one-way message, and is
	// not among those that have refused it.
	Pick(m *Message, refused []uint32) (node uint32, ok bool)
}

// A Service is the ring of a service of this node.
type Service interface {
	// Withdraw takes a request back that nobody has started.
	Withdraw(position uint64) bool
	// Cancel tells whoever has a request in hand that it was given up.
	Cancel(caller shm.Address, correlation uint64)
	// Grant adds to the credit of a stream.
	Grant(caller shm.Address, correlation uint64, n uint32)
	// Died calls fn with each request whose taker is gone, and reports whether an instance is left.
	Died(fn func(caller shm.Address, correlation uint64)) (left bool)
}

// Counts is what a router did not pass on.
type Counts struct {
	Foreign  uint64 // not of whom or for whom it said
	Stale    uint64 // for an earlier session, or for nobody any more
	Dropped  uint64 // no room, and nobody to be told
	Refused  uint64 // requests that were told that there is no room
	Lost     uint64 // requests that ended with their node
	Sent     uint64
	Received uint64
	Limited  uint64 // requests and one-way messages beyond a limit
	Ignored  uint64 // of sources in quarantine
}

// A Router routes the direct messages of one node.
type Router struct {
	// Immutable after New.
	host Host
	self shm.Address // of the forwarder

	session uint64

	nodes  map[uint32]*Node
	queued int // messages that wait, for all nodes
	turn   int // whose are tried first
	away   map[key]*awayCall
	kept   int // bytes of requests that are kept for another node
	here   map[key]*hereCall
	parted map[uint32]*partedNode
	dying  []dyingCall
	due    time.Duration // not later than the first time that is over; 0: none
	looked time.Duration
	count  Counts
	fault  fault
	guard  limits
}

// A fault is a rule that a test leaves out, to see that it is needed.
type fault uint8

const (
	faultSession   fault = 1 << iota // takes what was meant for its predecessor
	faultTail                        // tells of deaths before it has read what the dead have answered
	faultNodeDown                    // leaves requests open whose node is gone
	faultCaller                      // leaves requests running whose caller is gone
	faultTime                        // takes the time on the way for nothing
	faultOrder                       // sends past what waits
	faultElsewhere                   // tells the caller what the first node said
	faultLateNo                      // passes on what a node said to a predecessor
)

// An awayCall is a request of this node that another one has.
type awayCall struct {
	node        *Node
	destination shm.Address
	due         time.Duration
	request     *Message // to be given to another node; nil: it is not kept
	refused     []uint32 // nodes that have
	full        bool     // one of them said Overloaded
}

// A hereCall is a request of another node that lies in a ring here.
type hereCall struct {
	node     *Node
	service  Service // nil: mail
	position uint64
	to       shm.Address // of mail
	due      time.Duration
	dying    bool // its taker is gone
}

// A dyingCall is told of when the uplink was read up to the tail: whoever had it may have
// answered before it went.
type dyingCall struct {
	key  key
	tail uint64
}

// New returns the router of a forwarder.
func New(host Host, self shm.Address, session uint64) *Router {
	return &Router{host: host, self: self, session: session, nodes: map[uint32]*Node{},
		away: map[key]*awayCall{}, here: map[key]*hereCall{}, parted: map[uint32]*partedNode{}, guard: newLimits(Limits{})}
}

// Begin goes on under another session: all nodes are down.
func (r *Router) Begin(session uint64) { r.session = session }

// Counts returns what was counted.
func (r *Router) Counts() Counts { return r.count }

// Open is how many requests are open in each direction.
func (r *Router) Open() (away, here int) { return len(r.away), len(r.here) }

// fail answers a request with an error: here, or on its node.
func (r *Router) fail(now time.Duration, m *Message, code uint32, text string) {
	e := r.failure(m.key(), code)
	e.Payload = []byte(text)
	if m.Source.Node == r.self.Node {
		if !r.host.Reply(&e) {
			r.count.Dropped++
		}
		return
	}
	if n := r.nodes[m.Source.Node]; n != nil && n.Epoch == m.Source.Epoch {
		r.push(now, n, &e)
	}
}

// failKey is fail for a request of which only the name is left.
func (r *Router) failKey(now time.Duration, k key, code uint32) {
	r.fail(now, &Message{Source: k.source, Correlation: k.correlation}, code, "")
}

// failure is the error that ends a request.
func (r *Router) failure(k key, code uint32) Message {
	return Message{Kind: kindError, Source: r.self, Destination: k.source, Correlation: k.correlation, Code: code}
}

// soon notes when a time is over.
func (r *Router) soon(due time.Duration) {
	if r.due == 0 || due < r.due {
		r.due = due
	}
}

// Due is when Tick has something to do, at the latest; 0: never.
func (r *Router) Due() time.Duration {
	if r.due == 0 {
		return 0
	}
	return max(r.due, r.looked+expirePause)
}

// Tick ends the requests whose time is over: their callers know by themselves.
func (r *Router) Tick(now time.Duration) {
	r.releaseSources(now)
	if due := r.Due(); due == 0 || now < due {
		return
	}
	r.looked, r.due = now, 0
	for k, c := range r.away {
		if c.due <= now {
			r.endAway(k)
			continue
		}
		r.soon(c.due)
	}
	for _, k := range keysOf(r.here, func(_ key, c *hereCall) bool { return c.due <= now }) {
		r.giveUp(k, r.here[k])
	}
	for _, c := range r.here {
		r.soon(c.due)
	}
}

// end forgets a request of another node.
func (r *Router) end(k key, c *hereCall) {
	delete(r.here, k)
	c.node.here--
}

// giveUp takes a request of another node back, or has whoever runs it stop.
func (r *Router) giveUp(k key, c *hereCall) {
	r.end(k, c)
	if c.service != nil && !c.service.Withdraw(c.position) {
		c.service.Cancel(k.source, k.correlation)
	}
}
