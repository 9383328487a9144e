package main

import (
	"encoding/binary"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/internal/uplink"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/shm"
)

const (
	requestTime = 10 * mcast.Second
	// restNoService is how long a client that repeats waits after it was told at once that nobody serves.
	restNoService = 20 * ms
)

// A client is the process of a node that asks, as the library does it: its own node first,
// then by the uplink.
type client struct {
	node    *node
	address shm.Address
	serial  uint64
	open    map[uint64]*request
	gone    bool // with its machine
}

func newClient(n *node) *client {
	return &client{node: n, address: shm.Address{Node: n.ID(), Epoch: n.epoch(), Index: 8, Generation: 1}, open: map[uint64]*request{}}
}

// A request is one call of a service, of one try or several.
type request struct {
	id          uint32
	client      *client
	service     uint64
	repeats     bool // it may be run twice: its client tries again
	began       mcast.Time
	correlation uint64 // of the present try
	tried       mcast.Time
	up          uint64 // session of the forwarder that has it; 0: it is on its own node
	at          *node  // that it was given to last
	ran         int
	outcome     string
	by          *node // who answered
	replied     mcast.Time
	met         *trouble // the first that it met
	metAt       mcast.Time
}

// ask has the client of a node ask now and then, as long as there is load.
func (f *fleet) ask(n *node) {
	mean := mcast.Duration(f.options.nodes) * 2500 * mcast.Microsecond // 400 a second in all
	if f.options.nodes > 100 {                                         // every lane that is in use costs a word of each node to each sender
		mean *= 5
	}
	f.net.After(f.upTo(2*mean), func() {
		if f.calm {
			return
		}
		if !n.client.gone {
			n.client.begin()
		}
		f.ask(n)
	})
}

func (c *client) begin() {
	f := c.node.fleet
	k := &kinds[f.rnd.IntN(len(kinds))]
	q := &request{id: uint32(len(f.requests)), client: c, service: hashOf(k.services[f.rnd.IntN(len(k.services))]),
		repeats: f.rnd.IntN(2) == 0, began: f.net.Now()}
	f.requests = append(f.requests, q)
	c.try(q)
	f.net.After(requestTime, func() {
		if q.outcome == "" {
			c.settle(q, "deadline")
		}
	})
}

// try sends a request as a new one.
func (c *client) try(q *request) {
	f, n := c.node.fleet, c.node
	c.serial++
	q.correlation, q.tried, q.up, q.at = c.serial, f.net.Now(), 0, nil
	left := requestTime - (q.tried - q.began)
	m := uplink.Message{Kind: layout.MessageKindRequest, Source: c.address, Correlation: c.serial, Service: q.service,
		Left: time.Duration(left), Payload: binary.LittleEndian.AppendUint32(nil, q.id)}
	c.open[c.serial] = q
	if s := n.services[q.service]; s != nil {
		if _, o := s.put(&m); o == uplink.Put {
			q.at = n
			return
		}
	}
	if !n.forward || len(n.servingOf(q.service)) == 0 {
		c.end(q, "no service")
		return
	}
	q.up = n.Session()
	n.act(func() { n.router.FromHere(time.Duration(n.Clock()), &m) })
}

// outcomes are the codes of errors as clients call them (spec/messaging.md, 9).
var outcomes = map[uint32]string{1: "no service", 2: "overloaded", 3: "instance died", 4: "node down", 5: "deadline"}

// receive takes an answer; one that nobody waits for is late.
func (c *client) receive(m *uplink.Message) {
	q := c.open[m.Correlation]
	if q == nil || c.gone {
		return
	}
	if m.Kind == layout.MessageKindReply {
		q.by = c.node.fleet.nodes[m.Source.Node-1]
		if id := binary.LittleEndian.Uint32(m.Payload); id != q.id {
			c.node.fleet.broken("once", "request %d got the answer to %d", q.id, id)
		}
		c.end(q, "reply")
		return
	}
	c.end(q, outcomes[m.Code])
}

// end ends a try, and the request if it is not to be repeated.
func (c *client) end(q *request, outcome string) {
	delete(c.open, q.correlation)
	f := c.node.fleet
	if outcome == "node down" || outcome == "instance died" {
		c.meet(q)
		if q.repeats {
			c.try(q)
			return
		}
	}
	if q.repeats && (outcome == "no service" || outcome == "overloaded") && f.net.Now()-q.began < requestTime-restNoService {
		f.net.After(restNoService, func() {
			if q.outcome == "" {
				c.try(q)
			}
		})
		return
	}
	c.settle(q, outcome)
}

// meet notes whose death it was that ended a try.
func (c *client) meet(q *request) {
	t := c.node.trouble
	if q.at != nil && t == nil {
		if t = q.at.trouble; t == nil {
			t = q.at.last
		}
	}
	if q.met == nil && t != nil {
		q.met, q.metAt = t, max(t.at, q.tried)
	}
}

// settle gives a request its one outcome.
func (c *client) settle(q *request, outcome string) {
	f := c.node.fleet
	if q.outcome != "" {
		f.broken("once", "request %d ended twice: %s, %s", q.id, q.outcome, outcome)
	}
	delete(c.open, q.correlation)
	q.outcome, q.replied = outcome, f.net.Now()
	f.net.Note(uint64(q.id)<<32 | uint64(len(outcome)))
}

// inOrder are the open requests, first ones first.
func (c *client) inOrder() (list []*request) {
	for serial := uint64(1); serial <= c.serial && len(list) < len(c.open); serial++ {
		if q := c.open[serial]; q != nil {
			list = append(list, q)
		}
	}
	return list
}
