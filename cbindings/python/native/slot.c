/* Slot: memory of the ring that is claimed, to be written in place. */
#include "native.h"

slot *rcpy_slot_new(struct sink *s, size_t size)
{
	slot *c = PyObject_New(slot, &rcpy_slot_type);
	if (c == NULL)
		return NULL;
	c->sink = s;
	c->data = s->claim.data;
	c->size = size;
	c->capacity = s->claim.capacity;
	c->view = NULL;
	c->exports = 0;
	c->given_up = false;
	s->open = c;
	s->refs++;
	return c;
}

static void slot_dealloc(slot *c)
{
	if (c->sink != NULL) /* neither sent nor aborted, and nobody looks */
		rcpy_sink_abort(c->sink);
	Py_XDECREF(c->view);
	PyObject_Free(c);
}

/* Still claimed, by this thread; raises otherwise. */
static int check(const slot *c)
{
	if (c->sink == NULL || c->given_up) {
		(void)rcpy_fail_detail(RCPY_LEASE, "the slot was committed or aborted");
		return -1;
	}
	if (c->sink->generation != rcpy_generation()) {
		(void)rcpy_fail_detail(RC_ERROR_FORKED, "the slot was claimed before this process was forked: it is the parent's");
		return -1;
	}
	return rcpy_gate_check(&c->sink->gate, "publisher");
}

static int slot_getbuffer(slot *c, Py_buffer *view, int flags)
{
	if (check(c) < 0 || PyBuffer_FillInfo(view, (PyObject *)c, c->data, (Py_ssize_t)c->size, 0, flags) < 0) {
		view->obj = NULL;
		return -1;
	}
	c->exports++;
	return 0;
}

static void slot_releasebuffer(slot *c, Py_buffer *view)
{
	(void)view;
	if (--c->exports == 0 && c->given_up && c->sink != NULL)
		rcpy_sink_abort(c->sink);
}

static PyBufferProcs slot_buffer = {(getbufferproc)slot_getbuffer, (releasebufferproc)slot_releasebuffer};

/* What a weak reference names, or NULL. The slot must not keep its view, which keeps the slot. */
static PyObject *referent(PyObject *reference)
{
	PyObject *view = NULL;
	if (reference == NULL)
		return NULL;
#if PY_VERSION_HEX >= 0x030d0000
	if (PyWeakref_GetRef(reference, &view) < 0)
		PyErr_Clear();
#else
	view = PyWeakref_GetObject(reference);
	if (view == Py_None)
		view = NULL;
	Py_XINCREF(view);
#endif
	return view;
}

void rcpy_slot_blind(slot *c)
{
	PyObject *view = referent(c->view);
	Py_CLEAR(c->view);
	if (view != NULL)
		(void)rcpy_view_release(&view);
	Py_XDECREF(view);
}

static PyObject *get_data(slot *c, void *closure)
{
	(void)closure;
	if (check(c) < 0)
		return NULL;
	PyObject *view = referent(c->view);
	if (view != NULL && c->exports > 0)
		return view;
	Py_XDECREF(view); /* its user has released it */
	Py_CLEAR(c->view);
	view = PyMemoryView_FromObject((PyObject *)c);
	c->view = view != NULL ? PyWeakref_NewRef(view, NULL) : NULL;
	if (c->view == NULL)
		Py_CLEAR(view);
	return view;
}

/* No view works any more, or -1: somebody could write what was sent. */
static int settle(slot *c, const char *what)
{
	char text[200];
	rcpy_slot_blind(c);
	if (c->exports == 0)
		return 0;
	(void)PyOS_snprintf(text, sizeof text, "%s: a slice or an array of the slot is alive, and could write to it later: let go of it with del before", what);
	(void)rcpy_fail_detail(RCPY_LEASE, text);
	return -1;
}

/* Ends the claim for good; whoever looks keeps the slot, but it is not sent. */
static void give_up(slot *c)
{
	if (c->sink == NULL)
		return;
	rcpy_slot_blind(c);
	c->given_up = true;
	if (c->exports == 0)
		rcpy_sink_abort(c->sink);
}

static PyObject *commit(slot *c, size_t start, size_t size, const rc_marks *marks)
{
	if (start > c->size || size > c->size - start) {
		PyErr_Format(PyExc_ValueError, "commit: %zu bytes from %zu on do not lie in the slot's %zu", size, start, c->size);
		return NULL;
	}
	if (settle(c, "commit") < 0)
		return NULL;
	struct sink *s = c->sink;
	int result = rc_claim_commit(&s->claim, c->data + start, size, marks);
	if (result == RC_ERROR_INVALID || result == RC_ERROR_FORKED)
		return rcpy_fail(result); /* the claim is open as before */
	s->open = NULL;
	c->sink = NULL;
	PyObject *answer = result == RC_OK ? (Py_INCREF(Py_None), Py_None) : rcpy_fail(result);
	rcpy_sink_drop(s);
	return answer;
}

