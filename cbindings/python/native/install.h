/* What the extension offers to cffi, beside ringcast.h. */
#ifndef RCPY_INSTALL_H
#define RCPY_INSTALL_H

#include "ringcast.h"

typedef struct rcpy_domain rcpy_domain;

/* Puts Message, Reader, Slot and Writer into ringcast._native: -1 if that fails. Once a process. */
int rcpy_install(void);
/* A domain that is closed when the last of its users drops it; NULL: no memory. */
rcpy_domain *rcpy_domain_new(rc_domain *domain);
void rcpy_domain_hold(rcpy_domain *domain);
void rcpy_domain_drop(rcpy_domain *domain);

#endif
