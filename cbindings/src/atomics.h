/* Atomic accesses to words that other processes touch, by the names that the
 * specification uses. In a build with ThreadSanitizer, which knows no fences, each fence
 * is a seq_cst operation on a word of its own, and every order is seq_cst. */
#ifndef RCI_ATOMICS_H
#define RCI_ATOMICS_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__SANITIZE_THREAD__)
#define RCI_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RCI_TSAN 1
#endif
#endif

#ifdef RCI_TSAN
extern uint64_t rci_fence_word;
#define RCI_ORDER(order) __ATOMIC_SEQ_CST
#define rci_fence(order) ((void)__atomic_fetch_add(&rci_fence_word, 1, __ATOMIC_SEQ_CST))
#else
#define RCI_ORDER(order) (order)
#define rci_fence(order) __atomic_thread_fence(order)
#endif

#define load_relaxed(p) __atomic_load_n((p), RCI_ORDER(__ATOMIC_RELAXED))
#define load_acquire(p) __atomic_load_n((p), RCI_ORDER(__ATOMIC_ACQUIRE))
#define load_seq(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store_relaxed(p, v) __atomic_store_n((p), (v), RCI_ORDER(__ATOMIC_RELAXED))
#define store_release(p, v) __atomic_store_n((p), (v), RCI_ORDER(__ATOMIC_RELEASE))
#define store_seq(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define add_seq(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define add_relaxed(p, v) ((void)__atomic_fetch_add((p), (v), __ATOMIC_RELAXED))
#define sub_release(p, v) ((void)__atomic_fetch_sub((p), (v), RCI_ORDER(__ATOMIC_RELEASE)))
#define or_seq(p, v) ((void)__atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST))
#define swap_seq(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define fence_full() rci_fence(__ATOMIC_SEQ_CST)
#define fence_acquire() rci_fence(__ATOMIC_ACQUIRE)
#define fence_release() rci_fence(__ATOMIC_RELEASE)

/* Replaces exactly the word old; seq_cst. */
static inline bool cas(uint64_t *p, uint64_t old, uint64_t word)
{
	return __atomic_compare_exchange_n(p, &old, word, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline void cpu_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#endif
}

#endif
