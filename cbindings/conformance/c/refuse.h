/* What is refused, in C: refuse.c. */
#ifndef REFUSE_H
#define REFUSE_H

#include "ringcast.h"

/* What leads to it was refused already. */
#define REFUSED_BEFORE (-1000)

/* Does all that is refused, and prints a line for each. Leaves handles open. */
void refuse_all(rc_domain *domain);

#endif
