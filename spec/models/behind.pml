/* A producer behind a writer of the lap before, with no reader in between: ring/claim.go
 * (overdue), wait.go (AwaitRoom).
 *
 * The writer's commit rings readers, not producers, so the producer's own look at
 * every 10 ms (judgeSleep) is what makes it go on. It needs that look for the
 * writer's deadline anyway. This model exists to say so.
 */
#include "invariants.h"

bool committed, armed, passed;
byte bell;

proctype Writer() {
	committed = 1;
	skip /* wakeReaders: nobody is there */
}

proctype Producer() {
	byte d;
again:	if :: committed -> goto out :: else fi;
	d = bell;
	armed = 1;
	if :: committed -> goto out :: else fi;
	if
	:: bell != d -> goto again
	:: true -> goto again /* judgeSleep */
	fi;
out:	passed = 1
}

proctype Monitor() {
end:	timeout -> MUST(producer_never_stuck, passed)
}

init { atomic { run Writer(); run Producer(); run Monitor() } }
