/* Reader: the steps of a subscription. */
#include <stdlib.h>

#include "reader.h"

static int closed_error(void)
{
	(void)rcpy_fail_detail(RCPY_CLOSED, "the subscription is closed");
	return -1;
}

int rcpy_reader_check(const reader *self)
{
	return self->source == NULL ? closed_error() : rcpy_gate_check(&self->source->gate, "subscription");
}

void rcpy_reader_close_now(reader *self)
{
	struct source *s = self->source;
	self->source = NULL;
	if (s != NULL)
		rcpy_source_close(s);
}

static int reader_init(reader *self, PyObject *args, PyObject *kwargs)
{
	unsigned long long handle, domain;
	int copies, group;
	if (self->source != NULL || (kwargs != NULL && PyDict_GET_SIZE(kwargs) != 0) || PyTuple_GET_SIZE(args) != 4) {
		PyErr_SetString(PyExc_TypeError, "a Subscription is opened by Domain.subscribe");
		return -1;
	}
	if (!PyArg_ParseTuple(args, "KKpp", &handle, &domain, &copies, &group))
		return -1;
	struct source *s = calloc(1, sizeof *s);
	if (s == NULL) {
		PyErr_NoMemory();
		return -1;
	}
	s->handle = (rc_subscription *)(uintptr_t)handle;
	s->domain = (rcpy_domain *)(uintptr_t)domain;
	rcpy_domain_hold(s->domain);
	s->copies = copies != 0;
	s->group = group != 0;
	s->refs = 1;
	s->generation = rcpy_generation();
	self->source = s;
	return 0;
}

static void reader_dealloc(reader *self)
{
	if (self->source != NULL)
		rcpy_source_forget(self->source);
	Py_CLEAR(self->spare);
	Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Waits without the GIL, in slices: signals and close are seen between. Returns a code, or
 * RCPY_CLOSED with an exception raised. */
static int wait_for_one(reader *self, int64_t timeout, rc_received *out)
{
	struct source *s = self->source;
	int64_t deadline = rcpy_deadline(timeout);
	int result, raised = 0;
	rcpy_gate_enter(&s->gate);
	do {
		int64_t slice = rcpy_slice(deadline);
		Py_BEGIN_ALLOW_THREADS
		result = rc_subscription_wait(s->handle, slice, out);
		Py_END_ALLOW_THREADS
		if (result == RC_TIMED_OUT)
			raised = PyErr_CheckSignals();
	} while (result == RC_TIMED_OUT && raised == 0 && !s->gate.closing && (deadline == INT64_MAX || rcpy_now() < deadline));
	rcpy_source_leave(s);
	if (s->gate.closing) {
		rcpy_reader_close_now(self);
		if (raised == 0)
			raised = closed_error();
	}
	return raised != 0 ? RCPY_CLOSED : result;
}

static PyObject *topic_of(struct source *s, const char *topic)
{
	if (s->topic_at != topic) {
		PyObject *text = PyUnicode_FromString(topic);
		if (text == NULL)
			return NULL;
		Py_XSETREF(s->topic, text);
		s->topic_at = topic;
	}
	Py_INCREF(s->topic);
	return s->topic;
}

/* Gives the message bytes of its own. Large ones are copied without the GIL. */
static int copy_out(reader *self, message *m)
{
	struct source *s = self->source;
	m->bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)m->received.size);
	if (m->bytes == NULL)
		return -1;
	char *to = PyBytes_AS_STRING(m->bytes);
	if (m->received.size > RCPY_LARGE) {
		rcpy_gate_enter(&s->gate);
		Py_BEGIN_ALLOW_THREADS
		memcpy(to, m->received.data, m->received.size);
		Py_END_ALLOW_THREADS
		rcpy_source_leave(s);
	} else {
		memcpy(to, m->received.data, m->received.size);
	}
	m->received.data = to;
	if (!s->group) /* a member's message is in hand until it is handled */
		rc_subscription_release(s->handle);
	if (s->gate.closing)
		rcpy_reader_close_now(self);
	return 0;
}

/* Hands out what was received into the spare message: a message, or an event. */
static PyObject *hand_out(reader *self)
{
	struct source *s = self->source;
	message *m = self->spare;
	PyObject *topic = topic_of(s, m->received.topic);
	if (topic == NULL)
		return NULL;
	if (m->received.type != RC_TYPE_MESSAGE) {
		PyObject *event = rcpy_event(&m->received, topic);
		Py_DECREF(topic);
		return event;
	}
	self->spare = NULL;
	m->topic = topic;
	m->addressed = m->received.block != NULL;
	if (m->addressed)
		m->block = *m->received.block;
	if (s->copies) {
		if (copy_out(self, m) < 0)
			Py_CLEAR(m);
		return (PyObject *)m;
	}
	m->source = s;
	s->refs++;
	s->lent++;
	s->current = m;
	Py_INCREF(m);
	return (PyObject *)m;
}

