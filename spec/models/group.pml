/* A queue group on a gated shared ring: ring/group*.go, member*.go, recover.go.
 *
 * One producer publishes until the tail is MAXT, waits at the group's gate, moves it
 * where it can, and may put the group out. Members take, steal what was taken and not
 * started, start, confirm and end; pass the gate on; report what the dead had in
 * hand; bring a group that was put out back. Cleaners recover the dead; a member of
 * the next life takes the same index, a free row, and goes on.
 *
 * Bounds: CAP slots, MAXT positions, STEALS deadlines that run out for a living
 * member, EVS stall budgets, HOLES aborted claims, KILLS deaths of members (first of
 * 1, then of 2), KILLC of the first cleaner, KILL3 of the member that comes last,
 * MEMBERS members at first (a third excludes LATE), LATE members that come when member 1's record was freed. A deadline or budget may
 * run out at any instant.
 */
#include "invariants.h"

#ifndef CAP
#define CAP 2
#endif
#ifndef STEALS
#define STEALS 0
#endif
#ifndef EVS
#define EVS 0
#endif
#ifndef HOLES
#define HOLES 0
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef KILLC
#define KILLC 0
#endif
#ifndef KILL3
#define KILL3 0
#endif
#ifndef LATE
#define LATE 0
#endif
#ifndef MEMBERS
#define MEMBERS 2
#endif
#if KILLS > 1 && LATE > 0 || KILL3 > 0 || MEMBERS > 2 /* a row for everybody: the dead keep theirs until they are reported */
#define ROWS 3
#else
#define ROWS 2
#endif

/* Claim words: lap, state. */
#define HOLE 0
#define WRITING 1
#define READY 2
#define CLAIM(lap, state) ((lap) * 4 + (state))
#define CLAP(c) ((c) >> 2)
#define CSTATE(c) ((c) & 3)

/* Take words: lap, row, state. */
#define NONE 0
#define TAKEN 1
#define STARTED 2
#define DONE 3
#define TAKE(lap, row, state) ((lap) * 16 + (row) * 4 + (state))
#define TLAP(w) ((w) >> 4)
#define TROW(w) (((w) >> 2) & 3)
#define TSTATE(w) ((w) & 3)

/* A row: the word of its owner, the word of its hand. */
#define FREE 0
#define HELD 1
#define ABANDONED 2
#define REPORTED 3
#define ROW(life, state) ((life) * 4 + (state))
#define LIFE(x) ((x) >> 2)
#define RSTATE(x) ((x) & 3)
#define ENDED 0
#define UNCONFIRMED 1
#define CONFIRMED 2
#define HAND(p, state) ((p) * 4 + (state))

#define SLOT(p) ((p) % CAP)
#define LAP(p) ((p) / CAP + 1)

/* The group's entry: whether it was put out. */
#define OUT(e) ((e) == 1)

byte tail, claims[CAP], bytes[CAP], taken[CAP];
byte gate;
bit ent;
byte row[ROWS], hand[ROWS], taker[ROWS];

bool dead[5];
bool cleanerDead;
bool freed[5];    /* the record of that life went on */
byte steals = STEALS, evs = EVS, holes = HOLES;
#if KILLS > 0
byte kills = KILLS;
#endif

/* What nobody in the protocol sees: which positions have ended (done, reported,
 * missed, or a hole), whom a start was by, and whether the user knows of a report. */
bool ended[MAXT], told[MAXT];
#ifdef NAMES
byte starter[MAXT];
#else
bool starter[MAXT];
#endif

#define END(p) MUST(group_once, !ended[p]); ended[p] = 1

/* What a look at position p would come to. */
#define OPEN(p) ((p) < MAXT && TLAP(taken[SLOT(p)]) < LAP(p) && \
	(CLAP(claims[SLOT(p)]) > LAP(p) || CLAP(claims[SLOT(p)]) == LAP(p) && CSTATE(claims[SLOT(p)]) != WRITING))
#define GONE(o) (RSTATE(row[o]) != HELD || dead[LIFE(row[o])])
#define LOOSE(p) ((p) < MAXT && TLAP(taken[SLOT(p)]) == LAP(p) && TSTATE(taken[SLOT(p)]) == TAKEN && \
	(TROW(taken[SLOT(p)]) == r || GONE(TROW(taken[SLOT(p)])) || steals > 0))
