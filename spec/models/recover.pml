/* Recovery without a lock, and the index given to somebody else: ring/recover.go,
 * sweep.go, gate.go (freeIfDead), shm's record.
 *
 * D, of generation 1, has died with claims and an entry. Two cleaners, one
 * reader that stands before its claim and one producer that comes to the other,
 * quarantined, all work on it; each may be stopped at any step, cleaner 1 may be killed. N takes the same index, lock first, and claims,
 * commits and enters. N may be killed, too; then its own claims are freed later by
 * whoever sweeps for generation 2.
 *
 * Bounds: two claim words, one entry, two cleaners, one reader, one producer, one new owner.
 */
#include "invariants.h"

#define HOLE 0
#define WRITING 1
#define READY 2
#define QUARANTINED 3
#define NOBODY 0
#define D 1
#define N 2                  /* the same index in shared memory, another life */

/* A word: the lap, the state, and (unseen by the protocol) whose life it names. */
typedef Word { byte lap; byte state; byte life };
Word claim[2];
Word entry;                  /* lap = generation of the entry, state 1 = in use */
byte record = 1;             /* generation; LIVE if live */
bool live = 1;
byte locked = NOBODY;        /* who holds the lock byte; D is dead */
bool nDead;
byte kills = KILLS;
byte taken, recovered;       /* words that were swapped; what the ring's counter says of it */

#define NAMED(w) (w.life != NOBODY && (w.state == WRITING || w.state == QUARANTINED))

inline count() {
	if
	:: atomic { mine -> recovered++; mine = 0; MUST(recovered_once, recovered <= taken) }
	:: else
	fi
}

/* Loads a word, asks the kernel, then swaps exactly that word; until it names
 * nobody. Everybody of that index looks the same. */
inline recoverWord(w) {
	do
	:: atomic { !NAMED(w) -> break }
	:: atomic { NAMED(w) -> lap = w.lap; st = w.state; life = w.life };
		if
		:: locked != NOBODY -> goto alive
		:: locked == NOBODY
		fi;
		atomic {
			if
			:: w.lap == lap && w.state == st && w.life != NOBODY ->
				MUST(no_live_claim_taken, w.life == D || nDead);
				w.state = HOLE; w.life = NOBODY; taken++; mine = 1
			:: else
			fi;
			lap = 0; st = 0; life = 0
		};
		count()
	od
}

proctype Cleaner(bool victim) {
	byte lap, st, life, g;
	bool mine;
	{
	skip;
	atomic { if :: live -> g = record :: else -> goto out fi };
	if :: locked != NOBODY -> goto alive :: else fi;
	recoverWord(claim[0]);
	recoverWord(claim[1]);
	recoverWord(entry);
	/* the record last: exactly {g, LIVE} */
	atomic {
		if
		:: record == g && live ->
			MUST(no_leaked_claim, !NAMED(claim[0]) && !NAMED(claim[1]));
			MUST(no_leaked_entry, !NAMED(entry));
			live = 0; record = g + 1
		:: else
		fi
	};
	goto out;
alive:	skip;
out:	skip
	} unless { victim && kills == 0 && KILLS > 0 }
}

/* Stands before claim 0: notes the word, asks, quarantines it. */
proctype Standing() {
	byte lap, st;
	atomic { if :: claim[0].state == WRITING && claim[0].life != NOBODY -> lap = claim[0].lap; st = WRITING :: else -> goto out fi };
	if :: locked != NOBODY -> goto out :: else fi;
	atomic {
		if
		:: claim[0].lap == lap && claim[0].state == st && claim[0].life != NOBODY ->
			MUST(no_live_claim_taken, claim[0].life == D || nDead);
			claim[0].state = QUARANTINED
		:: else
		fi
	};
out:	lap = 0; st = 0
}

/* A producer that comes to claim 1 while it is quarantined: takes it back as a cleaner does. */
proctype Reclaiming() {
	byte lap, st;
	bool mine;
	atomic { if :: claim[1].state == QUARANTINED && claim[1].life != NOBODY -> lap = claim[1].lap; st = QUARANTINED :: else -> goto out fi };
	if :: locked != NOBODY -> goto out :: else fi;
	atomic {
		if
		:: claim[1].lap == lap && claim[1].state == st && claim[1].life != NOBODY ->
			MUST(no_live_claim_taken, claim[1].life == D || nDead);
			claim[1].state = HOLE; claim[1].life = NOBODY; taken++; mine = 1
		:: else
		fi
	};
	count();
out:	lap = 0; st = 0
}

inline claimAndCommit(w) {
	if
	:: atomic { w.state == HOLE && w.life == NOBODY -> w.lap = w.lap + 1; w.state = WRITING; w.life = N };
		atomic {
			MUST(no_live_claim_taken, w.state == WRITING && w.life == N);
			w.state = READY; w.life = NOBODY
		}
	:: w.life == D && live && record == 1 -> skip /* D's claim stands before it: another position */
	:: w.life == D && !(live && record == 1) -> MUST(no_leaked_claim, false)
	fi
}

/* The next owner of the index: the lock, then the record, then LIVE. */
proctype New() {
	{
	skip;
	atomic { locked == NOBODY -> locked = N };
	if
	:: atomic { record == 2 && !live -> live = 1; record = 2 }
	:: live || record != 2 -> locked = NOBODY; goto out /* not free yet */
	fi;
	claimAndCommit(claim[0]);
	claimAndCommit(claim[1]);
	if
	:: atomic { entry.life == NOBODY -> entry.lap++; entry.state = WRITING; entry.life = N }; /* in use */
		atomic { MUST(no_live_claim_taken, entry.life == N); entry.state = HOLE; entry.life = NOBODY }
	:: entry.life != NOBODY -> MUST(no_leaked_entry, false)
	fi;
	locked = NOBODY
	} unless { nDead };
out:	skip
}

proctype Killer() {
	do
	:: atomic { kills > 0 -> kills = 0 }
	:: atomic { KILLN && !nDead && locked == N && live && record == 2 -> nDead = 1; locked = NOBODY }
	:: break
	od
}

init {
	atomic {
		claim[0].lap = 1; claim[0].state = WRITING; claim[0].life = D;
		claim[1].lap = 1; claim[1].state = QUARANTINED; claim[1].life = D;
		entry.lap = 1; entry.state = WRITING; entry.life = D;
		run Cleaner(1); run Cleaner(0); run Standing(); run Reclaiming(); run New();
		if :: KILLS + KILLN > 0 -> run Killer() :: else fi
	}
}
