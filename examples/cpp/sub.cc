// Prints the messages of a topic, a line each: ringcast-cpp-sub TOPIC [COUNT]
// With exceptions: every value() throws what went wrong.
#include <iostream>
#include <string>

#include "ringcast.hpp"

namespace {

void print(const char* topic, unsigned long count) {
  auto domain = ringcast::domain::open().value();
  auto subscription = ringcast::subscription::open(domain, topic).value();
  std::cerr << "subscribed to " << topic << '\n';
  unsigned long left = count;
  auto print_message = [&](const ringcast::message& m) {
    std::cout << m.text() << std::endl;
    return count == 0 || --left != 0;  // false ends the run
  };
  auto tell = [](const auto& event) {  // what was missed, and why
    std::cerr << event << '\n';
    return true;
  };
  subscription.run(ringcast::forever, print_message, tell).value();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: " << argv[0] << " TOPIC [COUNT]\n";
    return 2;
  }
  try {
    print(argv[1], argc > 2 ? std::stoul(argv[2]) : 0);
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
