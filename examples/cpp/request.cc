// Asks a service with each line of the standard input and prints the answers: ringcast-cpp-request SERVICE
#include <chrono>
#include <iostream>
#include <string>

#include "ringcast.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " SERVICE\n";
    return 2;
  }
  const auto domain = ringcast::domain::open();
  if (!domain) {
    std::cerr << domain.error() << '\n';
    return 1;
  }
  ringcast::ask_options patient;
  patient.wait = std::chrono::seconds(60);  // without: 10 s
  for (std::string line; std::getline(std::cin, line);) {
    const auto answer = ringcast::request(*domain, argv[1], line, patient);
    if (answer) {
      std::cout << answer->text() << '\n';
    } else if (answer.error() == ringcast::errc::reply) {
      std::cout << "refused (" << answer.error().reply_code() << "): " << answer.error().detail() << '\n';
    } else {
      std::cerr << answer.error() << '\n';
      return 1;
    }
  }
}
