// Publishes lines of the standard input on a topic: ringcast-cpp-pub TOPIC
#include <iostream>
#include <string>

#include "ringcast.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " TOPIC\n";
    return 2;
  }
  auto domain = ringcast::domain::open();
  if (!domain) {
    std::cerr << domain.error() << '\n';
    return 1;
  }
  auto publisher = ringcast::publisher::open(*domain, argv[1]);
  if (!publisher) {
    std::cerr << publisher.error() << '\n';
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    if (auto sent = publisher->publish(line); !sent) {
      std::cerr << sent.error() << '\n';
      return 1;
    }
  }
}
