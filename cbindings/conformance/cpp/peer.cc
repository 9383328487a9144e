// The C++ side of the conformance run, over ringcast.hpp alone. See doc.go for what its commands do.
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <thread>

#include "asked.h"
#include "images.h"
#include "message.h"
#include "refuse.h"

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 30s;

int fail(const std::string &what)
{
	std::cout << what << std::endl;
	return 1;
}

[[noreturn]] void stay()
{
	for (;;)
		(void)pause();
}

// The publisher of TOPIC KIND MODE.
ringcast::publisher open_publisher(const ringcast::domain &domain, char **args)
{
	ringcast::publisher_config config;
	config.slots = args[2] == std::string("few") ? 4 : 64;
	config.slot_size = slot_size;
	config.schema = order_schema;
	config.kind = args[1] == std::string("exclusive") ? ringcast::ring_kind::exclusive : ringcast::ring_kind::shared;
	config.mode = args[2] == std::string("latest") ? ringcast::ring_mode::latest : ringcast::ring_mode::reliable;
	return ringcast::publisher::open(domain, args[0], config).value();
}

// Sends message n: orders are built in the slot, and every third of the others is written there.
ringcast::result<void> publish(ringcast::publisher &p, std::uint64_t n, const size_list &like)
{
	if (n % 8 == order) {
		ringcast::table_builder table(p.claim_slot(patience).value());
		table.Finish(order_of(table, n));
		return table.commit();
	}
	const auto bytes = bytes_of(n, like[n % 8]);
	if (n % 3 != 0 || bytes.size() > slot_size)
		return p.publish(bytes, patience);
	ringcast::claim c = p.claim(bytes.size(), patience).value();
	if (!bytes.empty())
		std::memcpy(c.bytes().data(), bytes.data(), bytes.size());
	return c.commit();
}

// write TOPIC KIND MODE WHAT COUNT
int write_stream(ringcast::domain &domain, char **args)
{
	ringcast::publisher p = open_publisher(domain, args);
	const std::string what = args[3];
	const size_list &like = what == "whole" ? whole_sizes : what == "half" ? half_sizes : sizes;
	const bool latest = args[2] == std::string("latest");
	const std::uint64_t count = std::stoull(args[4]);
	for (std::uint64_t n = 1; n <= count; n++) {
		auto sent = publish(p, n, like);
		while (sent.error() == ringcast::errc::fenced) // this process was stopped for long: nothing was sent
			sent = publish(p, n, like);
		sent.value();
		if (latest && n % 8 == 0)
			std::this_thread::sleep_for(200us);
	}
	return 0;
}

// claim TOPIC KIND MODE
int hold_claim(ringcast::domain &domain, char **args)
{
	ringcast::publisher p = open_publisher(domain, args);
	const ringcast::claim c = p.claim(1, patience).value();
	std::cout << "claimed" << std::endl;
	stay();
}

// read TOPIC READING HISTORY COUNT
int read_stream(ringcast::domain &domain, char **args)
{
	ringcast::subscription_config config;
	config.reading = args[1] == std::string("latest") ? ringcast::reading::latest : ringcast::reading::reliable;
	config.history = std::stoull(args[2]);
	const std::uint64_t count = std::stoull(args[3]);
	auto s = ringcast::subscription::open(domain, args[0], config).value();
	std::cout << "ready" << std::endl;
	std::uint64_t last = 0, got = 0, missed = 0;
	bool lagged = false;
	while (last < count) {
		const ringcast::event e = s.wait(patience).value();
		if (std::holds_alternative<ringcast::lagged>(e)) {
			lagged = true;
			continue;
		}
		const ringcast::message *m = message_of(e);
		if (m == nullptr || m->sequence() <= last || (m->sequence() != last + 1 && !lagged))
			return fail("after " + std::to_string(last) + ": " + to_string(e));
		if (const std::string reason = wrong(*m); !reason.empty())
			return fail(to_string(e) + ": " + reason);
		missed += m->sequence() - last - 1;
		last = m->sequence();
		lagged = false;
		got++;
	}
	std::cout << "got " << got << " missed " << missed << std::endl;
	return 0;
}

ringcast::subscription join(ringcast::domain &domain, char **args)
{
	ringcast::subscription_config config;
	config.reading = ringcast::reading::group;
	config.group = args[1];
	auto s = ringcast::subscription::open(domain, args[0], config).value();
	std::cout << "ready" << std::endl;
	return s;
}

bool input_ended()
{
	struct pollfd one = {STDIN_FILENO, POLLIN, 0};
	char byte;
	return ::poll(&one, 1, 0) > 0 && ::read(STDIN_FILENO, &byte, 1) <= 0;
}

// Prints what a member was given. A message is released before: it is in nobody's hand when the line is out.
void tell(ringcast::subscription &s, const ringcast::event &e)
{
	ringcast::match(e,
		[&s](const ringcast::message &m) {
			const std::uint64_t n = m.sequence();
			if (const std::string reason = wrong(m); !reason.empty())
				throw std::runtime_error(to_string(m) + ": " + reason);
			s.release();
			std::cout << "took " << n << std::endl;
		},
		[](const ringcast::abandoned &a) { std::cout << "abandoned " << a.sequence << std::endl; },
		[](const ringcast::lagged &l) { std::cout << "missed " << l.count << std::endl; },
		[](const auto &other) { throw std::runtime_error(to_string(other)); });
}

// member TOPIC GROUP
int take_stream(ringcast::domain &domain, char **args)
{
	auto s = join(domain, args);
	while (!input_ended())
		if (const auto e = s.wait(50ms).maybe())
			tell(s, *e);
	return 0;
}

// hold TOPIC GROUP
int hold_message(ringcast::domain &domain, char **args)
{
	auto s = join(domain, args);
	const ringcast::event e = s.wait(patience).value();
	const ringcast::message *m = message_of(e);
	if (m == nullptr || !wrong(*m).empty())
		return fail("hold: " + to_string(e));
	std::cout << "holding " << m->sequence() << std::endl;
	stay();
}

// refuse
int refuse(ringcast::domain &domain, char **)
{
	refuse_all(domain);
	return 0;
}

// images GOLDEN
int images(ringcast::domain &, char **args)
{
	show_images(args[0]);
	return 0;
}

struct command {
	const char *name;
	int words;
	int (*run)(ringcast::domain &domain, char **args);
};

constexpr command commands[] = {{"write", 5, write_stream}, {"claim", 3, hold_claim}, {"read", 4, read_stream}, {"member", 2, take_stream}, {"hold", 2, hold_message}, {"images", 1, images}, {"refuse", 0, refuse},
	{"answer", 0, answer_all}, {"ask", 1, ask_all}, {"ask-away", 1, ask_away}, {"ask-again", 1, ask_again}, {"drop", 0, drop_request}, {"watch", 0, watch_others},
	{"subscribers", 1, count_subscribers}};

} // namespace

int main(int argc, char **argv)
{
	try {
		for (const command &c : commands) {
			if (argc == c.words + 2 && argv[1] == std::string(c.name)) {
				ringcast::domain_config config;
				const char *name = std::getenv("CONFORMANCE_DOMAIN");
				config.domain = name != nullptr ? name : "";
				ringcast::domain domain = ringcast::domain::open(config).value();
				return c.run(domain, argv + 2);
			}
		}
		return fail("unknown command");
	} catch (const std::exception &e) {
		return fail(e.what());
	}
}
