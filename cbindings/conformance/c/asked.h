/* Both ends of the request cells, in C. See doc.go for what they do. */
#ifndef ASKED_H
#define ASKED_H

#include "ringcast.h"

#define SERVICE "asked"
#define SURVEY_TOPIC "questions"
#define PATIENCE (30 * INT64_C(1000000000)) /* bounds each step */

/* answer: until the standard input ends. Both return an exit code. */
int answer_all(rc_domain *domain);
/* ask ADDRESS, and ask-away ADDRESS; drop. */
int ask_all(rc_domain *domain, const char *address, bool away);
int drop_request(rc_domain *domain);
/* ask-again ADDRESS. */
int ask_again(rc_domain *domain, const char *address);
/* seen.c: watch, and subscribers TOPIC. */
int watch_others(rc_domain *domain);
int count_subscribers(rc_domain *domain, const char *topic);

#endif
