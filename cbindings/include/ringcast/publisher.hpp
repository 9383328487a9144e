// Publishers, and slots to be written in place.
//
// Part of ringcast.hpp.
#ifndef RINGCAST_PUBLISHER_HPP
#define RINGCAST_PUBLISHER_HPP

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "bytes.hpp"
#include "domain.hpp"
#include "timeout.hpp"

namespace ringcast {

// What a ring does about slow readers.
enum class ring_mode : std::uint32_t {
	any = RC_RING_MODE_NONE,          // as it is, or reliable
	reliable = RC_RING_MODE_RELIABLE, // they hold publishers up
	latest = RC_RING_MODE_LATEST      // they miss messages, and are told so
};

// Who publishes.
enum class ring_kind : std::uint32_t {
	any = RC_RING_KIND_NONE,            // as it is, or shared
	shared = RC_RING_KIND_SHARED,       // any number of publishers
	exclusive = RC_RING_KIND_EXCLUSIVE  // one at a time, and faster
};

// What the bytes of a message are.
enum class content : std::uint8_t {
	raw = RC_CONTENT_RAW,
	fields = RC_CONTENT_FIELDS,
	flat_buffer = RC_CONTENT_FLAT_BUFFER
};

// What ring a publisher asks for, and how it marks its messages. 0 asks for nothing: the ring is taken as it
// is, or made with the default.
struct publisher_config {
	std::uint32_t slots = 0;     // messages in the ring: a power of two, 4 (latest: 64) to 2^20; default 1024, or with slots above 16 KiB as many as make 16 MiB, 64 at least
	std::uint32_t slot_size = 0; // bytes of payload in a slot, up to 16 MiB; default 2048
	ring_mode mode = ring_mode::any;
	ring_kind kind = ring_kind::any;
	std::uint32_t history = 0; // how many messages back a subscription may start, at most half of the slots
	std::uint32_t schema = 0;  // low half of the hash of the payloads' schema
	bool timestamps = false;   // puts the wall clock into every message
	std::string owner;         // of the topic, by name or number; only root may name another
	std::string group;         // the same; a group that this process is a member of
	std::uint32_t file_mode = 0; // who may write (publish) and read (subscribe), as 0640: the owner publishes, the group subscribes
	std::chrono::milliseconds stall_budget{0}; // how long a reliable subscription may hold publishers up before it is put out; 100 ms to 1 h; default 500 ms
};

// Marks of one message.
struct marks {
	ringcast::content content = ringcast::content::raw;
	std::uint32_t schema = 0; // low half of the schema's hash; 0: the publisher's
	std::chrono::system_clock::time_point time{}; // the epoch: none, or the publisher's

	rc_marks raw() const noexcept
	{
		rc_marks m{};
		m.timestamp_ns = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
		m.schema = schema;
		m.content = static_cast<std::uint8_t>(content);
		return m;
	}
};

// The shape of a topic's ring, and what happened in it since it was made.
struct topic_info {
	std::uint32_t slots, slot_size;
	ring_mode mode;
	ring_kind kind;
	std::uint32_t history;
	std::uint32_t message_limit; // bytes of the largest message
	std::uint64_t tail;          // positions claimed
	std::uint64_t quarantined;   // writers fenced
	std::uint64_t recovered;     // claims taken from the dead
	std::uint64_t evicted;       // readers put out
	std::uint64_t damaged;       // impossible words found
};

namespace detail {

inline result<topic_info> info_of(int code, const rc_topic_info &i)
{
	if (code != RC_OK)
		return failure_of(code);
	return topic_info{i.slots, i.slot_size, static_cast<ring_mode>(i.mode), static_cast<ring_kind>(i.kind), i.history,
		i.message_limit, i.tail, i.quarantined, i.recovered, i.evicted, i.damaged};
}

} // namespace detail

class publisher;

// A slot that is lent, to be written where it will be read. End it with commit or abort, and do not touch its
// bytes afterwards; its end aborts. A publisher has one claim at a time. A claim held for more than the commit
// deadline (50 ms) while others wait for it is taken, and commit then says so. It may be moved. Its publisher
// may end first, which aborts it. It belongs to the thread that uses the publisher.
class claim {
public:
	// The room for the message, as many bytes as were claimed. It holds bytes of an old message, and begins at
	// a multiple of 64.
	ringcast::bytes bytes() const noexcept { return {raw_.data, size_}; }
	// The whole slot; bytes() is its beginning.
	ringcast::bytes slot() const noexcept { return {raw_.data, raw_.capacity}; }
	// Whether it is still open: neither committed nor aborted.
	bool is_open() const noexcept { return owner_ != nullptr; }

