// Both ends of the request cells, in C++. See doc.go for what they do.
#ifndef ASKED_H
#define ASKED_H

#include "ringcast.hpp"

inline constexpr const char *service_name = "asked";
inline constexpr const char *survey_topic = "questions";

// answer; ask ADDRESS, and ask-away ADDRESS; drop. Each returns an exit code.
int answer_all(ringcast::domain &domain, char **args);
int ask_all(ringcast::domain &domain, char **args);
int ask_away(ringcast::domain &domain, char **args);
int ask_again(ringcast::domain &domain, char **args); // ask-again ADDRESS
int drop_request(ringcast::domain &domain, char **args);

// seen.cc: watch, and subscribers TOPIC.
int watch_others(ringcast::domain &domain, char **args);
int count_subscribers(ringcast::domain &domain, char **args);

#endif
