// Prints the messages of several topics, and what is typed, in one loop of poll(2): ringcast-cpp-loop TOPIC...
// It ends with the standard input.
#include <poll.h>
#include <unistd.h>

#include <iostream>
#include <vector>

#include "ringcast.hpp"

namespace {

// A message at a time would do as well; a batch leaves the others their turn.
constexpr std::size_t batch = 64;

void take(ringcast::subscription& s) {
  auto print = [](const ringcast::message& m) { std::cout << m.topic() << ": " << m.text() << std::endl; };
  auto tell = [](const auto& event) { std::cerr << event << '\n'; };
  s.dispatch(batch, print, tell).value();
}

// False when the input has ended.
bool echo() {
  char text[256];
  const ssize_t n = read(STDIN_FILENO, text, sizeof text);
  if (n > 0) std::cout << "typed: " << std::string_view(text, static_cast<std::size_t>(n)) << std::flush;
  return n > 0;
}

void run(int count, char** topics) {
  auto domain = ringcast::domain::open().value();
  std::vector<ringcast::subscription> all;
  std::vector<pollfd> watched = {{STDIN_FILENO, POLLIN, 0}};
  for (int i = 0; i < count; i++) {
    all.push_back(ringcast::subscription::open(domain, topics[i]).value());
    watched.push_back({all.back().fd().value(), POLLIN, 0});
  }
  std::cerr << "subscribed\n";
  while (poll(watched.data(), watched.size(), -1) >= 0) {
    for (std::size_t i = 0; i < all.size(); i++)
      if (watched[i + 1].revents != 0) take(all[i]);
    if (watched[0].revents != 0 && !echo()) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc - 1, argv + 1);
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
