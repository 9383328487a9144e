// An order, built as a FlatBuffer in the slot in which it is read: ringcast-cpp-orders
#include <iostream>

#include "order_generated.h"
#include "ringcast/flatbuffers.hpp"

namespace {

void send(ringcast::publisher& publisher) {
  ringcast::table_builder table(publisher.claim_slot().value());
  auto line = orders::CreateLine(table, table.CreateString("tea"), 2, 450);
  auto lines = table.CreateVector(&line, 1);
  table.Finish(orders::CreateOrder(table, 7, table.CreateString("ada"), lines));
  table.commit().value();  // nothing is copied
}

void print(const ringcast::message& m) {
  const orders::Order* order = ringcast::table<orders::Order>(m).value();  // verified, where it lies
  std::cout << "order " << order->number() << " of " << order->customer()->str();
  for (const orders::Line* line : *order->lines()) std::cout << ": " << line->quantity() << " of " << line->item()->str();
  std::cout << '\n';
}

void run() {
  auto domain = ringcast::domain::open().value();
  auto subscription = ringcast::subscription::open(domain, "orders").value();
  auto publisher = ringcast::publisher::open(domain, "orders").value();
  send(publisher);
  for (const ringcast::event& e : subscription.events(ringcast::no_wait))
    ringcast::match(e, print, [](const auto& other) { std::cerr << other << '\n'; });
}

}  // namespace

int main() {
  try {
    run();
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
