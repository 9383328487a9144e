/* Topics that questions were asked on keep a publisher: survey.c. */
#ifndef RCI_SURVEY_H
#define RCI_SURVEY_H

#include "post.h"

/* Closes the publishers, unless they are only to be counted: how many they are. */
unsigned rci_surveys_close(struct post *post, bool count_only);

#endif
