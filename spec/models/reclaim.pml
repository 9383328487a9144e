/* Claims of the dead taken back by whoever comes to a quarantined one: ring/claim.go, gate.go (reclaim),
 * recover.go, and the index of the dead given to somebody else.
 *
 * Producers of the indices 1 and 2 live. Index 3 is of D, who is killed anywhere or leaves at the end of his
 * messages, then of N, who takes it behind him: lock first. A cleaner recovers D. Messages are of one claim or,
 * claimed together, of two. A writer may be slow anywhere: his claim is taken as soon as somebody comes to it, as on
 * a Latest ring, where a writer can come round to his own. Nobody reads. A look behind a quarantined claim is due or
 * not, at will; each load, question and swap of it is a step.
 *
 * Bounds: CAP slots, MAXT positions, MSGSn and NEEDn: messages and claims of each of the producer n (N is 4, none if
 * MSGS4 is 0), LOOK slots of a look, CLEANERS.
 */
#include "invariants.h"

#ifndef CAP
#define CAP 2
#endif
#ifndef LOOK
#define LOOK CAP
#endif
#ifndef CLEANERS
#define CLEANERS 1
#endif
#ifndef NEED1
#define NEED1 1
#endif
#ifndef NEED2
#define NEED2 1
#endif
#ifndef NEED3
#define NEED3 2
#endif

#define HOLE 0
#define WRITING 1
#define READY 2
#define QUARANTINED 3
#define WORD(lap, owner, state) ((lap) * 16 + (owner) * 4 + (state))
#define LAP(w) ((w) >> 4)
#define OWNER(w) (((w) >> 2) & 3)
#define STATE(w) ((w) & 3)
#define HELD(w) (STATE(w) == WRITING || STATE(w) == QUARANTINED)

#define D 3
#define N 4
#define NOBODY 0

byte tail, claims[CAP];
byte locked = D;          /* whose life holds the lock of index 3 */
bool record = 1;          /* D's record is LIVE; N's is not looked at */

/* What nobody in the protocol sees: who may still write in a slot, whom its word names. */
byte inside[CAP], names[CAP];
byte ended;

#define ALIVE(i) ((i) != 3 || locked != NOBODY)
#define IS_DEAD(life) ((life) == D && locked != D)

inline pushTail(t0) {
	atomic {
		if
		:: tail == t0 -> MUST(tail_never_passes_unstamped, LAP(claims[t0 % CAP]) > t0 / CAP); tail = t0 + 1
		:: else
		fi
	}
}

/* Takes the word of slot s back if it names index o, who is dead; lives: he turned out to live. */
inline recoverClaim(s, o, lives) {
	do
	:: atomic { w = claims[s]; if :: OWNER(w) != o || !HELD(w) -> w = 0; break :: else fi };
		if
		:: atomic { ALIVE(o) -> lives = 1; w = 0; break }
		:: !ALIVE(o)
		fi;
		atomic {
			if
			:: claims[s] == w ->
				MUST(no_live_claim_taken, IS_DEAD(names[s]));
				claims[s] = WORD(LAP(w), 0, HOLE); names[s] = NOBODY
			:: else
			fi;
			w = 0
		}
	od
}

/* One word of a look. */
inline lookAt(s) {
	atomic {
		w = claims[s];
		if :: STATE(w) == QUARANTINED && OWNER(w) != living -> o = OWNER(w) :: else -> o = 0 fi;
		w = 0
	};
	if
	:: o != 0 ->
		recoverClaim(s, o, lives);
		atomic { if :: lives -> living = o :: else -> took = 1 fi; lives = 0; o = 0 }
	:: else
	fi
}