	// Sends all bytes that were claimed. Never waits, never allocates; makes a system call only if somebody
	// sleeps. errc::fenced: the claim was taken, and nothing was sent.
	result<void> commit() { return send(raw_.data, size_, nullptr); }
	// Sends the first n bytes of the slot. If it has fewer: errc::invalid, and the claim stays open.
	result<void> commit(std::size_t n) { return send(raw_.data, n, nullptr); }
	// Sends a part of the slot, with marks.
	result<void> commit(bytes_view part, const marks &m = {})
	{
		const rc_marks raw = m.raw();
		return send(part.data(), part.size(), &raw);
	}
	// Gives the claim up and sends nothing. Without effect if it has ended.
	void abort() noexcept
	{
		if (owner_ != nullptr) {
			(void)rc_claim_abort(&raw_);
			ended();
		}
	}
	// Its publisher; ended claims have none.
	publisher *owner() const noexcept { return owner_; }

	claim(claim &&other) noexcept : raw_(other.raw_), size_(other.size_) { adopt(other); }
	claim &operator=(claim &&other) noexcept
	{
		if (this != &other) {
			abort();
			raw_ = other.raw_;
			size_ = other.size_;
			adopt(other);
		}
		return *this;
	}
	claim(const claim &) = delete;
	claim &operator=(const claim &) = delete;
	~claim() { abort(); }

private:
	friend class publisher;
	friend class result<claim>;
	explicit claim(std::size_t size) noexcept : size_(size) {}

	inline void adopt(claim &other) noexcept;
	inline void ended() noexcept;
	result<void> send(const void *data, std::size_t size, const rc_marks *m)
	{
		if (owner_ == nullptr)
			return failure(errc::invalid, "commit: the claim has ended");
		const int code = rc_claim_commit(&raw_, data, size, m);
		if (code != RC_ERROR_INVALID)
			ended();
		return __builtin_expect(code == RC_OK, 1) ? result<void>() : detail::error_of(code);
	}

	publisher *owner_ = nullptr;
	rc_claim raw_;
	std::size_t size_;
};

// One publisher of one topic. For one thread at a time; different ones may be used at once. It keeps its domain
// open.
class publisher {
public:
	// Opens a topic for publishing, in the shape asked for, and waits for those who subscribed before: at most
	// a second for the forwarder, if one runs, and 200 ms for subscriptions to patterns. Allocates.
	// errc::shape: the topic was written in another shape. errc::permission: it was written with rights other
	// than those asked for, or this process has none. errc::not_exclusive.
	static result<publisher> open(const domain &d, std::string_view topic, const publisher_config &config = {})
	{
		if (!d.is_open())
			return detail::closed("the domain");
		if (!detail::is_whole(topic) || !detail::is_whole(config.owner) || !detail::is_whole(config.group))
			return detail::not_a_name();
		rc_publisher_config c{};
		c.slots = config.slots;
		c.slot_size = config.slot_size;
		c.mode = static_cast<std::uint32_t>(config.mode);
		c.kind = static_cast<std::uint32_t>(config.kind);
		c.history = config.history;
		c.schema = config.schema;
		c.timestamps = config.timestamps;
		c.owner = detail::or_null(config.owner);
		c.group = detail::or_null(config.group);
		c.file_mode = config.file_mode;
		c.stall_budget_ms = config.stall_budget.count() < 0 || config.stall_budget.count() > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(config.stall_budget.count());
		std::string name(topic);
		rc_publisher *handle = nullptr;
		const int code = rc_publisher_open(d.native_handle(), name.c_str(), &c, &handle);
		if (code != RC_OK)
			return detail::failure_of(code);
		return publisher(detail::held(d), handle, std::move(name));
	}

	// Copies a message into the topic's ring; one larger than a slot takes several. Waits for room, which
	// reliable subscriptions can withhold for 500 ms. errc::full (no_wait) and errc::timed_out: nothing was
	// sent. Does not allocate; makes no system call unless somebody sleeps.
	result<void> publish(bytes_view message, timeout wait = forever)
	{
		if (__builtin_expect(handle_ == nullptr, 0))
			return detail::closed("the publisher");
		return done(rc_publisher_publish(handle_, message.data(), message.size(), wait.ns()));
	}
	result<void> publish(bytes_view message, const marks &m, timeout wait = forever)
	{
		if (__builtin_expect(handle_ == nullptr, 0))
			return detail::closed("the publisher");
		const rc_marks raw = m.raw();
		return done(rc_publisher_publish_marked(handle_, message.data(), message.size(), &raw, wait.ns()));
	}
	// Does the same without waiting: errc::full.
	result<void> try_publish(bytes_view message) { return publish(message, no_wait); }

