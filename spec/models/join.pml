/* Joining: ring/entry.go against ring/gate.go, with the producer's store of the
 * tail in a store buffer until its exchange drains it.
 *
 * One producer begins positions and scans when its gate is used up; a reader that
 * is there already keeps it at work; another joins in entry 2, which nobody ever
 * used, and may die in it; a cleaner frees what scans reach.
 *
 * Bounds: CAP slots, MAXT positions, KILLS deaths of the joiner, one join.
 */
#include "invariants.h"

#ifndef CAP
#define CAP 2
#endif
#define FREE 0
#define JOINING 1
#define ACTIVE 2

byte tail, buffered;
bool pending;
byte high = 1;               /* entries that were ever in use */
byte cursor1, cursor2, state2;
bool dead, freed;
byte kills = KILLS;

/* What nobody in the protocol sees. */
bool joined;
byte from;

proctype Producer() {
	byte t, T, limit, x;
	bool two;
	do
	:: t < MAXT ->
		if
		:: t < limit
		:: else ->
			T = (pending -> buffered : tail); /* its own store, wherever it is */
			two = high == 2;
			x = cursor1;
			atomic { if :: x < T -> T = x :: else fi; x = 0 };
			if
			:: two -> if :: state2 == ACTIVE -> x = cursor2; atomic { if :: x < T -> T = x :: else fi; x = 0 } :: else fi
			:: else
			fi;
			atomic { two = 0; limit = T + CAP; T = 0 }
		fi;
		if
		:: t >= limit -> if :: cursor1 + CAP > t && (high == 1 || state2 != ACTIVE || cursor2 + CAP > t) fi
		:: else ->
			atomic {
				MUST(no_overwrite_of_unread, !(joined && t >= CAP && from + CAP <= t));
				pending = 1; buffered = t + 1
			};
			!pending; /* an exchange */
			t++
		fi
	:: else -> break
	od
}

proctype Old() {
	do
	:: cursor1 < MAXT -> if :: atomic { cursor1 < tail -> cursor1++ } fi
	:: else -> break
	od
}

proctype Joiner() {
	byte x, c;
	{
	skip;
	high = 2;
	state2 = JOINING;
	x = tail;
	cursor2 = x;
	state2 = ACTIVE;
	x = tail;
	cursor2 = x;
	atomic { joined = 1; c = x; from = c; x = 0 };
	do
	:: c < MAXT -> c < tail; atomic { c++; from = c }; cursor2 = c
	:: else -> break
	od
	} unless { dead };
	joined = 0
}

proctype StoreBuffer() {
end:	do
	:: atomic { pending -> tail = buffered; pending = 0 }
	od
}

/* The joiner dies; a cleaner looks as far as entries were used. */
proctype Cleaner() {
	if
	:: atomic { kills > 0 -> kills--; dead = 1; joined = 0 };
		if
		:: high == 2 -> state2 = FREE
		:: else
		fi;
		MUST(no_leaked_entry, state2 == FREE);
		freed = 1
	:: true
	fi
}

proctype Monitor() {
end:	timeout -> atomic { MUST(producer_never_stuck, tail == MAXT); MUST(reader_never_stuck, dead || from == MAXT) }
}

init { atomic { run Producer(); run Old(); run Joiner(); run StoreBuffer(); run Cleaner(); run Monitor() } }
