// Subscriptions, and waiting for several.
//
// Part of ringcast.hpp.
#ifndef RINGCAST_SUBSCRIPTION_HPP
#define RINGCAST_SUBSCRIPTION_HPP

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event.hpp"

namespace ringcast {

// How a subscription reads.
enum class reading : std::uint32_t {
	reliable = RC_READ_RELIABLE, // holds publishers up, within its stall budget; read in place
	latest = RC_READ_LATEST,     // holds nobody up; gets copies; misses what it is too slow for
	group = RC_READ_GROUP        // as a member of a queue group: each message goes to one member
};

struct subscription_config {
	ringcast::reading reading = ringcast::reading::reliable; // always `latest` for a topic of mode latest
	bool local_only = false;   // does not ask other nodes for it
	std::uint64_t history = 0; // how many messages to start back, as far as the ring has them
	std::string group;         // reading::group: the queue group's name, 1 to 32 of A-Z a-z 0-9 _ -
};

class subscription;

// What a subscription has, for `for`, as it comes. It is read once, in one loop. The loop ends when the time
// for the next one is up, or with an error: look at error() afterwards.
class event_range {
public:
	class iterator {
	public:
		using iterator_category = std::input_iterator_tag;
		using value_type = event;
		using difference_type = std::ptrdiff_t;
		using pointer = const event *;
		using reference = const event &;

		reference operator*() const noexcept { return *range_->now_; }
		pointer operator->() const noexcept { return &*range_->now_; }
		iterator &operator++()
		{
			if (!range_->next())
				range_ = nullptr;
			return *this;
		}
		void operator++(int) { ++*this; }
		friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.range_ == b.range_; }
		friend bool operator!=(const iterator &a, const iterator &b) noexcept { return a.range_ != b.range_; }

	private:
		friend class event_range;
		explicit iterator(event_range *r) noexcept : range_(r) {}
		event_range *range_; // NULL: the end
	};

	iterator begin() { return iterator(next() ? this : nullptr); }
	iterator end() noexcept { return iterator(nullptr); }
	// Why the loop ended; errc::ok before the end, and if only the time was up.
	const failure &error() const noexcept
	{
		static const failure none;
		return now_.error().try_again() ? none : now_.error();
	}

	event_range(const event_range &) = delete;
	event_range &operator=(const event_range &) = delete;
	~event_range() = default;

private:
	friend class subscription;
	event_range(subscription &s, timeout wait) : subscription_(&s), wait_(wait), now_(failure()) {}
	inline bool next();

	subscription *subscription_;
	timeout wait_;
	result<event> now_;
};

// One subscription, of one topic or of all that match a pattern. For one thread at a time; different ones may
// be used at once. It keeps its domain open. What it lends is valid until its next call.
class subscription {
public:
	// Subscribes to a topic, making its ring if it does not exist, or to a pattern: `*` is one token, a last
	// `>` the rest. Every message published from now on comes, or its loss is told. A pattern reads its topics
	// in turn and keeps the order within each; the first one starts one thread for the whole domain. Allocates.
	//
	// With reading::group the subscription becomes a member of the topic's queue group. Each message goes to
	// one member, whoever is free, and is copied out, so that no publisher waits while it is worked on. It is
	// in the member's hand until release, the next call, or close, which say that it was handled. If a member's
	// process dies with a message in hand, another member is told (abandoned). errc::mode, errc::group_full.
	static result<subscription> open(const domain &d, std::string_view topic, const subscription_config &config = {})
	{
		if (!d.is_open())
			return detail::closed("the domain");
		if (!detail::is_whole(topic) || !detail::is_whole(config.group))
			return detail::not_a_name();
		rc_subscription_config c{};
		c.reading = static_cast<std::uint32_t>(config.reading);
		c.local_only = config.local_only;
		c.history = config.history;
		c.group = detail::or_null(config.group);
		std::string name(topic);
		rc_subscription *handle = nullptr;
		const int code = rc_subscription_open(d.native_handle(), name.c_str(), &c, &handle);
		if (code != RC_OK)
			return detail::failure_of(code);
		return subscription(detail::held(d), handle, std::move(name));
	}

	// The inbox of this process: what others send to its address. The first call makes it. errc::busy: it is
	// already open. question::of says what a message asks.
	static result<subscription> inbox(const domain &d)
	{
		rc_subscription *handle = nullptr;
		if (!d.is_open())
			return detail::closed("the domain");
		const int code = rc_inbox_open(d.native_handle(), &handle);
		if (code != RC_OK)
			return detail::failure_of(code);
		return subscription(detail::held(d), handle, "$inbox");
	}