proctype Producer(byte me; byte life; byte left; byte need) {
	byte t, c, at[2], have, k, w, o, i, living;
	bool lives, took, lost;
	{
	skip;
top:	atomic {
		t = tail; c = 0;
		if :: left == 0 || t >= MAXT -> t = 0; goto noroom :: else fi
	};
	atomic {
		c = claims[t % CAP];
		if
		:: LAP(c) == t / CAP + 1 -> c = 0; goto help
		:: LAP(c) != t / CAP + 1 && LAP(c) != t / CAP -> goto odd
		:: else
		fi;
		if
		:: STATE(c) == QUARANTINED -> goto step
		:: else
		fi
	};
	if
	:: STATE(c) == WRITING ->
		atomic { if :: claims[t % CAP] == c -> claims[t % CAP] = WORD(LAP(c), OWNER(c), QUARANTINED) :: else fi };
		goto top
	:: else
	fi;
	atomic {
		if
		:: claims[t % CAP] == c ->
			MUST(no_foreign_bytes, inside[t % CAP] == NOBODY);
			inside[t % CAP] = life; names[t % CAP] = life;
			claims[t % CAP] = WORD(t / CAP + 1, me, WRITING); c = 0; at[have] = t; have++
		:: else -> goto top
		fi
	};
	pushTail(t);
	if :: have < need -> goto top :: else fi;

	/* write and commit one after the other; behind one that was taken the rest become holes */
	do
	:: k < have ->
		atomic {
			t = at[k];
			if
			:: claims[t % CAP] == WORD(t / CAP + 1, me, WRITING) ->
				MUST(no_foreign_bytes, inside[t % CAP] == life);
				claims[t % CAP] = WORD(t / CAP + 1, me, (lost -> HOLE : READY)); inside[t % CAP] = NOBODY; names[t % CAP] = NOBODY;
				k++; goto ended1
			:: else -> inside[t % CAP] = NOBODY; lost = 1
			fi
		};
letGo:		atomic {
			c = claims[t % CAP];
			if :: OWNER(c) != me || STATE(c) != QUARANTINED -> k++; c = 0; goto ended1 :: else fi
		};
		atomic {
			if
			:: claims[t % CAP] == c -> claims[t % CAP] = WORD(LAP(c), 0, HOLE); names[t % CAP] = NOBODY; k++; c = 0
			:: else -> goto letGo
			fi
		};
ended1:		skip
	:: else -> break
	od;
	atomic { if :: lost :: else -> left-- fi; lost = 0; k = 0; have = 0; at[0] = 0; at[1] = 0; t = 0 };
	goto top;

	/* no position is left: what is held is given back */
noroom:	if
	:: have == 0 -> goto done
	:: else -> atomic { lost = 1; left = 1 }
	fi;
	do
	:: k < have ->
		atomic {
			t = at[k];
			if
			:: claims[t % CAP] == WORD(t / CAP + 1, me, WRITING) ->
				claims[t % CAP] = WORD(t / CAP + 1, 0, HOLE); inside[t % CAP] = NOBODY; names[t % CAP] = NOBODY;
				k++; goto ended2
			:: else -> inside[t % CAP] = NOBODY
			fi
		};
give:		atomic {
			c = claims[t % CAP];
			if :: OWNER(c) != me || STATE(c) != QUARANTINED -> k++; c = 0; goto ended2 :: else fi
		};
		atomic {
			if
			:: claims[t % CAP] == c -> claims[t % CAP] = WORD(LAP(c), 0, HOLE); names[t % CAP] = NOBODY; k++; c = 0
			:: else -> goto give
			fi
		};
ended2:		skip
	:: else -> break
	od;
	goto done;

step:	if
	:: true -> /* a look is due */
		do
		:: i < LOOK -> lookAt((t + i) % CAP); i++
		:: else -> break
		od;
		atomic { i = 0; living = 0; if :: took -> took = 0; c = 0; goto top :: else fi }
	:: true
	fi;
	atomic { /* stamp a quarantined word with this lap, if it is what it was before the look */
		if
		:: claims[t % CAP] == c -> claims[t % CAP] = WORD(t / CAP + 1, OWNER(c), QUARANTINED); c = 0
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
done:	skip
	} unless { life == D && locked != D };
	atomic { /* leaves, or was killed */
		ended++;
		if
		:: life == D && locked == D -> locked = NOBODY
		:: life == N -> locked = NOBODY
		:: else
		fi
	}
}

proctype Killer() {
	byte s;
	if
	:: atomic { locked == D -> locked = NOBODY; do :: s < CAP -> if :: inside[s] == D -> inside[s] = NOBODY :: else fi; s++ :: else -> break od }
	:: true
	fi
}

/* Recovers D, again if the index turned out to be alive, and frees his record. */
proctype Cleaner() {
	byte s, w;
	bool lives;
end:	do
	:: locked == NOBODY && record ->
		do
		:: s < CAP && !lives -> recoverClaim(s, 3, lives); s++
		:: else -> break
		od;
		atomic {
			if
			:: !lives && record ->
				s = 0;
				do
				:: s < CAP -> MUST(no_leaked_claim, names[s] != D); s++
				:: else -> break
				od;
				record = 0
			:: else
			fi;
			s = 0; lives = 0
		}
	od
}

/* Takes the index behind D, or lets it go again while his record is LIVE. */
proctype Next() {
end:	do
	:: atomic { locked == NOBODY && ended > 0 -> locked = N };
		if
		:: atomic { record -> locked = NOBODY; break }
		:: else -> run Producer(3, N, MSGS4, 1); break
		fi
	:: atomic { locked == NOBODY && !record -> locked = N }; run Producer(3, N, MSGS4, 1); break
	od
}

/* Nobody can do anything more. */
proctype Monitor() {
	byte s;
end:	timeout ->
	atomic {
		MUST(producer_never_stuck, ended >= 3);
		do
		:: s < CAP ->
			MUST(no_foreign_bytes, inside[s] == NOBODY);
			MUST(no_leaked_claim, !HELD(claims[s]) || CLEANERS == 0 && names[s] == D);
			s++
		:: else -> break
		od
	}
}

init {
	atomic {
		run Producer(1, 1, MSGS1, NEED1); run Producer(2, 2, MSGS2, NEED2); run Producer(3, D, MSGS3, NEED3);
		run Killer();
		if :: CLEANERS > 0 -> run Cleaner() :: else fi;
		if :: CLEANERS > 1 -> run Cleaner() :: else fi;
		if :: MSGS4 > 0 -> run Next() :: else fi;
		run Monitor()
	}
}
