// Package simnet runs real mcast Engines over a network that exists only in
// virtual time. Everything that happens follows from Options.Seed: the same seed
// gives the same trace, bit for bit (Network.Trace).
//
// Faults: loss (random, in bursts, one way), delay, jitter, reordering,
// duplication, replay of old datagrams, partition, restart of a node.
//
// Invariants, checked at every delivery; a Violation names the one that broke:
//
//	once      a message is delivered once
//	order     in order per producer, and nothing is skipped without word
//	bytes     with the bytes that were sent
//	repair    a gated message is not lost while its sender lives
//	trail     nothing is given up that can still be repaired
//	session   nothing of an old session is delivered under a newer one
//	sequence  a lane sequence always bears the same messages
//	prompt    a message that is here waits for none but those of its own producer
//	naks      the holes of a lane are not asked for more often than the rules allow
//	progress  in the end everything was delivered, or told as lost
//
// A Network must not be used by more than one goroutine at a time.
package simnet
