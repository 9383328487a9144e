/* Requests to a service: spec/messaging.md, 8 and 9.
 *
 * Callers, one request each, of one process, whose inbox a reader empties and whose
 * watch sees departures. Members take, steal from the dead, start, answer and end;
 * report what the dead had in hand; a member may stop, and the last to leave looks
 * behind. Another process may recover the dead before the callers' watch does.
 *
 * Bounds: REQS requests (a slot each: laps are group.pml's), MEMBERS instances, KILLS
 * deaths (first of 1, then of 2), STOPS members that stop (the last ones), LATE
 * members that come later, GIVEUPS callers that give up at any instant, CLEANERS other
 * processes that recover member 1.
 */
#include "invariants.h"

#ifndef REQS
#define REQS 1
#endif
#ifndef MEMBERS
#define MEMBERS 1
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef LATE
#define LATE 0
#endif
#ifndef GIVEUPS
#define GIVEUPS 0
#endif
#ifndef CLEANERS
#define CLEANERS 1
#endif
#define ALL (MEMBERS + LATE)

/* Take words: who, state. */
#define NONE 0
#define TAKEN(m) (4 + (m))
#define STARTED(m) (8 + (m))
#define DONE 12
#define ISTAKEN(w) ((w) > 4 && (w) < 8)
#define ISSTARTED(w) ((w) > 8 && (w) < 12)

/* A row's state; of REPORTED, who by. */
#define FREE 0
#define HELD 1
#define ABANDONED 2
#define REPORTED(m) (4 + (m))
/* Its hand: a position + 1, and whether it is confirmed. */
#define UNCONFIRMED(p) ((p) + 1)
#define CONFIRMED(p) ((p) + 9)

/* Outcomes. */
#define OPEN 0
#define REPLY 1
#define DIED 2
#define NOSERVICE 3
#define GAVEUP 4

bool sent[REQS];
byte take[REQS];
byte outcome[REQS];
byte row[4], hand[4];   /* by taker */
bool entry[4];          /* MEMBER entries */
bool dead[4], gone[4];  /* gone: recovered */
bool withdrawnBy[REQS];

/* The inbox: an answer of each request, of the instance and of who reports it. */
bool answered[REQS], told[REQS];
bool readAnswer[REQS], readTold[REQS];

byte kills = KILLS, giveups = GIVEUPS, joined;
bool ran[REQS];

#define ANY (entry[1] || entry[2] || entry[3])
#define SETTLE(p, o) if :: outcome[p] == OPEN -> outcome[p] = o :: else fi

inline withdraw(q, o) {
	do
	:: w = take[q];
		if
		:: w == NONE || ISTAKEN(w) ->
			atomic { if :: take[q] == w -> take[q] = DONE; w = DONE :: else -> w = NONE fi };
			if :: w == DONE -> atomic { SETTLE(q, o); w = 0 }; break :: else fi
		:: ISSTARTED(w) -> w = 0; break
		:: w == DONE -> atomic { SETTLE(q, o); w = 0 }; break
		fi
	od
}

proctype Call(byte p) {
	byte w;
	if
	:: !ANY -> outcome[p] = NOSERVICE; goto end /* nothing was sent */
	:: ANY
	fi;
	sent[p] = 1;
	if
	:: !ANY -> withdraw(p, NOSERVICE)
	:: ANY
	fi;
	if
	:: atomic { giveups > 0 && outcome[p] == OPEN -> giveups-- };
		withdraw(p, GAVEUP);
		atomic { SETTLE(p, GAVEUP) }
	:: outcome[p] != OPEN
	:: true /* it only waits */
	fi;
end:	skip
}

/* The dispatcher: what it reads is settled in the same step. */
proctype Reader() {
	byte p;
	do
	:: atomic { answered[0] && !readAnswer[0] -> readAnswer[0] = 1; SETTLE(0, REPLY) }
	:: atomic { told[0] && !readTold[0] -> readTold[0] = 1; SETTLE(0, DIED) }
#if REQS > 1
	:: atomic { answered[1] && !readAnswer[1] -> readAnswer[1] = 1; SETTLE(1, REPLY) }
	:: atomic { told[1] && !readTold[1] -> readTold[1] = 1; SETTLE(1, DIED) }
#endif
	od
}

inline recover(d) {
	/* a row that was started is confirmed, what is in hand becomes a report */
	do
	:: atomic { s = row[d]; h = hand[d] };
		if
		:: s != HELD -> break
		:: s == HELD && h > 0 && h < 9 && take[h - 1] == STARTED(d) -> atomic { if :: hand[d] == h -> hand[d] = CONFIRMED(h - 1) :: else fi }
		:: s == HELD && h >= 9 -> atomic { if :: row[d] == HELD -> row[d] = ABANDONED :: else fi }; break
		:: else -> atomic { if :: row[d] == HELD -> row[d] = FREE :: else fi }; break
		fi
	od;
	entry[d] = 0;
	atomic { gone[d] = 1; s = 0; h = 0 }
}

