package main

import (
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/internal/uplink"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/shm"
)

const (
	instances = 2  // processes of a node that serve
	hands     = 2  // requests that each runs at a time, of each service
	queueMax  = 64 // requests that wait
)

// A process serves all services of its node's kind.
type process struct {
	node    *node
	address shm.Address
	lives   bool
	known   bool // nobody has told of its end yet
	busy    map[*service][]*uplink.Message
}

func newProcess(n *node, index uint16, generation uint32) *process {
	return &process{node: n, address: shm.Address{Node: n.ID(), Epoch: n.epoch(), Index: index, Generation: generation},
		lives: true, known: true, busy: map[*service][]*uplink.Message{}}
}

// rows are the processes as the directory tells of them.
func (n *node) rows() (rows []table.RemoteParticipant) {
	for _, p := range n.processes {
		if !p.known {
			continue
		}
		row := table.RemoteParticipant{Index: p.address.Index, Generation: p.address.Generation, Language: layout.LanguageGo}
		row.Info.Name = n.kind.name
		for _, s := range n.kind.services {
			row.Info.Services = append(row.Info.Services, table.Service{Name: s, Limit: hands})
		}
		rows = append(rows, row)
	}
	return rows
}

// A service is the ring of a service on one node, and who reads it.
type service struct {
	node  *node
	name  string
	hash  uint64
	ring  []uplink.Message
	next  int // nothing below it waits
	taken map[uint64]bool
	dead  []*uplink.Message // in the hands of those who died
}

func (s *service) members() bool {
	for _, p := range s.node.processes {
		if p.known {
			return true
		}
	}
	return false
}

// put takes a request of a caller.
func (s *service) put(m *uplink.Message) (position uint64, o uplink.Outcome) {
	switch {
	case !s.members():
		return 0, uplink.NoService
	case len(s.ring)-len(s.taken) >= queueMax:
		return 0, uplink.Full
	}
	c := *m
	c.Payload = append([]byte(nil), m.Payload...)
	s.ring = append(s.ring, c)
	s.node.fleet.net.After(0, s.work)
	return uint64(len(s.ring) - 1), uplink.Put
}

// work gives what waits to free hands.
func (s *service) work() {
	for ; s.next < len(s.ring); s.next++ {
		if s.taken[uint64(s.next)] {
			continue
		}
		p := s.free()
		if p == nil {
			return
		}
		s.taken[uint64(s.next)] = true
		s.run(p, &s.ring[s.next])
	}
}

func (s *service) free() *process {
	for _, p := range s.node.processes {
		if p.lives && len(p.busy[s]) < hands {
			return p
		}
	}
	return nil
}

// run has a process handle a request.
func (s *service) run(p *process, m *uplink.Message) {
	f := s.node.fleet
	p.busy[s] = append(p.busy[s], m)
	f.ran(s.node, m)
	f.net.After(f.handling(), func() {
		if !p.lives || !p.holds(s, m) {
			return
		}
		p.drop(s, m)
		answer := uplink.Message{Kind: layout.MessageKindReply, Source: p.address, Destination: m.Source, Correlation: m.Correlation, Payload: m.Payload}
		s.node.answer(&answer)
		s.work()
	})
}

// handling is how long a handler runs.
func (f *fleet) handling() mcast.Duration {
	if f.rnd.IntN(10) == 0 {
		return f.upTo(500 * ms)
	}
	return 1*ms + f.upTo(19*ms)
}

func (p *process) holds(s *service, m *uplink.Message) bool {
	for _, h := range p.busy[s] {
		if h == m {
			return true
		}
	}
	return false
}

func (p *process) drop(s *service, m *uplink.Message) {
	kept := p.busy[s][:0]
	for _, h := range p.busy[s] {
		if h != m {
			kept = append(kept, h)
		}
	}
	p.busy[s] = kept
}

// answer sends an answer to who asked, here or elsewhere. Without a forwarder it goes nowhere.
func (n *node) answer(m *uplink.Message) {
	switch {
	case m.Destination == n.client.address:
		n.client.receive(m)
	case m.Destination.Node != n.ID() && n.forward:
		n.act(func() { n.router.FromHere(time.Duration(n.Clock()), m) })
	}
}

// act does something with the forwarder at once, as a step of its own.
func (n *node) act(f func()) { n.Act(0, func() { n.turn(f) }) }

// Withdraw is the router's.
func (s *service) Withdraw(position uint64) bool {
	if s.taken[position] {
		return false
	}
	s.taken[position] = true
	return true
}

// Cancel is the router's: handlers here do not look.
func (s *service) Cancel(shm.Address, uint64) {}

// Grant is the router's.
func (s *service) Grant(shm.Address, uint64, uint32) {}

// Died is the router's.
func (s *service) Died(fn func(shm.Address, uint64)) bool {
	for _, m := range s.dead {
		fn(m.Source, m.Correlation)
	}
	return s.members()
}
