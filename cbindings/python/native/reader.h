/* The Reader, as those see it who wait for several. */
#ifndef RCPY_READER_H
#define RCPY_READER_H

#include "native.h"

typedef struct {
	PyObject_HEAD
	struct source *source; /* NULL: closed, or never opened */
	message *spare;        /* the next message is written here */
} reader;

extern PyTypeObject rcpy_reader_type;
/* Before each call: open, for this thread; raises otherwise. */
int rcpy_reader_check(const reader *reader);
void rcpy_reader_close_now(reader *reader);

#endif
