/* Writer: what a publisher sends. */
#include <stdlib.h>

#include "native.h"

typedef struct {
	PyObject_HEAD
	struct sink *sink; /* NULL: closed, or never opened */
} writer;

static int closed_error(void)
{
	(void)rcpy_fail_detail(RCPY_CLOSED, "the publisher is closed");
	return -1;
}

static int check(const writer *self)
{
	if (self->sink == NULL)
		return closed_error();
	if (rcpy_gate_check(&self->sink->gate, "publisher") < 0)
		return -1;
	if (self->sink->open == NULL || !self->sink->open->given_up)
		return 0;
	(void)rcpy_fail_detail(RCPY_LEASE, "a slice or an array of the slot that was given up is alive: let go of it with del");
	return -1;
}

static void close_now(writer *self)
{
	struct sink *s = self->sink;
	self->sink = NULL;
	if (s != NULL)
		rcpy_sink_close(s);
}

static int writer_init(writer *self, PyObject *args, PyObject *kwargs)
{
	unsigned long long handle, domain;
	if (self->sink != NULL || (kwargs != NULL && PyDict_GET_SIZE(kwargs) != 0) || PyTuple_GET_SIZE(args) != 2) {
		PyErr_SetString(PyExc_TypeError, "a Publisher is opened by Domain.publisher");
		return -1;
	}
	if (!PyArg_ParseTuple(args, "KK", &handle, &domain))
		return -1;
	struct sink *s = calloc(1, sizeof *s);
	if (s == NULL) {
		PyErr_NoMemory();
		return -1;
	}
	s->handle = (rc_publisher *)(uintptr_t)handle;
	s->domain = (rcpy_domain *)(uintptr_t)domain;
	rcpy_domain_hold(s->domain);
	s->refs = 1;
	s->generation = rcpy_generation();
	self->sink = s;
	return 0;
}

static void writer_dealloc(writer *self)
{
	if (self->sink != NULL) /* a slot that somebody has goes on, and its publisher with it */
		rcpy_sink_drop(self->sink);
	Py_TYPE(self)->tp_free((PyObject *)self);
}

/* What one call sends: a payload, or nothing but a claim. */
struct call {
	Py_buffer payload;
	rc_marks marks;
	bool claim;
	size_t size;
	int64_t timeout;
};

static int try_once(struct sink *s, const struct call *c, int64_t timeout)
{
	if (c->claim)
		return rc_publisher_claim(s->handle, c->size, timeout, &s->claim);
	return rc_publisher_publish_marked(s->handle, c->payload.buf, (size_t)c->payload.len, &c->marks, timeout);
}

/* After a call without the GIL: what others asked for meanwhile. */
static int come_out(writer *self)
{
	struct sink *s = self->sink;
	rcpy_gate_leave(&s->gate);
	rcpy_sink_end(s);
	if (!s->gate.closing)
		return 0;
	close_now(self);
	return -1;
}

/* Sends without the GIL, and waits for room in slices: signals and close are seen between. */
static int send_without_gil(writer *self, const struct call *c)
{
	struct sink *s = self->sink;
	int64_t deadline = rcpy_deadline(c->timeout);
	int result, raised = 0;
	rcpy_gate_enter(&s->gate);
	do {
		int64_t slice = c->timeout == 0 ? 0 : rcpy_slice(deadline);
		Py_BEGIN_ALLOW_THREADS
		result = try_once(s, c, slice);
		Py_END_ALLOW_THREADS
		if (result == RC_TIMED_OUT || (result == RC_FULL && c->timeout != 0)) {
			raised = PyErr_CheckSignals();
			result = RC_TIMED_OUT;
		}
	} while (result == RC_TIMED_OUT && raised == 0 && !s->gate.closing && (deadline == INT64_MAX || rcpy_now() < deadline));
	bool claimed = c->claim && result == RC_OK;
	if ((raised != 0 || s->gate.closing) && claimed)
		(void)rc_claim_abort(&s->claim);
	if (come_out(self) < 0 && raised == 0)
		raised = closed_error();
	return raised != 0 ? RCPY_CLOSED : result;
}

/* Small messages go with the GIL held, which costs less than to give it up. */
static int send(writer *self, const struct call *c)
{
	int result = RC_FULL;
	if (c->claim || c->payload.len <= RCPY_LARGE)
		result = try_once(self->sink, c, 0);
	else
		return send_without_gil(self, c);
	return result == RC_FULL && c->timeout != 0 ? send_without_gil(self, c) : result;
}

