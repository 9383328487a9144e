/* The messages of the conformance run, in C. See doc.go for what they are. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "ringcast.h"

#define SLOT_SIZE 256
#define LARGEST 800
#define ORDER 6 /* which of eight messages has an Order */
#define ORDER_SCHEMA 0x4f524445

extern const size_t sizes[8], whole_sizes[8], half_sizes[8];

/* Writes message n and returns its size. */
size_t fill(uint8_t *bytes, uint64_t n, const size_t *like);

/* Says whether it is a message, and the right one. */
bool right(const rc_received *received);

/* Writes the Order of message n as a FlatBuffer; bytes are aligned to 8. */
size_t order_build(uint8_t *bytes, uint64_t n);

/* Says whether a FlatBuffer is the Order of message n. */
bool order_right(const uint8_t *bytes, size_t size, uint64_t n);

#endif