static PyObject *slot_commit(slot *c, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"start", "size", "content", "schema", "timestamp_ns", NULL};
	Py_ssize_t start = 0, size = -1;
	rc_marks marks = {0};
	unsigned long long timestamp = 0;
	unsigned char content = 0;
	PyObject *size_given = Py_None;
	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|nO$bIK", names, &start, &size_given, &content, &marks.schema, &timestamp) || check(c) < 0)
		return NULL;
	marks.content = content;
	marks.timestamp_ns = timestamp;
	if (size_given != Py_None && (size = PyNumber_AsSsize_t(size_given, PyExc_OverflowError)) == -1 && PyErr_Occurred())
		return NULL;
	if (start < 0 || (size_given != Py_None && size < 0)) {
		PyErr_SetString(PyExc_ValueError, "commit: start and size are not negative");
		return NULL;
	}
	if (size_given == Py_None)
		size = (size_t)start <= c->size ? (Py_ssize_t)(c->size - (size_t)start) : 0;
	return commit(c, (size_t)start, (size_t)size, &marks);
}

static PyObject *slot_abort(slot *c, PyObject *unused)
{
	(void)unused;
	if (c->sink != NULL && !c->given_up) {
		if (rcpy_gate_check(&c->sink->gate, "publisher") < 0)
			return NULL;
		give_up(c);
	}
	Py_RETURN_NONE;
}

static PyObject *slot_enter(slot *c, PyObject *unused)
{
	(void)unused;
	return get_data(c, NULL);
}

static PyObject *slot_exit(slot *c, PyObject *const *args, Py_ssize_t count)
{
	PyObject *type = count > 0 ? args[0] : Py_None;
	if (c->sink == NULL || c->given_up)
		Py_RETURN_NONE; /* ended in the block */
	if (type != Py_None)
		return slot_abort(c, NULL);
	if (check(c) < 0)
		return NULL;
	PyObject *answer = commit(c, 0, c->size, NULL);
	if (answer == NULL) {
		PyObject *error, *value, *trace;
		PyErr_Fetch(&error, &value, &trace);
		give_up(c);
		PyErr_Restore(error, value, trace);
	}
	return answer;
}

static PyObject *get_capacity(slot *c, void *closure)
{
	(void)closure;
	return PyLong_FromSize_t(c->capacity);
}

static PyObject *get_open(slot *c, void *closure)
{
	(void)closure;
	return PyBool_FromLong(c->sink != NULL && !c->given_up);
}

static Py_ssize_t slot_length(slot *c) { return (Py_ssize_t)c->size; }

static PyObject *slot_repr(slot *c)
{
	return PyUnicode_FromFormat("<ringcast.Slot of %zu bytes, %s>", c->size, c->sink != NULL && !c->given_up ? "claimed" : "ended");
}

static PyGetSetDef slot_getset[] = {
	{"data", (getter)get_data, NULL,
		"The slot's bytes, to be written. commit and abort release it: then every access raises\nValueError.", NULL},
	{"capacity", (getter)get_capacity, NULL, "Bytes that the ring's slots have.", NULL},
	{"open", (getter)get_open, NULL, "Whether it is still to be committed or aborted.", NULL},
	{NULL, NULL, NULL, NULL, NULL}};

static PyMethodDef slot_methods[] = {
	{"commit", (PyCFunction)(void (*)(void))slot_commit, METH_VARARGS | METH_KEYWORDS,
		"commit(start=0, size=None, *, content=0, schema=0, timestamp_ns=0)\n--\n\n"
		"Sends size bytes from start on (None: all the rest). Never waits.\n\n"
		"LeaseError while a slice or an array of the slot is alive: the claim stays open. FencedError:\n"
		"it was held for more than the commit deadline (50 ms) while others waited, and was taken."},
	{"abort", (PyCFunction)slot_abort, METH_NOARGS, "abort()\n--\n\nGives the claim up: nothing is sent. Any number of times."},
	{"__enter__", (PyCFunction)slot_enter, METH_NOARGS, NULL},
	{"__exit__", (PyCFunction)(void (*)(void))slot_exit, METH_FASTCALL, NULL},
	{NULL, NULL, 0, NULL}};

static PySequenceMethods slot_sequence = {.sq_length = (lenfunc)slot_length};

PyTypeObject rcpy_slot_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "ringcast.Slot",
	.tp_doc = "A claimed slot, to be written in place.\n\n"
		"`with publisher.claim(size) as data:` gives its memoryview; the block's end sends it, an\n"
		"exception gives it up. What was made of the view (slices, arrays) must be gone by then.\n\n"
		"For one thread at a time, as its publisher.",
	.tp_basicsize = sizeof(slot),
	.tp_flags = Py_TPFLAGS_DEFAULT,
	.tp_dealloc = (destructor)slot_dealloc,
	.tp_repr = (reprfunc)slot_repr,
	.tp_as_buffer = &slot_buffer,
	.tp_as_sequence = &slot_sequence,
	.tp_getset = slot_getset,
	.tp_methods = slot_methods,
};

int rcpy_ready_slot(PyObject *module)
{
	if (PyType_Ready(&rcpy_slot_type) < 0)
		return -1;
	return PyObject_SetAttrString(module, "Slot", (PyObject *)&rcpy_slot_type);
}
