package uplink

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// A Node is another node, as long as its forwarder's session is here.
type Node struct {
	// Immutable.
	ID, Epoch uint32
	Session   uint64
	// Data is the host's own.
	Data any

	ready bool // it wants what is for it
	deaf  bool // it never will
	gone  bool
	queue []waiting
	head  int
	bytes int // of the payloads in the queue
	here  int // requests of it that are here
	least leastFilter
}

// A waiting message is one that the lane has not taken.
type waiting struct {
	message Message
	at      time.Duration // when its time left was so much
}

// NodeUp notes that a node is there. Nothing is sent to it before NodeReady.
func (r *Router) NodeUp(id, epoch uint32, session uint64) *Node {
	n := &Node{ID: id, Epoch: epoch, Session: session}
	if d := r.parted[id]; d != nil && d.session == session { // it may not have seen that we parted
		n.queue = d.queue
		for i := range d.queue {
			n.bytes += len(d.queue[i].message.Payload)
		}
		r.queued += len(d.queue)
	}
	delete(r.parted, id)
	r.nodes[id] = n
	return n
}

// A partedNode is one that was given up, and what it is told if its session comes back: the last
// answers that it did not get, and that its other requests have ended here.
type partedNode struct {
	session uint64
	queue   []waiting
}

// NodeReady says that a node has told what it wants: whether what is for it is among that.
func (r *Router) NodeReady(now time.Duration, n *Node, wants bool) {
	if n.gone {
		return
	}
	n.ready, n.deaf = wants, !wants
	if !wants {
		r.abandon(now, n)
	}
	r.pump(now, n)
}

// NodeDown ends what is open with a node: its own requests here are given up, and who
// waits for it is told.
func (r *Router) NodeDown(now time.Duration, n *Node) {
	n.gone = true
	if r.nodes[n.ID] == n {
		delete(r.nodes, n.ID)
	}
	d := &partedNode{session: n.Session}
	for _, w := range n.queue[n.head:] {
		if w.message.last() {
			d.queue = append(d.queue, w)
		}
	}
	for _, k := range keysOf(r.here, func(_ key, c *hereCall) bool { return c.node == n }) {
		r.giveUp(k, r.here[k])
		if len(d.queue) < answerMax {
			d.queue = append(d.queue, waiting{r.failure(k, codeNodeDown), now})
		}
	}
	if len(d.queue) > 0 && len(r.parted) < partedMax {
		r.parted[n.ID] = d
	}
	r.abandon(now, n)
}

// partedMax bounds how many nodes are remembered that were given up.
const partedMax = 256

// abandon tells everybody who waits for a node.
func (r *Router) abandon(now time.Duration, n *Node) {
	r.queued -= len(n.queue) - n.head
	n.queue, n.head, n.bytes = nil, 0, 0
	for _, k := range keysOf(r.away, func(_ key, c *awayCall) bool { return c.node == n && r.fault&faultNodeDown == 0 }) {
		r.endAway(k)
		r.count.Lost++
		r.failKey(now, k, codeNodeDown)
	}
}

// push sends a message to a node, or keeps it until the lane takes it. False: too many wait.
func (r *Router) push(now time.Duration, n *Node, m *Message) bool {
	if n.deaf || n.gone {
		return false
	}
	waits := len(n.queue) - n.head
	if (waits == 0 || r.fault&faultOrder != 0) && n.ready && r.send(n, m) {
		return true
	}
	limit, most := queueMax, queueBytes
	if m.answer() || m.control() {
		limit, most = answerMax, 4*queueBytes
	}
	if waits >= limit || waits > 0 && n.bytes+len(m.Payload) > most {
		return false
	}
	n.bytes += len(m.Payload)
	n.queue = append(n.queue, waiting{m.clone(), now})
	r.queued++
	return true
}

func (r *Router) send(n *Node, m *Message) bool {
	if m.request() || m.oneWay() {
		m.Code = uint32(n.Session)
	}
	m.Hops++
	if !r.host.Send(n, m) {
		m.Hops--
		return false
	}
	r.count.Sent++
	return true
}

// Pump tries again what the lane did not take. It reports whether something still waits.
func (r *Router) Pump(now time.Duration) (waits bool) {
	if r.queued == 0 {
		return false
	}
	ids := slices.Sorted(maps.Keys(r.nodes)) // nothing depends on a map
	r.turn++
	for i := range ids {
		n := r.nodes[ids[(r.turn+i)%len(ids)]] // nor is the first of them always served first
		waits = r.pump(now, n) || waits
	}
	return waits
}

func (r *Router) pump(now time.Duration, n *Node) (waits bool) {
	for n.head < len(n.queue) {
		w := &n.queue[n.head]
		m := &w.message
		if m.request() {
			m.Left -= now - w.at
			w.at = now
			if m.Left <= 0 {
				r.endAway(m.key())
				r.fail(now, m, codeDeadline, "")
				r.pop(n)
				continue
			}
		}
		if !n.ready || !r.send(n, m) {
			return n.ready
		}
		r.pop(n)
	}
	return false
}

