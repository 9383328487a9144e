/* Message: one message, lent from the ring or with bytes of its own. */
#include <stddef.h>

#include "native.h"

message *rcpy_message_new(void)
{
	message *m = PyObject_New(message, &rcpy_message_type);
	if (m == NULL)
		return NULL;
	m->topic = m->bytes = NULL;
	m->source = NULL;
	m->kept = NULL;
	m->exports = 0;
	m->addressed = false;
	return m;
}

static void message_dealloc(message *m)
{
	/* A view keeps its message, so nobody looks here. */
	if (m->source != NULL)
		rcpy_source_give_back(m);
	Py_XDECREF(m->topic);
	Py_XDECREF(m->bytes);
	PyObject_Free(m);
}

/* Whether there are bytes; raises if they were given back. */
static bool readable(const message *m)
{
	if (m->bytes != NULL)
		return true;
	if (m->source != NULL && m->source->generation == rcpy_generation())
		return true;
	if (m->source != NULL) {
		(void)rcpy_fail_detail(RC_ERROR_FORKED, "the message was lent before this process was forked, and the parent gives it back");
		return false;
	}
	(void)rcpy_fail_detail(RCPY_LEASE, "the message was given back to the ring: before the next step copy what is to stay, with bytes(message) or message.copy()");
	return false;
}

static int message_getbuffer(message *m, Py_buffer *view, int flags)
{
	if (!readable(m)) {
		view->obj = NULL;
		return -1;
	}
	void *data = m->bytes != NULL ? (void *)PyBytes_AS_STRING(m->bytes) : (void *)(uintptr_t)m->received.data;
	if (PyBuffer_FillInfo(view, (PyObject *)m, data, (Py_ssize_t)m->received.size, 1, flags) < 0)
		return -1;
	m->exports++;
	return 0;
}

static void message_releasebuffer(message *m, Py_buffer *view)
{
	(void)view;
	m->exports--;
	rcpy_source_view_gone(m);
}

static PyBufferProcs message_buffer = {(getbufferproc)message_getbuffer, (releasebufferproc)message_releasebuffer};

static PyObject *get_data(message *m, void *closure)
{
	(void)closure;
	if (!readable(m))
		return NULL;
	if (m->source == NULL || m->source->current != m)
		return PyMemoryView_FromObject((PyObject *)m);
	struct source *s = m->source;
	if (s->view != NULL && m->exports == 0)
		Py_CLEAR(s->view); /* its user has released it */
	if (s->view == NULL)
		s->view = PyMemoryView_FromObject((PyObject *)m);
	Py_XINCREF(s->view);
	return s->view;
}

static PyObject *get_source(message *m, void *closure)
{
	(void)closure;
	return rcpy_address(&m->received.source);
}

static PyObject *get_lent(message *m, void *closure)
{
	(void)closure;
	return PyBool_FromLong(m->source != NULL);
}

static PyObject *get_block(message *m, void *closure)
{
	(void)closure;
	if (!m->addressed)
		Py_RETURN_NONE;
	return PyBytes_FromStringAndSize((const char *)&m->block, sizeof m->block);
}

static PyObject *get_is_request(message *m, void *closure)
{
	(void)closure;
	return PyBool_FromLong(m->addressed && m->received.kind == RC_MESSAGE_KIND_REQUEST);
}

/* Large ones are copied without the GIL, as if somebody looked at the message meanwhile. */
static PyObject *bytes_of(message *m)
{
	PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)m->received.size);
	if (bytes == NULL)
		return NULL;
	char *to = PyBytes_AS_STRING(bytes);
	const void *from = m->received.data;
	size_t size = m->received.size;
	if (size <= RCPY_LARGE) {
		memcpy(to, from, size);
		return bytes;
	}
	m->exports++;
	Py_BEGIN_ALLOW_THREADS
	memcpy(to, from, size);
	Py_END_ALLOW_THREADS
	m->exports--;
	rcpy_source_view_gone(m);
	return bytes;
}

static PyObject *message_copy(message *m, PyObject *unused)
{
	(void)unused;
	if (!readable(m))
		return NULL;
	if (m->bytes != NULL) {
		Py_INCREF(m);
		return (PyObject *)m;
	}
	message *c = rcpy_message_new();
	if (c == NULL)
		return NULL;
	c->received = m->received;
	c->block = m->block;
	c->addressed = m->addressed;
	c->topic = m->topic;
	Py_XINCREF(c->topic);
	c->bytes = bytes_of(m);
	if (c->bytes == NULL)
		Py_CLEAR(c);
	else
		c->received.data = PyBytes_AS_STRING(c->bytes);
	return (PyObject *)c;
}

