/* A latest reader on a shared ring that nobody gates: ring/latest.go, claim.go.
 *
 * Producers overwrite; one that meets a writer of the lap before takes its claim
 * at once. The reader copies in two steps, then looks at the claim word again.
 * The word "published" is stored after the commit, at any time later.
 *
 * Bounds: CAP slots, MAXT positions, MSGS1 and MSGS2 messages, QUARS fenced
 * writers; the reader jumps to the middle of what is left when it was overrun.
 */
#include "invariants.h"

#define CAP 2
#define HOLE 0
#define WRITING 1
#define READY 2
#define QUARANTINED 3
#define WORD(lap, owner, state) ((lap) * 16 + (owner) * 4 + (state))
#define LAP(w) ((w) >> 4)
#define OWNER(w) (((w) >> 2) & 3)
#define STATE(w) ((w) & 3)

byte tail, claims[CAP], published[CAP], left[CAP], right[CAP];
byte quars = QUARS;
bool acked[MAXT + 1];
byte ended;

inline pushTail(t0) {
	atomic {
		if
		:: tail == t0 -> MUST(tail_never_passes_unstamped, LAP(claims[t0 % CAP]) > t0 / CAP); tail = t0 + 1
		:: else
		fi
	}
}

proctype Producer(byte me; byte msgs) {
	byte t, c;
top:	atomic { t = tail; c = 0; if :: msgs == 0 || t >= MAXT -> t = 0; goto fin :: else fi };
	atomic {
		c = claims[t % CAP];
		if
		:: LAP(c) == t / CAP + 1 -> c = 0; goto help
		:: LAP(c) != t / CAP + 1 && LAP(c) != t / CAP ->
			if :: tail != t -> goto top :: else -> MUST(tail_never_passes_unstamped, false) fi
		:: else
		fi
	};
	if
	:: STATE(c) == QUARANTINED ->
		atomic {
			if
			:: claims[t % CAP] == c -> claims[t % CAP] = WORD(t / CAP + 1, OWNER(c), QUARANTINED); c = 0
			:: else -> goto top
			fi
		};
		goto help
	:: STATE(c) == WRITING ->
		if
		:: atomic { quars > 0 ->
			if :: claims[t % CAP] == c -> quars--; claims[t % CAP] = WORD(LAP(c), OWNER(c), QUARANTINED) :: else fi };
			goto top
		:: quars == 0 && (claims[t % CAP] != c || tail != t) -> goto top
		fi
	:: else
	fi;
	atomic {
		if
		:: claims[t % CAP] == c -> claims[t % CAP] = WORD(t / CAP + 1, me, WRITING); c = 0
		:: else -> goto top
		fi
	};
	pushTail(t);
	left[t % CAP] = t + 1;
	right[t % CAP] = t + 1;
	atomic {
		if
		:: claims[t % CAP] == WORD(t / CAP + 1, me, WRITING) ->
			claims[t % CAP] = WORD(t / CAP + 1, me, READY); acked[t] = 1
		:: else -> goto letGo
		fi
	};
	atomic { published[t % CAP] = t / CAP + 1; msgs-- };
	goto top;

letGo:	atomic { c = claims[t % CAP]; if :: OWNER(c) != me || STATE(c) != QUARANTINED -> goto top :: else fi };
	atomic {
		if
		:: claims[t % CAP] == c -> claims[t % CAP] = WORD(LAP(c), 0, HOLE); goto top
		:: else -> goto letGo
		fi
	};
help:	pushTail(t);
	goto top;
fin:	ended++
}

proctype Reader() {
	byte c, w, a, b, next;
	bool passed;
more:	if :: published[c % CAP] == c / CAP + 1 -> goto found :: else fi;
	passed = tail > c;
	atomic {
		w = claims[c % CAP];
		if
		:: LAP(w) < c / CAP + 1 -> MUST(tail_never_passes_unstamped, !passed); passed = 0; goto idle
		:: LAP(w) > c / CAP + 1 -> passed = 0; w = 0; goto jump
		:: else -> passed = 0
		fi;
		if
		:: STATE(w) == READY
		:: STATE(w) == WRITING -> goto idle
		:: else -> MUST(acked_is_delivered, !acked[c]); c++; w = 0; goto more
		fi
	};
found:	atomic { /* the word that must still be there after the copy */
		w = claims[c % CAP];
		if :: LAP(w) != c / CAP + 1 || STATE(w) != READY -> w = 0; goto jump :: else fi
	};
	a = left[c % CAP];
	b = right[c % CAP];
	atomic {
		if :: claims[c % CAP] != w -> a = 0; b = 0; w = 0; goto jump :: else fi;
		MUST(no_foreign_bytes, a == c + 1 && b == c + 1);
		MUST(once_in_order, c >= next);
		c++; next = c; a = 0; b = 0; w = 0
	};
	goto more;

idle:	(published[c % CAP] == c / CAP + 1 || claims[c % CAP] != w);
	goto more;

jump:	atomic { /* at least one on; what was missed is told */
		a = tail;
		c = (a - (a < CAP / 2 -> a : CAP / 2) > c + 1 -> a - CAP / 2 : c + 1);
		a = 0
	};
	goto more
}

proctype Monitor() {
	byte s;
end:	timeout ->
	atomic {
		MUST(producer_never_stuck, ended == 2);
		MUST(reader_never_stuck, Reader:c >= tail);
		do
		:: s < CAP -> MUST(no_leaked_claim, STATE(claims[s]) == HOLE || STATE(claims[s]) == READY); s++
		:: else -> break
		od
	}
}

init { atomic { run Reader(); run Producer(1, MSGS1); run Producer(2, MSGS2); run Monitor() } }
