// A domain, and this process in it.
//
// Part of ringcast.hpp.
#ifndef RINGCAST_DOMAIN_HPP
#define RINGCAST_DOMAIN_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "address.hpp"
#include "error.hpp"

namespace ringcast {

// How to wait.
enum class wait_style : std::uint32_t {
	block = RC_WAIT_BLOCK, // spins up to 200 us while traffic is recent, then sleeps: idle costs nothing
	spin = RC_WAIT_SPIN,   // never sleeps
	yield = RC_WAIT_YIELD  // gives up the core between looks, but does not sleep
};

// Which domain to join, and as whom. Empty or 0 means the default.
struct domain_config {
	std::string dir;        // holds the domains; default: RINGCAST_SHM_DIR, else the user's
	std::string domain;     // default: "default"
	std::string name;       // what this process is called in lists, at most 64 bytes; default: the program's name
	std::uint32_t node = 0; // asks for this node id; 0: what the directory has
	std::uint32_t mode = 0; // of the files of a domain made here; 0: 0600, or 0660 with a group
	std::string owner;      // of the domain, by name or number; only root may name another
	std::string group;      // the same
	wait_style wait = wait_style::block;
	std::uint32_t in_flight = 0;       // requests that may be open at once, at most 49152; 0: 96
	std::uint32_t inbox_slot_size = 0; // bytes of the largest message or answer to this process; 0: 2048
	std::string memory; // how the pages of rings are had: "prefault,huge,numa=0+2"; default: what RINGCAST_MEMORY says
};

class domain;

namespace detail {

// An open domain; publishers, subscriptions and counters hold it, too.
struct open_domain {
	explicit open_domain(rc_domain *h) noexcept : handle(h) {}
	open_domain(const open_domain &) = delete;
	open_domain &operator=(const open_domain &) = delete;
	~open_domain() { (void)rc_domain_close(handle); }
	rc_domain *handle;
};

const std::shared_ptr<open_domain> &held(const domain &d) noexcept;

// Returns a text for C: NULL if it is empty.
inline const char *or_null(const std::string &s) noexcept { return s.empty() ? nullptr : s.c_str(); }

// A name with a zero in it would be a different one in C.
inline bool is_whole(std::string_view name) noexcept { return name.find('\0') == std::string_view::npos; }
inline failure not_a_name() { return failure(errc::name, "a name with a zero byte in it"); }

} // namespace detail

// A counter in a file that tools read while the program runs. Copies are the same counter. Any number of
// threads may use it; it keeps its domain open.
class counter {
public:
	// Adds n. One locked instruction.
	void add(std::uint64_t n = 1) const noexcept { rc_counter_add(value_, n); }
	const counter &operator++() const noexcept
	{
		add();
		return *this;
	}
	const counter &operator+=(std::uint64_t n) const noexcept
	{
		add(n);
		return *this;
	}
	std::uint64_t value() const noexcept { return __atomic_load_n(value_, __ATOMIC_RELAXED); }

private:
	friend class domain;
	counter(std::shared_ptr<detail::open_domain> d, std::uint64_t *value) noexcept : domain_(std::move(d)), value_(value) {}

	std::shared_ptr<detail::open_domain> domain_;
	std::uint64_t *value_;
};

// A domain and this process in it: one participant. Any number of threads may use it at once, except for close
// and moving. It stays open until the last of its publishers, subscriptions and counters has ended, so they may
// end in any order.
class domain {
public:
	// Joins a domain, and makes its directory if it is missing. A process may open several. Blocks for up to
	// 200 ms if somebody is removing the same files; allocates; makes system calls.
	static result<domain> open(const domain_config &config = {})
	{
		for (const std::string *s : {&config.dir, &config.domain, &config.name, &config.owner, &config.group, &config.memory})
			if (!detail::is_whole(*s))
				return detail::not_a_name();
		rc_config c{};
		c.dir = detail::or_null(config.dir);
		c.domain = detail::or_null(config.domain);
		c.name = detail::or_null(config.name);
		c.node = config.node;
		c.mode = config.mode;
		c.owner = detail::or_null(config.owner);
		c.group = detail::or_null(config.group);
		c.wait = static_cast<std::uint32_t>(config.wait);
		c.in_flight = config.in_flight;
		c.inbox_slot_size = config.inbox_slot_size;
		c.memory = detail::or_null(config.memory);
		rc_domain *handle = nullptr;
		const int code = rc_domain_open(&c, &handle);
		if (code != RC_OK)
			return detail::failure_of(code);
		return domain(std::make_shared<detail::open_domain>(handle));
	}

	// Leaves the domain now. While it has publishers, subscriptions or counters, it does nothing and returns
	// errc::busy.
	result<void> close()
	{
		if (!open_)
			return detail::closed("the domain");
		if (open_.use_count() > 1)
			return failure(errc::busy, "close domain: publishers, subscriptions or counters are open");
		const int code = rc_domain_close(open_->handle);
		if (code != RC_OK)
			return detail::failure_of(code);
		open_->handle = nullptr;
		open_.reset();
		return {};
	}
	bool is_open() const noexcept { return open_ != nullptr; }

	// Returns the address of this participant (handle 0).
	result<ringcast::address> address() const
	{
		rc_address raw;
		const int code = open_ ? rc_domain_address(open_->handle, &raw) : RC_ERROR_INVALID;
		if (!open_)
			return detail::closed("the domain");
		if (code != RC_OK)
			return detail::failure_of(code);
		return ringcast::address(raw);
	}

	// Returns the directory of its files; empty if it is closed.
	std::string_view directory() const noexcept { return open_ ? rc_domain_directory(open_->handle) : std::string_view(); }

	// Opens a counter. label is a dotted name, a colon, and what it counts, at most 48 bytes of UTF-8. The same
	// label is the same counter. A domain has at most 256; the first makes a file.
	result<ringcast::counter> counter(const std::string &label) const
	{
		if (!open_)
			return detail::closed("the domain");
		if (!detail::is_whole(label))
			return detail::not_a_name();
		std::uint64_t *value = nullptr;
		const int code = rc_counter_open(open_->handle, label.c_str(), &value);
		if (code != RC_OK)
			return detail::failure_of(code);
		return ringcast::counter(open_, value);
	}

	// The handle for calls of ringcast.h; NULL if it is closed. The domain keeps owning it.
	rc_domain *native_handle() const noexcept { return open_ ? open_->handle : nullptr; }

	domain(domain &&) noexcept = default;
	domain &operator=(domain &&) noexcept = default;
	domain(const domain &) = delete;
	domain &operator=(const domain &) = delete;
	~domain() = default;

private:
	friend const std::shared_ptr<detail::open_domain> &detail::held(const domain &d) noexcept;
	explicit domain(std::shared_ptr<detail::open_domain> o) noexcept : open_(std::move(o)) {}

	std::shared_ptr<detail::open_domain> open_;
};

inline const std::shared_ptr<detail::open_domain> &detail::held(const domain &d) noexcept { return d.open_; }

// Returns whether a name (without wildcards) matches a pattern; false if the pattern is not a pattern or the
// name not a name.
inline bool name_matches(const std::string &pattern, const std::string &name) noexcept
{
	return detail::is_whole(pattern) && detail::is_whole(name) && rc_name_matches(pattern.c_str(), name.c_str());
}

} // namespace ringcast

#endif
