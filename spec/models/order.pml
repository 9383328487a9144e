/* The orders of spec/ring.md, section 3, on a machine that reorders: arm64.
 *
 * Each test is a few accesses of two or three threads, in program order, as the Go
 * sources make them there: Load is LDAR, Store STLR, a compare-and-swap or other
 * read-modify-write LDAXR and STLXR (two accesses, CR and CW), payload plain. An
 * access is made at any time at which no earlier one of its thread must come before
 * it: an acquire comes before what follows, a release after what went before, a
 * release before a later acquire, a fence between what stands on its two sides, a
 * store behind the load that decided on it, and accesses to one word in order, but
 * that a plain store may be read by its own thread before the others see it. Memory
 * is one for all threads (multi-copy atomic), as arm64 promises.
 *
 * A test ends in an assertion on what was read. Each release, acquire and fence has
 * a mutant without it: what cannot be seen with it can be seen without.
 */
#include "invariants.h"

#define THREADS 3
#define OPS 8
#define WORDS 5
#define R 1                  /* load */
#define W 2                  /* store */
#define CR 3                 /* the two halves of a read-modify-write */
#define CW 4
#define FULL 5               /* dmb ish */
#define STORES 6             /* dmb ishst */
#define PLAIN 0
#define ACQ 1
#define REL 2
#define ALWAYS 15

typedef Thread { byte what[OPS]; byte word[OPS]; byte val[OPS]; byte order[OPS]; byte dep[OPS]; byte got[OPS]; byte done; byte n };
Thread th[THREADS];
byte mem[WORDS];
byte through;

inline add(t, k, w, v, o, d) {
	th[t].what[th[t].n] = k; th[t].word[th[t].n] = w; th[t].val[th[t].n] = v;
	th[t].order[th[t].n] = o; th[t].dep[th[t].n] = d; th[t].n++
}
#define LOAD(t, w) add(t, R, w, 0, ACQ, ALWAYS)
#define LOADPLAIN(t, w) add(t, R, w, 0, PLAIN, ALWAYS)
#define STORE(t, w, v) add(t, W, w, v, REL, ALWAYS)
#define STOREPLAIN(t, w, v) add(t, W, w, v, PLAIN, ALWAYS)
#define STOREIF(t, w, v, d) add(t, W, w, v, PLAIN, d)      /* decided by access d */
#define SWAP(t, w, v) add(t, CR, w, 0, ACQ, ALWAYS); add(t, CW, w, v, REL, ALWAYS)
#define SWAPPLAIN(t, w, v) add(t, CR, w, 0, PLAIN, ALWAYS); add(t, CW, w, v, PLAIN, ALWAYS)
#define GOT(t, i) th[t].got[i]

/* Must access i of thread t come before its later access j? */
#define X(t, i) th[t].what[i]
#define O(t, i) th[t].order[i]
#define WRITES(t, i) (X(t, i) == W || X(t, i) == CW)
#define BEFORE(t, i, j) (O(t, i) == ACQ || O(t, j) == REL || O(t, i) == REL && O(t, j) == ACQ || \
	X(t, i) == FULL || X(t, j) == FULL || X(t, i) == STORES && WRITES(t, j) || X(t, j) == STORES && WRITES(t, i) || th[t].dep[j] == i || X(t, i) == CR && j == i + 1 || \
	th[t].word[i] == th[t].word[j] && !(X(t, i) == W && O(t, i) == PLAIN && X(t, j) == R))

