/* Replacement of a ring that nobody has written: ring/file.go, successor.go,
 * replace.go, and what shm does about locks and names.
 *
 * A and B open the name with shapes of their own and publish; P has the old ring
 * open and publishes first, or finds it sealed; R reads the old ring, or is just
 * joining it, and follows. A may be killed between any two steps. Every open,
 * load, swap, link, unlink and rename is a step. Whoever finds a ring sealed or
 * retired may finish at any time (the 20 ms are any time). R sleeps without a
 * timer, unless A was killed. With CLOSES it may leave for good where it would
 * sleep or follow. With EXCL the rings are exclusive: "first" is the owner's word.
 *
 * Bounds: RINGS rings in all (who needs another stops), one slot a ring, one
 * message from each publisher, EVS evictions, KILLS kills of A, B only if
 * SECOND is its shape. Files of data, removal by the last user while readers are
 * entered (File.Close), and sweeping are left out.
 */
#include "invariants.h"

#ifndef RINGS
#define RINGS 5
#endif
#ifndef SECOND
#define SECOND 0
#endif
#ifndef CLOSES
#define CLOSES 0
#endif
#ifndef JOINS_LATE
#define JOINS_LATE 0
#endif
#ifndef EXCL
#define EXCL 0
#endif

#if KILLS > 0
#define UNLESS_DEAD unless { victim && dead }
#else
#define UNLESS_DEAD
#endif
#ifndef FIRST
#define FIRST 1
#endif

#define NONE 15
#define SEAL 9
#define HOLDER(w) ((w) & 15) /* exclusive: generation * 16 + who; shared: 1 is a claim */
#define ALIVE(p) ((p) != A || !dead)
#define A 1
#if EXCL
#define SHOWN_SEALED(f) false /* a reader of an exclusive ring does not look */
#else
#define SHOWN_SEALED(f) (first[f] == SEAL)
#endif
#define READY 0              /* a header word; otherwise RETIRED and the successor's number */

#define ADOPTED 1            /* ACTIVE, the word that R has on the old ring */
#define OWN 2                /* ACTIVE, an entry that R took itself */
#define PUTOUT 3             /* EVICTED: the adopted one */
#define PUTOUTOWN 4

byte name;                   /* the ring to which NAME.ctl leads */
byte header[RINGS], first[RINGS], tail[RINGS], entry[RINGS], cursor[RINGS], shape[RINGS], users[RINGS];
bool named[RINGS];           /* it has its name of a successor */
bool armed[RINGS];           /* R sleeps on it */
byte fresh = 1, bell, evs = EVS, kills = KILLS;
bool dead;

#if EXCL
bool owned[RINGS];           /* a producer had it, ever */
#endif
/* What nobody in the protocol sees. */
bool attached, closed, stopped;
byte r, c;                   /* where R reads */
byte due, got;               /* messages that R must have; those that it got or was told of */
byte done;

inline wake(r) {
	if
	:: atomic { armed[r] -> armed[r] = 0 }; bell++
	:: !armed[r]
	fi
}

inline build(k, s) {
	atomic {
		if
		:: fresh == RINGS -> stopped = 1; goto out
		:: else -> k = fresh; fresh++; shape[k] = s; named[k] = 1; users[k]++
		fi
	}
}

inline discard(k) { atomic { named[k] = 0; users[k]--; k = NONE } }

/* Enters R, if it is ACTIVE there, into the successor that nobody has seen yet. */
inline adopt(f, k) {
	if
	:: atomic { entry[f] == ADOPTED || entry[f] == OWN -> e = entry[f] }; atomic { entry[k] = e; cursor[k] = 0; e = 0 }
	:: entry[f] != ADOPTED && entry[f] != OWN
	fi
}

/* Gives successor k the name, and closes it. */
inline takeName(k) {
	atomic {
		if
		:: named[k] -> named[k] = 0; name = k
		:: else
		fi;
		users[k]--; k = NONE
	}
}

/* OpenFile: f is the ring that was opened, NONE if it was refused. */
inline openFile(want) {
	do
	:: atomic { f = name; if :: f == NONE :: else -> users[f]++ fi };
		if
		:: f == NONE ->
			build(k, want);
			atomic { /* link */
				named[k] = 0;
				if
				:: name == NONE -> name = k; f = k; k = NONE; break
				:: else -> users[k]--; k = NONE
				fi
			}
		:: else ->
			w = header[f];
			if
			:: w == READY ->
				w = first[f];
				if
				:: HOLDER(w) != SEAL && (want == 0 || shape[f] == want) -> w = 0; break
				:: else -> goto_reshape(want)
				fi
			:: else -> finish(want)
			fi
		fi
	od
}

