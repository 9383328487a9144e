// What the tests of the C++ layer share: a domain of their own in /dev/shm.
#ifndef DOMAIN_FIXTURE_H
#define DOMAIN_FIXTURE_H

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../place.h"
#include "ringcast.hpp"

using namespace std::chrono_literals;

// Patience with a loaded machine.
inline constexpr auto patience = 30s;

// process_test.cc: what a second process does.
int play(int count, char **arguments);

// A directory that is removed at its end.
class directory {
public:
	directory()
	{
		if (!place_make(&place_))
			throw std::runtime_error("place_make");
		path_ = place_.path;
	}
	directory(const directory &) = delete;
	directory &operator=(const directory &) = delete;
	~directory() { place_end(&place_); }
	const std::string &path() const { return path_; }

private:
	test_place place_;
	std::string path_;
};

inline ringcast::domain open_domain(const std::string &dir, const char *name = "test")
{
	ringcast::domain_config config;
	config.dir = dir;
	config.name = name;
	return ringcast::domain::open(config).value();
}

// A test with a domain, and short names for what opens in it.
class DomainTest : public testing::Test {
protected:
	ringcast::publisher publish(const char *topic, const ringcast::publisher_config &config = {})
	{
		return ringcast::publisher::open(domain, topic, config).value();
	}
	ringcast::subscription subscribe(const char *topic, const ringcast::subscription_config &config = {})
	{
		return ringcast::subscription::open(domain, topic, config).value();
	}
	// A ring of 64 slots of 128 bytes.
	static ringcast::publisher_config small()
	{
		ringcast::publisher_config config;
		config.slots = 64;
		config.slot_size = 128;
		return config;
	}

	directory dir;
	ringcast::domain domain = open_domain(dir.path());
};

// The message in what a call returned; fails the test if it is none.
inline ringcast::message expect_message(const ringcast::result<ringcast::event> &r)
{
	if (!r)
		throw std::runtime_error(to_string(r.error()));
	const ringcast::message *m = message_of(*r);
	if (m == nullptr)
		throw std::runtime_error(to_string(*r));
	return *m;
}

#endif
