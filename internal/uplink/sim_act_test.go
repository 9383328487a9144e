package uplink

import (
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// simSpan is the time of a request in these worlds.
const simSpan = 500 * time.Millisecond

// ask begins a request of a process, to a service or to somebody else.
func (w *world) ask(p *process) {
	if len(p.calls) >= 4 {
		return
	}
	p.serial++
	q := &simRequest{id: uint32(len(w.requests) + 1), caller: p, due: w.now + simSpan, up: p.node.self, stream: w.rnd.IntN(4) == 0}
	q.key = key{p.address, p.serial}
	m := Message{Kind: kindRequest, Correlation: p.serial, Left: simSpan, Payload: numbered(q.id), More: q.stream}
	if w.rnd.IntN(2) == 0 {
		m.Service = 7
	} else {
		q.stream, m.More = false, false
		q.to = w.someone(p.node)
		m.Destination = q.to
	}
	w.requests = append(w.requests, q)
	if !p.send(&m) {
		q.outcome = "overloaded here"
		return
	}
	p.calls[p.serial] = q
}

// someone is an address on another node, sometimes one of an earlier time.
func (w *world) someone(but *simNode) shm.Address {
	j := w.rnd.IntN(len(w.nodes) - 1)
	if j >= but.index {
		j++
	}
	a := w.nodes[j].people[w.rnd.IntN(3)].address
	switch w.rnd.IntN(12) {
	case 0:
		a.Generation--
	case 1:
		a.Epoch--
	}
	return a
}

// write sends a numbered one-way message.
func (w *world) write(p *process) {
	to := w.someone(p.node)
	p.number[to]++
	if !p.send(&Message{Kind: layout.MessageKindData, Destination: to, Payload: numbered(p.number[to])}) {
		p.number[to]--
	}
}

// settle ends a request with its one outcome.
func (w *world) settle(q *simRequest, outcome string) {
	if q.outcome != "" {
		w.fail("request %d ended twice: %s, %s", q.id, q.outcome, outcome)
	}
	if outcome == "died" && q.answered && !q.lost {
		w.fail("request %d ended with the death of who had answered it", q.id)
	}
	refused := outcome == "no service" || outcome == "overloaded"
	if refused && q.to.IsZero() && q.up == q.caller.node.self && q.picked < triesMax && !q.nobody && w.now < q.due-lateMax {
		w.fail("request %d ended with %q behind %d nodes, and others are left", q.id, outcome, q.picked)
	}
	q.outcome = outcome
	delete(q.caller.calls, q.key.correlation)
}

// readReply has a process take one message out of its replies.
func (w *world) readReply(p *process) {
	if len(p.replies) == 0 {
		return
	}
	m := p.replies[0]
	p.replies = p.replies[1:]
	if m.Correlation > p.serial || m.Destination != p.address {
		w.fail("%v got an answer that is not for it: %v %d", p.address, m.Destination, m.Correlation)
		return
	}
	q := p.calls[m.Correlation]
	switch {
	case q == nil: // late
	case m.Kind == kindError:
		w.settle(q, [...]string{"", "no service", "overloaded", "died", "node down", "deadline", "", "", "", "gone", "too large"}[m.Code])
	case numberOf(m.Payload) != q.id:
		w.fail("request %d got the reply of %d", q.id, numberOf(m.Payload))
	case m.More:
		q.got++
		if q.got > q.granted+2 {
			w.fail("stream %d: %d answers with a credit of %d", q.id, q.got, q.granted+2)
		}
		q.taken++
		if p.send(&Message{Kind: layout.MessageKindSystem, Code: CodeCredit, Correlation: m.Correlation, Destination: q.to, Payload: numbered(1)}) {
			q.granted++
		} else {
			w.giveUp(q) // a caller would try again; giving up is as good here
		}
	default:
		w.settle(q, "reply")
	}
}

// giveUp cancels a request.
func (w *world) giveUp(q *simRequest) {
	p := q.caller
	p.send(&Message{Kind: layout.MessageKindSystem, Code: CodeCancel, Correlation: q.key.correlation, Destination: q.to})
	w.settle(q, "canceled")
}

// look is what the watch of a process does: it sees its forwarder go, and time pass.
func (w *world) look(p *process) {
	for _, q := range p.open() {
		if q.up != p.node.self && len(p.replies) == 0 {
			w.settle(q, "node down")
		} else if w.now >= q.due {
			p.send(&Message{Kind: layout.MessageKindSystem, Code: CodeCancel, Correlation: q.key.correlation, Destination: q.to})
			w.settle(q, "time")
		}
	}
}

// work has a process take, answer or end what it has in hand.
func (w *world) work(p *process) {
	h := p.hand
	if h == nil {
		w.takeNext(p)
		return
	}
	m := Message{Kind: kindReply, Destination: h.message.Source, Correlation: h.message.Correlation, Payload: h.message.Payload}
	switch {
	case h.canceled || h.answered:
		p.hand = nil
	case h.message.More && h.sent < 5:
		if h.sent < h.credit {
			m.More = true
			if p.send(&m) {
				h.sent++
			}
		} else if w.rnd.IntN(40) == 0 { // its credit may be lost, and others wait behind it
			h.sent = 5
		}
	case p.send(&m):
		h.answered = true
		w.requests[numberOf(m.Payload)-1].answered = true
	}
}

func (w *world) takeNext(p *process) {
	if p.instance {
		s := p.node.service
		for i := range s.ring {
			if at := uint64(i); !s.taken[at] {
				if w.late(p, &s.ring[i]) {
					s.taken[at] = p.send(&Message{Kind: kindError, Code: codeDeadline, Destination: s.ring[i].Source, Correlation: s.ring[i].Correlation})
					return
				}
				s.taken[at] = true
				p.hand = &held{message: s.ring[i], position: at, credit: 2}
				w.run(p, &s.ring[i])
				return
			}
		}
	}
	if p.reads && len(p.mail) > 0 && p.node.put-p.node.read < 8 {
		m := p.mail[0]
		p.mail = p.mail[1:]
		if m.oneWay() {
			w.readOneWay(p, &m)
			return
		}
		if w.late(p, &m) {
			w.loses(&m) // nobody tells its sender
			return
		}
		if !p.instance { // an instance has one hand here
			p.hand = &held{message: m}
		} else {
			p.send(&Message{Kind: kindReply, Destination: m.Source, Correlation: m.Correlation, Payload: m.Payload})
		}
		w.run(p, &m)
	}
}

func (w *world) readOneWay(p *process, m *Message) {
	if m.Destination != p.address {
		w.fail("%v got mail of %v", p.address, m.Destination)
	}
	n := numberOf(m.Payload)
	if n <= p.seen[m.Source] {
		w.fail("%v got message %d of %v behind %d", p.address, n, m.Source, p.seen[m.Source])
	}
	p.seen[m.Source] = n
	w.mails++
}

// late reports whether a request has no time left.
func (w *world) late(p *process, m *Message) bool { return m.Left-(w.now-m.SentAt) <= 0 }

// lateMax is what a request may be late: the least time of the way is not seen.
const lateMax = 20 * time.Millisecond

// run notes that a request is run.
func (w *world) run(p *process, m *Message) {
	q := w.requests[numberOf(m.Payload)-1]
	if w.now > q.due+lateMax {
		w.fail("request %d ran %v after its time", q.id, w.now-q.due)
	}
	if q.ran++; q.ran > 1 {
		w.fail("request %d ran twice", q.id)
	}
	if !q.to.IsZero() && q.to != p.address {
		w.fail("request to %v was run by %v", q.to, p.address)
	}
}

// die ends a process; another one takes its index.
func (w *world) die(p *process) {
	s := p.node.service
	if p.hand != nil && p.instance {
		s.dead = append(s.dead, p.hand)
	}
	for _, q := range p.open() {
		w.settle(q, "caller died")
	}
	next := &process{node: p.node, address: p.address}
	next.address.Generation++
	next.begin()
	for i := range p.node.people {
		if p.node.people[i] == p {
			p.node.people[i] = next
		}
	}
	if w.rnd.IntN(3) == 0 {
		next.instance = false
	}
}

// deliver takes the first message of a lane, which may be lost.
func (w *world) deliver(lane [2]int, lose bool) {
	queue := w.lanes[lane]
	if len(queue) == 0 {
		return
	}
	m := queue[0]
	w.lanes[lane] = queue[1:]
	n := w.nodes[lane[1]]
	from := n.peers[lane[0]]
	if lose || from == nil || from.Session != m.session {
		w.loses(&m.message)
		return
	}
	w.past[lane] = append(w.past[lane], wireMessage{m.message.clone(), m.from, m.session})
	if k := len(w.past[lane]); k > 3 {
		w.past[lane] = w.past[lane][k-3:]
	}
	n.router.FromNode(n.clock(), from, &m.message)
}

// loses notes whose request the network has lost something of.
func (w *world) loses(m *Message) {
	for _, q := range w.requests {
		if q.key == m.key() {
			q.lost = true
		}
	}
}

// pull has a forwarder read one message of its uplink.
func (w *world) pull(n *simNode) {
	if len(n.uplink) > 0 {
		m := n.uplink[0]
		n.uplink = n.uplink[1:]
		m.Left -= w.now - m.SentAt
		n.router.FromHere(n.clock(), &m)
		n.read++
	}
	n.router.Read(n.clock(), n.read)
	n.router.Pump(n.clock())
	n.router.Tick(n.clock())
}

// restart ends a forwarder and starts the next one: what it had is gone, and of each lane what it
// took last comes again.
func (w *world) restart(n *simNode) {
	for _, m := range n.uplink {
		w.loses(&m)
	}
	for k := range n.router.here {
		w.loses(&Message{Kind: kindRequest, Source: k.source, Correlation: k.correlation})
	}
	n.start()
	for j := range w.nodes {
		lane := [2]int{j, n.index}
		w.lanes[lane] = append(w.past[lane], w.lanes[lane]...)
		w.past[lane] = nil
	}
}