/* The callers' watch sees member d go: it recovers it, and looks for its requests. */
proctype Watch(byte d) {
	byte s, h, w;
	bool before[REQS];
	if
	:: dead[d] || gone[d]
	fi;
	if :: dead[d] && !gone[d] -> recover(d) :: else fi;
	atomic { before[0] = answered[0] };
#if REQS > 1
	atomic { before[1] = answered[1] };
#endif
	/* the inbox is read up to the tail of now */
	!before[0] || readAnswer[0];
#if REQS > 1
	!before[1] || readAnswer[1];
#endif
	atomic { s = row[d]; h = hand[d] };
	if
	:: s != FREE && h >= 9 ->
		atomic { if :: outcome[h - 9] == OPEN -> MUST(answer_is_read, !answered[h - 9]); outcome[h - 9] = DIED :: else fi }
	:: else
	fi;
	atomic { s = 0; h = 0 };
	if
	:: !ANY ->
		if :: sent[0] -> withdraw(0, NOSERVICE) :: else fi;
#if REQS > 1
		if :: sent[1] -> withdraw(1, NOSERVICE) :: else fi
#endif
	:: else
	fi
}

/* Somebody else's cleaner. */
proctype Cleaner(byte d) {
	byte s, h;
	if
	:: dead[d] && !gone[d] -> recover(d)
	:: gone[d]
	fi
}

#define LOOSE(p) (sent[p] && (take[p] == NONE || ISTAKEN(take[p]) && take[p] != TAKEN(me) && dead[take[p] - 4]))
#define WORK(p) \
	:: atomic { LOOSE(p) -> w = take[p] }; \
		atomic { if :: take[p] == w -> take[p] = TAKEN(me) :: else -> goto top fi }; \
		hand[me] = UNCONFIRMED(p); \
		atomic { if :: take[p] == TAKEN(me) -> take[p] = STARTED(me) :: else -> goto top fi }; \
		hand[me] = CONFIRMED(p); \
		atomic { MUST(withdrawn_never_runs, outcome[p] != NOSERVICE); MUST(runs_once, !ran[p]); ran[p] = 1 }; \
		answered[p] = 1; \
		hand[me] = 0; \
		goto top

proctype Member(byte me; bool stops) {
	byte w, o, h;
	{
	row[me] = HELD;
	entry[me] = 1;
	atomic { joined++ };
top:	atomic { w = 0; o = 0; h = 0 };
	if
	WORK(0)
#if REQS > 1
	WORK(1)
#endif
	:: atomic { row[1] == ABANDONED && me != 1 -> o = 1 }; goto report
#if ALL > 1
	:: atomic { row[2] == ABANDONED && me != 2 -> o = 2 }; goto report
#endif
	:: stops -> goto stop
	fi;

report:	atomic { if :: row[o] == ABANDONED -> row[o] = REPORTED(me) :: else -> goto top fi };
	h = hand[o];
	if
	:: h >= 9 -> told[h - 9] = 1; atomic { hand[o] = 0 }
	:: else
	fi;
	atomic { row[o] = FREE };
	goto top;

stop:	entry[me] = 0;
	if
	:: !ANY && (sent[0] && (take[0] == NONE || ISTAKEN(take[0]))
#if REQS > 1
		|| sent[1] && (take[1] == NONE || ISTAKEN(take[1]))
#endif
		) -> entry[me] = 1; goto top
	:: else
	fi;
	row[me] = FREE
	} unless { atomic { dead[me] -> w = 0; o = 0; h = 0 } }
}

proctype Killer() {
	do
	:: atomic { kills > 0 && !dead[1] -> dead[1] = 1; kills-- }
#if MEMBERS > 1
	:: atomic { kills > 0 && dead[1] && !dead[2] -> dead[2] = 1; kills-- }
#endif
	:: break
	od
}

/* When nothing moves any more, all is known. */
proctype Judge() {
	timeout;
	MUST(request_is_answered, outcome[0] != OPEN);
	MUST(answer_means_ran, outcome[0] != REPLY || ran[0]);
#if REQS > 1
	MUST(request_is_answered, outcome[1] != OPEN);
	MUST(answer_means_ran, outcome[1] != REPLY || ran[1])
#endif
}

init {
	atomic {
		run Member(1, STOPS >= MEMBERS);
#if MEMBERS > 1
		run Member(2, STOPS >= 1);
#endif
#if LATE > 0
		run Member(ALL, false);
#endif
		run Call(0);
#if REQS > 1
		run Call(1);
#endif
		run Reader();
#if KILLS > 0
		run Killer();
		run Watch(1);
#if CLEANERS > 0
		run Cleaner(1);
#endif
#if MEMBERS > 1 && KILLS > 1
		run Watch(2);
#endif
#endif
		run Judge()
	}
}
