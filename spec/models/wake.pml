/* Sleeping and waking of readers: ring/wake.go, wait.go.
 *
 * Ring X has two mask words and their summary, ring Y one. Participant 0 sleeps on
 * its one doorbell for an entry in each ring, participant 1 for an entry in the
 * other word of X. Each publisher ends two claims, as a store that may wait in a
 * store buffer, then fences (an exchange), then looks at the summary. With BARRIER
 * it does not fence, and the sleeper drains the buffers of all (membarrier) between
 * its bits and its look: an exclusive producer that is registered. There is no timer,
 * unless a waker was killed: then only the timer saves, and is there.
 *
 * Bounds: XS (1, 2) messages in X, YS (0, 1) in Y, KILLS kills of a waker of X.
 */
#include "invariants.h"

byte ready[2];               /* messages in X and in Y */
byte stored[2];              /* those that are still in a store buffer */
bool maskX[2], maskY;
byte summaryX;               /* bit = word */
bool summaryY;
byte bell[2];
byte kills = KILLS;
bool dead;
byte asleep;

#ifndef XS
#define XS 2
#endif
#ifndef YS
#define YS 0
#endif
#ifndef BARRIER
#define BARRIER 0
#endif
#define X 0
#define Y 1
#define NEWS(me) (seenX < ready[X] || YS > 0 && me == 0 && seenY < ready[Y])

proctype Sleeper(byte me) {
	byte d, seenX, seenY;
look:	atomic {
		seenX = ready[X]; seenY = (me == 0 -> ready[Y] : 0); d = 0;
		if :: seenX == XS && (me == 1 || seenY == YS) -> goto out :: else fi
	};
	d = bell[me];
	maskX[me] = 1;
	summaryX = summaryX | (1 << me);
	if
	:: me == 0 && YS > 0 -> maskY = 1; summaryY = 1
	:: else
	fi;
	if :: BARRIER -> stored[X] == 0 && stored[Y] == 0 :: else fi;
	/* the look again, ring after ring */
	if :: seenX < ready[X] -> goto look :: else fi;
	if :: YS > 0 && me == 0 && seenY < ready[Y] -> goto look :: else fi;
	if
	:: bell[me] != d -> goto look
	:: dead && NEWS(me) -> goto look   /* the timer */
	fi;
out:	asleep++
}

inline publish(r) {
	stored[r]++;
	if :: BARRIER :: else -> stored[r] == 0 fi
}

proctype WakerX(bool victim) {
	byte words;
	bool m;
	{
	publish(X);
	if :: summaryX == 0 -> goto out :: else fi;
	atomic { words = summaryX; summaryX = 0 };
	if
	:: words & 1 -> atomic { m = maskX[0]; maskX[0] = 0 }; if :: m -> bell[0]++ :: else fi
	:: else
	fi;
	if
	:: words & 2 -> atomic { m = maskX[1]; maskX[1] = 0 }; if :: m -> bell[1]++ :: else fi
	:: else
	fi;
out:	skip
	} unless { victim && dead && stored[X] == 0 }
}

proctype WakerY() {
	bool m;
	publish(Y);
	if :: !summaryY -> goto out :: else fi;
	summaryY = 0;
	atomic { m = maskY; maskY = 0 };
	if :: m -> bell[0]++ :: else fi;
out:	skip
}

proctype StoreBuffer() {
end:	do
	:: atomic { stored[X] > 0 -> stored[X]--; ready[X]++ }
	:: atomic { stored[Y] > 0 -> stored[Y]--; ready[Y]++ }
	od
}

proctype Killer() { if :: atomic { kills > 0 && ready[X] > 0 -> kills--; dead = 1 } :: true fi }

proctype Monitor() {
end:	timeout -> MUST(sleeper_is_woken, asleep == 2 || dead && ready[X] < XS && asleep == 0)
}

init {
	atomic {
		run Sleeper(0); run Sleeper(1); run WakerX(1); run StoreBuffer();
		if :: XS == 2 -> run WakerX(0) :: else fi;
		if :: YS == 1 -> run WakerY() :: else fi;
		if :: KILLS > 0 -> run Killer() :: else fi;
		run Monitor()
	}
}
