/* What the parts of the fuzz target share. */
#ifndef FUZZ_H
#define FUZZ_H

#include "table.h"

/* What the first byte of an input says. */
enum { FUZZ_TABLE, FUZZ_FILE, FUZZ_SEALED_FILE, FUZZ_RING, FUZZ_GROUP, FUZZ_MODES };

extern char fuzz_base[];
extern rc_domain *fuzz_domain;

/* Writes what the fuzzer begins with to the folder: the golden images of all structs, in each mode, a valid
 * table, whole files of a domain, and words that lead to each part of the reading code. */
void fuzz_write_seeds(const char *directory, const char *golden);

#endif