	// Takes the next message or event; errc::nothing if there is none. Never waits. Allocates only for messages
	// larger than a slot.
	result<event> poll()
	{
		if (__builtin_expect(handle_ == nullptr, 0))
			return detail::closed("the subscription");
		lease_->turn++;
		return taken(rc_subscription_poll(handle_, &lease_->received));
	}
	// Does the same, but waits: errc::timed_out. Sleeps while nothing is there, unless its domain waits in
	// another way.
	result<event> wait(timeout wait = forever)
	{
		if (__builtin_expect(handle_ == nullptr, 0))
			return detail::closed("the subscription");
		lease_->turn++;
		return taken(rc_subscription_wait(handle_, wait.ns(), &lease_->received));
	}
	// Copies the next message into buffer; nothing of the ring stays lent. If it does not fit: errc::buffer,
	// size_needed() says what is needed, and the message comes again.
	result<event> read(bytes buffer, timeout wait = forever)
	{
		if (__builtin_expect(handle_ == nullptr, 0))
			return detail::closed("the subscription");
		lease_->turn++;
		return taken(rc_subscription_read(handle_, buffer.data(), buffer.size(), wait.ns(), &lease_->received));
	}
	// How many bytes the last read that returned errc::buffer needed.
	std::size_t size_needed() const noexcept { return handle_ != nullptr ? lease_->received.size : 0; }
	// Gives back what was lent, before the next call does: publishers no longer wait for it. In a queue group
	// the message in hand then counts as handled.
	void release() noexcept
	{
		if (handle_ == nullptr)
			return;
		lease_->turn++;
		rc_subscription_release(handle_);
	}

	// Keeps the message that was lent last where it lies, until the returned object ends. Nothing is copied,
	// but publishers wait for its slot as for a slow reader. When what was read since then takes a quarter of
	// the ring, the next call is errc::busy until it ends. errc::invalid if the message is not lent. Allocates.
	result<kept_message> keep(const message &m)
	{
		if (handle_ == nullptr)
			return detail::closed("the subscription");
		if (m.lease_ != lease_ || !m.valid())
			return failure(errc::invalid, "keep: the message is not the one that this subscription lends");
		rc_kept *kept = nullptr;
		const int code = rc_subscription_keep(handle_, &lease_->received, &kept);
		if (code != RC_OK)
			return detail::failure_of(code);
		return kept_message(domain_, lease_->received, kept);
	}

	// For `for`: what comes, waiting for each as long as given. events(no_wait): what is there.
	event_range events(timeout wait = forever) { return {*this, wait}; }

	// Calls the handlers, as match does, for what is there, for at most `most`. Never waits. Returns how many
	// there were: fewer than `most` means that nothing is left. A handler that returns false ends it early. For
	// event loops, see fd().
	template <class... F>
	result<std::size_t> dispatch(std::size_t most, F &&...handlers)
	{
		for (std::size_t n = 0; n < most; n++) {
			result<event> e = poll();
			if (!e && e.error().try_again())
				return std::size_t(n);
			if (!e)
				return e.error();
			if (!goes_on(*e, handlers...))
				return n + 1;
		}
		return std::size_t(most);
	}
	// Waits, and calls the handlers for whatever comes, until one returns false, or an error. The time is for
	// each wait.
	template <class... F>
	result<void> run(timeout wait, F &&...handlers)
	{
		for (;;) {
			result<event> e = this->wait(wait);
			if (!e)
				return e.error();
			if (!goes_on(*e, handlers...))
				return {};
		}
	}

	// A descriptor for poll, epoll and what is built on them, readable when the subscription should be polled.
	// Then poll until errc::nothing: that call clears it and arms it again. It may be readable without a
	// message. The first call starts one thread for the whole domain. It belongs to the subscription: do not
	// read, write or close it.
	result<int> fd()
	{
		int descriptor = -1;
		if (handle_ == nullptr)
			return detail::closed("the subscription");
		const int code = rc_subscription_fd(handle_, &descriptor);
		if (code != RC_OK)
			return detail::failure_of(code);
		return descriptor;
	}

	// Describes the ring that it uses now; errc::invalid for a pattern.
	result<topic_info> info() const
	{
		if (handle_ == nullptr)
			return detail::closed("the subscription");
		rc_topic_info i;
		const int code = rc_subscription_info(handle_, &i);
		return detail::info_of(code, i);
	}
	// The topic, or the pattern.
	const std::string &topic() const noexcept { return topic_; }

