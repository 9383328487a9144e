// Package renewal is a model of how a node goes from one session to the next (spec/wire.md, 4.2, the last sentences), and a
// search of it: whole, each step of anybody from each state. An owner has the messages of one producer in a ring of two
// slots, the second of which takes two datagrams, and sends them to one member that stays and to one that joins at any time, before,
// in the middle of or behind the renewal. Datagrams of a session come in their order or not at all: a member that has heard
// of the next session reads no more of the last one. What a member has taken, and what it wants, comes to the owner at
// any time after. Both of the owner's times may run out at any instant.
//
// A violation is of an invariant that stands in search.go. A variant of Rules is the text, or the text with one rule
// broken, which must break the invariants that it names.
//
// It shares nothing with the engine. What it leaves out: loss and repair within a session, several lanes and topics, live topics,
// members that are put out, a second renewal, what was published before, and a producer of which nothing had come to who
// stays: that is not knowable (7).
// Nothing here may be used by more than one goroutine.
package renewal
