/* The shared ring as built: ring/claim.go, gate.go, entry.go, reader.go, recover.go.
 *
 * Two or three producers publish until the tail is MAXT; one reliable reader joins, lends,
 * may be put out and joins again. Every load, store and compare-and-swap is a
 * step; what lies between is local. (The reader's first join is done; join.pml has
 * that in fine steps, lease.pml the store buffer.)
 *
 * Bounds: CAP slots, MAXT positions, QUARS deadlines that run out for a living
 * writer, EVS stall budgets that are used up, KILLS deaths of VICTIM (1: a
 * producer, 3: the reader), ABORTS, JOINS of the reader, leases of LEASE
 * positions. A deadline or budget may run out at any instant.
 */
#include "invariants.h"

#ifndef CAP
#define CAP 2
#endif
#ifndef LEASE
#define LEASE 1
#endif
#ifndef VICTIM
#define VICTIM 1
#endif
#ifndef JOINS
#define JOINS 2
#endif
#ifndef MSGS1
#define MSGS1 MAXT
#endif
#ifndef MSGS2
#define MSGS2 MAXT
#endif
#ifndef MSGS3
#define MSGS3 0 /* no third producer; with one the reader is not the victim */
#endif
#ifndef ABORTS
#define ABORTS 0
#endif

/* Claim words: lap, owner, state. */
#define HOLE 0
#define WRITING 1
#define READY 2
#define QUARANTINED 3
#define WORD(lap, owner, state) ((lap) * 16 + (owner) * 4 + (state))
#define LAP(w) ((w) >> 4)
#define OWNER(w) (((w) >> 2) & 3)
#define STATE(w) ((w) & 3)

/* The entry's word: generation, state. */
#define FREE 0
#define JOINING 1
#define ACTIVE 2
#define EVICTING 3
#define EVICTED 4
#define ENTRY(g, s) ((g) * 8 + (s))
#define IN(e, s) (((e) & 7) == (s))
#define GATES(e) (IN(e, ACTIVE) || IN(e, EVICTING))

byte tail, claims[CAP], published[CAP], bytes[CAP];
byte ent = ENTRY(1, ACTIVE), cursor, lend;

bool dead;
byte quars = QUARS, evs = EVS, kills = KILLS, aborts = ABORTS;

/* What nobody in the protocol sees. */
bool acked[MAXT + 2];
bool gating = 1;     /* the reader has stored its second cursor */
byte reading;     /* first position that the reader has not released */
byte ended;       /* producers that are through */
bool gone;        /* the reader has closed, or is dead */

#if KILLS > 0
#define UNLESS_DEAD(i) unless { (i) == VICTIM && dead }
#else
#define UNLESS_DEAD(i)
#endif
#define DEAD(i) ((i) == VICTIM && dead)
#define MAYTAKE(w) (quars > 0 || DEAD(OWNER(w)))

/* Position t is being given to a new lap. */
inline given(t0) {
	MUST(no_overwrite_of_unread, !(gating && GATES(ent) && t0 >= CAP && reading + CAP <= t0))
}

inline pushTail(t0) {
	atomic {
		if
		:: tail == t0 -> MUST(tail_never_passes_unstamped, LAP(claims[t0 % CAP]) > t0 / CAP); tail = t0 + 1
		:: else
		fi
	}
}

inline spendQuarantine(w) {
	if
	:: DEAD(OWNER(w))
	:: else -> quars--
	fi
}

