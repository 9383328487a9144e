// What is refused, in C++: refuse.cc.
#ifndef REFUSE_H
#define REFUSE_H

#include "ringcast.hpp"

// Does all that is refused, and prints a line for each.
void refuse_all(const ringcast::domain &domain);

#endif
