// Package simnet runs real mcast Engines over a network that exists only in
// virtual time. Everything that happens follows from Options.Seed: the same seed
// gives the same trace, bit for bit (Network.Trace). Scenarios are kinds of runs,
// of which a seed makes one; the command internal/sim (make sim) searches them.
//
// Counts names the faults: of the network (loss, independent, in bursts, at one node,
// one way; delay, jitter, reordering, duplication, replay of old datagrams, ways that
// lose only one kind of datagrams, partition, forged frames), of machines (restart,
// pause, clocks that jump, drift, are set back, or pass what the wire has of a time,
// slow receivers, other machines under one id) and of applications (wants that change,
// topics without room, new rings).
//
// Invariants, checked at every delivery and every step of a node; a Violation names
// the one that broke:
//
//	once        a message is delivered once
//	order       in order per producer, and nothing is skipped without word: sent =
//	            delivered + told as lost
//	bytes       with the bytes that were sent
//	nowhere     nothing is delivered that nobody published
//	wanted      nothing is delivered that this node does not want
//	repair      a gated message is not lost while its sender lives
//	trail       nothing is given up that can still be repaired
//	session     nothing of an old session is delivered under a newer one
//	peer        nothing is delivered of a node that is gone
//	sequence    a lane sequence always bears the same messages
//	prompt      a message that is here waits for none but those of its own producer
//	naks        the holes of a lane are not asked for more often than the rules allow
//	alive       nobody who lives is taken for gone
//	patience    nobody is put out because the lane's owner stopped
//	timers      no timer is due again and again, or hours away
//	memory      every table of an engine is within its bound
//	membership  when all is calm everybody sees everybody, in the present session
//	tail        then every loss is told, though nothing follows
//	progress    in the end everything was delivered, or told as lost
//	war         two machines under one id do not overtake each other without end, whether they hear each other or not
//
// A Network must not be used by more than one goroutine at a time.
package simnet