	// Lends a slot for a message of size bytes, at most the topic's slot size; errc::too_large names the slots
	// that would do. errc::busy while another claim is open. Waits as publish does; does not allocate.
	result<ringcast::claim> claim(std::size_t size, timeout wait = forever)
	{
		if (__builtin_expect(handle_ == nullptr, 0))
			return detail::closed("the publisher");
		return claim_open(size, wait);
	}
	// Lends a slot of the topic's slot size; commit takes what was used of it.
	result<ringcast::claim> claim_slot(timeout wait = forever)
	{
		result<ringcast::claim> c = claim(0, wait);
		if (c)
			c->size_ = c->raw_.capacity;
		return c;
	}

	// Describes the ring that it uses now.
	result<topic_info> info() const
	{
		if (handle_ == nullptr)
			return detail::closed("the publisher");
		rc_topic_info i;
		const int code = rc_publisher_info(handle_, &i);
		return detail::info_of(code, i);
	}
	// Returns the source that its messages bear; all zero if it is closed.
	address source() const noexcept
	{
		rc_address a{};
		std::uint64_t n;
		return handle_ != nullptr && rc_publisher_source(handle_, &a, &n) == RC_OK ? address(a) : address();
	}
	// Returns the sequence of its last message; 0 before the first.
	std::uint64_t sequence() const noexcept
	{
		rc_address a;
		std::uint64_t n = 0;
		return handle_ != nullptr && rc_publisher_source(handle_, &a, &n) == RC_OK ? n : 0;
	}
	const std::string &topic() const noexcept { return topic_; }

	// Ends the publisher and aborts its open claim, as its destructor does.
	void close() noexcept
	{
		if (handle_ == nullptr)
			return;
		if (open_ != nullptr)
			open_->abort();
		rc_publisher_close(handle_);
		handle_ = nullptr;
		domain_.reset();
	}
	bool is_open() const noexcept { return handle_ != nullptr; }
	// The handle for calls of ringcast.h; NULL if it is closed. The publisher keeps owning it.
	rc_publisher *native_handle() const noexcept { return handle_; }

	publisher(publisher &&other) noexcept { swap(other); }
	publisher &operator=(publisher &&other) noexcept
	{
		if (this != &other) {
			close();
			swap(other);
		}
		return *this;
	}
	publisher(const publisher &) = delete;
	publisher &operator=(const publisher &) = delete;
	~publisher() { close(); }

private:
	friend class ringcast::claim;
	publisher(std::shared_ptr<detail::open_domain> d, rc_publisher *handle, std::string topic) noexcept
		: domain_(std::move(d)), handle_(handle), topic_(std::move(topic))
	{
	}
	// Fills the claim where the caller has it, hence one variable and one return. A copy of what was just
	// written in smaller pieces would wait for these writes.
	result<ringcast::claim> claim_open(std::size_t size, timeout wait)
	{
		result<ringcast::claim> c(std::in_place, size);
		const int code = rc_publisher_claim(handle_, size, wait.ns(), &c->raw_);
		if (__builtin_expect(code == RC_OK, 1)) {
			c->owner_ = this;
			open_ = &*c;
		} else {
			c = detail::failure_of(code);
		}
		return c;
	}
	static result<void> done(int code) { return __builtin_expect(code == RC_OK, 1) ? result<void>() : detail::failure_of(code); }
	void swap(publisher &other) noexcept
	{
		std::swap(domain_, other.domain_);
		std::swap(handle_, other.handle_);
		std::swap(topic_, other.topic_);
		std::swap(open_, other.open_);
		if (open_ != nullptr)
			open_->owner_ = this;
		if (other.open_ != nullptr)
			other.open_->owner_ = &other;
	}

	std::shared_ptr<detail::open_domain> domain_;
	rc_publisher *handle_ = nullptr;
	std::string topic_;
	ringcast::claim *open_ = nullptr; // not owned: so that each learns when the other ends
};

inline void claim::adopt(claim &other) noexcept
{
	owner_ = std::exchange(other.owner_, nullptr);
	if (owner_ != nullptr)
		owner_->open_ = this;
}

inline void claim::ended() noexcept
{
	if (owner_ != nullptr)
		owner_->open_ = nullptr;
	owner_ = nullptr;
}

} // namespace ringcast

#endif