proctype Run(byte t) {
	byte i, j;
	bool free;
	do
	:: th[t].done == (1 << th[t].n) - 1 -> break
	:: else ->
		atomic {
			j = 0;
			do /* any access that may be made now */
			:: j < th[t].n && !(th[t].done & (1 << j)) ->
				i = 0; free = 1;
				do
				:: i < j -> free = free && ((th[t].done & (1 << i)) || !BEFORE(t, i, j)); i++
				:: else -> break
				od;
				if :: free -> break :: free -> j++ :: !free -> j++ fi
			:: j < th[t].n && (th[t].done & (1 << j)) -> j++
			:: j >= th[t].n -> goto retry
			od;
			if
			:: X(t, j) == R || X(t, j) == CR ->
				th[t].got[j] = mem[th[t].word[j]];
				i = 0;
				do /* its own store that the others do not see yet */
				:: i < j -> if :: X(t, i) == W && th[t].word[i] == th[t].word[j] && !(th[t].done & (1 << i)) -> th[t].got[j] = th[t].val[i] :: else fi; i++
				:: else -> break
				od
			:: X(t, j) == W -> mem[th[t].word[j]] = th[t].val[j]
			:: X(t, j) == CW -> mem[th[t].word[j]] == th[t].got[j - 1]; mem[th[t].word[j]] = th[t].val[j]
			:: X(t, j) == FULL || X(t, j) == STORES
			fi;
			th[t].done = th[t].done | (1 << j)
		};
retry:		skip
	od;
	through++
}

#define payload 0
#define claim 1
#define own 2                /* a word of one's own */

inline scene() {
#if TEST == 1 /* commit: a reader that sees READY sees the payload */
	STOREPLAIN(0, payload, 1);
	SWAP(0, claim, 1);
	LOAD(1, claim);
	LOADPLAIN(1, payload)
#elif TEST == 2 /* publish: as commit, with the hint, or on an exclusive ring */
	STOREPLAIN(0, payload, 1);
	STORE(0, claim, 1);
	LOAD(1, claim);
	LOADPLAIN(1, payload)
#elif TEST == 3 /* claim: who copied a byte of the next lap sees that it was claimed */
	SWAP(0, claim, 1);
	LOAD(0, claim); /* claimFence */
	STOREPLAIN(0, payload, 1);
	LOADPLAIN(1, payload);
	SWAP(1, own, 1); /* recheckFence */
	LOAD(1, claim)
#elif TEST == 4 /* tail of an exclusive ring: the same, with what was begun */
	STORE(0, claim, 1);
	LOAD(0, claim); /* claimFence */
	STOREPLAIN(0, payload, 1);
	LOADPLAIN(1, payload);
	SWAP(1, own, 1); /* recheckFence */
	LOAD(1, claim)
#elif TEST == 5 /* join and gate: the joiner sees the tail, or the scan sees the joiner (payload: tail, claim: state) */
	STORE(0, payload, 1);
	LOAD(0, claim);
	SWAP(1, claim, 1);
	LOAD(1, payload)
#elif TEST == 6 /* lease and eviction: the reader sees that it is out, or the scan sees the lease (payload: lease, claim: state) */
	STORE(0, payload, 1);
	LOAD(0, claim);
	SWAP(1, claim, 1);
	LOAD(1, payload)
#elif TEST == 7 /* cursor: a slot that was released is written after the last read of it */
	LOADPLAIN(0, payload);
	STORE(0, claim, 1);
	LOAD(1, claim);
	STOREIF(1, payload, 1, 0)
#elif TEST == 8 /* wake: the sleeper sees the message, or the waker sees the bit (payload: claim word or published, claim: summary) */
	SWAP(0, payload, 1);
	LOAD(0, claim);
	SWAP(1, claim, 1);
	LOAD(1, payload)
#elif TEST == 9 /* wake on an exclusive ring: published is stored, not swapped */
	STORE(0, payload, 1);
	LOAD(0, claim);
	SWAP(1, claim, 1);
	LOAD(1, payload)
#elif TEST == 10 /* masks: who takes the summary's bit finds the mask's (payload: mask, claim: summary) */
	SWAP(0, payload, 1);
	SWAP(0, claim, 1);
	SWAP(1, claim, 2);
	SWAP(1, payload, 2)
#elif TEST == 11 /* takeover after Close: the next owner sees what was begun (payload: tail, claim: owner) */
	STORE(0, payload, 1);
	SWAP(0, claim, 1);
	SWAP(1, claim, 2);
	LOAD(1, payload)
#elif TEST == 12 /* seal: the replacer sees the joiner, or the joiner sees RETIRED (payload: header, claim: state) */
	SWAP(0, payload, 1);
	LOAD(0, claim);
	SWAP(1, claim, 1);
	LOAD(1, payload)
#elif TEST == 13 /* letting go: the next writer's bytes come after the fenced one's */
	STOREPLAIN(0, payload, 1);
	SWAP(0, claim, 1);
	LOAD(1, claim);
	STOREIF(1, payload, 2, 0)
#elif TEST == 14 /* tail and claim word: a reader that sees the tail passed sees a word (payload: claim word, claim: tail) */
	SWAP(0, payload, 1);
	SWAP(0, claim, 1);
	LOAD(1, claim);
	LOAD(1, payload)
#elif TEST == 15 /* a scan: EVICTED is seen with the lease that goes with it (payload: lease, claim: state; thread 0 the reader) */
	STORE(0, payload, 1);
	LOAD(0, claim);
	SWAP(1, claim, 1);
	LOAD(2, claim);
	LOAD(2, payload)
#elif TEST == 16 /* tail of an exclusive ring, with a fence between stores instead of the load */
	STORE(0, claim, 1);
	add(0, STORES, own, 0, PLAIN, ALWAYS);
	STOREPLAIN(0, payload, 1);
	LOADPLAIN(1, payload);
	SWAP(1, own, 1); /* recheckFence */
	LOAD(1, claim)
#elif TEST == 17 /* ending: who finds the record gone on finds the mark of who left (payload: mark, claim: record) */
	STORE(0, payload, 1);
	SWAP(0, claim, 1);
	LOAD(1, claim);
	LOAD(1, payload)
#endif
}

