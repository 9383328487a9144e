// Package uplink decides what a forwarder does with direct messages: those that its
// participants have for other nodes, and those that come from there. It is the whole of
// spec/messaging.md, 13, as a state machine: messages, nodes that come and go, and the
// time go in; messages into rings and lanes come out, through a Host. It owns no ring,
// socket, clock, goroutine or random source, so that it can be searched.
//
//	uplink ring ─▶ FromHere ─▶ queue of the node ─▶ Host.Send ····▶ other forwarder
//	inbox, service ◀─ Host.Mail, Reply, Serve ◀─ FromNode ◀········ other forwarder
//
// What it guarantees: a request that went through it is answered once, or refused once by
// whoever is left. What was meant for an earlier process, an earlier session or a request
// that is over reaches nobody. A node that takes nothing holds up only what is for it. No
// table and no queue grows beyond its bound.
//
// What it does not: it does not know what a lane has lost. The time of the request ends it then.
//
// A Router must not be used by more than one goroutine at a time.
package uplink