static PyObject *answer(int result)
{
	if (result == RC_OK)
		Py_RETURN_NONE;
	return result == RCPY_CLOSED ? NULL : rcpy_fail(result);
}

static int number(PyObject *value, unsigned long long limit, const char *name, unsigned long long *to)
{
	PyObject *index = PyNumber_Index(value);
	if (index == NULL)
		return -1;
	*to = PyLong_AsUnsignedLongLong(index);
	Py_DECREF(index);
	if ((*to == (unsigned long long)-1 && PyErr_Occurred()) || *to > limit) {
		PyErr_Clear();
		PyErr_Format(PyExc_ValueError, "%s: want a number from 0 to %llu", name, limit);
		return -1;
	}
	return 0;
}

/* One named argument. */
static int take_named(struct call *c, PyObject *name, PyObject *value)
{
	unsigned long long n;
	if (PyUnicode_CompareWithASCIIString(name, "timeout") == 0)
		return rcpy_timeout(value, &c->timeout);
	if (PyUnicode_CompareWithASCIIString(name, "content") == 0) {
		if (number(value, UINT8_MAX, "content", &n) < 0)
			return -1;
		c->marks.content = (uint8_t)n;
		return 0;
	}
	if (PyUnicode_CompareWithASCIIString(name, "schema") == 0) {
		if (number(value, UINT32_MAX, "schema", &n) < 0)
			return -1;
		c->marks.schema = (uint32_t)n;
		return 0;
	}
	if (PyUnicode_CompareWithASCIIString(name, "timestamp_ns") == 0) {
		if (number(value, UINT64_MAX, "timestamp_ns", &n) < 0)
			return -1;
		c->marks.timestamp_ns = n;
		return 0;
	}
	PyErr_Format(PyExc_TypeError, "unexpected argument %R", name);
	return -1;
}

/* The payload's bytes. The error names the argument, and says what to do with a text. */
static int take_payload(PyObject *data, Py_buffer *payload)
{
	if (PyObject_GetBuffer(data, payload, PyBUF_SIMPLE) == 0)
		return 0;
	if (PyErr_ExceptionMatches(PyExc_TypeError))
		PyErr_Format(PyExc_TypeError, "data: a bytes-like object is required, not '%s'%s", Py_TYPE(data)->tp_name,
			PyUnicode_Check(data) ? "; encode it: data.encode()" : "");
	return -1;
}

static PyObject *writer_publish(writer *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	struct call c;
	memset(&c, 0, sizeof c);
	c.timeout = RC_FOREVER;
	if (count < 1 || count > 2) {
		PyErr_SetString(PyExc_TypeError, "publish(data, timeout=None, *, content=0, schema=0, timestamp_ns=0)");
		return NULL;
	}
	if (count == 2 && rcpy_timeout(args[1], &c.timeout) < 0)
		return NULL;
	for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++)
		if (take_named(&c, PyTuple_GET_ITEM(names, i), args[count + i]) < 0)
			return NULL;
	if (check(self) < 0 || take_payload(args[0], &c.payload) < 0)
		return NULL;
	int result = send(self, &c);
	PyObject *value = answer(result); /* before the buffer: its release may run anything */
	PyBuffer_Release(&c.payload);
	return value;
}

/* The arguments of claim, by place or by name. */
static int claim_arguments(PyObject *const *args, Py_ssize_t count, PyObject *names, PyObject **size, PyObject **timeout)
{
	Py_ssize_t named = names != NULL ? PyTuple_GET_SIZE(names) : 0;
	bool good = count <= 2;
	*size = count > 0 ? args[0] : Py_None;
	*timeout = count > 1 ? args[1] : Py_None;
	for (Py_ssize_t i = 0; good && i < named; i++) {
		PyObject *name = PyTuple_GET_ITEM(names, i);
		if (count < 1 && PyUnicode_CompareWithASCIIString(name, "size") == 0)
			*size = args[count + i];
		else if (count < 2 && PyUnicode_CompareWithASCIIString(name, "timeout") == 0)
			*timeout = args[count + i];
		else
			good = false;
	}
	if (!good)
		PyErr_SetString(PyExc_TypeError, "claim(size=None, timeout=None)");
	return good ? 0 : -1;
}

