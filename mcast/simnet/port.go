package simnet

import "github.com/ringcast/ringcast/mcast"

// port is a way out that takes its time for each datagram, behind a queue that has
// an end: a switch's port to a node, or a node's own card. What finds the queue
// full is dropped.
type port struct {
	rate  float64 // datagrams a second; 0: no bound
	queue int     // datagrams that wait
	free  mcast.Time
	out   mcast.Time // when the last datagram that passed was through
}

// pass lets one datagram through that comes at a time.
func (p *port) pass(at mcast.Time) bool {
	if p.rate == 0 {
		p.out = at
		return true
	}
	each := mcast.Duration(float64(mcast.Second) / p.rate)
	if p.free-at > each*mcast.Duration(p.queue) {
		return false
	}
	p.free = max(p.free, at) + each
	p.out = p.free
	return true
}
