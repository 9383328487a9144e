// Package forward is the engine of ringcastd: it joins the rings of one node to
// the network.
//
//	local ring ─▶ outbound ─▶ mcast.Engine ─▶ udp.Conn ····▶ other nodes
//	local ring ◀─ inbound  ◀─ mcast.Engine ◀─ udp.Conn ◀···· other nodes
//
// It tells the other nodes which topics the participants here subscribe to, sends
// the local messages of the topics that others asked for, and puts what arrives into
// the local ring of its topic under the address of its original producer, marked
// REMOTE. A message that came from the network is never sent on. What no repair can
// bring back becomes an event in the ring, at its place.
//
// It also tells the other nodes who is here, and writes what they tell into the
// directory segment (directory.go; the rules are package roster's).
//
// What it guarantees: a local reader that is slow holds up its own topic, within
// that topic's stall budget, and no other. A forwarder that is killed and started
// again goes on where it stood (the forwarder segment): nothing is delivered
// twice, and what was missed meanwhile is repaired or told.
//
// A ring whose file is cut off while it is mapped costs only its topic.
//
// What it does not: it keeps nothing of its own except that place.
//
// # Roles
//
// Two goroutines share the protocol engine under one lock: the network loop
// (net.go) sleeps on the sockets and the engine's timers, the pump (pump.go) on
// the participant's doorbell. A third writes the directory (directory_write.go). Each
// inbound topic has a goroutine that wakes only when messages had to be parked (park.go).
// Lock order: Forwarder.mu, then inbound.mu.
package forward