// pop drops the first of those that wait.
func (r *Router) pop(n *Node) {
	r.queued--
	n.bytes -= len(n.queue[n.head].message.Payload)
	n.queue[n.head] = waiting{}
	if n.head++; n.head == len(n.queue) {
		n.queue, n.head = n.queue[:0], 0
	} else if n.head >= queueMax {
		n.queue = n.queue[:copy(n.queue, n.queue[n.head:])]
		n.head = 0
	}
}

// Knows reports whether something can be sent to a node.
func (r *Router) Knows(id uint32) bool {
	n := r.nodes[id]
	return n != nil && !n.deaf
}

// Uses reports whether a request of another node lies in the ring of a service.
func (r *Router) Uses(s Service) bool {
	for _, c := range r.here {
		if c.service == s {
			return true
		}
	}
	return false
}

// FromNode takes a message that another node has sent to this one.
func (r *Router) FromNode(now time.Duration, n *Node, m *Message) {
	r.count.Received++
	waited := n.least.add(now, now-m.SentAt)
	here := m.Destination.Node == r.self.Node && m.Destination.Epoch == r.self.Epoch
	switch {
	case n.gone || m.Source.Node != n.ID || m.Source.Epoch != n.Epoch || !here && (!m.Destination.IsZero() || m.answer()):
		r.count.Foreign++
	case m.request() || m.oneWay():
		if m.Code != uint32(r.session) && r.fault&faultSession == 0 {
			r.count.Stale++
			return
		}
		if r.fault&faultTime == 0 {
			m.Left -= waited
		}
		switch r.judge(now, m) {
		case pass:
			r.takeHere(now, n, m)
		case refuse:
			r.overLimit(now, m)
		}
	case m.answer():
		r.answerHere(now, m, n)
	case m.control():
		r.controlHere(n, m)
	default:
		r.count.Foreign++
	}
}

// takeHere puts a request or a one-way message into its ring.
func (r *Router) takeHere(now time.Duration, n *Node, m *Message) {
	k := m.key()
	code, limit := uint32(0), 0
	switch {
	case m.request() && r.here[k] != nil:
		r.count.Stale++
		return
	case m.request() && m.Left <= 0:
		code = codeDeadline
	case m.request() && (len(r.here) >= tableMax || n.here >= nodeMax):
		code = codeOverloaded
	default:
		c := &hereCall{node: n, to: m.Destination, due: now + m.Left}
		var o Outcome
		m.Code = 0
		if m.Destination.IsZero() {
			c.service, c.position, o, limit = r.host.Serve(m)
		} else {
			o, limit = r.host.Mail(m)
		}
		if code = o.code(); code == 0 && m.request() {
			r.here[k] = c
			n.here++
			r.soon(c.due)
		}
	}
	switch {
	case code == 0:
	case m.oneWay():
		r.count.Dropped++
	case limit > 0:
		r.fail(now, m, code, strconv.Itoa(limit))
	default:
		r.fail(now, m, code, "")
	}
}

// answerHere puts an answer into its caller's replies.
func (r *Router) answerHere(now time.Duration, m *Message, n *Node) {
	c := r.away[m.key()]
	if c != nil && c.node != n {
		r.count.Foreign++
		return
	}
	if c == nil && m.refuses() && r.fault&faultLateNo == 0 { // a predecessor had it, and may have given it to another node
		r.count.Stale++
		return
	}
	if c != nil && m.last() {
		if r.elsewhere(now, c, m) {
			return
		}
		r.endAway(m.key())
	}
	if !r.host.Reply(m) {
		r.count.Dropped++
	}
}

// controlHere does what the caller of a request would do in its row.
func (r *Router) controlHere(n *Node, m *Message) {
	k := m.key()
	c := r.here[k]
	switch {
	case c == nil || c.node != n:
		r.count.Stale++
	case m.Code == CodeCancel:
		r.giveUp(k, c)
	case m.Code == CodeCredit && c.service != nil:
		c.service.Grant(k.source, k.correlation, credit(m))
	default:
		r.count.Foreign++
	}
}

// A leastFilter knows the least difference of two clocks in the last five to ten seconds: what is
// more than that was spent on the way.
type leastFilter struct {
	present, previous time.Duration
	since             time.Duration
	known             bool
}

const leastSpan = 5 * time.Second

func (f *leastFilter) add(now, d time.Duration) (waited time.Duration) {
	switch {
	case !f.known:
		*f = leastFilter{present: d, previous: d, since: now, known: true}
	case now-f.since > leastSpan:
		f.previous, f.present, f.since = f.present, d, now
	}
	f.present = min(f.present, d)
	return d - min(f.present, f.previous)
}

// Topic is the name of what is for a node.
func Topic(node uint32) string { return TopicPrefix + strconv.FormatUint(uint64(node), 10) }

// TopicPrefix begins the names of these topics.
const TopicPrefix = "$ringcast.uplink."

// Stream is the handle under which a message of that source travels: some sources share one.
func Stream(m *Message) uint16 { return 1 + m.Source.Index%Streams }

// Streams is into how many a node's messages are divided: a hole holds up one of them.
const Streams = 16

// Kinds reports whether a message may travel between nodes at all.
func Kinds(kind uint8) bool {
	return kind <= kindError || kind == layout.MessageKindSystem
}