proctype Producer(byte me; byte left) {
	byte t, c, limit, from, to, T, e, x;
	{
	skip;
top:	atomic {
		t = tail; c = 0; e = 0; x = 0; T = 0;
		if :: left == 0 || t >= MAXT -> t = 0; goto fin :: else fi
	};
	atomic {
		c = claims[t % CAP];
		if
		:: LAP(c) == t / CAP + 1 -> c = 0; goto help
		:: LAP(c) != t / CAP + 1 && LAP(c) != t / CAP -> goto odd
		:: else
		fi
	};
	/* room */
	if
	:: t < limit
	:: else ->
		T = tail;
		e = ent;
		if
		:: GATES(e) -> atomic { x = cursor; limit = (x < T -> x : T) + CAP; from = 0; to = 0; x = 0; T = 0; e = 0 }
		:: IN(e, EVICTED) ->
			from = cursor;
			atomic { to = lend; limit = T + CAP; if :: to <= from || to > from + CAP -> from = 0; to = 0 :: else fi; T = 0; e = 0 }
		:: else -> atomic { limit = T + CAP; from = 0; to = 0; T = 0; e = 0 }
		fi;
		if :: t >= limit -> goto blame :: else fi
	fi;
	/* claim over what is there */
	if
	:: STATE(c) == QUARANTINED -> goto step
	:: STATE(c) == WRITING ->
		if
		:: atomic { MAYTAKE(c) ->
			if
			:: claims[t % CAP] == c -> spendQuarantine(c); claims[t % CAP] = WORD(LAP(c), OWNER(c), QUARANTINED)
			:: else
			fi };
			goto top
		:: claims[t % CAP] != c || tail != t -> goto top
		fi
	:: else ->
		if
		:: t >= from && from + (t - from) % CAP < to && from + (t - from) % CAP != t -> goto pinned
		:: else
		fi
	fi;
	atomic {
		if
		:: claims[t % CAP] == c -> given(t); claims[t % CAP] = WORD(t / CAP + 1, me, WRITING); c = 0
		:: else -> goto top
		fi
	};
	pushTail(t);
	bytes[t % CAP] = 0;
	bytes[t % CAP] = t + 1;
	if
	:: atomic {
		if
		:: claims[t % CAP] == WORD(t / CAP + 1, me, WRITING) ->
			MUST(no_foreign_bytes, bytes[t % CAP] == t + 1);
			claims[t % CAP] = WORD(t / CAP + 1, me, READY); acked[t] = 1
		:: else -> goto letGo
		fi };
		atomic { published[t % CAP] = t / CAP + 1; left-- }
	:: atomic { aborts > 0 -> aborts--;
		if
		:: claims[t % CAP] == WORD(t / CAP + 1, me, WRITING) -> claims[t % CAP] = WORD(t / CAP + 1, me, HOLE); left--
		:: else -> goto letGo
		fi }
	fi;
	goto top;

letGo:	atomic {
		c = claims[t % CAP];
		if :: OWNER(c) != me || STATE(c) != QUARANTINED -> goto top :: else fi
	};
	atomic {
		if
		:: claims[t % CAP] == c -> claims[t % CAP] = WORD(LAP(c), 0, HOLE)
		:: else -> goto letGo
		fi
	};
	goto top;

step:	if
	:: DEAD(OWNER(c)) -> /* whoever comes to it may take it back, and may be stopped before he does */
		atomic { if :: claims[t % CAP] == c -> claims[t % CAP] = WORD(LAP(c), 0, HOLE) :: else fi };
		goto top
	:: true
	fi;
	atomic { /* stamp a quarantined word with this lap */
		if
		:: claims[t % CAP] == c -> given(t); claims[t % CAP] = WORD(t / CAP + 1, OWNER(c), QUARANTINED)
		:: else -> goto top
		fi
	};
	goto help;

pinned:	if
	:: atomic { IN(ent, EVICTED) && VICTIM == 3 && dead -> ent = ENTRY(ent / 8, FREE) } /* unpinDead */
	:: true
	fi;
	atomic {
		if
		:: claims[t % CAP] == c -> given(t); claims[t % CAP] = WORD(t / CAP + 1, 0, HOLE)
		:: else -> goto top
		fi
	};

help:	pushTail(t);
	goto top;

odd:	atomic {
		if
		:: tail != t -> goto top
		:: else -> MUST(tail_never_passes_unstamped, false)
		fi
	};

blame:	e = ent;
	if
	:: GATES(e) ->
		atomic { x = cursor; if :: x + CAP > t -> goto top :: else fi };
		if
		:: VICTIM == 3 && dead -> atomic { if :: ent == e -> ent = ENTRY(e / 8, FREE) :: else fi }; goto top
		:: IN(e, EVICTING) -> atomic { if :: ent == e -> ent = e + 1 :: else fi }; goto top
		:: atomic { IN(e, ACTIVE) && evs > 0 -> if :: ent == e -> ent = e + 1; evs--; e++ :: else -> goto top fi };
			atomic { if :: ent == e -> ent = e + 1 :: else fi };
			goto top
		:: IN(e, ACTIVE) && (ent != e || cursor != x || tail != t) -> goto top
		fi
	:: else -> goto top
	fi
	} UNLESS_DEAD(me);
fin:	ended++
}

