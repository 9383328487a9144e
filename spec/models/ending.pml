/* Why a participant is gone: marks in its record (segment.md, 5, "Endings"). shm's
 * recovery.go, participant.go and ending.go.
 *
 * One index. Owners join, and leave or are killed at any step, between the mark and
 * the release too; a joiner that read FREE long ago may hold the lock for a moment.
 * Cleaners take the dead back; each may stand for ever at any step, which is what a
 * kill is to one that holds nothing. A looker has seen a life, and says later why it
 * is over. With OLD one cleaner is of a release that leaves no mark: then the mark may be missing,
 * or be that of one who was killed while he left.
 *
 * Bounds: OWNERS joiners, KILLS of them killed, CLEANERS cleaners of LOOKS looks each,
 * GENERATIONS lives, SLOTS marks in a record.
 */
#include "invariants.h"

#define FREE 0
#define LIVE 1
#define NONE 0
#define LEFT 1
#define DIED 2

byte generation = 1;         /* the record's word: this and what follows, as one */
bool live;
byte locked;                 /* who holds the lock byte: an owner's number; 0: nobody */
byte marked[SLOTS];          /* a mark's word: generation and ending */
byte ending[SLOTS];
byte truth[GENERATIONS + 2]; /* how each life ended: what nobody in the model can read */
bool dead[OWNERS + 1];       /* who is killed */
byte kills = KILLS;

#define SLOT(g) ((g) % SLOTS)
#define IS_LIVE(g) (live && generation == (g))

/* The end of a life, as the record tells it: {g, LIVE} to {g+1, FREE}. */
inline release(g) {
	atomic {
		if
		:: IS_LIVE(g) -> live = 0; generation = (g) + 1
		:: else
		fi
	}
}

proctype Owner(byte me) {
	byte g;
	{
	skip;
again:	!live && generation <= GENERATIONS;        /* the first look */
	if                                          /* the lock is tried */
	:: atomic { locked == 0 -> locked = me }
	:: locked != 0 -> goto again
	fi;
	atomic {                                    /* the second look */
		if
		:: !live && generation <= GENERATIONS -> g = generation
		:: else -> locked = 0; goto again
		fi
	};
	atomic { MUST(no_live_claim_taken, !live && generation == g); live = 1 };
	skip;                                       /* it lives */
	atomic { marked[SLOT(g)] = g; ending[SLOT(g)] = LEFT };
	atomic { MUST(no_live_claim_taken, IS_LIVE(g)); live = 0; generation = g + 1; truth[g] = LEFT };
	atomic { locked = 0; g = 0 };
	goto again
	} unless { dead[me] }
}

proctype Killer() {
	byte me;
	do
	:: kills == 0 -> break
	:: kills > 0 ->
		atomic {
			me = 1;
			do :: me < OWNERS -> me++ :: break od;
			if
			:: !dead[me] && locked == me ->
				dead[me] = 1; locked = 0; kills--;
				if :: live -> truth[generation] = DIED :: else fi
			:: else -> break
			fi;
			me = 0
		}
	od
}

proctype Cleaner(bool old) {
	byte n, g, m, e;
	do
	:: n == LOOKS -> break
	:: n < LOOKS ->
		atomic { n++; if :: live -> g = generation :: else -> goto next fi };
		if :: locked != 0 -> goto next :: else fi;
		if :: old -> goto record :: else fi;
		atomic { m = marked[SLOT(g)]; e = ending[SLOT(g)] };
		if :: IS_LIVE(g) :: !IS_LIVE(g) -> goto next fi; /* again: only now it is dead, and the mark of before */
		if
		:: atomic {
			!(m == g && e == DIED);
			if
			:: marked[SLOT(g)] == m && ending[SLOT(g)] == e -> marked[SLOT(g)] = g; ending[SLOT(g)] = DIED
			:: else
			fi
		}
		:: m == g && e == DIED
		fi;
record:		release(g);
next:		atomic { g = 0; m = 0; e = 0 }
	od
}

inline say(g, why) {
	MUST(ending_is_true, why == truth[g] || OLD && why == LEFT);
	goto out
}

proctype Looker() {
	byte g, m, e;
	bool now;
	atomic { live -> g = generation };          /* a life that it knows */
look:	atomic { now = IS_LIVE(g) };
	if
	:: now ->
		if
		:: locked != 0 -> goto look
		:: locked == 0
		fi;
		atomic { now = IS_LIVE(g) };
		if
		:: now -> atomic { say(g, DIED) }
		:: !now -> goto look
		fi
	:: !now ->
		atomic { m = marked[SLOT(g)]; e = ending[SLOT(g)] };
		atomic {
			if
			:: m == g -> say(g, e)
			:: else -> MUST(ending_is_known, OLD || m > g)
			fi
		}
	fi;
out:	atomic { g = 0; m = 0; e = 0; now = 0 }
}

byte i;

init {
	atomic {
		i = 1;
		do :: i <= OWNERS -> run Owner(i); i++ :: else -> break od;
		i = 0;
		do :: i < CLEANERS -> run Cleaner(OLD && i == 0); i++ :: else -> break od;
		i = 0;
		run Looker();
		if :: KILLS > 0 -> run Killer() :: else fi
	}
}