inline goto_reshape(want) {
	if
#if EXCL
	:: tail[f] != 0 -> atomic { users[f]--; f = NONE; w = 0; break }
#else
	:: w != SEAL && w != 0 -> atomic { users[f]--; f = NONE; w = 0; break }
#endif
	:: else
	fi;
	atomic { w = (want == 0 -> shape[f] : want) };
	build(k, w);
#if EXCL
	v = first[f];
	if
	:: HOLDER(v) == SEAL -> sealed = 1
	:: HOLDER(v) != SEAL && HOLDER(v) != 0 && ALIVE(HOLDER(v))
	:: HOLDER(v) != SEAL && (HOLDER(v) == 0 || !ALIVE(HOLDER(v))) ->
		if
		:: tail[f] == 0 ->
			atomic {
				if
				:: first[f] == v -> first[f] = (v / 16 + 1) * 16 + SEAL; sealed = 1
				:: else -> sealed = (HOLDER(first[f]) == SEAL)
				fi
			}
		:: tail[f] != 0
		fi
	fi;
	v = 0;
	if :: !sealed -> discard(k) :: else fi;
	if
	:: !sealed -> atomic { MUST(refused_only_if_written, owned[f]); users[f]--; f = NONE; break }
#else
	if
	:: atomic { first[f] == 0 -> first[f] = SEAL }; sealed = 1
	:: first[f] == SEAL -> sealed = 1
	:: first[f] != SEAL && first[f] != 0 -> discard(k)
	fi;
	if
	:: !sealed -> atomic { MUST(refused_only_if_written, first[f] != 0 && first[f] != SEAL); users[f]--; f = NONE; break }
#endif
	:: else -> sealed = 0
	fi;
	if
	:: atomic { header[f] == READY -> header[f] = k };
		adopt(f, k);
		takeName(k);
		wake(f)
	:: header[f] != READY -> discard(k)
	fi;
	atomic { users[f]--; f = NONE }
}

inline finish(want) {
	atomic { /* shm.Open removes what nobody uses */
		users[f]--; w = 0;
		if
		:: users[f] == 0 && name == f -> name = NONE; f = NONE
		:: else -> f = name; if :: f == NONE :: else -> users[f]++ fi /* openControl, use */
		fi
	};
	if
	:: f == NONE
	:: else ->
		w = header[f];
		if
		:: w == READY || name != f
		:: else ->
			named[w] = 0; /* unlink the successor that has not come */
			if
			:: name != f
			:: else ->
				v = (want == 0 -> shape[f] : want);
				build(k, v);
				v = 0;
				if
				:: atomic { header[f] == w -> header[f] = k };
					if
					:: (EXCL -> tail[f] == 0 : first[f] == 0 || first[f] == SEAL) -> adopt(f, k)
					:: else
					fi;
					takeName(k);
					wake(f)
				:: header[f] != w -> discard(k)
				fi
			fi
		fi;
		atomic { users[f]--; f = NONE; w = 0 }
	fi
}

/* The ring that has the name, for who leaves: none is made. */
inline openHeir() {
	do
	:: atomic { f = name; if :: f == NONE -> break :: else -> users[f]++ fi };
		w = header[f];
		if
		:: w == READY -> break
		:: w != READY -> finish(0)
		fi
	od
}

/* One message into ring f; goes to again when the ring was replaced. */
inline publish() {
	if :: header[f] != READY -> goto again :: else fi;
#if EXCL
	w = first[f]; /* own */
	if
	:: HOLDER(w) == SEAL -> goto again
	:: HOLDER(w) != SEAL && HOLDER(w) != 0 && ALIVE(HOLDER(w)) -> MUST(refused_only_if_written, owned[f]); goto out
	:: HOLDER(w) != SEAL && (HOLDER(w) == 0 || !ALIVE(HOLDER(w)))
	fi;
	atomic {
		if
		:: first[f] == w -> first[f] = (w / 16 + 1) * 16 + me; owned[f] = 1
		:: else -> goto again
		fi
	};
	if :: header[f] != READY -> goto again :: else fi;
#else
	w = first[f];
	if
	:: w == SEAL -> goto again
	:: w == 0 ->
		atomic { if :: first[f] == 0 -> first[f] = 1 :: else -> w = first[f]; if :: w == SEAL -> goto again :: else fi fi }
	:: else
	fi;
#endif
	if
	:: atomic { tail[f] < 1 || entry[f] == 0 || entry[f] >= PUTOUT || cursor[f] + 1 > tail[f] ->
		tail[f]++; w = 0; if :: attached -> due++ :: else fi }
	:: atomic { tail[f] >= 1 && entry[f] != 0 && entry[f] < PUTOUT && cursor[f] + 1 <= tail[f] && evs > 0 ->
		evs--; entry[f] = entry[f] + 2; bell++; tail[f]++; w = 0; if :: attached -> due++ :: else fi }
	fi;
	wake(f);
#if EXCL
	if
	:: atomic { HOLDER(first[f]) == me -> first[f] = first[f] - me } /* disown */
	:: true
	fi
#endif
}