static PyObject *writer_claim(writer *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	struct call c;
	PyObject *size, *timeout;
	memset(&c, 0, sizeof c);
	if (claim_arguments(args, count, names, &size, &timeout) < 0 || rcpy_timeout(timeout, &c.timeout) < 0)
		return NULL;
	if (size != Py_None) {
		Py_ssize_t n = PyNumber_AsSsize_t(size, PyExc_OverflowError);
		if (n < 0) {
			if (!PyErr_Occurred())
				PyErr_SetString(PyExc_ValueError, "claim: size is not negative");
			return NULL;
		}
		c.size = (size_t)n;
	}
	if (check(self) < 0)
		return NULL;
	c.claim = true;
	int result = send(self, &c);
	if (result != RC_OK)
		return answer(result);
	struct sink *s = self->sink;
	slot *opened = rcpy_slot_new(s, size == Py_None ? s->claim.capacity : c.size);
	if (opened == NULL)
		(void)rc_claim_abort(&s->claim);
	return (PyObject *)opened;
}

static PyObject *writer_close(writer *self, PyObject *unused)
{
	(void)unused;
	struct sink *s = self->sink;
	if (s != NULL && rcpy_gate_occupied(&s->gate)) {
		s->gate.closing = true; /* who is inside closes it on his way out */
		s->refs++;
		(void)rcpy_gate_drain(&s->gate);
		rcpy_sink_drop(s);
		Py_RETURN_NONE;
	}
	close_now(self);
	Py_RETURN_NONE;
}

static PyObject *writer_blind(writer *self, PyObject *unused)
{
	(void)unused;
	slot *open = self->sink != NULL ? self->sink->open : NULL;
	if (open != NULL) {
		Py_INCREF(open); /* its view may be all that keeps it */
		rcpy_slot_blind(open);
		Py_DECREF(open);
	}
	Py_RETURN_NONE;
}

static PyObject *get_closed(writer *self, void *closure)
{
	(void)closure;
	return PyBool_FromLong(self->sink == NULL || self->sink->gate.closing);
}

static PyObject *get_handle(writer *self, void *closure)
{
	(void)closure;
	if (self->sink == NULL) {
		(void)closed_error();
		return NULL;
	}
	if (rcpy_gate_check(&self->sink->gate, "publisher") < 0)
		return NULL;
	return PyLong_FromUnsignedLongLong((unsigned long long)(uintptr_t)self->sink->handle);
}

static PyGetSetDef writer_getset[] = {
	{"closed", (getter)get_closed, NULL, "Whether it is closed.", NULL},
	{"_handle", (getter)get_handle, NULL, "Address of the rc_publisher, for calls through cffi.", NULL},
	{NULL, NULL, NULL, NULL, NULL}};

static PyMethodDef writer_methods[] = {
	{"publish", (PyCFunction)(void (*)(void))writer_publish, METH_FASTCALL | METH_KEYWORDS,
		"publish(data, timeout=None, *, content=0, schema=0, timestamp_ns=0)\n--\n\n"
		"Copies data, anything bytes-like, into the ring and sends it.\n\n"
		"Waits for room for timeout seconds (None: without end; a reliable subscription can\n"
		"withhold it for 500 ms), without the GIL. FullError with timeout 0, or TimedOutError:\n"
		"nothing was sent. A message larger than a slot takes several; TooLargeError beyond half of\n"
		"the ring."},
	{"claim", (PyCFunction)(void (*)(void))writer_claim, METH_FASTCALL | METH_KEYWORDS,
		"claim(size=None, timeout=None)\n--\n\n"
		"Claims a slot and returns it, to be written in place: size bytes, None for all that a slot\n"
		"has. One at a time. Waits for room as publish does."},
	{"close", (PyCFunction)writer_close, METH_NOARGS,
		"close()\n--\n\nEnds the publisher; an open claim is given up. Any thread may call it, any number of times."},
	{"_blind", (PyCFunction)writer_blind, METH_NOARGS, "The memoryview of the slot that is claimed works no more: in a forked child."},
	{NULL, NULL, 0, NULL}};

static PyTypeObject writer_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "ringcast._native.Writer",
	.tp_doc = "What a publisher sends.",
	.tp_basicsize = sizeof(writer),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.tp_new = PyType_GenericNew,
	.tp_init = (initproc)writer_init,
	.tp_dealloc = (destructor)writer_dealloc,
	.tp_methods = writer_methods,
	.tp_getset = writer_getset,
};

int rcpy_ready_writer(PyObject *module)
{
	if (PyType_Ready(&writer_type) < 0)
		return -1;
	return PyObject_SetAttrString(module, "Writer", (PyObject *)&writer_type);
}
