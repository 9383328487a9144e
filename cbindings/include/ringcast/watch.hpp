// Who is there, and who comes and goes.
//
//	auto watch = ringcast::watch::open(domain).value();
//	for (const ringcast::presence_event &e : watch.events())
//		std::cout << (e.up ? "up " : "down ") << e.name << '\n';
//
// Part of ringcast.hpp.
#ifndef RINGCAST_WATCH_HPP
#define RINGCAST_WATCH_HPP

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain.hpp"
#include "timeout.hpp"

namespace ringcast {

// What comes and goes.
enum class presence : std::uint32_t {
	node = RC_PRESENCE_NODE,               // another node, as this node's forwarder knows it
	participant = RC_PRESENCE_PARTICIPANT, // a process in the domain
	publisher = RC_PRESENCE_PUBLISHER,     // a participant that publishes a topic
	subscriber = RC_PRESENCE_SUBSCRIBER,   // a participant, or another node, that subscribes to a topic or a pattern
	instance = RC_PRESENCE_INSTANCE        // a participant that serves a name
};

// Why something is down; none: it is up.
enum class presence_reason : std::uint8_t {
	none = 0,
	left = RC_REASON_LEFT,                 // closed, or its process left the domain in order
	died = RC_REASON_DIED,                 // its process ended without leaving
	node_down = RC_REASON_NODE_DOWN,       // its node is no longer heard, or has begun anew
	no_forwarder = RC_REASON_NO_FORWARDER, // no forwarder runs here, so nothing is known of others
	node_left = RC_REASON_NODE_LEFT        // the forwarder of its node was stopped, and said so
};

// One change of who is there. A value.
struct presence_event {
	presence kind = presence::participant;
	bool up = false;
	bool first = false; // it was up already when watching began
	presence_reason reason = presence_reason::none;
	std::uint8_t language = 0; // RC_LANGUAGE_* of the participant
	std::string name;          // of the node, participant, topic, pattern or service
	std::string program, version; // the participant's name, and its version
	ringcast::address address;    // the participant's; for another node only node and epoch are set
	std::uint32_t limit = 0, room = 0; // of an instance: requests it runs at a time; how many more it took when it said so
};

// What to tell of.
struct watch_config {
	std::vector<presence> kinds; // empty: all
	std::string name;            // publishers, subscribers and instances that have a name in common with this name or pattern; empty: all
	bool once = false;           // the present state, then errc::end: a listing
};

class watch;

// The events of a watch, for `for`, waiting for each as long as given.
class presence_range {
public:
	class iterator {
	public:
		const presence_event &operator*() const noexcept { return *range_->now_; }
		const presence_event *operator->() const noexcept { return &*range_->now_; }
		iterator &operator++()
		{
			if (!range_->next())
				range_ = nullptr;
			return *this;
		}
		friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.range_ == b.range_; }
		friend bool operator!=(const iterator &a, const iterator &b) noexcept { return a.range_ != b.range_; }

	private:
		friend class presence_range;
		explicit iterator(presence_range *r) noexcept : range_(r) {}
		presence_range *range_; // NULL: the end
	};

	iterator begin() { return iterator(next() ? this : nullptr); }
	iterator end() noexcept { return iterator(nullptr); }
	// Why the loop ended; errc::ok if the time was up, and after a listing.
	const failure &error() const noexcept
	{
		static const failure none;
		return now_.error().try_again() ? none : now_.error();
	}
	presence_range(const presence_range &) = delete;
	presence_range &operator=(const presence_range &) = delete;
	~presence_range() = default;

private:
	friend class watch;
	presence_range(watch &w, timeout wait) : watch_(&w), wait_(wait), now_(failure()) {}
	inline bool next();

	watch *watch_;
	timeout wait_;
	result<presence_event> now_;
};

// A watch of who is there. The present state comes first, then each change once. Takes no thread. It keeps its
// domain open. For one thread at a time.
class watch {
public:
	// errc::name, errc::invalid. Allocates.
	static result<watch> open(const domain &d, const watch_config &config = {})
	{
		if (!d.is_open())
			return detail::closed("the domain");
		if (!detail::is_whole(config.name))
			return detail::not_a_name();
		rc_watch_config c{};
		for (const presence kind : config.kinds)
			c.kinds |= std::uint32_t{1} << static_cast<std::uint32_t>(kind);
		c.name = detail::or_null(config.name);
		c.once = config.once;
		rc_watch *w = nullptr;
		const int code = rc_watch_open(d.native_handle(), &c, &w);
		if (code != RC_OK)
			return detail::failure_of(code);
		return watch(detail::held(d), w);
	}

	// The next event: errc::nothing, errc::timed_out, errc::end. Allocates.
	result<presence_event> wait(timeout wait = forever)
	{
		rc_presence_event e;
		if (!handle_)
			return detail::closed("the watch");
		const int code = rc_watch_wait(handle_.get(), wait.ns(), &e);
		if (code != RC_OK)
			return detail::failure_of(code);
		return presence_event{static_cast<presence>(e.kind), e.up, e.first, static_cast<presence_reason>(e.reason), e.language, e.name, e.program, e.version,
			address(e.address), e.limit, e.room};
	}
	result<presence_event> poll() { return wait(no_wait); }
	presence_range events(timeout wait = forever) { return {*this, wait}; }
	// A descriptor that is readable when poll should be called, until errc::nothing. Starts no thread.
	result<int> fd()
	{
		int descriptor = -1;
		if (!handle_)
			return detail::closed("the watch");
		const int code = rc_watch_fd(handle_.get(), &descriptor);
		if (code != RC_OK)
			return detail::failure_of(code);
		return descriptor;
	}
	void close() noexcept
	{
		handle_.reset();
		domain_.reset();
	}
	bool is_open() const noexcept { return handle_ != nullptr; }

	watch(watch &&) noexcept = default;
	watch &operator=(watch &&other) noexcept
	{
		if (this != &other) {
			close();
			domain_ = std::move(other.domain_);
			handle_ = std::move(other.handle_);
		}
		return *this;
	}
	watch(const watch &) = delete;
	watch &operator=(const watch &) = delete;
	~watch() = default;

private:
	struct closed {
		void operator()(rc_watch *w) const noexcept { rc_watch_close(w); }
	};
	watch(std::shared_ptr<detail::open_domain> d, rc_watch *w) noexcept : domain_(std::move(d)), handle_(w) {}

	std::shared_ptr<detail::open_domain> domain_; // ends last
	std::unique_ptr<rc_watch, closed> handle_;
};

inline bool presence_range::next()
{
	now_ = watch_->wait(wait_);
	return now_.has_value();
}

// Waits until a topic has this many subscriptions, matching patterns and other nodes included; returns how many
// it has. errc::timed_out.
inline result<std::uint32_t> wait_for_subscribers(const domain &d, std::string_view topic, std::uint32_t count, timeout wait = forever)
{
	std::uint32_t have = 0;
	if (!d.is_open())
		return detail::closed("the domain");
	if (!detail::is_whole(topic))
		return detail::not_a_name();
	const int code = rc_wait_for_subscribers(d.native_handle(), std::string(topic).c_str(), count, wait.ns(), &have);
	if (code != RC_OK)
		return detail::failure_of(code);
	return have;
}

} // namespace ringcast

#endif
