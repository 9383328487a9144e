/* The slots of a publisher. A slot that somebody can still write is neither sent nor given back. */
#include <stdlib.h>

#include "native.h"

void rcpy_sink_drop(struct sink *s)
{
	if (--s->refs != 0)
		return;
	rc_publisher_close(s->handle);
	rcpy_domain_drop(s->domain);
	free(s);
}

void rcpy_sink_abort(struct sink *s)
{
	slot *open = s->open;
	if (open == NULL)
		return;
	s->open = NULL;
	open->sink = NULL;
	s->end_pending = true;
	if (!rcpy_gate_occupied(&s->gate))
		rcpy_sink_end(s);
}

void rcpy_sink_end(struct sink *s)
{
	if (!s->end_pending)
		return;
	s->end_pending = false;
	(void)rc_claim_abort(&s->claim);
	rcpy_sink_drop(s);
}

void rcpy_sink_close(struct sink *s)
{
	PyObject *type, *value, *trace; /* the collector calls at any time */
	slot *open = s->open;
	PyErr_Fetch(&type, &value, &trace);
	s->closed = true;
	if (open != NULL) {
		Py_INCREF(open); /* its view may be all that keeps it */
		rcpy_slot_blind(open);
		open->given_up = true;
		if (open->exports == 0)
			rcpy_sink_abort(s);
		else if (PyErr_ResourceWarning(NULL, 1, "ringcast: a publisher was closed while a view of its slot is alive: the slot stays claimed until that is gone") < 0)
			PyErr_WriteUnraisable((PyObject *)open);
		Py_DECREF(open);
	}
	PyErr_Restore(type, value, trace);
	rcpy_sink_drop(s);
}