#define BOTH_OLD(i, j) (GOT(0, i) == 0 && GOT(1, j) == 0)

inline verdict() {
#if TEST == 1 || TEST == 2
	MUST(order_commit, !(GOT(1, 0) == 1 && GOT(1, 1) == 0))
#elif TEST == 3 || TEST == 4 || TEST == 16
	MUST(order_claim, !(GOT(1, 0) == 1 && GOT(1, 3) == 0))
#elif TEST == 5
	MUST(order_join, !BOTH_OLD(1, 2))
#elif TEST == 6
	MUST(order_lease, !BOTH_OLD(1, 2))
#elif TEST == 7
	MUST(order_cursor, !(GOT(1, 0) == 1 && GOT(0, 0) == 1))
#elif TEST == 8
	MUST(order_wake, !BOTH_OLD(2, 2))
#elif TEST == 9
	MUST(order_wake, !BOTH_OLD(1, 2))
#elif TEST == 10
	MUST(order_wake, !(GOT(1, 0) == 1 && GOT(1, 2) == 0))
#elif TEST == 11
	MUST(order_takeover, !(GOT(1, 0) == 1 && GOT(1, 2) == 0))
#elif TEST == 12
	MUST(order_seal, !BOTH_OLD(2, 2))
#elif TEST == 13
	MUST(order_claim, !(GOT(1, 0) == 1 && mem[payload] == 1))
#elif TEST == 14
	MUST(order_claim, !(GOT(1, 0) == 1 && GOT(1, 1) == 0))
#elif TEST == 15
	MUST(order_lease, !(GOT(0, 1) == 0 && GOT(2, 0) == 1 && GOT(2, 1) == 0))
#elif TEST == 17
	MUST(order_ending, !(GOT(1, 0) == 1 && GOT(1, 1) == 0))
#endif
}

proctype Monitor() {
	atomic { through == THREADS; verdict() }
}

init {
	atomic { scene(); run Run(0); run Run(1); run Run(2); run Monitor() }
}