/* One step: the next message or event, NULL without an exception if there is none in time. */
static PyObject *step(reader *self, int64_t timeout, int *result)
{
	*result = RC_OK;
	if (rcpy_reader_check(self) < 0 || (self->spare == NULL && (self->spare = rcpy_message_new()) == NULL) || rcpy_source_settle(self->source) < 0)
		return NULL;
	rc_received *out = &self->spare->received;
	for (;;) {
		*result = rc_subscription_poll(self->source->handle, out);
		if (*result == RC_NOTHING && timeout != 0)
			*result = wait_for_one(self, timeout, out);
		if (*result == RCPY_CLOSED)
			return NULL;
		if (*result < 0)
			return rcpy_fail(*result);
		if (*result != RC_OK)
			return NULL;
		PyObject *item = hand_out(self);
		if (item != Py_None)
			return item;
		Py_DECREF(item); /* an event that this version does not know: passed over */
	}
}

static PyObject *reader_poll(reader *self, PyObject *unused)
{
	(void)unused;
	int result;
	PyObject *item = step(self, 0, &result);
	if (item == NULL && !PyErr_Occurred())
		Py_RETURN_NONE;
	return item;
}

static PyObject *reader_next(reader *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	int64_t timeout = RC_FOREVER;
	int result;
	Py_ssize_t named = names != NULL ? PyTuple_GET_SIZE(names) : 0;
	if (count + named > 1 || (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "timeout") != 0)) {
		PyErr_SetString(PyExc_TypeError, "next(timeout=None)");
		return NULL;
	}
	if (count + named == 1 && rcpy_timeout(args[0], &timeout) < 0)
		return NULL;
	PyObject *item = step(self, timeout, &result);
	if (item == NULL && !PyErr_Occurred())
		return rcpy_fail(RC_TIMED_OUT);
	return item;
}

static PyObject *reader_iternext(reader *self)
{
	int result;
	return step(self, RC_FOREVER, &result);
}

static PyObject *reader_release(reader *self, PyObject *unused)
{
	(void)unused;
	if (rcpy_reader_check(self) < 0 || rcpy_source_settle(self->source) < 0)
		return NULL;
	rc_subscription_release(self->source->handle);
	Py_RETURN_NONE;
}

static PyObject *reader_close(reader *self, PyObject *unused)
{
	(void)unused;
	struct source *s = self->source;
	if (s != NULL && rcpy_gate_occupied(&s->gate)) {
		s->gate.closing = true; /* who is inside closes it on his way out */
		s->refs++;
		(void)rcpy_gate_drain(&s->gate);
		rcpy_source_drop(s);
		Py_RETURN_NONE;
	}
	rcpy_reader_close_now(self);
	Py_RETURN_NONE;
}

static PyObject *reader_blind(reader *self, PyObject *unused)
{
	(void)unused;
	if (self->source != NULL)
		(void)rcpy_view_release(&self->source->view);
	Py_RETURN_NONE;
}

static PyObject *get_closed(reader *self, void *closure)
{
	(void)closure;
	return PyBool_FromLong(self->source == NULL || self->source->gate.closing);
}

static PyObject *get_handle(reader *self, void *closure)
{
	(void)closure;
	if (rcpy_reader_check(self) < 0)
		return NULL;
	return PyLong_FromUnsignedLongLong((unsigned long long)(uintptr_t)self->source->handle);
}

static PyGetSetDef reader_getset[] = {
	{"closed", (getter)get_closed, NULL, "Whether it is closed.", NULL},
	{"_handle", (getter)get_handle, NULL, "Address of the rc_subscription, for calls through cffi.", NULL},
	{NULL, NULL, NULL, NULL, NULL}};

static PyMethodDef reader_methods[] = {
	{"poll", (PyCFunction)reader_poll, METH_NOARGS,
		"poll()\n--\n\nReturns the next message or event, or None if nothing is there. Never waits.\n\n"
		"Ends the lease of the message before."},
	{"next", (PyCFunction)(void (*)(void))reader_next, METH_FASTCALL | METH_KEYWORDS,
		"next(timeout=None)\n--\n\nReturns the next message or event, and waits for it for timeout seconds (None: without\n"
		"end), without the GIL. Raises TimedOutError.\n\nEnds the lease of the message before."},
	{"release", (PyCFunction)reader_release, METH_NOARGS,
		"release()\n--\n\nEnds the lease of what is lent, before the next step does; in a queue group: the message in hand was\n"
		"handled."},
	{"close", (PyCFunction)reader_close, METH_NOARGS,
		"close()\n--\n\nEnds the subscription. Any thread may call it, any number of times: a thread that waits\n"
		"gets ClosedError. What a view still looks at stays mapped until the view is gone."},
	{"_blind", (PyCFunction)reader_blind, METH_NOARGS, "The memoryview of the message that is lent works no more: in a forked child."},
	{NULL, NULL, 0, NULL}};

static PyObject *reader_self(PyObject *self)
{
	Py_INCREF(self);
	return self;
}

PyTypeObject rcpy_reader_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "ringcast._native.Reader",
	.tp_doc = "The steps of a subscription.",
	.tp_basicsize = sizeof(reader),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.tp_new = PyType_GenericNew,
	.tp_init = (initproc)reader_init,
	.tp_dealloc = (destructor)reader_dealloc,
	.tp_iter = reader_self,
	.tp_iternext = (iternextfunc)reader_iternext,
	.tp_methods = reader_methods,
	.tp_getset = reader_getset,
};

int rcpy_ready_reader(PyObject *module)
{
	if (PyType_Ready(&rcpy_reader_type) < 0)
		return -1;
	return PyObject_SetAttrString(module, "Reader", (PyObject *)&rcpy_reader_type);
}
