/* Stall budgets: ring/gate.go (blame, charge) against ring/entry.go.
 *
 * Two producers charge a reader for the time they wait, and put it out when its
 * budget is used up; each may be stopped at any step. The reader leaves, and the
 * next one takes the same entry.
 *
 * Bounds: READERS readers one after the other, NOW ticks of the clock, a budget of
 * BUDGET ticks; no refill.
 */
#include "invariants.h"

#ifndef READERS
#define READERS 2
#endif
#ifndef NOW
#define NOW 3
#endif
#ifndef BUDGET
#define BUDGET 1
#endif
#define FREE 0
#define JOINING 1
#define ACTIVE 2
#define EVICTED 4
#define ENTRY(g, s) ((g) * 8 + (s))
#define IN(e, s) (((e) & 7) == (s))
#define GEN(e) ((e) / 8)
#define BLOCKED(g, ticks) ((g) * 16 + (ticks))
#define TICKS(b) ((b) & 15)

byte now;
byte ent = ENTRY(1, ACTIVE), blocked = BLOCKED(1, 0), blockedAt;

/* What nobody in the protocol sees. */
byte joinedAt[READERS + 2];
byte ended;

proctype Clock() {
	do
	:: now < NOW -> now++
	:: else -> break
	od
}

proctype Producer() {
	byte last, t, e, mark, old, spent;
	bool mine;
	do
	:: atomic { last = t; t = now; mine = 0; mark = 0; old = 0; spent = 0 };
		e = ent;
		if
		:: !IN(e, ACTIVE)
		:: IN(e, ACTIVE) ->
			mark = blockedAt;
			if
			:: mark < t -> atomic { if :: blockedAt == mark -> blockedAt = t; mine = 1 :: else fi }
			:: else
			fi;
again:			old = blocked;
			if
			:: GEN(e) != old / 16 -> spent = 0
			:: GEN(e) == old / 16 && !mine -> spent = TICKS(old)
			:: GEN(e) == old / 16 && mine ->
				spent = TICKS(old) + t - (mark > last -> mark : last);
				atomic {
					if
					:: blocked == old ->
						blocked = BLOCKED(GEN(e), spent);
						MUST(no_foreign_charge, TICKS(blocked) <= now - joinedAt[blocked / 16])
					:: else -> goto again
					fi
				}
			fi;
			if
			:: spent > BUDGET ->
				atomic {
					if
					:: ent == e ->
						MUST(no_foreign_charge, now - joinedAt[GEN(e)] > BUDGET);
						ent = ENTRY(GEN(e), EVICTED)
					:: else
					fi
				}
			:: else
			fi
		fi
	:: t == NOW -> break
	od;
	ended++
}

/* Readers, one after the other. */
proctype Readers() {
	byte g = 1;
	do
	:: g < READERS ->
		ent = ENTRY(g, FREE);
		g++;
		ent = ENTRY(g, JOINING);
		blocked = BLOCKED(g, 0);
		atomic { blockedAt = now; joinedAt[g] = now };
		ent = ENTRY(g, ACTIVE)
	:: else -> break
	od
}

proctype Monitor() {
end:	timeout -> MUST(producer_never_stuck, ended == 2)
}

init { atomic { run Clock(); run Producer(); run Producer(); run Readers(); run Monitor() } }