proctype Publisher(byte me; byte want; byte f) {
	bool victim = (me == A);
	byte k = NONE, w, v, e;
	bool sealed;
	{
	skip;
	if :: f == NONE :: else -> goto ready fi;
again:	if :: f != NONE -> atomic { users[f]--; f = NONE; w = 0 } :: else -> w = 0 fi;
	openFile(want);
	if :: f == NONE -> goto out :: else fi;
ready:	publish();
out:	skip
	} UNLESS_DEAD;
	atomic {
		w = 0; v = 0; e = 0; sealed = 0;
		if :: f != NONE -> users[f]-- :: else fi;
		if :: k != NONE -> users[k]-- :: else fi;
		done++
	}
}

proctype Reader() {
	bool old0;
	byte f = NONE, k = NONE, w, v, e, d, T, replay, mine = ADOPTED;
	bool sealed;
	if
	:: JOINS_LATE ->
		entry[0] = ADOPTED;
		if :: header[0] != READY -> goto follow :: else -> attached = 1 fi
	:: else
	fi;
look:	if
	:: c < tail[r] ->
		if
		:: atomic { c < replay -> c++; got++ } /* read as history, or told */
		:: atomic { c >= replay && entry[r] == mine ->
			MUST(no_overwrite_of_unread, c + 1 >= tail[r]); c++; cursor[r] = c; got++ }
		:: atomic { c >= replay && entry[r] != mine -> /* put out: begin again at the tail, and tell */
			MUST(reader_never_stuck, entry[r] == mine + 2);
			got = got + tail[r] - c; c = tail[r]; entry[r] = OWN; cursor[r] = c; mine = OWN; replay = 0 }
		fi;
		goto look
	:: else
	fi;
	if
	:: SHOWN_SEALED(r) || header[r] != READY -> if :: c < tail[r] -> goto look :: else -> goto follow fi
	:: else
	fi;
	if :: CLOSES -> goto close :: true fi;
	d = bell;
	armed[r] = 1;
	if :: c < tail[r] || SHOWN_SEALED(r) || header[r] != READY || entry[r] != mine -> d = 0; goto look :: else fi;
	if :: bell != d || dead && (c < tail[r] || SHOWN_SEALED(r) || header[r] != READY) -> d = 0; goto look fi;

follow:	atomic { d = 0; if :: CLOSES -> goto close :: true fi };
	openFile(0);
	atomic { entry[r] = 0; users[r]--; old0 = (r == 0); r = f; f = NONE };
	if
	:: atomic { entry[r] == mine || entry[r] == mine + 2 -> c = 0; replay = 0 }
	:: entry[r] != mine && entry[r] != mine + 2 ->
		MUST(reader_is_entered, !(attached && old0));
		T = tail[r];
		atomic { entry[r] = OWN; mine = OWN; cursor[r] = T };
		atomic { replay = tail[r]; cursor[r] = replay; c = 0; T = 0 } /* from the first message on, as far as it is there */
	fi;
	attached = 1;
	goto look;

close:	atomic { entry[r] = 0; attached = 0 };
heirs:	if
	:: header[r] == READY
	:: header[r] != READY -> /* it may have been entered into a successor */
		openHeir();
		if
		:: f == NONE
		:: f != NONE ->
			atomic { if :: entry[f] == mine || entry[f] == mine + 2 -> entry[f] = 0 :: else fi };
			atomic { users[r]--; r = f; f = NONE; goto heirs }
		fi
	fi;
	atomic { closed = 1; users[r]-- };
	goto end;
out:	skip;
end:	skip
}

proctype Killer() {
	if :: atomic { kills > 0 -> dead = 1; kills-- } :: true fi
}

proctype Monitor() {
	byte i;
end:	timeout ->
	atomic {
		MUST(sleeper_is_woken, stopped || closed || c >= tail[r] && header[r] == READY);
		MUST(loss_is_told, stopped || closed || got >= due);
		MUST(producer_never_stuck, stopped || done == 2 + (SECOND > 0 -> 1 : 0));
		MUST(name_leads_to_the_last, stopped || name == NONE || header[name] == READY || users[name] <= 1);
		do
		:: i < RINGS ->
			MUST(no_leaked_entry, stopped || !closed || entry[i] == 0 || i != name); i++
		:: else -> break
		od
	}
}

init {
	atomic {
		users[0] = 2; /* P and R */
		if :: JOINS_LATE :: else -> entry[0] = ADOPTED; attached = 1 fi;
		run Reader(); run Publisher(A, 1, NONE); if :: FIRST -> run Publisher(2, 0, 0) :: else -> users[0]--; done++ fi;
		if :: SECOND > 0 -> run Publisher(3, SECOND, NONE) :: else fi;
		if :: KILLS > 0 -> run Killer() :: else fi;
		run Monitor()
	}
}
