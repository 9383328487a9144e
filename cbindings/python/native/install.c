/* Puts the types into the module, and knows what of Python they call. */
#include <math.h>

#include "install.h"
#include "native.h"

static PyObject *make_error, *make_event, *make_address;

PyObject *rcpy_fail_detail(int code, const char *detail)
{
	PyObject *text = PyUnicode_DecodeUTF8(detail, (Py_ssize_t)strlen(detail), "replace");
	PyObject *error = text != NULL ? PyObject_CallFunction(make_error, "iN", code, text) : NULL;
	if (error != NULL) {
		PyErr_SetObject((PyObject *)Py_TYPE(error), error);
		Py_DECREF(error);
	}
	return NULL;
}

PyObject *rcpy_fail(int code) { return rcpy_fail_detail(code, code < 0 ? rc_error_detail() : ""); }

PyObject *rcpy_address(const struct rc_address *a)
{
	return PyObject_CallFunction(make_address, "IIIII", a->node, a->epoch, a->generation, (unsigned)a->index, (unsigned)a->handle);
}

PyObject *rcpy_event(const rc_received *r, PyObject *topic)
{
	return PyObject_CallFunction(make_event, "IOKKKKINKN", r->type, topic, (unsigned long long)r->position, (unsigned long long)r->first,
		(unsigned long long)r->last, (unsigned long long)r->count, r->reason, rcpy_address(&r->source),
		(unsigned long long)r->sequence, rcpy_address(&r->taker));
}

int rcpy_timeout(PyObject *seconds, int64_t *ns)
{
	if (seconds == Py_None) {
		*ns = RC_FOREVER;
		return 0;
	}
	double s = PyFloat_AsDouble(seconds);
	if (s == -1.0 && PyErr_Occurred())
		return -1;
	if (!(s >= 0)) {
		PyErr_SetString(PyExc_ValueError, "timeout: want seconds, 0 or more, or None to wait without end");
		return -1;
	}
	*ns = s > 9e9 ? RC_FOREVER : (int64_t)ceil(s * 1e9);
	return 0;
}

static int import(const char *from, const char *name, PyObject **to)
{
	PyObject *module = PyImport_ImportModule(from);
	if (module == NULL)
		return -1;
	*to = PyObject_GetAttrString(module, name);
	Py_DECREF(module);
	return *to != NULL ? 0 : -1;
}

static int install(void)
{
	PyObject *module = PyImport_ImportModule("ringcast._native");
	if (module == NULL)
		return -1;
	int result = import("ringcast.errors", "error_of", &make_error);
	if (result == 0)
		result = import("ringcast.events", "event_of", &make_event);
	if (result == 0)
		result = import("ringcast.address", "Address", &make_address);
	if (result == 0)
		result = rcpy_ready_message(module);
	if (result == 0)
		result = rcpy_ready_reader(module);
	if (result == 0)
		result = rcpy_ready_slot(module);
	if (result == 0)
		result = rcpy_ready_writer(module);
	if (result == 0)
		result = rcpy_ready_wait(module);
	Py_DECREF(module);
	return result;
}

int rcpy_install(void)
{
	PyGILState_STATE state = PyGILState_Ensure();
	int result = make_error != NULL ? 0 : rcpy_gate_install() != 0 ? -1 : install();
	if (result != 0 && PyErr_Occurred())
		PyErr_Print();
	PyGILState_Release(state);
	return result;
}
