/* Leases: ring/reader.go, extend, against ring/gate.go, with the store of the
 * lease's end in the reader's store buffer until its exchange drains it.
 *
 * One producer writes and may put the reader out in two steps; another only does
 * the latter, and either finishes what the other began. The reader goes on inside
 * its lease.
 *
 * Bounds: CAP slots, MAXT positions, EVS evictions, leases of LEASE positions, the
 * reader joins JOINS times. A message is a step to write; its slot holds the
 * position.
 */
#include "invariants.h"

#ifndef CAP
#define CAP 2
#endif
#ifndef LEASE
#define LEASE 1
#endif
#ifndef JOINS
#define JOINS 2
#endif
#define FREE 0
#define JOINING 1
#define ACTIVE 2
#define EVICTING 3
#define EVICTED 4
#define ENTRY(g, s) ((g) * 8 + (s))
#define IN(e, s) (((e) & 7) == (s))
#define GATES(e) (IN(e, ACTIVE) || IN(e, EVICTING))
#define HOLE 100

byte tail, bytes[CAP], ent = ENTRY(1, ACTIVE), cursor, lend, buffered;
bool pending;
byte evs = EVS;
bool gone;

proctype Producer() {
	byte t, T, limit, e, x, from, to;
	do
	:: t < MAXT ->
		if
		:: t < limit
		:: else ->
			T = tail;
			e = ent;
			if
			:: GATES(e) -> atomic { x = cursor; limit = (x < T -> x : T) + CAP; from = 0; to = 0 }
			:: IN(e, EVICTED) ->
				from = cursor;
				atomic { to = lend; limit = T + CAP; if :: to <= from -> from = 0; to = 0 :: else fi }
			:: else -> atomic { limit = T + CAP; from = 0; to = 0 }
			fi;
			atomic { T = 0; x = 0; e = 0 }
		fi;
		if
		:: t >= limit ->
			e = ent;
			if
			:: GATES(e) && cursor + CAP <= t ->
				if
				:: atomic { IN(e, ACTIVE) && evs > 0 -> if :: ent == e -> ent = e + 1; evs-- :: else fi }
				:: atomic { IN(e, EVICTING) -> if :: ent == e -> ent = e + 1 :: else fi }
				:: ent != e || cursor + CAP > t
				fi
			:: else
			fi;
			e = 0
		:: else ->
			if
			:: t >= from && from + (t - from) % CAP < to && from + (t - from) % CAP != t
			:: else -> bytes[t % CAP] = t + 1
			fi;
			atomic { t++; tail = t }
		fi
	:: else -> break
	od
}

/* Another producer that is in the way of nobody, and puts the reader out. */
proctype Evictor() {
	byte e;
end:	do
	:: atomic { evs > 0 && cursor + CAP <= tail && IN(ent, ACTIVE) -> evs--; e = ent };
		atomic { if :: ent == e -> ent = e + 1 :: else fi };
		atomic { if :: ent == e + 1 -> ent = e + 2 :: else fi };
		e = 0
	od
}

proctype Reader() {
	byte c, x, g = 1, n, lease;
	byte w;
	goto more;
join:	atomic { n++; if :: n >= JOINS -> n = 0; goto out :: else fi };
	atomic { assert(IN(ent, FREE)); g = ent / 8 + 1; ent = ENTRY(g, JOINING) };
	x = tail;
	cursor = x;
	lend = x;
	ent = ENTRY(g, ACTIVE);
	x = tail;
	atomic { cursor = x; c = x; lease = x };
	atomic { lend = x; x = 0 };
more:	if
	:: c < lease -> if :: cursor != c -> cursor = c :: true fi
	:: else ->
		if :: cursor != c -> cursor = c :: else fi;
		atomic { lease = c + LEASE; pending = 1; buffered = lease };
		!pending; /* an exchange */
		if :: ent == ENTRY(g, ACTIVE) :: else -> goto leave fi
	fi;
	if
	:: c == MAXT -> goto leave
	:: c < tail
	:: c >= tail && ent != ENTRY(g, ACTIVE) -> lease = c; goto more
	fi;
	atomic { /* stepped over, or lapped outside of our lease: the claim word would say so */
		w = bytes[c % CAP];
		if
		:: w == c + 1
		:: w < c + 1 -> w = 0; c++; goto more
		:: w > c + 1 -> MUST(no_overwrite_of_unread, ent != ENTRY(g, ACTIVE)); w = 0; goto leave
		fi
	};
	MUST(pinned_bytes_unchanged, bytes[c % CAP] == w);
	atomic { c++; w = 0 };
	goto more;
leave:	w = ent;
	atomic { if :: ent == w -> ent = ENTRY(g, FREE); w = 0 :: else -> goto leave fi };
	goto join;
out:	gone = 1
}

proctype StoreBuffer() {
end:	do
	:: atomic { pending -> lend = buffered; pending = 0; buffered = 0 }
	od
}

proctype Monitor() {
end:	timeout -> atomic { MUST(producer_never_stuck, tail == MAXT); MUST(reader_never_stuck, gone) }
}

init { atomic { run Producer(); run Evictor(); run Reader(); run StoreBuffer(); run Monitor() } }