#define SPEND if :: TROW(w) == r || GONE(TROW(w)) :: else -> steals-- fi
#define PASSES(g) ((g) < MAXT && (TLAP(taken[SLOT(g)]) > LAP(g) || \
	TLAP(taken[SLOT(g)]) == LAP(g) && TSTATE(taken[SLOT(g)]) >= STARTED))

/* Nobody passes a STARTED word before its row's hand is confirmed. */
inline confirm(w, p0) {
	h = hand[TROW(w)];
	atomic {
		if
		:: h == HAND(p0, UNCONFIRMED) && hand[TROW(w)] == h -> hand[TROW(w)] = HAND(p0, CONFIRMED)
		:: else
		fi
	}
}

/* One step of the gate, by anyone. (The gate and the word are one load: a gate that
 * moved in between makes the swap fail.) */
inline moveGate(when) {
	atomic { (when) && PASSES(gate) -> g = gate; w = taken[SLOT(g)] };
	if
	:: TLAP(w) == LAP(g) && TSTATE(w) == STARTED -> confirm(w, g)
	:: else
	fi;
	atomic { if :: gate == g -> gate = g + 1 :: else fi }
}

/* Positions of slot i that a jump to x leaves behind: none if the lap is 0. */
#define LAPBELOW(i, x) (((x) + CAP - 1 - (i)) / CAP)

inline miss(i, from, to) {
	do
	:: from < to -> END(from * CAP + i); MUST(missed_only_if_put_out, evs < EVS); from++
	:: else -> break
	od
}

/* A group that was put out goes on in the middle of what the ring still has. */
inline comeBack() {
	e = ent;
	if
	:: OUT(e) ->
		g = gate;
		p = tail;
		if :: p > g + CAP / 2 -> p = p - CAP / 2 :: else -> p = g fi;
		o = 0;
		do
		:: p > g && o < CAP ->
			w = taken[o];
			if
			:: TSTATE(w) == STARTED && TLAP(w) > 0 && TLAP(w) <= LAPBELOW(o, p) -> confirm(w, (TLAP(w) - 1) * CAP + o)
			:: else
			fi;
			if
			:: TLAP(w) < LAPBELOW(o, p) || TLAP(w) == LAPBELOW(o, p) && TSTATE(w) == TAKEN ->
				atomic {
					if
					:: taken[o] == w ->
						taken[o] = TAKE(LAPBELOW(o, p), 0, DONE);
						h = TLAP(w) - (TSTATE(w) == TAKEN -> 1 : 0);
						if :: h < LAPBELOW(o, g) -> h = LAPBELOW(o, g) :: else fi;
						miss(o, h, LAPBELOW(o, p));
						o++
					:: else
					fi
				}
			:: else -> o++
			fi
		:: else -> break
		od;
		if
		:: p > g -> atomic { if :: gate < p -> gate = p :: else fi } /* a swap, again while it is lower */
		:: else
		fi;
		atomic { if :: ent == e -> ent = 0 :: else fi }
	:: else
	fi
}

