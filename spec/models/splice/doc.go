// Package splice is a model of how a node that begins to want a topic with what was published before puts the
// owner's stream and the lane together (spec/wire.md, 14), and a search of it. One owner has a ring of a few
// slots with two producers; another member wants the topic from time to time, so that it is forwarded before the
// asker's list comes, on a lane that the asker reads or on one that it does not. Lists and asks are lost or late,
// datagrams of the lane are given up, rows of the stream come one at a time, the ring is overwritten or replaced
// meanwhile, and the asker withdraws, wants the topic again, changes its list, asks anew, asks for a history of what
// it wants already, gives up, and is followed by another forwarder.
//
// A walk is some hundred such actions at random. After each the account of the asker is looked at, and at its
// end everything that can come does. It breaks one of the invariants, which stand in ghost.go, or none. A variant
// of Rules is the text, or the text with one rule broken, which must break the invariants that it names.
//
// It shares nothing with the engine. What it leaves out: chunks and their loss (rows come in order, or the stream
// is begun anew), what is handed over past a hole, joins and the owner's sessions, several lanes of one member, and
// memory.
// Nothing here may be used by more than one goroutine.
package splice
