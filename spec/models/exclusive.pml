/* The exclusive ring as built: ring/exclusive.go, gate.go, reader.go, latest.go.
 *
 * Two or three producers follow one another: by the death of the owner, by its
 * Close, or after Recover has freed the word. Each may hold two claims at once and
 * end them in either order, as a large message does. One reliable reader lends,
 * may be put out and joins again; LATEST adds a latest reader. With BATCH two
 * positions may be begun by one store, and are written before the first is published
 * or one after the other.
 *
 * Nobody waits behind the owner but its own readers: the last owner is not killed.
 *
 * Bounds: CAP slots, MAXT positions, KILLS deaths of owners, EVS evictions,
 * ABORTS, leases of one position, JOINS of the reader. A dead owner's index is not
 * used again here.
 */
#include "invariants.h"

#ifndef CAP
#define CAP 2
#endif
#ifndef LATEST
#define LATEST 0
#endif
#ifndef JOINS
#define JOINS 2
#endif
#ifndef OWNERS
#define OWNERS 2
#endif
#ifndef ABORTS
#define ABORTS 0
#endif
#ifndef BATCH
#define BATCH 0
#endif
#define LEASE 1
#define PAD 64
#define LAPOF(t) ((t) / CAP + 1)
#define FREE 0
#define JOINING 1
#define ACTIVE 2
#define EVICTING 3
#define EVICTED 4
#define ENTRY(g, s) ((g) * 8 + (s))
#define IN(e, s) (((e) & 7) == (s))
#define GATES(e) (IN(e, ACTIVE) || IN(e, EVICTING))

byte tail, published[CAP], bytes[CAP];
byte owner, ownerGen;        /* one word: who has the ring, and the how-manieth it is */
byte ent = ENTRY(1, ACTIVE), cursor, lend;
bool dead[OWNERS + 1];
byte kills = KILLS, evs = EVS, aborts = ABORTS;

/* What nobody in the protocol sees. */
bool acked[MAXT + 1];
bool gating = 1, gone, latestDone;
byte reading, ended;
byte through;                /* producers that are dead or have closed */

#if KILLS > 0
#define UNLESS_DEAD unless { dead[me] }
#else
#define UNLESS_DEAD
#endif

inline given(t0) {
	MUST(no_overwrite_of_unread, !(gating && GATES(ent) && t0 >= CAP && reading + CAP <= t0))
}

/* Ends the claim of position t0. */
inline finish(t0) {
	if
	:: atomic { MUST(no_foreign_bytes, bytes[t0 % CAP] == t0 + 1); published[t0 % CAP] = LAPOF(t0); acked[t0] = 1 }
	:: atomic { aborts > 0 -> aborts--; published[t0 % CAP] = LAPOF(t0) + PAD }
	fi
}

proctype Producer(byte me) {
	byte t, o, limit, from, to, T, e, x, open, oldest, second;
	{
	skip;
own:	atomic { o = owner; x = ownerGen };
	if
	:: o != 0 && !dead[o] -> (owner != o || dead[o]); goto own
	:: else
	fi;
	atomic { if :: owner == o && ownerGen == x -> owner = me; ownerGen = x + 1; x = 0; o = 0 :: else -> goto own fi };
	atomic { T = tail; t = (T > CAP -> T - CAP : 0) };
	do
	:: t < T ->
		if
		:: (published[t % CAP] & 63) != LAPOF(t) -> published[t % CAP] = LAPOF(t) + PAD
		:: else
		fi;
		t++
	:: else -> break
	od;
	T = 0;

next:	atomic { t = tail; if :: t >= MAXT -> goto close :: else fi };
	if :: open > 0 && t - oldest >= CAP -> goto end :: else fi;
	if
	:: t < limit
	:: else ->
		T = tail;
		e = ent;
		if
		:: GATES(e) -> atomic { x = cursor; limit = (x < T -> x : T) + CAP; from = 0; to = 0; x = 0; T = 0; e = 0 }
		:: IN(e, EVICTED) ->
			from = cursor;
			atomic { to = lend; limit = T + CAP; if :: to <= from -> from = 0; to = 0 :: else fi; T = 0; e = 0 }
		:: else -> atomic { limit = T + CAP; from = 0; to = 0; T = 0; e = 0 }
		fi;
		if :: t >= limit -> goto blame :: else fi
	fi;
#if BATCH
	if
	:: open == 0 && to == 0 && t + 1 < limit && t + 1 < MAXT ->
		atomic { given(t); given(t + 1); tail = t + 2; oldest = t; second = t + 1; open = 2 };
		bytes[t % CAP] = 0;
		bytes[t % CAP] = t + 1;
		if
		:: finish(oldest); atomic { oldest = second; second = 0; open = 1; t++ }
		:: t++
		fi;
		bytes[t % CAP] = 0;
		bytes[t % CAP] = t + 1;
		goto end
	:: true
	fi;
#endif
	atomic { given(t); tail = t + 1 }; /* begun */
	if
	:: t >= from && from + (t - from) % CAP < to && from + (t - from) % CAP != t -> published[t % CAP] = LAPOF(t) + PAD; goto next
	:: else
	fi;
	atomic { if :: open == 0 -> oldest = t :: else -> second = t fi; open++ };
	bytes[t % CAP] = 0;
	bytes[t % CAP] = t + 1;
	if
	:: open == 1 -> goto next      /* another claim, before this one is ended */
	:: true -> goto end
	fi;

end:	if
	:: open == 2 ->
		if
		:: finish(second); atomic { second = 0; open = 1 }
		:: finish(oldest); atomic { oldest = second; second = 0; open = 1 }
		fi
	:: open == 1 -> finish(oldest); atomic { open = 0; oldest = 0 }
	fi;
	if
	:: open > 0 -> goto end
	:: open == 0 -> goto next
	:: open == 0 && me == 1 -> goto close /* gives up in the middle */
	fi;

blame:	if :: open > 0 -> goto end :: else fi; /* ends what it holds, then waits */
	e = ent;
	if
	:: GATES(e) ->
		atomic { x = cursor; if :: x + CAP > t -> x = 0; e = 0; goto next :: else fi };
		if
		:: IN(e, EVICTING) -> atomic { if :: ent == e -> ent = e + 1 :: else fi }
		:: atomic { IN(e, ACTIVE) && evs > 0 -> if :: ent == e -> ent = e + 1; evs--; e++ :: else -> x = 0; e = 0; goto next fi };
			atomic { if :: ent == e -> ent = e + 1 :: else fi }
		:: IN(e, ACTIVE) && (ent != e || cursor != x)
		fi
	:: else
	fi;
	atomic { x = 0; e = 0; goto next };

close:	if :: open > 0 -> goto end :: else fi;
	atomic { if :: owner == me -> owner = 0 :: else fi; through++ };
	} UNLESS_DEAD;
	ended++
}

