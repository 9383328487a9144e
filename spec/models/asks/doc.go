// Package asks is a model of how one asks for what was published before, and is answered (spec/wire.md, 14.1, 14.2 and 14.4),
// and a search of it. One asker wants the history of one owner, name after name. Numbers of streams are taken of 32, so that they
// wrap. Asks and chunks are lost, come twice, in any order and up to 3 s late; the asker has no room for a while; either stops
// for seconds; the owner takes the asker for dead and meets it again. Somebody else forges asks in the asker's name and from its
// address: of any number, of too much and of too little, and ends streams.
//
// Each reading of the owner's is another one, since the ring goes on: what the asker puts together has to be of one. A walk is
// some hundred steps at random, each of 50 ms, and then calm. It breaks one of the invariants, which stand in walk.go, or none.
// A variant of Rules is the text, or the text with one rule broken, which must break the invariants that it names.
//
// It shares nothing with the engine. What it leaves out: rows (see splice), rates, several members and owners, sessions, and frames
// from elsewhere than the asker's address, which do nothing.
// Nothing here may be used by more than one goroutine.
package asks
