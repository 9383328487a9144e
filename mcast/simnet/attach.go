package simnet

import "github.com/ringcast/ringcast/mcast"

// attached is an application of another package.
type attached struct {
	mcast.Sink
	ready func(*mcast.Engine)
}

func (a attached) prepare(e *mcast.Engine) { a.ready(e) }

// Attach puts a sink of another package in the place of the node's own application, before
// the network runs. It sends by the node's Multicast and Unicast. Ready is called for each session,
// before its engine starts.
func (x *Node) Attach(sink mcast.Sink, ready func(*mcast.Engine)) { x.app = attached{sink, ready} }

// Session is the node's present session, or its last one.
func (x *Node) Session() uint64 { return x.session }

// Clock is the time that the node's engine goes by.
func (x *Node) Clock() mcast.Time { return x.clock() }

// End stops the node without a word.
func (x *Node) End() {
	x.die()
	x.net.restarts++
	x.net.Counts.Restarts++
}

// Begin starts a later session of a node that was stopped; reboots is how often its machine has
// begun anew, and with it its epoch.
func (x *Node) Begin(session uint64, reboots uint32) {
	x.session, x.reboots, x.above = session, reboots, mcast.Overtaken{}
	x.Start()
}

// Act runs f after a while as a step of the node: not where its session is over by then.
func (x *Node) Act(after mcast.Duration, f func()) {
	x.net.push(&event{at: x.net.now + after, node: x, life: x.life, call: func() {
		f()
		x.after()
	}})
}

// Note makes something that an application saw part of the trace.
func (n *Network) Note(x uint64) { n.mix(x) }

// Violate says that an invariant of the application is broken; the run ends.
func (n *Network) Violate(invariant, format string, args ...any) {
	n.violate(invariant, format, args...)
}
