/* What a subscription lends from. The library lends one message at a time: the next call gives its
 * slot back. What somebody still looks at then is kept for him: rc_subscription_keep. */
#include <stdlib.h>

#include "native.h"

bool rcpy_view_release(PyObject **view)
{
	if (*view == NULL)
		return true;
	if (Py_REFCNT(*view) > 1) { /* somebody has it: it must not work any more */
		static PyObject *name; /* made once: this is done for each message */
		if (name == NULL && (name = PyUnicode_InternFromString("release")) == NULL) {
			PyErr_Clear();
			return false;
		}
		PyObject *done = PyObject_CallMethodNoArgs(*view, name);
		if (done == NULL) {
			PyErr_Clear(); /* BufferError: somebody looks through it */
			return false;
		}
		Py_DECREF(done);
	}
	Py_CLEAR(*view);
	return true;
}

static void drop_all(struct source *s)
{
	while (s->dropped != NULL) {
		struct kept *k = s->dropped;
		s->dropped = k->next;
		rc_kept_drop(k->kept);
		free(k);
	}
}

void rcpy_source_leave(struct source *s)
{
	rcpy_gate_leave(&s->gate);
	drop_all(s);
}

void rcpy_source_drop(struct source *s)
{
	if (--s->refs != 0)
		return;
	drop_all(s);
	rc_subscription_close(s->handle);
	rcpy_domain_drop(s->domain);
	Py_CLEAR(s->topic);
	free(s);
}

void rcpy_source_give_back(message *m)
{
	struct source *s = m->source;
	m->source = NULL;
	m->received.data = NULL;
	s->lent--;
	rcpy_source_drop(s);
}

/* Somebody looks at the current message: it stays for him, and the stream goes on. */
static int keep_current(struct source *s)
{
	message *m = s->current;
	struct kept *k = malloc(sizeof *k);
	if (k == NULL) {
		PyErr_NoMemory();
		return -1;
	}
	int result = rc_subscription_keep(s->handle, &m->received, &k->kept);
	if (result != RC_OK) {
		free(k);
		(void)rcpy_fail(result);
		return -1;
	}
	m->kept = k;
	s->current = NULL;
	Py_CLEAR(s->view);
	Py_DECREF(m);
	return 0;
}

int rcpy_source_settle(struct source *s)
{
	message *m = s->current;
	if (m == NULL)
		return 0;
	(void)rcpy_view_release(&s->view);
	if (m->exports > 0)
		return keep_current(s);
	s->current = NULL;
	rcpy_source_give_back(m);
	Py_DECREF(m);
	return 0;
}

void rcpy_source_close(struct source *s)
{
	PyObject *type, *value, *trace; /* the collector calls at any time, with an exception on its way */
	message *m = s->current;
	PyErr_Fetch(&type, &value, &trace);
	(void)rcpy_view_release(&s->view);
	Py_CLEAR(s->view); /* who looks through it has a reference of his own */
	s->closed = true;
	if (m != NULL) {
		s->current = NULL;
		if (m->exports == 0)
			rcpy_source_give_back(m);
		Py_DECREF(m);
	}
	if (s->lent > 0 && PyErr_ResourceWarning(NULL, 1, "ringcast: a subscription was closed while a view of a message is alive: its ring stays mapped until that is gone") < 0)
		PyErr_WriteUnraisable(NULL);
	PyErr_Restore(type, value, trace);
	rcpy_source_drop(s);
}

void rcpy_source_forget(struct source *s)
{
	message *m = s->current;
	Py_CLEAR(s->view);
	s->current = NULL;
	Py_XDECREF(m);
	rcpy_source_drop(s);
}

void rcpy_source_view_gone(message *m)
{
	struct source *s = m->source;
	if (m->exports != 0 || s == NULL || (m->kept == NULL && !s->closed))
		return;
	if (m->kept != NULL) {
		m->kept->next = s->dropped;
		s->dropped = m->kept;
		m->kept = NULL;
		if (!rcpy_gate_occupied(&s->gate))
			drop_all(s);
	}
	rcpy_source_give_back(m);
}
