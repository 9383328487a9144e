// work.c through ringcast.hpp: the same flags, the same steps (roles.h), the same payload.
#include <chrono>
#include <optional>

#include "../../bench/limits/work.h"

#include "ringcast.hpp"

namespace {

struct work w;
char base[] = "/dev/shm/rc-bench-XXXXXX";
constexpr ringcast::timeout patience = std::chrono::seconds(30);

template <class T>
T good(ringcast::result<T> r, const char *what)
{
	if (!r) {
		std::fprintf(stderr, "%s: %s\n", what, rc_error_detail());
		std::exit(1);
	}
	return std::move(r).value();
}

struct side {
	std::optional<ringcast::domain> domain;
	std::optional<ringcast::publisher> publisher;
	std::optional<ringcast::subscription> subscription;
};

ringcast::wait_style waiting()
{
	const std::string_view style = w.wait;
	if (style == "spin")
		return ringcast::wait_style::spin;
	if (style == "yield")
		return ringcast::wait_style::yield;
	if (style == "block")
		return ringcast::wait_style::block;
	std::fprintf(stderr, "--wait %s: want spin, yield or block\n", w.wait);
	std::exit(2);
}

void side_open(side *s, const char *writes, const char *reads)
{
	ringcast::domain_config config;
	config.dir = base;
	config.wait = waiting();
	s->domain.emplace(good(ringcast::domain::open(config), "join"));
	if (reads != nullptr)
		s->subscription.emplace(good(ringcast::subscription::open(*s->domain, reads), "subscription"));
	if (writes == nullptr)
		return;
	ringcast::publisher_config ring;
	ring.slots = static_cast<std::uint32_t>(w.slots);
	ring.slot_size = static_cast<std::uint32_t>(w.size + 63) & ~63u;
	ring.mode = ringcast::ring_mode::reliable;
	ring.kind = w.exclusive ? ringcast::ring_kind::exclusive : ringcast::ring_kind::shared;
	s->publisher.emplace(good(ringcast::publisher::open(*s->domain, writes, ring), "publisher"));
}

void side_close(side *s)
{
	s->publisher.reset();
	s->subscription.reset();
	s->domain.reset();
}

void side_put(side *s, std::uint64_t tag, std::uint64_t stamp)
{
	for (;;) {
		auto claim = s->publisher->claim(w.size, patience);
		if (!claim)
			(void)good(std::move(claim), "claim");
		fill(reinterpret_cast<std::uint8_t *>(claim->bytes().data()), w.size, tag, stamp);
		const auto sent = claim->commit();
		if (sent)
			return;
		if (sent.error() != ringcast::errc::fenced) {
			std::fprintf(stderr, "commit: %s\n", rc_error_detail());
			std::exit(1);
		}
	}
}

std::uint64_t side_take(side *s, std::uint64_t *stamp)
{
	const auto e = s->subscription->wait(patience);
	const ringcast::message *m = e ? message_of(*e) : nullptr;
	if (m == nullptr || m->size() != w.size) {
		std::fprintf(stderr, "wait: %s\n", e ? "not the message that was sent" : rc_error_detail());
		std::exit(1);
	}
	return check(reinterpret_cast<const std::uint8_t *>(m->payload().data()), m->size(), stamp);
}

#include "roles.h"

} // namespace

int main(int argc, char **argv) { return run_roles(argc, argv); }
