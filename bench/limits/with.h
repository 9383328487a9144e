/* Settings of an experiment: --with NAME=N,NAME=N changes one thing or several of what a program does. */
#ifndef RINGCAST_LIMITS_WITH_H
#define RINGCAST_LIMITS_WITH_H
#include "work.h"

struct setting {
  const char *name;
  long *value; /* holds what it is when nobody says anything */
};

/* Sets what the list names, and ends the program at a name that there is not. */
static inline void set_with(const struct setting *settings, size_t n, const char *list) {
  char copy[sizeof((struct work *)0)->with], *rest = NULL;
  snprintf(copy, sizeof copy, "%s", list);
  for (char *one = strtok_r(copy, ",", &rest); one != NULL; one = strtok_r(NULL, ",", &rest)) {
    char *number = strchr(one, '=');
    size_t i = 0, length = number == NULL ? 0 : (size_t)(number - one);
    while (i < n && (strlen(settings[i].name) != length || strncmp(settings[i].name, one, length) != 0)) i++;
    if (i == n) {
      fprintf(stderr, "unknown setting %s\n", one);
      exit(2);
    }
    *settings[i].value = atol(number + 1);
  }
}

#endif
