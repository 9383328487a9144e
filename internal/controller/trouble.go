package main

import (
	"time"

	"github.com/ringcast/ringcast/mcast"
)

// What happens to nodes.
const (
	nodeKilled = iota
	processKilled
	cutOff
	restarted
	stalled
	troubleKinds
)

var troubleNames = [troubleKinds]string{"node killed", "process killed", "node cut off", "forwarder away 50 to 300 ms", "stalled for 0.9 s"}

// A trouble is what happens to one node.
type trouble struct {
	kind  int
	node  *node
	at    mcast.Time
	back  mcast.Time // when that was over; 0: it goes on
	over  bool
	dead  []*process // of killed processes
	seen  map[*node]mcast.Time
	again map[*node]mcast.Time // when the node was known anew, as it is
	taken []mcast.Duration     // until others answered its services
}

// makeTrouble has every node killed, in any order, and every node meet something else.
func (f *fleet) makeTrouble() {
	for i, n := range f.nodes {
		for _, kind := range []int{nodeKilled, 1 + (i+i/(troubleKinds-1))%(troubleKinds-1)} {
			f.troubles = append(f.troubles, &trouble{kind: kind, node: n, seen: map[*node]mcast.Time{}, again: map[*node]mcast.Time{}})
		}
	}
	f.rnd.Shuffle(len(f.troubles), func(i, j int) { f.troubles[i], f.troubles[j] = f.troubles[j], f.troubles[i] })
	if f.most > 0 {
		f.troubles = f.troubles[:min(f.most, len(f.troubles))]
	}
	at := mcast.Duration(0)
	for _, t := range f.troubles {
		at += f.upTo(2 * f.options.apart)
		f.net.After(at, func() { f.strike(t) })
	}
}

// strike lets a trouble happen, or waits where too many others go on.
func (f *fleet) strike(t *trouble) {
	n := t.node
	if n.trouble != nil || n.last != nil && f.net.Now() < n.last.back+mcast.Second || f.tooMany(n) {
		f.net.After(200*ms+f.upTo(100*ms), func() { f.strike(t) })
		return
	}
	t.at, n.trouble = f.net.Now(), t
	switch t.kind {
	case nodeKilled:
		f.killNode(t)
	case processKilled:
		f.killProcesses(t)
	case cutOff:
		f.cut(n, true)
		f.net.After(2200*ms+f.upTo(800*ms), func() { f.cut(n, false); f.end(t) })
	case restarted:
		f.restart(t)
	case stalled:
		still := 900 * ms
		if f.fault == faultStalls {
			still = 3000 * ms
		}
		n.Pause(still)
		f.net.After(still+100*ms, func() { f.end(t) })
	}
}

// tooMany reports whether a quarter of all nodes, or a third of those of the kind, is away.
func (f *fleet) tooMany(n *node) bool {
	all, same := 1, 1
	for _, m := range f.nodes {
		if m.trouble != nil {
			all++
			if m.kind == n.kind {
				same++
			}
		}
	}
	return 4*all > len(f.nodes)+3 || 3*same > len(f.nodes)/len(kinds)+2
}

func (f *fleet) end(t *trouble) {
	t.over, t.back = true, f.net.Now()
	t.node.trouble, t.node.last = nil, t
}

// killNode takes the power from a machine; it begins anew.
func (f *fleet) killNode(t *trouble) {
	n := t.node
	n.stop()
	n.client.gone = true
	for _, q := range n.client.inOrder() {
		n.client.settle(q, "caller died")
	}
	for _, q := range f.requests { // those that would be tried again
		if q.client == n.client && q.outcome == "" {
			n.client.settle(q, "caller died")
		}
	}
	for _, p := range n.processes {
		p.lives, p.known = false, false
	}
	f.net.After(2200*ms+f.upTo(800*ms), func() {
		n.reboots++
		n.boot()
		n.Begin(n.Session()+1+f.rnd.Uint64N(5), n.reboots)
		f.end(t)
	})
}

// stop ends the forwarder without a word.
func (n *node) stop() {
	n.End()
	n.forward = false
}

// restart kills the forwarder alone; another one takes its place.
func (f *fleet) restart(t *trouble) {
	n := t.node
	old := n.Session()
	n.stop()
	f.net.After(100*mcast.Microsecond+f.upTo(ms), func() {
		for _, q := range n.client.inOrder() {
			if q.up == old {
				n.client.end(q, "node down")
			}
		}
	})
	f.net.After(50*ms+f.upTo(250*ms), func() {
		n.Begin(old+1+f.rnd.Uint64N(5), n.reboots)
		f.end(t)
	})
}

// cut takes a node off the network, or puts it back.
func (f *fleet) cut(n *node, off bool) {
	n.alone = off
	for _, m := range f.nodes {
		if m != n && !m.alone {
			f.net.Partition(n.index, m.index, off)
			f.net.Partition(m.index, n.index, off)
		}
	}
}

// killProcesses kills one or both processes that serve; others are started in their places.
func (f *fleet) killProcesses(t *trouble) {
	n := t.node
	first := f.rnd.IntN(instances)
	for i := range 1 + f.rnd.IntN(instances) {
		p := n.processes[(first+i)%instances]
		p.lives = false
		t.dead = append(t.dead, p)
	}
	f.net.After(100*mcast.Microsecond+f.upTo(900*mcast.Microsecond), func() { n.bury(t.dead) })
	f.net.After(mcast.Second+f.upTo(mcast.Second), func() {
		for i, p := range n.processes {
			if !p.lives {
				n.processes[i] = newProcess(n, p.address.Index, p.address.Generation+1)
			}
		}
		n.Act(0, n.tellRows)
		f.end(t)
	})
}

// bury is what follows when the kernel has told of the end of processes: what they had in hand is told of, and
// what waits for nobody is taken back.
func (n *node) bury(dead []*process) {
	for _, p := range dead {
		p.known = false
	}
	for _, name := range n.kind.services {
		s := n.services[hashOf(name)]
		for _, p := range dead {
			s.dead = append(s.dead, p.busy[s]...)
		}
		s.tellOwn()
	}
	n.Act(0, func() {
		n.turn(func() {
			n.router.Departed(time.Duration(n.Clock()), 0)
			n.router.Read(time.Duration(n.Clock()), 0)
		})
		n.tellRows()
		for _, s := range n.services {
			s.dead = nil
		}
	})
}

// tellOwn tells the callers of this node.
func (s *service) tellOwn() {
	c := s.node.client
	for _, m := range s.dead {
		if q := c.open[m.Correlation]; q != nil && m.Source == c.address {
			c.end(q, "instance died")
		}
	}
	for i := range s.ring {
		m := &s.ring[i]
		if q := c.open[m.Correlation]; q != nil && m.Source == c.address && !s.members() && s.Withdraw(uint64(i)) {
			c.end(q, "no service")
		}
	}
	s.work()
}
