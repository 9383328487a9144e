package uplink

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// A world is a domain of some nodes in small: routers, their uplinks, the lanes between
// them, and programs that ask, answer, give up and die. One action is one step of one of
// them, chosen by the seed.
type world struct {
	rnd      *rand.Rand
	now      time.Duration
	nodes    []*simNode
	lanes    map[[2]int][]wireMessage
	past     map[[2]int][]wireMessage // what was taken of each last
	requests []*simRequest
	mails    int
	pace     int // microseconds that pass at once, at most
	err      error
	calm     bool // no more faults
	fault    fault
}

// A wireMessage is on its way, under the session that it was sent to.
type wireMessage struct {
	message Message
	from    uint32 // epoch
	session uint64 // of the sender
}

type simNode struct {
	w        *world
	index    int // its id less 1
	epoch    uint32
	session  uint64
	offset   time.Duration // of its clock
	self     shm.Address
	router   *Router
	uplink   []Message
	read     uint64 // how much was read of it
	put      uint64
	people   [3]*process
	service  *simService
	peers    []*Node
	busy     bool // its lane takes nothing
	sequence map[string]uint64
	heard    map[string]uint64
}

// A process is one participant: index and generation.
type process struct {
	node     *simNode
	address  shm.Address
	up       shm.Address // the forwarder's address when it was last looked at
	calls    map[uint64]*simRequest
	serial   uint64
	reads    bool // has an inbox
	mail     []Message
	replies  []Message
	instance bool
	hand     *held
	seen     map[shm.Address]uint32 // one-way numbers by sender
	number   map[shm.Address]uint32
}

// A held message is in an instance's hand.
type held struct {
	message  Message
	position uint64
	answered bool
	canceled bool
	sent     uint32
	credit   uint32
}

// open are the process's requests, in the order in which they were made: a map has none, and a
// seed has to repeat its run.
func (p *process) open() []*simRequest {
	return slices.SortedFunc(maps.Values(p.calls), func(a, b *simRequest) int { return cmp.Compare(a.id, b.id) })
}

type simRequest struct {
	id       uint32
	caller   *process
	key      key
	to       shm.Address // zero: the service
	up       shm.Address // the forwarder that it went through
	stream   bool
	due      time.Duration
	outcome  string
	ran      int
	lost     bool // the network has lost something of it
	taken    uint32
	granted  uint32
	got      uint32
	answered bool
	picked   int   // nodes that it was given to
	asked    []int // these
	nobody   bool  // nobody else was left
}

func newWorld(seed uint64, nodes int, f fault) *world {
	w := &world{rnd: rand.New(rand.NewPCG(seed, 7)), now: time.Second, lanes: map[[2]int][]wireMessage{}, past: map[[2]int][]wireMessage{}, fault: f}
	for i := range nodes {
		n := &simNode{w: w, index: i, epoch: uint32(100 + i), offset: time.Duration(w.rnd.IntN(1000)) * time.Hour, peers: make([]*Node, nodes)}
		n.service = &simService{node: n, taken: map[uint64]bool{}}
		w.nodes = append(w.nodes, n)
		for k := range n.people {
			n.people[k] = &process{node: n, address: shm.Address{Node: uint32(i + 1), Epoch: n.epoch, Index: uint16(k + 1), Generation: 1}}
			n.people[k].begin()
		}
		n.start()
	}
	for i := range w.nodes {
		for j := range w.nodes {
			w.meet(i, j)
		}
	}
	return w
}

func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

func (n *simNode) clock() time.Duration { return n.w.now + n.offset }

// start begins a session of the node's forwarder.
func (n *simNode) start() {
	n.session++
	n.self = shm.Address{Node: uint32(n.index + 1), Epoch: n.epoch, Index: 9, Generation: uint32(n.session)}
	n.router = New(n, n.self, n.session)
	n.router.fault = n.w.fault
	n.uplink, n.read, n.put, n.busy = nil, 0, 0, false
	n.sequence, n.heard = map[string]uint64{}, map[string]uint64{}
	clear(n.peers)
}

// meet makes j known to i.
func (w *world) meet(i, j int) {
	n, o := w.nodes[i], w.nodes[j]
	if i == j || n.peers[j] != nil {
		return
	}
	n.peers[j] = n.router.NodeUp(uint32(j+1), o.epoch, o.session)
	n.router.NodeReady(n.clock(), n.peers[j], true)
	n.peers[j].least.add(n.clock(), n.clock()-o.clock()) // as if a message had come at once before
}

// part tells i that j is gone.
func (w *world) part(i, j int) {
	n := w.nodes[i]
	if n.peers[j] != nil {
		n.router.NodeDown(n.clock(), n.peers[j])
		n.peers[j] = nil
	}
}

