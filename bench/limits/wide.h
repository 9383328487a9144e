/* Other ways to write, read and hand over the payload of work.h: by larger stores and loads, past the caches, by copies,
 * and what asks for lines or flushes them. Without such instructions (arm64, an older processor) the program ends, or nothing happens. */
#ifndef RINGCAST_LIMITS_WIDE_H
#define RINGCAST_LIMITS_WIDE_H
#include "work.h"

#define LINE 64

typedef uint64_t words2 __attribute__((vector_size(16)));
typedef uint64_t words4 __attribute__((vector_size(32)));
typedef uint64_t words8 __attribute__((vector_size(64)));

#if defined(__x86_64__)
#include <immintrin.h>
#define TARGET(isa) __attribute__((target(isa)))

/* Reports whether the processor has stores and loads of so many bytes. */
static inline int has_width(long bytes) { return bytes <= 32 ? __builtin_cpu_supports("avx2") != 0 : __builtin_cpu_supports("avx512f") != 0; }

static inline void own_line(const void *line) { __asm__ volatile("prefetchw %0" ::"m"(*(const char *)line)); }
static inline void flush_line(const void *line) { __asm__ volatile("clflushopt %0" ::"m"(*(const char *)line)); }
static inline void write_back_line(const void *line) { __asm__ volatile("clwb %0" ::"m"(*(const char *)line)); }

static inline void copy_by_string(void *to, const void *from, size_t n) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
}

TARGET("avx512f") static inline void stream_line(uint8_t *to, words8 v) { _mm512_stream_si512((void *)to, (__m512i)v); }
static inline void stream_end(void) { _mm_sfence(); }
#else
#define TARGET(isa)
static inline int has_width(long bytes) { return bytes <= 64; }
static inline void own_line(const void *line) { __builtin_prefetch(line, 1, 3); }
static inline void flush_line(const void *line) { (void)line; }
static inline void write_back_line(const void *line) { (void)line; }
static inline void copy_by_string(void *to, const void *from, size_t n) { memcpy(to, from, n); }
static inline void stream_line(uint8_t *to, words8 v) { *(words8 *)(void *)to = v; }
static inline void stream_end(void) {}
#endif

/* The words of a payload from one on, of which word 1 is the time: line 0 alone has it. */
#define WORDS_FROM(tag, i) ((words8){(tag) + (i), (tag) + (i) + 1, (tag) + (i) + 2, (tag) + (i) + 3, (tag) + (i) + 4, (tag) + (i) + 5, (tag) + (i) + 6, (tag) + (i) + 7})

/* fill, with single words whatever the compiler knows. */
static inline void fill_by_words(uint8_t *at, size_t size, uint64_t tag, uint64_t stamp) {
  volatile uint64_t *words = (uint64_t *)at;
  for (size_t i = 0; i < size / 8; i += 8) {
    uint64_t k = tag + i;
    words[i] = k;
    words[i + 1] = i == 0 ? stamp : k + 1;
    words[i + 2] = k + 2;
    words[i + 3] = k + 3;
    words[i + 4] = k + 4;
    words[i + 5] = k + 5;
    words[i + 6] = k + 6;
    words[i + 7] = k + 7;
  }
}

/* fill, with stores of 32 bytes. */
TARGET("avx2") static inline void fill_by_32(uint8_t *at, size_t size, uint64_t tag, uint64_t stamp) {
  words4 v = {tag, tag + 1, tag + 2, tag + 3}, step = {4, 4, 4, 4}, first = {tag, stamp, tag + 2, tag + 3};
  *(words4 *)(void *)at = first;
  for (size_t i = 32; i < size; i += 32) *(words4 *)(void *)(at + i) = v += step;
}

/* fill, with stores of whole lines; backwards: from the last one on. */
TARGET("avx512f") static inline void fill_by_64(uint8_t *at, size_t size, uint64_t tag, uint64_t stamp, int backwards, int past) {
  words8 step = {8, 8, 8, 8, 8, 8, 8, 8}, first = WORDS_FROM(tag, 0), v = first;
  first[1] = stamp;
  if (backwards) {
    v = WORDS_FROM(tag, size / 8);
    for (size_t i = size - LINE; i > 0; i -= LINE) *(words8 *)(void *)(at + i) = v -= step;
  } else if (past) {
    stream_line(at, first);
    for (size_t i = LINE; i < size; i += LINE) stream_line(at + i, v += step);
    stream_end();
    return;
  } else {
    for (size_t i = LINE; i < size; i += LINE) *(words8 *)(void *)(at + i) = v += step;
  }
  *(words8 *)(void *)at = first;
}

/* The sum of a payload by loads of whole lines, four of them at a time. */
TARGET("avx512f") static inline uint64_t sum_by_64(const uint8_t *at, size_t size) {
  words8 a = {0}, b = {0};
  size_t i = 0;
  for (; i + 2 * LINE <= size; i += 2 * LINE) {
    a += *(const words8 *)(const void *)(at + i);
    b += *(const words8 *)(const void *)(at + i + LINE);
  }
  if (i < size) a += *(const words8 *)(const void *)(at + i);
  a += b;
  return a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
}

#endif
