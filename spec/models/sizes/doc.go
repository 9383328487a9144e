// Package sizes is a model of how an owner finds out whether large datagrams reach its peers (spec/wire.md, 16), and a
// search of it: whole, each step of anybody from each state. An owner sends datagrams of both sizes on one lane to two nodes
// that come, go with a word or without, are taken for dead while they live, and are back as themselves or as a successor that reads on
// where it stood; of a node that is not there a Hello may come that is late, or forged. Each way to each node, multicast and
// unicast, carries large datagrams or does not, and may change. Probes and echoes come in any order, as often as they like, at any
// time, or not at all; and all times of the owner's may run out at any instant.
//
// A violation is of an invariant that stands in search.go. A variant of Rules is the text, or the text with one rule
// broken, which must break the invariants that it names.
//
// It shares nothing with the engine. What it leaves out: how long anything takes, copies to who does not hear multicast, releases that know
// no Probe, how addresses are guessed, several lanes, the window's places, rates, and more than one session of the owner.
// Nothing here may be used by more than one goroutine.
package sizes
