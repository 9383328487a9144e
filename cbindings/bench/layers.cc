// What the C++ layer costs: the same work through ringcast.h and through ringcast.hpp, by turns, between two
// processes. Throughput: one publisher, and one reader in place that reads the first 8 bytes of each message and the
// last. Ping-pong: 64 bytes there and back, both spinning. Calls: 64 bytes published and taken in one process, where nothing
// else is in the way of the difference. Best of ROUNDS.
//
//	layers [SECONDS a round, default 0.2]
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ringcast.hpp"

namespace {

constexpr int rounds = 5;
constexpr std::uint64_t last_word = UINT64_MAX;
constexpr std::size_t slot_size = 2048;

[[noreturn]] void die(const char *what)
{
	std::fprintf(stderr, "%s: %s\n", what, rc_error_detail());
	std::exit(1);
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// The two layers, each with the same four steps.

struct with_c {
	rc_domain *domain = nullptr;
	rc_publisher *publisher = nullptr;
	rc_subscription *subscription = nullptr;

	explicit with_c(bool spin)
	{
		rc_config config{};
		config.wait = spin ? RC_WAIT_SPIN : RC_WAIT_BLOCK;
		if (rc_domain_open(&config, &domain) != RC_OK)
			die("domain");
	}
	with_c(const with_c &) = delete;
	with_c &operator=(const with_c &) = delete;
	~with_c()
	{
		rc_publisher_close(publisher);
		rc_subscription_close(subscription);
		(void)rc_domain_close(domain);
	}
	void subscribe(const char *topic)
	{
		if (rc_subscription_open(domain, topic, nullptr, &subscription) != RC_OK)
			die("subscribe");
	}
	void open(const char *topic, std::uint32_t kind)
	{
		rc_publisher_config config{};
		config.slots = 1024;
		config.slot_size = slot_size;
		config.kind = kind;
		if (rc_publisher_open(domain, topic, &config, &publisher) != RC_OK)
			die("publisher");
	}
	bool publish(const void *data, std::size_t size)
	{
		const int result = rc_publisher_publish(publisher, data, size, RC_FOREVER);
		if (result != RC_OK && result != RC_ERROR_FENCED)
			die("publish");
		return result == RC_OK;
	}
	bool build(const void *data, std::size_t size)
	{
		rc_claim claim;
		if (rc_publisher_claim(publisher, size, RC_FOREVER, &claim) != RC_OK)
			die("claim");
		std::memcpy(claim.data, data, size);
		const int result = rc_claim_commit(&claim, claim.data, size, nullptr);
		if (result != RC_OK && result != RC_ERROR_FENCED)
			die("commit");
		return result == RC_OK;
	}
	template <class Use>
	void next(Use use)
	{
		rc_received r;
		if (rc_subscription_wait(subscription, RC_FOREVER, &r) != RC_OK)
			die("wait");
		if (r.type == RC_TYPE_MESSAGE)
			use(static_cast<const unsigned char *>(r.data), r.size);
	}
};

struct with_cpp {
	ringcast::domain domain;
	std::unique_ptr<ringcast::publisher> publisher;
	std::unique_ptr<ringcast::subscription> subscription;

	explicit with_cpp(bool spin) : domain(open_domain(spin)) {}
	static ringcast::domain open_domain(bool spin)
	{
		ringcast::domain_config config;
		config.wait = spin ? ringcast::wait_style::spin : ringcast::wait_style::block;
		return ringcast::domain::open(config).value();
	}
	void subscribe(const char *topic)
	{
		subscription = std::make_unique<ringcast::subscription>(ringcast::subscription::open(domain, topic).value());
	}
	void open(const char *topic, std::uint32_t kind)
	{
		ringcast::publisher_config config;
		config.slots = 1024;
		config.slot_size = slot_size;
		config.kind = static_cast<ringcast::ring_kind>(kind);
		publisher = std::make_unique<ringcast::publisher>(ringcast::publisher::open(domain, topic, config).value());
	}
	bool publish(const void *data, std::size_t size) { return done(publisher->publish({data, size})); }
	bool build(const void *data, std::size_t size)
	{
		auto claim = publisher->claim(size);
		if (!claim)
			die("claim");
		std::memcpy(claim->bytes().data(), data, size);
		return done(claim->commit());
	}
	template <class Use>
	void next(Use use)
	{
		const auto e = subscription->wait();
		if (!e)
			die("wait");
		if (const ringcast::message *m = message_of(*e))
			use(reinterpret_cast<const unsigned char *>(m->payload().data()), m->size());
	}
	static bool done(const ringcast::result<void> &r)
	{
		if (!r && r.error() != ringcast::errc::fenced)
			die("publish");
		return static_cast<bool>(r);
	}
};

struct directory {
	std::string path = "/dev/shm/rc-bench-XXXXXX";
	directory()
	{
		if (mkdtemp(path.data()) == nullptr || setenv("RINGCAST_SHM_DIR", path.c_str(), 1) != 0)
			die("directory");
	}
	directory(const directory &) = delete;
	directory &operator=(const directory &) = delete;
	~directory() { std::filesystem::remove_all(path); }
};

// Runs other in a second process and waits until it says that it is ready.
template <class Other>
pid_t start(Other other)
{
	int ready[2];
	char answer;
	if (pipe(ready) != 0)
		die("pipe");
	const pid_t child = fork();
	if (child == 0) {
		other(ready[1]);
		_exit(0);
	}
	(void)close(ready[1]);
	if (read(ready[0], &answer, 1) != 1)
		die("second process");
	(void)close(ready[0]);
	return child;
}

template <class Layer>
void read_all(int ready)
{
	Layer layer(false);
	layer.subscribe("t");
	if (write(ready, "r", 1) != 1)
		die("reader");
	std::uint64_t first = 0, sum = 0;
	while (first != last_word) {
		layer.next([&](const unsigned char *data, std::size_t size) {
			std::memcpy(&first, data, sizeof first);
			sum += first + data[size - 1];
		});
	}
	_exit(sum == 1); // the sum is used
}

// Messages a second from the first publish until the reader has the last.
template <class Layer>
double throughput(std::uint32_t kind, std::size_t size, bool in_place, double seconds)
{
	directory dir;
	const pid_t reader = start(read_all<Layer>);
	Layer layer(false);
	layer.open("t", kind);
	std::array<unsigned char, slot_size> bytes{};
	std::uint64_t count = 0;
	const double begin = now();
	for (bool more = true; more;) {
		const bool last = count % 1024 == 1023 && now() - begin > seconds;
		const std::uint64_t word = last ? last_word : count;
		std::memcpy(bytes.data(), &word, sizeof word);
		const bool sent = in_place ? layer.build(bytes.data(), size) : layer.publish(bytes.data(), size);
		count += sent ? 1 : 0;
		more = !(last && sent);
	}
	(void)waitpid(reader, nullptr, 0);
	return static_cast<double>(count) / (now() - begin);
}

template <class Layer>
void echo(std::uint32_t kind, int ready)
{
	Layer layer(true);
	layer.subscribe("ping");
	layer.open("pong", kind);
	if (write(ready, "r", 1) != 1)
		die("echo");
	for (std::uint64_t first = 0; first != last_word;) {
		layer.next([&](const unsigned char *data, std::size_t size) {
			std::memcpy(&first, data, sizeof first);
			(void)layer.publish(data, size);
		});
	}
}

// Nanoseconds of a round trip, the median.
template <class Layer>
double ping_pong(std::uint32_t kind, double seconds)
{
	directory dir;
	const pid_t other = start([kind](int ready) { echo<Layer>(kind, ready); });
	Layer layer(true);
	layer.subscribe("pong");
	layer.open("ping", kind);
	std::array<unsigned char, 64> bytes{};
	std::vector<double> trips;
	trips.reserve(1 << 20);
	const double begin = now();
	for (double before = begin; before - begin < seconds && trips.size() < trips.capacity();) {
		(void)layer.publish(bytes.data(), bytes.size());
		layer.next([](const unsigned char *, std::size_t) {});
		const double after = now();
		trips.push_back(after - before);
		before = after;
	}
	std::memcpy(bytes.data(), &last_word, sizeof last_word);
	(void)layer.publish(bytes.data(), bytes.size());
	(void)waitpid(other, nullptr, 0);
	std::nth_element(trips.begin(), trips.begin() + static_cast<std::ptrdiff_t>(trips.size() / 2), trips.end());
	return trips[trips.size() / 2] * 1e9;
}

// Nanoseconds of one message that is published and taken in the same process.
template <class Layer>
double calls(std::uint32_t kind, bool in_place)
{
	constexpr int count = 400000;
	directory dir;
	Layer layer(true);
	layer.subscribe("t");
	layer.open("t", kind);
	std::array<unsigned char, 64> bytes{};
	unsigned sum = 0;
	const double begin = now();
	for (int i = 0; i < count; i++) {
		(void)(in_place ? layer.build(bytes.data(), bytes.size()) : layer.publish(bytes.data(), bytes.size()));
		layer.next([&](const unsigned char *data, std::size_t size) { sum += data[size - 1]; });
	}
	return sum == 0 ? (now() - begin) / count * 1e9 : 0;
}

const char *name_of(std::uint32_t kind) { return kind == RC_RING_KIND_SHARED ? "shared" : "exclusive"; }

} // namespace

int main(int argc, char **argv)
{
	const double seconds = argc > 1 ? std::atof(argv[1]) : 0.2;
	std::printf("%-10s %-10s %6s %12s %12s %8s\n", "ring", "way", "bytes", "C, M/s", "C++, M/s", "C++/C");
	for (std::uint32_t kind = RC_RING_KIND_SHARED; kind <= RC_RING_KIND_EXCLUSIVE; kind++) {
		for (std::size_t size : {std::size_t{64}, std::size_t{256}, slot_size}) {
			for (bool in_place : {false, true}) {
				double c = 0, cpp = 0;
				for (int round = 0; round < rounds; round++) {
					c = std::max(c, throughput<with_c>(kind, size, in_place, seconds));
					cpp = std::max(cpp, throughput<with_cpp>(kind, size, in_place, seconds));
				}
				std::printf("%-10s %-10s %6zu %12.2f %12.2f %8.2f\n", name_of(kind), in_place ? "claim" : "publish", size, c / 1e6, cpp / 1e6, cpp / c);
				(void)std::fflush(stdout);
			}
		}
	}
	std::printf("\n%-10s %-10s %6s %12s %12s %8s\n", "ring", "way", "bytes", "C, ns", "C++, ns", "C++/C");
	for (std::uint32_t kind = RC_RING_KIND_SHARED; kind <= RC_RING_KIND_EXCLUSIVE; kind++) {
		double c = 1e9, cpp = 1e9;
		for (int round = 0; round < rounds; round++) {
			c = std::min(c, ping_pong<with_c>(kind, seconds));
			cpp = std::min(cpp, ping_pong<with_cpp>(kind, seconds));
		}
		std::printf("%-10s %-10s %6d %12.0f %12.0f %8.2f\n", name_of(kind), "ping-pong", 64, c, cpp, cpp / c);
	}
	for (std::uint32_t kind = RC_RING_KIND_SHARED; kind <= RC_RING_KIND_EXCLUSIVE; kind++) {
		for (bool in_place : {false, true}) {
			double c = 1e9, cpp = 1e9;
			for (int round = 0; round < rounds; round++) {
				c = std::min(c, calls<with_c>(kind, in_place));
				cpp = std::min(cpp, calls<with_cpp>(kind, in_place));
			}
			std::printf("%-10s %-10s %6d %12.1f %12.1f %8.2f\n", name_of(kind), in_place ? "claim call" : "call", 64, c, cpp, cpp / c);
		}
	}
}