	// Ends the subscription, as its destructor does. Do not read what it lent any more.
	void close() noexcept
	{
		if (handle_ == nullptr)
			return;
		rc_subscription_close(handle_);
		handle_ = nullptr;
		detail::lease::give(lease_);
		domain_.reset();
	}
	bool is_open() const noexcept { return handle_ != nullptr; }
	// The handle for calls of ringcast.h; NULL if it is closed. The subscription keeps owning it.
	rc_subscription *native_handle() const noexcept { return handle_; }

	// Messages that it lent stay lent when it is moved.
	subscription(subscription &&other) noexcept { swap(other); }
	subscription &operator=(subscription &&other) noexcept
	{
		if (this != &other) {
			close();
			swap(other);
		}
		return *this;
	}
	subscription(const subscription &) = delete;
	subscription &operator=(const subscription &) = delete;
	~subscription() { close(); }

private:
	subscription(std::shared_ptr<detail::open_domain> d, rc_subscription *handle, std::string topic)
		: domain_(std::move(d)), handle_(handle), lease_(detail::lease::take()), topic_(std::move(topic))
	{
	}
	void swap(subscription &other) noexcept
	{
		std::swap(domain_, other.domain_);
		std::swap(handle_, other.handle_);
		std::swap(lease_, other.lease_);
		std::swap(topic_, other.topic_);
	}

	result<event> taken(int code)
	{
		if (__builtin_expect(code != RC_OK, 0))
			return detail::failure_of(code);
		if (__builtin_expect(lease_->received.type == RC_TYPE_MESSAGE, 1))
			return result<event>(std::in_place, message(lease_));
		return happened(lease_->received);
	}
	[[gnu::cold, gnu::noinline]] static result<event> happened(const rc_received &r)
	{
		const std::string_view topic = r.topic != nullptr ? std::string_view(r.topic) : std::string_view();
		switch (r.type) {
		case RC_TYPE_LAGGED: return event(lagged{topic, r.first, r.count});
		case RC_TYPE_LOSS: return event(loss{topic, address(r.source), r.first, r.last, r.count, r.reason});
		case RC_TYPE_DAMAGED: return event(damaged{topic, r.first});
		case RC_TYPE_ABANDONED: return event(abandoned{topic, address(r.taker), address(r.source), r.sequence, r.position});
		default: return event(other_event{topic, r.type, address(r.source)});
		}
	}
	template <class... F>
	static bool goes_on(const event &e, F &...handlers)
	{
		return std::visit([&](const auto &one) { return detail::goes_on_after(one, handlers...); }, e);
	}

	std::shared_ptr<detail::open_domain> domain_;
	rc_subscription *handle_ = nullptr;
	detail::lease *lease_ = nullptr;
	std::string topic_;
};

inline bool event_range::next()
{
	now_ = subscription_->wait(wait_);
	return now_.has_value();
}

// Waits for several subscriptions of one domain, whatever their number, in one place. Each stays what it is:
// read it as before. A subscription may be moved meanwhile; remove it before it ends. The waiting thread uses
// them all.
class wait_set {
public:
	// Allocates. errc::closed if it is closed.
	result<void> add(const subscription &s)
	{
		if (!s.is_open())
			return detail::closed("the subscription");
		all_.push_back(s.native_handle());
		return {};
	}
	// Removes a subscription; without effect if it is not there. The indices of those after it go down by one.
	void remove(const subscription &s) noexcept
	{
		for (auto i = all_.begin(); i != all_.end(); ++i) {
			if (*i == s.native_handle()) {
				all_.erase(i);
				return;
			}
		}
	}
	std::size_t size() const noexcept { return all_.size(); }

	// Waits until one has something, and returns its index in the order in which they were added. The search
	// begins after the one that was ready last, so that none is forgotten. Does not allocate.
	result<std::size_t> wait(timeout wait = forever)
	{
		std::size_t ready = 0;
		const int code = rc_subscriptions_wait(all_.data(), all_.size(), wait.ns(), &ready);
		if (code != RC_OK)
			return detail::failure_of(code);
		return ready;
	}

private:
	std::vector<rc_subscription *> all_;
};

// Does the same for subscriptions given by name: `wait_any(1s, prices, orders)`. Does not allocate.
template <class... S>
result<std::size_t> wait_any(timeout wait, S &...subscriptions)
{
	static_assert(sizeof...(S) > 0 && (std::is_same_v<S, subscription> && ...), "wait_any: subscriptions");
	if (!(subscriptions.is_open() && ...))
		return detail::closed("a subscription");
	rc_subscription *const all[] = {subscriptions.native_handle()...};
	std::size_t ready = 0;
	const int code = rc_subscriptions_wait(all, sizeof...(S), wait.ns(), &ready);
	if (code != RC_OK)
		return detail::failure_of(code);
	return ready;
}

} // namespace ringcast

#endif
