/* What a subscription lends from. The library lends one message at a time: its slot is given
 * back by the next call, so there is no next call while somebody looks at it. */
#include <stdlib.h>

#include "native.h"

bool rcpy_view_release(PyObject **view)
{
	if (*view == NULL)
		return true;
	if (Py_REFCNT(*view) > 1) { /* somebody has it: it must not work any more */
		PyObject *done = PyObject_CallMethod(*view, "release", NULL);
		if (done == NULL) {
			PyErr_Clear(); /* BufferError: somebody looks through it */
			return false;
		}
		Py_DECREF(done);
	}
	Py_CLEAR(*view);
	return true;
}

void rcpy_source_drop(struct source *s)
{
	if (--s->refs != 0)
		return;
	rc_subscription_close(s->handle);
	rcpy_domain_drop(s->domain);
	Py_CLEAR(s->topic);
	free(s);
}

/* The message is not lent any more. */
static void give_back(message *m)
{
	struct source *s = m->source;
	m->source = NULL;
	m->received.data = NULL;
	rcpy_source_drop(s);
}

int rcpy_source_settle(struct source *s)
{
	message *m = s->current;
	if (m == NULL)
		return 0;
	(void)rcpy_view_release(&s->view);
	if (m->exports > 0) {
		(void)rcpy_fail_detail(RCPY_LEASE, 
			"the message before is still looked at, by a slice, an array or a memoryview of it: copy what is to stay "
			"(bytes(message), message.copy(), numpy.array(...)), and let go of the view with del");
		return -1;
	}
	s->current = NULL;
	give_back(m);
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
			give_back(m);
		else if (PyErr_ResourceWarning(NULL, 1, "ringcast: a subscription was closed while a view of a message is alive: its ring stays mapped until that is gone") < 0)
			PyErr_WriteUnraisable((PyObject *)m);
		Py_DECREF(m);
	}
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
	if (m->exports == 0 && m->source != NULL && m->source->closed)
		give_back(m);
}