proctype Reader() {
	byte c, w, x, g = 1, n, lease, next;
	bool passed;
	{
	skip;
	goto more; /* joined at 0 */

join:	atomic { n++; if :: n >= JOINS -> n = 0; goto out :: else fi };
	atomic { /* only we take the entry here */
		assert(IN(ent, FREE)); g = ent / 8 + 1; ent = ENTRY(g, JOINING)
	};
	x = tail;
	cursor = x;
	lend = x;
	ent = ENTRY(g, ACTIVE);
	x = tail;
	atomic { cursor = x; gating = 1; c = (x < next -> next : x); next = c; reading = c; lease = x };
	atomic { lend = x; x = 0 };

more:	if
	:: c < lease ->
		if :: cursor != c -> cursor = c :: true fi /* the batch is full, or not */
	:: else ->
		if :: cursor != c -> cursor = c :: else fi;
		atomic { lease = c + LEASE; lend = lease };
		if :: ent == ENTRY(g, ACTIVE) :: else -> goto rejoin fi
	fi;

poll:	if :: published[c % CAP] == c / CAP + 1 -> goto use :: else fi;
	passed = tail > c;
	atomic {
		w = claims[c % CAP];
		if
		:: LAP(w) < c / CAP + 1 -> MUST(tail_never_passes_unstamped, !passed); passed = 0; goto idle
		:: LAP(w) > c / CAP + 1 -> passed = 0; goto overrun
		:: else -> passed = 0
		fi;
		if
		:: STATE(w) == READY -> goto use
		:: STATE(w) == WRITING -> goto stuck
		:: else -> MUST(acked_is_delivered, !acked[c]); c++; reading = c; next = c; w = 0; goto more
		fi
	};

use:	atomic {
		MUST(once_in_order, c >= next);
		MUST(no_foreign_bytes, bytes[c % CAP] == c + 1 || ent != ENTRY(g, ACTIVE));
		MUST(pinned_bytes_unchanged, bytes[c % CAP] == c + 1); w = 0
	};
	MUST(pinned_bytes_unchanged, bytes[c % CAP] == c + 1);
	atomic { c++; next = c; reading = c };
	goto more;

idle:	if :: cursor != c -> cursor = c :: else fi;
	if
	:: published[c % CAP] == c / CAP + 1 || claims[c % CAP] != w -> goto poll
	:: ent != ENTRY(g, ACTIVE) -> lease = c; goto more
	fi;

stuck:	if
	:: atomic { MAYTAKE(w) ->
		if
		:: claims[c % CAP] == w -> spendQuarantine(w); claims[c % CAP] = WORD(LAP(w), OWNER(w), QUARANTINED)
		:: else
		fi };
		goto poll
	:: else -> goto idle
	fi;

overrun: MUST(no_overwrite_of_unread, ent != ENTRY(g, ACTIVE));

rejoin:	atomic { w = ent; gating = 0 };
	atomic { if :: ent == w -> ent = ENTRY(g, FREE) :: else -> goto rejoin fi };
	goto join;
	} UNLESS_DEAD(3);
out:	atomic { gone = 1; gating = 0 }
}

proctype Killer() {
	if
	:: atomic { kills > 0 -> dead = 1; kills-- }
	:: true
	fi
}

/* Recover: load, ask, swap, until the word no longer names the dead. */
proctype Cleaner() {
	byte s, w;
end:	dead;
	do
	:: s < CAP && VICTIM != 3 ->
		w = claims[s];
		if
		:: OWNER(w) == VICTIM && (STATE(w) == WRITING || STATE(w) == QUARANTINED) ->
			atomic { if :: claims[s] == w -> claims[s] = WORD(LAP(w), 0, HOLE) :: else fi }
		:: else -> atomic { s++; w = 0 }
		fi
	:: else -> break
	od;
	do
	:: VICTIM == 3 ->
		w = ent;
		if
		:: IN(w, FREE) -> break
		:: else -> atomic { if :: ent == w -> ent = ENTRY(w / 8, FREE) :: else fi }
		fi
	:: else -> break
	od;
	atomic { /* from here on the index may be given to another */
		s = 0;
		do
		:: s < CAP && VICTIM != 3 ->
			MUST(no_leaked_claim, !(OWNER(claims[s]) == VICTIM && (STATE(claims[s]) == WRITING || STATE(claims[s]) == QUARANTINED)));
			s++
		:: else -> break
		od;
		MUST(no_leaked_entry, VICTIM != 3 || IN(ent, FREE))
	}
}

/* Nobody can do anything more. */
proctype Monitor() {
	byte s;
end:	timeout ->
	atomic {
		MUST(reader_never_stuck, gone || reading >= tail);
		MUST(producer_never_stuck, ended == 2 + (MSGS3 > 0));
		do
		:: s < CAP ->
			MUST(no_leaked_claim, STATE(claims[s]) == HOLE || STATE(claims[s]) == READY);
			s++
		:: else -> break
		od
	}
}

init {
	atomic {
		run Reader(); run Producer(1, MSGS1); run Producer(2, MSGS2);
		if :: MSGS3 > 0 -> run Producer(3, MSGS3) :: else fi;
		if :: KILLS > 0 -> run Killer(); run Cleaner() :: else fi;
		run Monitor()
	}
}