static PyObject *message_release(message *m, PyObject *unused)
{
	(void)unused;
	struct source *s = m->source;
	if (s != NULL && s->current == m) {
		if (rcpy_gate_check(&s->gate, "subscription") < 0 || rcpy_source_settle(s) < 0)
			return NULL;
		rc_subscription_release(s->handle);
	}
	Py_RETURN_NONE;
}

static PyObject *message_exit(message *m, PyObject *args)
{
	(void)args;
	return message_release(m, NULL);
}

static PyObject *message_enter(message *m, PyObject *unused)
{
	(void)unused;
	Py_INCREF(m);
	return (PyObject *)m;
}

static Py_ssize_t message_length(message *m) { return (Py_ssize_t)m->received.size; }

static PyObject *message_repr(message *m)
{
	char address[RC_ADDRESS_TEXT];
	if (rc_address_format(&m->received.source, address, sizeof address) != RC_OK)
		address[0] = 0;
	return PyUnicode_FromFormat("<ringcast.Message %llu of %s on %R: %zu bytes, %s>", (unsigned long long)m->received.sequence, address,
		m->topic, m->received.size, m->bytes != NULL ? "copied" : m->kept != NULL ? "kept" : m->source != NULL ? "lent" : "given back");
}

#include <structmember.h>

#define FIELD(name, type, field, doc) {name, type, offsetof(message, received) + offsetof(rc_received, field), READONLY, doc}

static PyMemberDef message_members[] = {
	{"topic", T_OBJECT_EX, offsetof(message, topic), READONLY, "Its topic, also where the subscription is to a pattern."},
	FIELD("sequence", T_ULONGLONG, sequence, "Number among the messages of its source: from 1, without a gap."),
	FIELD("position", T_ULONGLONG, position, "Position in the ring."),
	FIELD("timestamp_ns", T_ULONGLONG, timestamp_ns, "Wall clock of the publisher in nanoseconds; 0: none."),
	FIELD("schema", T_UINT, schema, "Low half of the hash of the payload's schema; 0: unknown."),
	FIELD("kind", T_UBYTE, kind, "MessageKind."),
	FIELD("content", T_UBYTE, content, "Content."),
	FIELD("flags", T_USHORT, flags, "MessageFlag."),
	{NULL, 0, 0, 0, NULL}};

static PyGetSetDef message_getset[] = {
	{"data", (getter)get_data, NULL,
		"The payload, read-only, where it lies. It is released by the next step of the\n"
		"subscription: then every access raises ValueError.", NULL},
	{"source", (getter)get_source, NULL, "Address of the publisher.", NULL},
	{"is_request", (getter)get_is_request, NULL, "Whether somebody waits for an answer: Domain.answer.", NULL},
	{"_block", (getter)get_block, NULL, "What an answer needs to know; None: it is no direct message.", NULL},
	{"lent", (getter)get_lent, NULL, "Whether the payload lies in the ring, and not in a copy.", NULL},
	{NULL, NULL, NULL, NULL, NULL}};

static PyMethodDef message_methods[] = {
	{"copy", (PyCFunction)message_copy, METH_NOARGS,
		"copy()\n--\n\nReturns this message with bytes of its own, which stay.\n\nRaises LeaseError if it was given back."},
	{"release", (PyCFunction)message_release, METH_NOARGS,
		"release()\n--\n\nEnds the lease before the next step does. Any number of times."},
	{"__enter__", (PyCFunction)message_enter, METH_NOARGS, NULL},
	{"__exit__", (PyCFunction)message_exit, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL}};

/* An empty message is a message: `while message := subscription.poll()` goes on. */
static int message_bool(message *m)
{
	(void)m;
	return 1;
}

static PyNumberMethods message_number = {.nb_bool = (inquiry)message_bool};
static PySequenceMethods message_sequence = {.sq_length = (lenfunc)message_length};

PyTypeObject rcpy_message_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "ringcast.Message",
	.tp_doc = "One message of a stream.\n\n"
		"Its payload is lent: `data`, and everything that takes a buffer, reads it where it lies in\n"
		"the ring, until the next step of its subscription. bytes(message) and message.copy() keep\n"
		"it. The other attributes stay. len(message) is the size of the payload in bytes.\n\n"
		"For one thread at a time, as its subscription.",
	.tp_basicsize = sizeof(message),
	.tp_flags = Py_TPFLAGS_DEFAULT,
	.tp_dealloc = (destructor)message_dealloc,
	.tp_repr = (reprfunc)message_repr,
	.tp_as_buffer = &message_buffer,
	.tp_as_sequence = &message_sequence,
	.tp_as_number = &message_number,
	.tp_members = message_members,
	.tp_getset = message_getset,
	.tp_methods = message_methods,
};

int rcpy_ready_message(PyObject *module)
{
	if (PyType_Ready(&rcpy_message_type) < 0)
		return -1;
	return PyObject_SetAttrString(module, "Message", (PyObject *)&rcpy_message_type);
}
