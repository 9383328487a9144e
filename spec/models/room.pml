/* Producers that wait for room, readers that sleep: ring/wait.go, wake.go,
 * reader.store, Producer.stamp.
 *
 * Nobody has a timer. A reader stores its cursor in batches; at the end of a lease,
 * and when it is idle, it rings producers once half of the ring is free.
 * Positions that may be stepped over are stamped by whoever claims next.
 *
 * Bounds: CAP slots, MSGS messages of the first producer, MSGS2 of NEED2 slots each (at
 * most CAP/2, as a large message may have) of the second, MSGS3 of the third, one or two
 * readers, STAMPS holes. Three producers are more than the slots of CAP 2.
 */
#include "invariants.h"

#ifndef CAP
#define CAP 4
#endif
#ifndef BATCH
#define BATCH 1
#endif
#ifndef READERS
#define READERS 1
#endif
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef NEED2
#define NEED2 2
#endif
#ifndef MSGS3
#define MSGS3 0
#endif
#ifndef STAMPS
#define STAMPS 0
#endif
#ifndef MAXT
#define MAXT 20
#endif

#define NOTHING 0
#define WRITING 1
#define ENDED 2              /* READY or a hole */

byte tail, cursor[2];
byte state[MAXT + 2];
byte stamps = STAMPS;
bool roomSummary, readerSummary;
byte roomMask, readerMask;   /* bit = who */
byte bell[5];                /* of two producers, of the readers, of the third producer */
byte over, done;

#define LOWEST (READERS == 1 || cursor[0] < cursor[1] -> cursor[0] : cursor[1])

inline wakeReaders() {
	if
	:: readerSummary ->
		readerSummary = 0;
		atomic { m = readerMask; readerMask = 0 };
		if :: m & 1 -> bell[2]++ :: else fi;
		if :: m & 2 -> bell[3]++ :: else fi;
		m = 0
	:: else
	fi
}

inline wakeProducers() {
	if
	:: roomSummary ->
		roomSummary = 0;
		atomic { m = roomMask; roomMask = 0 };
		if :: m & 1 -> bell[0]++ :: else fi;
		if :: m & 2 -> bell[1]++ :: else fi;
#if PRODUCERS > 2
		if :: m & 16 -> bell[4]++ :: else fi;
#endif
		m = 0
	:: else
	fi
}

proctype Producer(byte me; byte need; byte msgs) {
	byte t, x, d, m, n, p, q;
next:	if :: msgs == 0 -> goto out :: else fi;
	t = tail;
	atomic { x = (READERS == 1 -> cursor[0] : x) };
	if :: READERS == 2 -> x = cursor[0]; atomic { d = cursor[1]; if :: d < x -> x = d :: else fi; d = 0 } :: else fi;
	if :: t + need > x + CAP -> goto wait :: else -> x = 0 fi;
claim:	/* one position after another; a lost race begins again */
	atomic {
		if
		:: tail + (need - n) > LOWEST + CAP && n == 0 -> t = 0; goto next
		:: else ->
			if
			:: stamps > 0 && n == 0 -> stamps--; state[tail] = ENDED; tail++; t = 255
			:: n == 0 -> p = tail; state[p] = WRITING; tail++; n++; t = 0
			:: n == 1 && tail < LOWEST + CAP -> q = tail; state[q] = WRITING; tail++; n++
			:: n == 1 && tail >= LOWEST + CAP -> state[p] = ENDED; n = 0; t = 254 /* given back */
			fi
		fi
	};
	if
	:: t == 255 -> t = 0; wakeReaders(); goto next
	:: t == 254 -> t = 0; wakeReaders(); goto next
	:: else
	fi;
	if :: n < need -> goto claim :: else fi;
	state[p] = ENDED;
	wakeReaders();
	if :: need == 2 -> state[q] = ENDED; wakeReaders() :: else fi;
	atomic { n = 0; p = 0; q = 0; msgs-- };
	goto next;

wait:	d = bell[me];
	roomMask = roomMask | (1 << me);
	roomSummary = 1;
	atomic { t = tail; x = (READERS == 1 -> cursor[0] : 0) };
	if :: READERS == 2 -> x = cursor[0]; atomic { t = cursor[1]; if :: t < x -> x = t :: else fi }; t = tail :: else fi;
	if :: t + need <= x + CAP -> t = 0; x = 0; d = 0; goto next :: else -> t = 0; x = 0 fi;
	bell[me] != d;
	d = 0;
	goto next;
out:	done++
}

/* Within a lease the cursor is stored without a fence, and nobody is rung. */
inline storeQuietly() { atomic { cursor[me] = c; untold = 1 } }

inline store() {
	if
	:: cursor[me] != c || untold ->
		atomic { cursor[me] = c; untold = 0 };
		if
		:: roomSummary ->
			atomic { d = tail; if :: d <= c + CAP / 2 -> d = 1 :: else -> d = 0 fi };
			if :: d == 1 -> d = 0; wakeProducers() :: else fi
		:: else
		fi
	:: else
	fi
}

proctype Reader(byte me) {
	byte c, d, m;
	bool w, untold;
look:	if
	:: c - cursor[me] >= BATCH -> storeQuietly()
	:: c - cursor[me] >= BATCH -> store() /* at the end of a lease */
	:: c - cursor[me] < BATCH
	fi;
	if :: state[c] == ENDED -> c++; goto look :: else fi;
	store();
	d = bell[2 + me];
	readerMask = readerMask | (1 << me);
	readerSummary = 1;
	atomic { /* the look again; behind a writer it sleeps a millisecond */
		if
		:: state[c] == ENDED -> d = 0; goto look
		:: else -> w = (state[c] == WRITING)
		fi
	};
	if
	:: bell[2 + me] != d
	:: w && state[c] == ENDED
	fi;
	atomic { d = 0; w = 0 };
	goto look
}

proctype Monitor() {
	byte i;
end:	timeout ->
	atomic {
		MUST(sleeper_is_woken, Reader[1]:c >= tail);
		MUST(producer_never_stuck, done == PRODUCERS)
	}
}

init {
	atomic {
		run Reader(0);
		if :: READERS == 2 -> run Reader(1) :: else fi;
		run Producer(0, 1, MSGS);
		if :: PRODUCERS >= 2 -> run Producer(1, NEED2, MSGS2) :: else fi;
		if :: PRODUCERS > 2 -> run Producer(4, 1, MSGS3) :: else fi;
		run Monitor()
	}
}
