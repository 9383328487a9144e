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
