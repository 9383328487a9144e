// Ringcast in C++17: messages between processes of one node through shared memory.
//
// A thin layer over ringcast.h, headers only: each object owns one handle of the C library and closes it when
// it ends. Link with libringcast.
//
//	auto domain = ringcast::domain::open();
//	if (!domain)
//		return fail(domain.error());
//	auto prices = ringcast::subscription::open(*domain, "prices");
//	auto publisher = ringcast::publisher::open(*domain, "prices");
//	...
//	if (auto sent = publisher->publish("17"); !sent)
//		std::cerr << sent.error() << '\n';
//	for (const ringcast::event &e : prices->events(1s))
//		ringcast::match(e, [](const ringcast::message &m) { std::cout << m.text() << '\n'; },
//			[](const auto &other) { std::cerr << other << '\n'; });
//
// Errors. A function that can fail returns result<T>: a value, or a failure with a code (errc, which is also an
// std::error_code) and a text. To use exceptions, call value(), which throws std::system_error: `auto domain =
// ringcast::domain::open().value();`. Everything works with -fno-rtti, and with -fno-exceptions, where value()
// ends the program.
//
// Time. A timeout is any std::chrono duration or time point, no_wait or forever.
//
// Threads. Any number of threads may use a domain and its counters. A publisher with its claim, and a
// subscription with its messages, are each for one thread at a time.
//
// Requests. request, start, stream and survey ask; service and server answer; watch says who is there.
//
// Lifetimes. A message is lent until the next call of its subscription; checked builds (without NDEBUG) end a
// program that uses it later. Publishers, subscriptions and counters keep their domain open.
//
// fork. A child that does not execute another program gets errc::forked from everything that it inherited.
//
// FlatBuffers: ringcast/flatbuffers.hpp.
#ifndef RINGCAST_HPP
#define RINGCAST_HPP

#if __cplusplus < 201703L
#error "ringcast.hpp needs C++17"
#endif

#include "ringcast/address.hpp"
#include "ringcast/bytes.hpp"
#include "ringcast/domain.hpp"
#include "ringcast/error.hpp"
#include "ringcast/event.hpp"
#include "ringcast/message.hpp"
#include "ringcast/publisher.hpp"
#include "ringcast/request.hpp"
#include "ringcast/service.hpp"
#include "ringcast/subscription.hpp"
#include "ringcast/timeout.hpp"
#include "ringcast/watch.hpp"

#endif