proctype Member(byte me) {
	byte r, g, p, w, c, b, h, o, e;
	{
	if
	:: me <= MEMBERS || me < 3 -> r = me - 1
	:: me > MEMBERS && me >= 3 && freed[1] ->
		if
		:: atomic { RSTATE(row[0]) == FREE -> r = 0; row[0] = ROW(me, HELD); taker[0] = me }
		:: atomic { RSTATE(row[0]) != FREE && RSTATE(row[1]) == FREE -> r = 1; row[1] = ROW(me, HELD); taker[1] = me }
#if ROWS > 2
		:: atomic { RSTATE(row[0]) != FREE && RSTATE(row[1]) != FREE && RSTATE(row[2]) == FREE -> r = 2; row[2] = ROW(me, HELD); taker[2] = me }
#endif
		fi
	fi;
top:	atomic { g = 0; p = 0; w = 0; c = 0; b = 0; h = 0; o = 0; e = 0 };
	/* The loads of a take word and its claim are one step: the first is swapped
	 * exactly, the second is looked at again. */
	if
	:: atomic { OPEN(gate) -> p = gate; w = taken[SLOT(p)]; c = claims[SLOT(p)] }; goto take
	:: atomic { CAP > 1 && OPEN(gate + 1) -> p = gate + 1; w = taken[SLOT(p)]; c = claims[SLOT(p)] }; goto take
	:: atomic { LOOSE(gate) -> p = gate; w = taken[SLOT(p)]; c = claims[SLOT(p)]; SPEND }; goto own
	:: atomic { CAP > 1 && LOOSE(gate + 1) -> p = gate + 1; w = taken[SLOT(p)]; c = claims[SLOT(p)]; SPEND }; goto own
	:: moveGate(true); goto top
	:: OUT(ent) -> comeBack(); goto top
	:: atomic { RSTATE(row[0]) == ABANDONED -> o = 0; w = row[o]; }; goto report
	:: atomic { RSTATE(row[1]) == ABANDONED -> o = 1; w = row[o]; }; goto report
#if ROWS > 2
	:: atomic { RSTATE(row[2]) == ABANDONED -> o = 2; w = row[o]; }; goto report
#endif
	fi;

take:	if
	:: CLAP(c) > LAP(p) -> /* overrun */
		atomic {
			if :: taken[SLOT(p)] == w -> taken[SLOT(p)] = TAKE(LAP(p), 0, DONE); END(p); MUST(missed_only_if_put_out, evs < EVS) :: else fi
		};
		goto top
	:: c == CLAIM(LAP(p), HOLE) ->
		atomic { if :: taken[SLOT(p)] == w -> taken[SLOT(p)] = TAKE(LAP(p), 0, DONE); END(p) :: else fi };
		goto top
	:: c == CLAIM(LAP(p), READY)
	fi;
own:	atomic { if :: taken[SLOT(p)] == w -> taken[SLOT(p)] = TAKE(LAP(p), r, TAKEN); w = 0 :: else -> goto top fi };
#if EVS > 0
	b = bytes[SLOT(p)];
	if
	:: c == CLAIM(LAP(p), READY) && claims[SLOT(p)] == c
	:: else -> /* overrun while it was copied */
		atomic {
			if
			:: taken[SLOT(p)] == TAKE(LAP(p), r, TAKEN) ->
				taken[SLOT(p)] = TAKE(LAP(p), 0, DONE); END(p); MUST(missed_only_if_put_out, evs < EVS)
			:: else
			fi
		};
		goto top
	fi;
#endif
	atomic { hand[r] = HAND(p, UNCONFIRMED); c = 0 };
	atomic {
		if
		:: taken[SLOT(p)] == TAKE(LAP(p), r, TAKEN) -> taken[SLOT(p)] = TAKE(LAP(p), r, STARTED)
		:: else -> goto top /* stolen, or given up: the copy goes */
		fi;
#if EVS > 0
		MUST(no_foreign_bytes, b == p + 1);
#endif
		MUST(group_once, starter[p] == 0 && !ended[p]);
#ifdef NAMES
		starter[p] = me;
#else
		starter[p] = 1;
#endif
		b = 0
	};
	hand[r] = HAND(p, CONFIRMED);
	/* the handler runs */
	atomic { hand[r] = 0; END(p) };
	goto top;

report:	atomic { if :: row[o] == w -> row[o] = ROW(me, REPORTED); w = 0 :: else -> goto top fi };
	h = hand[o];
	if
	:: (h & 3) == CONFIRMED ->
		p = h >> 2;
#ifdef NAMES
		MUST(report_names_taker, taker[o] == starter[p]);
#endif
		told[p] = 1; /* the user has seen it */
		atomic { if :: hand[o] == h -> hand[o] = 0; MUST(report_is_told, told[p]); told[p] = 0; END(p) :: else fi }
	:: else /* whoever reported it died before he freed the row */
	fi;
	atomic { if :: row[o] == ROW(me, REPORTED) -> row[o] = FREE :: else fi };
	goto top
	} unless { atomic { dead[me] -> r = 0; g = 0; p = 0; w = 0; c = 0; b = 0; h = 0; o = 0; e = 0 } }
}