func (p *process) begin() {
	p.calls, p.mail, p.replies, p.hand = map[uint64]*simRequest{}, nil, nil, nil
	p.reads, p.instance = p.address.Index != 2, p.address.Index == 3
	p.seen, p.number, p.up = map[shm.Address]uint32{}, map[shm.Address]uint32{}, p.node.self
}

// find returns who an address means now; nil: nobody.
func (n *simNode) find(a shm.Address) *process {
	for _, p := range n.people {
		if p.address == a {
			return p
		}
	}
	return nil
}

// The node as its router sees it.

func (n *simNode) Alive(a shm.Address) bool { return n.find(a) != nil }

func (n *simNode) Mail(m *Message) (Outcome, int) {
	p := n.find(m.Destination)
	switch {
	case p == nil:
		return Gone, 0
	case !p.reads:
		return NoService, 0
	case len(p.mail) >= 3:
		return Full, 0
	}
	c := m.clone()
	c.SentAt = n.w.now // its mark
	p.mail = append(p.mail, c)
	return Put, 0
}

func (n *simNode) Reply(m *Message) bool {
	p := n.find(m.Destination)
	if p == nil {
		return false
	}
	p.replies = append(p.replies, m.clone())
	return true
}

func (n *simNode) Serve(m *Message) (Service, uint64, Outcome, int) {
	s := n.service
	if !s.members() {
		return nil, 0, NoService, 0
	}
	if s.waiting() >= 3 {
		return nil, 0, Full, 0
	}
	c := m.clone()
	c.SentAt = n.w.now
	s.ring = append(s.ring, c)
	return s, uint64(len(s.ring) - 1), Put, 0
}

func (n *simNode) Send(to *Node, m *Message) bool {
	if n.busy {
		return false
	}
	c := m.clone()
	c.SentAt = n.clock()
	lane := [2]int{n.index, int(to.ID) - 1}
	n.w.lanes[lane] = append(n.w.lanes[lane], wireMessage{c, n.epoch, n.session})
	return true
}

func (n *simNode) Pick(m *Message, refused []uint32) (uint32, bool) {
	q := n.w.requestOf(m)
	first := n.w.rnd.IntN(len(n.w.nodes))
	for i := range n.w.nodes {
		j := (first + i) % len(n.w.nodes)
		if j != n.index && n.peers[j] != nil && !slices.Contains(refused, uint32(j+1)) {
			if q.picked++; slices.Contains(q.asked, j) {
				n.w.fail("request %d is given to node %d again", q.id, j+1)
			}
			q.asked = append(q.asked, j)
			return uint32(j + 1), true
		}
	}
	q.nobody = true
	return 0, false
}

// requestOf is the request that a message is; one of its own for nonsense.
func (w *world) requestOf(m *Message) *simRequest {
	for _, q := range w.requests {
		if m.request() && q.key == m.key() {
			return q
		}
	}
	return &simRequest{}
}

// A simService is the ring of the service of a node, and who reads it.
type simService struct {
	node  *simNode
	ring  []Message
	taken map[uint64]bool
	dead  []*held // in the hands of those who died
}

func (s *simService) members() bool {
	for _, p := range s.node.people {
		if p.instance {
			return true
		}
	}
	return false
}

func (s *simService) waiting() (n int) { return len(s.ring) - len(s.taken) }

func (s *simService) Withdraw(position uint64) bool {
	if s.taken[position] {
		return false
	}
	s.taken[position] = true
	return true
}

func (s *simService) hand(k key) *held {
	for _, p := range s.node.people {
		if p.hand != nil && p.instance && p.hand.message.key() == k {
			return p.hand
		}
	}
	return nil
}

func (s *simService) Cancel(caller shm.Address, correlation uint64) {
	if h := s.hand(key{caller, correlation}); h != nil {
		h.canceled = true
	}
}

func (s *simService) Grant(caller shm.Address, correlation uint64, n uint32) {
	if h := s.hand(key{caller, correlation}); h != nil {
		h.credit += n
	}
}

func (s *simService) Died(fn func(shm.Address, uint64)) bool {
	for _, h := range s.dead {
		fn(h.message.Source, h.message.Correlation)
	}
	return s.members()
}

// up puts a message into the uplink of a process's node. False: it is full.
func (p *process) send(m *Message) bool {
	n := p.node
	if n.put-n.read >= 8 {
		return false
	}
	m.Source, m.SentAt = p.address, n.w.now
	n.uplink = append(n.uplink, m.clone())
	n.put++
	return true
}

func numberOf(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

func numbered(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }

const kindRequest, kindReply = layout.MessageKindRequest, layout.MessageKindReply
