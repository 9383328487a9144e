// Package roster is the directory between nodes: what each forwarder tells the others
// of the participants of its node, and what it keeps of what they tell.
//
// Each node writes its own state and nobody else's: rows, under a version that only
// grows. It tells changes from one version to the next, now and then which version there
// is, and its whole state to those who come or ask. So what is kept of a node is always
// one state that the node had, never an earlier one after a later, and nothing is kept of
// a node that is down. Whoever has missed something sees it by the versions, and asks.
//
//	SetRows ──▶ Emit ──▶ (messages, which may be lost, doubled, overtaken) ──▶ Receive ──▶ Nodes
//	                                         who is up: Up, Joined, Down ──▶
//
// It is protocol and nothing else: events and the time go in, messages come out. It has no
// socket, clock, goroutine or random source. The text is spec/messaging.md, 14.
//
// A Roster must not be used by more than one goroutine at a time. What it gives out is
// never changed after, and may be read by anybody.
package roster