/* Kills the owner; Recover frees the word of a dead one. */
proctype Fate() {
end:	do
	:: atomic { kills > 0 && owner != 0 && !dead[owner] && through + 1 < OWNERS -> dead[owner] = 1; kills--; through++ }
	:: atomic { owner != 0 && dead[owner] -> owner = 0 }
	od
}

proctype Reader() {
	byte c, w, x, g = 1, n, lease;
	goto more; /* joined at 0 */

join:	atomic { n++; if :: n >= JOINS -> n = 0; goto out :: else fi };
	atomic { assert(IN(ent, FREE)); g = ent / 8 + 1; ent = ENTRY(g, JOINING) };
	x = tail;
	cursor = x;
	lend = x;
	ent = ENTRY(g, ACTIVE);
	x = tail;
	atomic { MUST(once_in_order, x >= c); cursor = x; gating = 1; c = x; reading = c; lease = x };
	atomic { lend = x; x = 0 };

more:	if
	:: c < lease -> if :: cursor != c -> cursor = c :: true fi
	:: else ->
		if :: cursor != c -> cursor = c :: else fi;
		atomic { lease = c + LEASE; lend = lease };
		if :: ent == ENTRY(g, ACTIVE) :: else -> goto rejoin fi
	fi;
poll:	atomic {
		w = published[c % CAP];
		if
		:: w == LAPOF(c) -> w = 0; goto use
		:: w == LAPOF(c) + PAD -> MUST(acked_is_delivered, !acked[c]); c++; reading = c; w = 0; goto more
		:: (w & 63) > LAPOF(c) -> w = 0; goto overrun
		:: else
		fi
	};
	if :: cursor != c -> cursor = c :: else fi;
	if
	:: published[c % CAP] != w -> goto poll
	:: ent != ENTRY(g, ACTIVE) -> lease = c; goto more
	fi;

use:	atomic {
		MUST(no_foreign_bytes, bytes[c % CAP] == c + 1 || ent != ENTRY(g, ACTIVE));
		MUST(pinned_bytes_unchanged, bytes[c % CAP] == c + 1)
	};
	MUST(pinned_bytes_unchanged, bytes[c % CAP] == c + 1);
	atomic { c++; reading = c };
	goto more;

overrun: MUST(no_overwrite_of_unread, ent != ENTRY(g, ACTIVE));

rejoin:	atomic { w = ent; gating = 0 };
	atomic { if :: ent == w -> ent = ENTRY(g, FREE) :: else -> goto rejoin fi };
	w = 0;
	goto join;
out:	atomic { gone = 1; gating = 0 }
}

/* Copies, then looks whether the slot was begun again. */
proctype Latest() {
	byte c, w, a;
more:	atomic {
		w = published[c % CAP];
		if
		:: w == LAPOF(c) -> w = 0
		:: w == LAPOF(c) + PAD -> MUST(acked_is_delivered, !acked[c]); c++; w = 0; goto more
		:: (w & 63) > LAPOF(c) -> w = 0; goto jump
		:: else -> goto idle
		fi
	};
	a = bytes[c % CAP];
	atomic {
		if :: tail > c + CAP -> a = 0; goto jump :: else fi;
		MUST(no_foreign_bytes, a == c + 1); c++; a = 0
	};
	goto more;
idle:	if
	:: published[c % CAP] != w -> goto more
	:: ended == OWNERS && published[c % CAP] == w -> goto out
	fi;
jump:	atomic { a = tail; c = (a - (a < CAP / 2 -> a : CAP / 2) > c + 1 -> a - CAP / 2 : c + 1); a = 0 };
	goto more;
out:	MUST(reader_never_stuck, c >= tail); latestDone = 1
}

proctype Monitor() {
end:	timeout ->
	atomic {
		MUST(reader_never_stuck, gone || reading >= tail);
		MUST(producer_never_stuck, ended == OWNERS);
		MUST(reader_never_stuck, !LATEST || latestDone)
	}
}

init {
	atomic {
		run Producer(1); run Producer(2);
		if :: OWNERS > 2 -> run Producer(3) :: else fi;
		run Fate(); run Reader();
		if :: LATEST -> run Latest() :: else fi;
		run Monitor()
	}
}
