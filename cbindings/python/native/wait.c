/* Waiting for several subscriptions at once, on one doorbell. */
#include <stdlib.h>

#include "native.h"
#include "reader.h"

/* Those of one wait. */
struct several {
	PyObject *readers; /* a tuple */
	struct source **sources;
	rc_subscription **handles;
	size_t count;
};

static int add(struct several *w, PyObject *object)
{
	if (!PyObject_TypeCheck(object, &rcpy_reader_type)) {
		PyErr_Format(PyExc_TypeError, "wait: want subscriptions, not %R", object);
		return -1;
	}
	reader *r = (reader *)object;
	if (rcpy_reader_check(r) < 0 || rcpy_source_settle(r->source) < 0)
		return -1;
	for (size_t i = 0; i < w->count; i++)
		if (w->sources[i] == r->source) {
			(void)rcpy_fail_detail(RC_ERROR_INVALID, "wait: a subscription is named twice");
			return -1;
		}
	w->sources[w->count] = r->source;
	w->handles[w->count++] = r->source->handle;
	return 0;
}

static bool somebody_closes(const struct several *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->sources[i]->gate.closing)
			return true;
	return false;
}

/* Leaves all gates, and closes what others wanted closed: -1 and ClosedError if there was some. */
static int come_out(struct several *w)
{
	int result = 0;
	for (size_t i = 0; i < w->count; i++) {
		rcpy_source_leave(w->sources[i]);
		if (w->sources[i]->gate.closing) {
			rcpy_reader_close_now((reader *)PyTuple_GET_ITEM(w->readers, (Py_ssize_t)i));
			result = -1;
		}
	}
	return result;
}

/* Waits in slices, as a single subscription does. Returns a code, or RCPY_CLOSED with an exception. */
static int wait_for(struct several *w, int64_t timeout, size_t *ready)
{
	int64_t deadline = rcpy_deadline(timeout);
	int result, raised = 0;
	for (size_t i = 0; i < w->count; i++)
		rcpy_gate_enter(&w->sources[i]->gate);
	do {
		int64_t slice = timeout == 0 ? 0 : rcpy_slice(deadline);
		Py_BEGIN_ALLOW_THREADS
		result = rc_subscriptions_wait(w->handles, w->count, slice, ready);
		Py_END_ALLOW_THREADS
		if (result == RC_TIMED_OUT)
			raised = PyErr_CheckSignals();
	} while (result == RC_TIMED_OUT && timeout != 0 && raised == 0 && !somebody_closes(w) && (deadline == INT64_MAX || rcpy_now() < deadline));
	PyObject *type, *value, *trace;
	PyErr_Fetch(&type, &value, &trace);
	if (come_out(w) < 0 && raised == 0) {
		(void)rcpy_fail_detail(RCPY_CLOSED, "a subscription that was waited for was closed");
		return RCPY_CLOSED;
	}
	PyErr_Restore(type, value, trace);
	return raised != 0 ? RCPY_CLOSED : result;
}

static PyObject *run(struct several *w, int64_t timeout)
{
	size_t ready = 0;
	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(w->readers); i++)
		if (add(w, PyTuple_GET_ITEM(w->readers, i)) < 0)
			return NULL;
	int result = wait_for(w, timeout, &ready);
	if (result == RCPY_CLOSED)
		return NULL;
	if (result == RC_TIMED_OUT || result == RC_NOTHING)
		Py_RETURN_NONE;
	if (result != RC_OK)
		return rcpy_fail(result);
	PyObject *found = PyTuple_GET_ITEM(w->readers, (Py_ssize_t)ready);
	Py_INCREF(found);
	return found;
}

static PyObject *wait_any(PyObject *module, PyObject *args)
{
	(void)module;
	PyObject *list, *seconds, *answer = NULL;
	struct several w = {NULL, NULL, NULL, 0};
	int64_t timeout;
	if (!PyArg_ParseTuple(args, "OO", &list, &seconds) || rcpy_timeout(seconds, &timeout) < 0)
		return NULL;
	w.readers = PySequence_Tuple(list);
	if (w.readers == NULL)
		return NULL;
	size_t n = (size_t)PyTuple_GET_SIZE(w.readers) + 1;
	w.sources = calloc(n, sizeof(void *));
	w.handles = calloc(n, sizeof(void *));
	if (w.sources == NULL || w.handles == NULL)
		(void)PyErr_NoMemory();
	else
		answer = run(&w, timeout);
	free(w.sources);
	free(w.handles);
	Py_DECREF(w.readers);
	return answer;
}

static PyMethodDef method = {"wait_any", wait_any, METH_VARARGS, NULL};

int rcpy_ready_wait(PyObject *module)
{
	PyObject *function = PyCFunction_New(&method, NULL);
	if (function == NULL)
		return -1;
	int result = PyObject_SetAttrString(module, "wait_any", function);
	Py_DECREF(function);
	return result;
}
