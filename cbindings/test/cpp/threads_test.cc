// Two threads and one ring: this runs under ThreadSanitizer, too.
#include <thread>

#include "domain_fixture.h"

namespace {

constexpr std::uint64_t count = 20000;

// Message n has n % 100 words of n.
void write_all(ringcast::publisher &p)
{
	std::vector<std::uint64_t> words;
	for (std::uint64_t n = 1; n <= count; n++) {
		words.assign(n % 100, n);
		const ringcast::bytes_view all(static_cast<const void *>(words.data()), words.size() * 8);
		if (n % 2 == 0 || all.size() > 256) {
			p.publish(all, patience).value();
			continue;
		}
		auto c = p.claim(all.size(), patience).value();
		if (!all.empty())
			std::memcpy(c.bytes().data(), all.data(), all.size());
		if (!c.commit()) // this thread was stopped for long
			p.publish(all, patience).value();
	}
}

bool is_right(const ringcast::message &m)
{
	const std::uint64_t n = m.sequence();
	bool good = m.size() == n % 100 * 8;
	for (std::size_t i = 0; good && i < n % 100; i++) {
		std::uint64_t word;
		std::memcpy(&word, m.payload().data() + i * 8, 8);
		good = word == n;
	}
	return good;
}

void run(ringcast::domain &domain, ringcast::ring_kind kind)
{
	ringcast::publisher_config config;
	config.slots = 64;
	config.slot_size = 256;
	config.kind = kind;
	auto s = ringcast::subscription::open(domain, "t").value();
	std::thread writer([&] {
		auto p = ringcast::publisher::open(domain, "t", config).value();
		write_all(p);
	});
	std::uint64_t last = 0;
	while (last < count) {
		const auto e = s.wait(patience);
		const ringcast::message m = expect_message(e);
		EXPECT_TRUE(is_right(m)) << m;
		EXPECT_EQ(m.sequence(), last + 1);
		last = m.sequence();
	}
	writer.join();
}

} // namespace

TEST(Threads, SharedRing)
{
	directory dir;
	ringcast::domain domain = open_domain(dir.path());
	run(domain, ringcast::ring_kind::shared);
}

TEST(Threads, ExclusiveRing)
{
	directory dir;
	ringcast::domain domain = open_domain(dir.path());
	run(domain, ringcast::ring_kind::exclusive);
}

// Leases are taken and given back by all threads.
TEST(Threads, OpenAndCloseAtOnce)
{
	directory dir;
	ringcast::domain domain = open_domain(dir.path());
	std::vector<std::thread> all;
	for (int t = 0; t < 3; t++) {
		all.emplace_back([&domain, t] {
			const std::string topic = "t" + std::to_string(t);
			for (int i = 0; i < 20; i++) {
				auto s = ringcast::subscription::open(domain, topic).value();
				auto p = ringcast::publisher::open(domain, topic).value();
				p.publish("x", patience).value();
				EXPECT_EQ(expect_message(s.wait(patience)).text(), "x");
			}
		});
	}
	for (std::thread &t : all)
		t.join();
	EXPECT_TRUE(domain.close());
}
