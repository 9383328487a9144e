/* A domain with a count of its users. Python's collector ends objects in any order; the domain
 * goes last. */
#include <stdatomic.h>
#include <stdlib.h>

#include "native.h"

struct rcpy_domain {
	rc_domain *domain;
	atomic_uint refs; /* atomic: cffi calls come without the GIL */
};

rcpy_domain *rcpy_domain_new(rc_domain *domain)
{
	rcpy_domain *d = malloc(sizeof *d);
	if (d == NULL)
		return NULL;
	d->domain = domain;
	atomic_init(&d->refs, 1);
	return d;
}

void rcpy_domain_hold(rcpy_domain *d) { (void)atomic_fetch_add(&d->refs, 1); }

void rcpy_domain_drop(rcpy_domain *d)
{
	if (atomic_fetch_sub(&d->refs, 1) != 1)
		return;
	(void)rc_domain_close(d->domain); /* nothing is open in it any more */
	free(d);
}

rc_domain *rcpy_domain_handle(const rcpy_domain *d) { return d->domain; }
