// Package moves is a model of how a topic goes from lane to lane (spec/wire.md, 15), and a search of it. One
// owner has a topic of two producers, lane 0, and a directed lane to each of two members. What the text leaves to
// time, to loss and to other nodes is an action that may happen at any step, or not: datagrams come in any order
// or never, holes are given up, members are put out, taken for dead, restarted, and change what they want.
//
// A walk is some hundred such actions at random. After each the accounts of the members are looked at, and at
// its end everything that can come does. It breaks one of the invariants, which stand in ghost.go, or none.
// Search walks, and makes what broke one as short as it can; a variant of Rules is the text, or the text with
// one rule broken, which must break the invariants that it names.
//
// It shares nothing with the engine: sequences, rows, snapshots, holes and places are written down here once
// more, from the text alone. What it leaves out: packing, large messages, histories, topics without room, live
// topics, NAKs (what comes late is a repair), and credit. Nothing here may be used by more than one goroutine.
package moves
