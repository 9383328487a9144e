package roster

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/internal/guard"
)

// A world is a seeded network of nodes with a Roster each, over a membership like that of
// the protocol below: who is heard is up, under the session that is heard. It has no clock
// but its own. Invariants are looked at with every message; the first that is broken stays.
type world struct {
	seed   uint64
	rnd    *rand.Rand
	now    Time
	events events
	order  uint64
	nodes  []*simNode
	calm   bool
	bad    string // the broken invariant: its name, a colon, and what was seen

	loss, double float64 // of a message, at one receiver
	delay        Time    // at most
	busy         float64 // probability that a message waits before it is sent

	cut map[[2]int]bool // who does not hear whom

	messages, bytes, delivered uint64
}

type event struct {
	at    Time
	order uint64
	call  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func newWorld(seed uint64, nodes int) *world {
	w := &world{seed: seed, rnd: rand.New(rand.NewPCG(seed, 0x0520)), delay: Millisecond, cut: map[[2]int]bool{}}
	for i := range nodes {
		w.nodes = append(w.nodes, newSimNode(w, i))
	}
	for _, n := range w.nodes {
		w.after(w.upTo(200*Millisecond), n.start)
	}
	return w
}

func (w *world) after(d Time, call func()) {
	heap.Push(&w.events, event{w.now + d, w.order, call})
	w.order++
}

func (w *world) isCut(from, to int) bool { return len(w.cut) != 0 && w.cut[[2]int{from, to}] }

func (w *world) upTo(d Time) Time { return Time(w.rnd.Int64N(int64(d) + 1)) }

func (w *world) chance(p float64) bool { return w.rnd.Float64() < p }

// run goes on for a while, or until an invariant is broken.
func (w *world) run(d Time) {
	end := w.now + d
	for len(w.events) > 0 && w.events[0].at <= end && w.bad == "" {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.call()
	}
	w.now = end
}

func (w *world) broken(invariant, format string, args ...any) {
	if w.bad == "" {
		w.bad = fmt.Sprintf("%s: at %d ms: %s", invariant, w.now/Millisecond, fmt.Sprintf(format, args...))
	}
}

// A simNode is a node with its participants, its forwarder, and what that sees of others.
type simNode struct {
	w       *world
	i       int
	id      uint32
	epoch   uint32
	session uint64
	life    int // of the forwarder: its events end with it
	up      bool
	roster  *Roster

	rows        map[uint16]table.RemoteParticipant // who is here
	generations map[uint16]uint32
	endings     map[key]uint8
	rooms       []table.NodeService
	had         map[uint64]bool // digests of all states that it was ever in
	told        map[[2]uint64]*state

	view   []view
	outbox [][]byte // told, and not sent yet
	tickAt Time
}

// A view is what one node sees of another one.
type view struct {
	up, joined bool
	session    uint64
	epoch      uint32
	heard      Time
	// The latest that was known of it: nothing earlier may come.
	knownSession, knownVersion uint64
}

func newSimNode(w *world, i int) *simNode {
	n := &simNode{w: w, i: i, id: uint32(i + 1), epoch: 1, session: uint64(w.rnd.IntN(1000) + 1), told: map[[2]uint64]*state{}, had: map[uint64]bool{}}
	n.newParticipants()
	return n
}

// newParticipants is what a boot does.
func (n *simNode) newParticipants() {
	n.rows, n.generations, n.endings = map[uint16]table.RemoteParticipant{}, map[uint16]uint32{}, map[key]uint8{}
	for range n.w.rnd.IntN(6) {
		n.join()
	}
}

func (n *simNode) join() {
	index := uint16(n.w.rnd.IntN(12))
	if _, used := n.rows[index]; used {
		return
	}
	n.generations[index]++
	row := table.RemoteParticipant{Index: index, Generation: n.generations[index], Language: layout.LanguageGo}
	row.Info.Name = fmt.Sprintf("p%d", n.w.rnd.IntN(100))
	n.rows[index] = row
	n.work(index)
}

// work has a participant serve and subscribe to other things.
func (n *simNode) work(index uint16) {
	row := n.rows[index]
	row.Info.Services, row.Info.Interests = nil, nil
	for range n.w.rnd.IntN(3) {
		row.Info.Services = append(row.Info.Services, table.Service{Name: fmt.Sprintf("s%d", n.w.rnd.IntN(5)), Limit: uint32(n.w.rnd.IntN(100))})
	}
	for range n.w.rnd.IntN(3) {
		row.Info.Interests = append(row.Info.Interests, table.Interest{Name: fmt.Sprintf("t%d", n.w.rnd.IntN(5)), Publisher: n.w.chance(0.5)})
	}
	n.rows[index] = row
}

func (n *simNode) leave(index uint16, ending uint8) {
	n.endings[keyOf(&table.RemoteParticipant{Index: index, Generation: n.rows[index].Generation})] = ending
	delete(n.rows, index)
}

// sorted is the rows as SetRows takes them.
func (n *simNode) sorted() []table.RemoteParticipant {
	var list []table.RemoteParticipant
	for index := range uint16(64) {
		if row, ok := n.rows[index]; ok {
			list = append(list, row)
		}
	}
	return list
}

// start begins a session.
func (n *simNode) start() {
	if n.up {
		return
	}
	n.up, n.life = true, n.life+1
	n.session += 1 + n.w.rnd.Uint64N(5)
	n.roster = New(Config{Node: n.id, Session: n.session, Software: "sim", Limit: healthyLimit}, rand.New(rand.NewPCG(n.w.seed, n.session<<16|uint64(n.id))))
	n.view = make([]view, len(n.w.nodes))
	n.outbox, n.tickAt = nil, Never
	n.tell()
	n.look()
}

func (n *simNode) stop(bye bool) {
	if !n.up {
		return
	}
	n.up = false
	for _, m := range n.w.nodes {
		if bye && m != n && m.up && !n.w.isCut(n.i, m.i) {
			n.w.after(n.w.upTo(n.w.delay), m.alive(func() {
				if v := &m.view[n.i]; v.up && v.session == n.session {
					m.lose(n.i, layout.EndingLeft, false)
				}
			}))
		}
	}
}

// alive makes a call that is not made in a later life.
func (n *simNode) alive(call func()) func() {
	life := n.life
	return func() {
		if n.up && n.life == life {
			call()
			n.pump()
		}
	}
}

// tell gives the Roster who is here.
func (n *simNode) tell() {
	rows := n.sorted()
	n.had[digestOf(rows)] = true
	n.roster.SetRows(n.w.now, rows, func(index uint16, generation uint32) uint8 {
		return n.endings[key{index, generation}]
	})
	n.roster.SetRooms(n.w.now, n.rooms)
}

// look is the membership's beat: who is heard, and who has been silent for too long.
func (n *simNode) look() {
	for i, m := range n.w.nodes {
		if m == n {
			continue
		}
		v := &n.view[i]
		if m.up && !n.w.isCut(i, n.i) {
			n.hear(i, m)
		} else if v.up && n.w.now-v.heard > 1600*Millisecond+n.w.upTo(400*Millisecond) {
			n.lose(i, layout.EndingUnheard, false)
		}
	}
	n.w.after(40*Millisecond+n.w.upTo(20*Millisecond), n.alive(n.look))
}

// hear takes a sign of life.
func (n *simNode) hear(i int, m *simNode) {
	v := &n.view[i]
	v.heard = n.w.now
	if v.up && v.session == m.session {
		return
	}
	if v.up {
		n.lose(i, layout.EndingUnheard, true)
	}
	v.up, v.session, v.epoch = true, m.session, m.epoch
	n.roster.Up(n.w.now, m.id, m.epoch, m.session)
	n.w.after(n.w.upTo(100*Millisecond), n.alive(func() {
		if v.up && v.session == m.session && !v.joined {
			v.joined = true
			n.roster.Joined(n.w.now, m.id)
		}
	}))
}

func (n *simNode) lose(i int, ending uint8, restarts bool) {
	v := &n.view[i]
	v.up, v.joined = false, false
	n.roster.Down(n.w.now, n.w.nodes[i].id, ending, restarts)
	n.check(n.w.nodes[i])
}

// pump sends what is due, and comes again when more is.
func (n *simNode) pump() {
	n.roster.Tick(n.w.now)
	for len(n.outbox) == 0 {
		message := n.roster.Emit(n.w.now)
		if message == nil {
			break
		}
		n.note()
		n.outbox = append(n.outbox, message)
		wait := Time(0)
		if n.w.chance(n.w.busy) {
			wait = n.w.upTo(100 * Millisecond)
		}
		if wait > 0 {
			n.w.after(wait, n.alive(n.flush))
			break
		}
		n.flush()
	}
	if at := n.roster.Next(); at != Never && at != n.tickAt {
		n.tickAt = at
		n.w.after(max(at-n.w.now, 0)+n.w.upTo(Millisecond), n.alive(func() { n.tickAt = Never }))
	}
}

// note keeps what was told, for the invariants.
func (n *simNode) note() {
	o := &n.roster.own
	if !n.had[o.digest] {
		n.w.broken("true", "node %d tells a state that it never had", n.id)
	}
	n.told[[2]uint64{n.session, o.version}] = &state{rows: o.told, digest: o.digest}
}

func (n *simNode) flush() {
	for _, message := range n.outbox {
		n.w.messages++
		n.w.bytes += uint64(len(message))
		for _, m := range n.w.nodes {
			if m == n || n.w.isCut(n.i, m.i) {
				continue
			}
			if !n.w.chance(n.w.loss) {
				n.w.after(1+n.w.upTo(n.w.delay), func() { m.receive(n, message) })
			}
			if n.w.chance(n.w.double) {
				n.w.after(1+n.w.upTo(3*Second), func() { m.receive(n, message) })
			}
		}
	}
	n.outbox = nil
}

// receive hands a message over, whatever the membership says: a Roster has to know itself.
func (n *simNode) receive(from *simNode, message []byte) {
	if !n.up || n.w.bad != "" {
		return
	}
	n.w.delivered++
	if _, err := n.roster.Receive(n.w.now, from.id, message); err != nil {
		n.w.broken("wellformed", "node %d, of node %d: %v", n.id, from.id, err)
	}
	if limited := n.roster.Counts().Limited; limited != 0 {
		n.w.broken("limit", "node %d drops %d updates of node %d", n.id, limited, from.id)
	}
	n.check(from)
	n.pump()
}

// healthyLimit is a fifth of the default: even that is never reached.
var healthyLimit = guard.Limit{Rate: 205, Burst: 1000}

// check looks at what one node knows of another.
func (n *simNode) check(from *simNode) {
	p, v := n.roster.peers[from.id], &n.view[from.i]
	switch {
	case p == nil || p.state == nil:
		return
	case !v.up && p.staleTill == Never:
		n.w.broken("dead", "node %d knows rows of node %d, which is down", n.id, from.id)
		return
	case p.staleTill != Never && n.w.now > p.staleTill+2*Millisecond:
		n.w.broken("stale", "node %d keeps rows of a session of node %d that is over", n.id, from.id)
	case v.up && p.epoch != v.epoch, v.up && p.told > v.session, v.up && p.told < v.session && p.staleTill == Never:
		n.w.broken("session", "node %d knows session %d of node %d, which is in %d", n.id, p.told, from.id, v.session)
	}
	told := from.told[[2]uint64{p.told, p.version}]
	if told == nil || !slices.EqualFunc(told.rows, p.state.rows, equal) {
		n.w.broken("true", "node %d knows a state of node %d, session %d, version %d, that it never told", n.id, from.id, p.told, p.version)
	}
	if p.told < v.knownSession || p.told == v.knownSession && p.version < v.knownVersion {
		n.w.broken("forward", "node %d goes back to version %d of session %d of node %d, from %d of %d", n.id, p.version, p.told, from.id, v.knownVersion, v.knownSession)
	}
	v.knownSession, v.knownVersion = p.told, p.version
	for _, row := range p.state.rows {
		if p.epoch == from.epoch && v.up && row.Generation > from.generations[row.Index] {
			n.w.broken("epoch", "node %d knows participant %d of node %d, of another epoch", n.id, row.Index, from.id)
		}
	}
}

// apart names something that one node does not know right of another, when all is quiet.
func (w *world) apart() string {
	for _, n := range w.nodes {
		nodes := n.roster.Nodes()
		if len(nodes) != len(w.nodes)-1 {
			return fmt.Sprintf("node %d knows %d others of %d", n.id, len(nodes), len(w.nodes)-1)
		}
		for i := range nodes {
			x := &nodes[i]
			m := w.nodes[x.Node-1]
			if !x.Known || x.Session != m.session || !slices.EqualFunc(x.Rows, m.sorted(), equal) {
				return fmt.Sprintf("node %d knows %d rows of node %d, which has %d", n.id, len(x.Rows), m.id, len(m.rows))
			}
			for _, s := range m.rooms {
				if x.rooms[s.Name] != step(s.Room) {
					return fmt.Sprintf("node %d takes %q of node %d to have room for %d, not %d", n.id, s.Name, m.id, x.rooms[s.Name], s.Room)
				}
			}
			if p := n.roster.peers[m.id]; p.wants() {
				return fmt.Sprintf("node %d still asks node %d", n.id, m.id)
			}
		}
	}
	return ""
}
