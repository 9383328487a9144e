"""The extension module ringcast._native, for cffi's API mode: the C library itself, and the
types of native/ that lend its memory. What stands in cdef the compiler compares with
ringcast.h."""

import os
import pathlib

from cffi import FFI

HERE = pathlib.Path(__file__).resolve().parent


def library():
    """Returns the folder of the C library, relative to this one."""
    for place in (HERE / "csrc", HERE.parent):
        if (place / "include" / "ringcast.h").is_file() and (place / "src" / "domain.c").is_file():
            return os.path.relpath(place, HERE)
    raise SystemExit(
        "the sources of the C library are not there: build in a checkout of Ringcast, or from a source distribution"
    )


CDEF = """
typedef struct rc_domain rc_domain;
typedef struct rc_publisher rc_publisher;
typedef struct rc_subscription rc_subscription;
typedef struct rcpy_domain rcpy_domain;

typedef struct rc_config {
    const char *dir;
    const char *domain;
    const char *name;
    uint32_t node;
    uint32_t mode;
    const char *owner;
    const char *group;
    uint32_t wait;
    uint32_t in_flight;
    uint32_t inbox_slot_size;
    const char *memory;
    ...;
} rc_config;

typedef struct rc_publisher_config {
    uint32_t slots;
    uint32_t slot_size;
    uint32_t mode;
    uint32_t kind;
    uint32_t history;
    uint32_t schema;
    bool timestamps;
    const char *owner;
    const char *group;
    uint32_t file_mode;
    uint32_t stall_budget_ms;
    ...;
} rc_publisher_config;

typedef struct rc_subscription_config {
    uint32_t reading;
    bool local_only;
    uint64_t history;
    const char *group;
    ...;
} rc_subscription_config;

typedef struct rc_topic_info {
    uint32_t slots, slot_size, mode, kind, history;
    uint32_t message_limit;
    uint64_t tail;
    uint64_t quarantined;
    uint64_t recovered;
    uint64_t evicted;
    uint64_t damaged;
    ...;
} rc_topic_info;

struct rc_address {
    uint32_t node;
    uint32_t epoch;
    uint32_t generation;
    uint16_t index;
    uint16_t handle;
    ...;
};

const char *rc_error_text(int code);
const char *rc_error_detail(void);
int rc_domain_open(const rc_config *config, rc_domain **domain);
int rc_domain_close(rc_domain *domain);
int rc_domain_address(const rc_domain *domain, struct rc_address *address);
const char *rc_domain_directory(const rc_domain *domain);
int rc_address_format(const struct rc_address *address, char *text, size_t size);
int rc_address_parse(const char *text, struct rc_address *address);
bool rc_name_matches(const char *pattern, const char *name);
int rc_publisher_open(rc_domain *domain, const char *topic, const rc_publisher_config *config, rc_publisher **publisher);
int rc_publisher_info(const rc_publisher *publisher, rc_topic_info *info);
int rc_publisher_source(const rc_publisher *publisher, struct rc_address *source, uint64_t *sequence);
int rc_subscription_open(rc_domain *domain, const char *topic, const rc_subscription_config *config, rc_subscription **subscription);
int rc_subscription_info(const rc_subscription *subscription, rc_topic_info *info);
int rc_subscription_fd(rc_subscription *subscription, int *fd);
int rc_counter_open(rc_domain *domain, const char *label, uint64_t **counter);
void rc_counter_add(uint64_t *counter, uint64_t n);

struct rc_address_block { ...; };
typedef struct rc_future rc_future;
typedef struct rc_service rc_service;
typedef void rc_ready(void *argument, rc_future *future);

typedef struct rc_reply {
    void *data;
    size_t size, capacity;
    struct rc_address source;
    uint32_t schema;
    uint32_t code;
    uint8_t content;
    ...;
} rc_reply;

typedef struct rc_ask {
    int64_t timeout;
    bool idempotent;
    uint8_t content;
    uint32_t schema;
    uint32_t quorum;
    rc_ready *ready;
    void *argument;
    ...;
} rc_ask;

typedef struct rc_service_config {
    uint32_t concurrency;
    uint32_t queue;
    uint32_t slot_size;
    uint32_t file_mode;
    const char *owner;
    const char *group;
    ...;
} rc_service_config;

typedef struct rc_task {
    const void *data;
    size_t size;
    struct rc_address source;
    uint32_t schema;
    uint8_t content;
    bool one_way;
    bool streams;
    ...;
} rc_task;

int rc_send(rc_domain *domain, const struct rc_address *to, const void *data, size_t size);
int rc_send_service(rc_domain *domain, const char *service, const void *data, size_t size);
int rc_inbox_open(rc_domain *domain, rc_subscription **inbox);
int rc_answer(rc_domain *domain, const struct rc_address_block *request, const void *data, size_t size);
int rc_answer_error(rc_domain *domain, const struct rc_address_block *request, uint32_t code, const char *text);
int64_t rc_time_left(const struct rc_address_block *request);
void rc_reply_clear(rc_reply *reply);
int rc_request_start(rc_domain *domain, const char *service, const void *data, size_t size, const rc_ask *options, rc_future **future);
int rc_request_start_to(rc_domain *domain, const struct rc_address *to, const void *data, size_t size, const rc_ask *options, rc_future **future);
int rc_stream_start(rc_domain *domain, const char *service, const void *data, size_t size, const rc_ask *options, rc_future **future);
int rc_survey_start(rc_domain *domain, const char *topic, const void *data, size_t size, const rc_ask *options, rc_future **future);
int rc_future_wait(rc_future *future, int64_t timeout, rc_reply *reply);
int rc_future_cancel(rc_future *future);
void rc_future_close(rc_future *future);
int rc_replies_dispatch(rc_domain *domain, int64_t timeout, size_t *called);
int rc_replies_fd(rc_domain *domain, int *fd);
int rc_service_open(rc_domain *domain, const char *name, const rc_service_config *config, rc_service **service);
int rc_service_poll(rc_service *service, rc_task **task);
int rc_service_wait(rc_service *service, int64_t timeout, rc_task **task);
int rc_service_fd(rc_service *service, int *fd);
int rc_service_stop(rc_service *service);
void rc_service_close(rc_service *service);
int rc_task_reply(rc_task *task, const void *data, size_t size);
int rc_task_fail(rc_task *task, uint32_t code, const char *text);
void rc_task_drop(rc_task *task);
int rc_task_more(rc_task *task, const void *data, size_t size, int64_t timeout);
int rc_task_wanted(rc_task *task);
int64_t rc_task_time_left(const rc_task *task);
void rc_task_mark(rc_task *task, uint8_t content, uint32_t schema);
extern "Python" void rcpy_ready(void *argument, rc_future *future);

typedef struct rc_watch rc_watch;

typedef struct rc_presence_event {
    uint32_t kind;
    bool up;
    bool first;
    uint8_t reason;
    uint8_t language;
    const char *name;
    const char *program;
    const char *version;
    struct rc_address address;
    uint32_t limit, room;
    ...;
} rc_presence_event;

typedef struct rc_watch_config {
    uint32_t kinds;
    const char *name;
    bool once;
    ...;
} rc_watch_config;

int rc_watch_open(rc_domain *domain, const rc_watch_config *config, rc_watch **watch);
int rc_watch_wait(rc_watch *watch, int64_t timeout, rc_presence_event *event);
int rc_watch_fd(rc_watch *watch, int *fd);
void rc_watch_close(rc_watch *watch);
int rc_wait_for_subscribers(rc_domain *domain, const char *topic, uint32_t count, int64_t timeout, uint32_t *have);
void rcpy_domain_hold(rcpy_domain *domain);
int rcpy_install(void);
rcpy_domain *rcpy_domain_new(rc_domain *domain);
void rcpy_domain_drop(rcpy_domain *domain);
"""

os.chdir(HERE)
_library = library()

ffibuilder = FFI()
ffibuilder.cdef(CDEF)
ffibuilder.set_source(
    "ringcast._native",
    '#include "ringcast.h"\n#include "install.h"\n',
    sources=sorted(str(p) for p in pathlib.Path("native").glob("*.c"))
    + sorted(str(p) for p in pathlib.Path(_library, "src").glob("*.c")),
    include_dirs=[os.path.join(_library, "include"), "native"],
    depends=sorted(str(p) for p in pathlib.Path("native").glob("*.h"))
    + sorted(str(p) for p in pathlib.Path(_library).glob("src/*.h"))
    + sorted(str(p) for p in pathlib.Path(_library).glob("include/**/*.h")),
    extra_compile_args=["-std=gnu11", "-O2", "-fvisibility=hidden", "-pthread"],
    # Handlers of fork stay installed, so the extension is never unloaded. And it means the library
    # inside, whatever else the process has loaded.
    extra_link_args=["-pthread", "-Wl,-z,nodelete", "-Wl,-Bsymbolic"],
    # The types of native/ need the buffer protocol, which the limited interface has only from 3.11 on.
    py_limited_api=False,
)
