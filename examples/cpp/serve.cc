// Answers requests to a service with their text in capitals, in two threads, until its standard input ends:
// ringcast-cpp-serve SERVICE
#include <cctype>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <string>

#include "ringcast.hpp"

namespace {

std::string in_capitals(const ringcast::task& task) {
  std::string text(task.text());
  if (text.empty()) throw std::invalid_argument("nothing to write in capitals");  // the caller gets it as errc::reply
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " SERVICE\n";
    return 2;
  }
  try {
    const auto domain = ringcast::domain::open().value();
    ringcast::service_config config;
    config.concurrency = 2;
    const ringcast::server server(ringcast::service::open(domain, argv[1], config).value(), in_capitals);
    std::cerr << "serving " << argv[1] << '\n';
    std::cin.ignore(std::numeric_limits<std::streamsize>::max());
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