proctype Producer() {
	byte t, limit, e, g, w, h;
	do
	:: t >= MAXT -> break
	:: t < MAXT && t < limit ->
#if EVS > 0
		claims[SLOT(t)] = CLAIM(LAP(t), WRITING);
		bytes[SLOT(t)] = t + 1;
#endif
		atomic {
			if
			:: claims[SLOT(t)] = CLAIM(LAP(t), READY)
			:: holes > 0 -> holes--; claims[SLOT(t)] = CLAIM(LAP(t), HOLE)
			fi;
			t++; tail = t
		}
	:: t < MAXT && t >= limit ->
		/* waits for a change of what it looks at */
		if
		:: OUT(ent) || gate + CAP > t ->
			e = ent;
			if
			:: OUT(e) -> limit = t + CAP
			:: else -> g = gate; limit = (g < t -> g : t) + CAP
			fi
		:: moveGate(!OUT(ent) && gate + CAP <= t)
		:: !OUT(ent) && gate + CAP <= t && evs > 0 ->
			e = ent;
			atomic { if :: !OUT(e) && evs > 0 && ent == e -> ent = 1; evs-- :: else fi }
		fi;
		atomic { e = 0; g = 0; w = 0; h = 0 }
	od
}

/* Member 1's index is another's once its record was freed. */
#define ALIVE(life) ((life) == 1 && freed[1] && LATE > 0)

proctype Cleaner(byte d; bool victim) {
	byte j, w, h, t;
	{
	dead[d];
again:	atomic { /* another's row never becomes the dead one's: those are passed in one step */
		do
		:: j < ROWS && (LIFE(row[j]) != d || RSTATE(row[j]) == ABANDONED || RSTATE(row[j]) == FREE) -> j++
		:: else -> break
		od;
		if :: j == ROWS -> goto finish :: else -> w = row[j] fi
	};
	if :: ALIVE(d) -> goto out :: else fi;
	if
	:: RSTATE(w) == REPORTED -> atomic { if :: row[j] == w -> row[j] = ROW(d, ABANDONED) :: else fi }
	:: RSTATE(w) == HELD ->
		h = hand[j];
		if
		:: (h & 3) == UNCONFIRMED ->
			t = taken[SLOT(h >> 2)];
			if
			:: t == TAKE(LAP(h >> 2), j, STARTED) ->
				atomic { if :: hand[j] == h -> hand[j] = h + 1 :: else fi };
				goto clear
			:: else ->
				if :: hand[j] != h -> goto clear :: else fi /* somebody passed it and confirmed */
			fi
		:: else
		fi;
		if
		:: (h & 3) == CONFIRMED -> atomic { if :: row[j] == w -> row[j] = ROW(d, ABANDONED) :: else fi }
		:: else -> atomic { if :: row[j] == w -> row[j] = FREE :: else fi }
		fi
	fi;
clear:	atomic { w = 0; h = 0; t = 0 };
	goto again;
finish:	atomic { freed[d] = 1; j = 0 };
out:	atomic { w = 0; j = 0 }
	} unless { atomic { victim && cleanerDead -> j = 0; w = 0; h = 0; t = 0 } }
}

#if KILLS > 0
proctype Killer() {
	do
	:: atomic { kills > 0 && !dead[1] -> dead[1] = 1; kills-- }
	:: atomic { kills > 0 && dead[1] && !dead[2] -> dead[2] = 1; kills-- }
	:: atomic { KILLC && dead[1] && !cleanerDead -> cleanerDead = 1 }
	:: atomic { KILL3 && freed[1] && !dead[3] -> dead[3] = 1 }
	od
}
#endif

proctype Monitor() {
	byte i;
end:	timeout -> atomic {
		MUST(producer_never_stuck, tail == MAXT);
		MUST(gate_never_stuck, gate == MAXT);
		do
		:: i < MAXT ->
			MUST(group_accounted, ended[i]);
			i++
		:: else -> break
		od
	}
}

init {
	atomic {
		row[0] = ROW(1, HELD); taker[0] = 1;
		if :: MEMBERS > 1 -> row[1] = ROW(2, HELD); taker[1] = 2 :: else fi;
		if :: MEMBERS > 2 -> row[2] = ROW(3, HELD); taker[2] = 3; run Member(3) :: else fi;
		run Producer();
		run Member(1);
		if :: MEMBERS > 1 -> run Member(2) :: else fi;
		if :: LATE > 0 -> run Member(3) :: else fi;
		if :: LATE > 1 -> run Member(4) :: else fi;
#if KILLS > 0
		run Killer();
		run Cleaner(1, 1);
		if :: KILLC -> run Cleaner(1, 0) :: else fi;
		if :: KILLS > 1 -> run Cleaner(2, 0) :: else fi;
		if :: KILL3 -> run Cleaner(3, 0) :: else fi;
#endif
		run Monitor()
	}
}
