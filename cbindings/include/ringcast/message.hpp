// Messages that a subscription lends, and copies that stay.
//
// Part of ringcast.hpp.
#ifndef RINGCAST_MESSAGE_HPP
#define RINGCAST_MESSAGE_HPP

#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "address.hpp"
#include "bytes.hpp"
#include "publisher.hpp"

namespace ringcast {

namespace detail {

// What a subscription has lent last. turn changes with each call, so a message knows whether it is still lent.
// The memory is later given to other subscriptions and never freed: a message may look at it even after its
// subscription has ended.
struct lease {
	rc_received received{};
	std::uint64_t turn = 0;
	lease *next = nullptr; // of the free ones

	static lease *take()
	{
		const std::lock_guard<std::mutex> guard(mutex());
		lease *&first = free_ones();
		if (first == nullptr)
			return new lease;
		lease *l = first;
		first = l->next;
		return l;
	}
	static void give(lease *l) noexcept
	{
		l->turn++;
		const std::lock_guard<std::mutex> guard(mutex());
		l->next = free_ones();
		free_ones() = l;
	}

private:
	static std::mutex &mutex() noexcept
	{
		static std::mutex one;
		return one;
	}
	static lease *&free_ones() noexcept
	{
		static lease *first = nullptr;
		return first;
	}
};

template <class T>
std::optional<T> copy_as(bytes_view payload) noexcept
{
	static_assert(std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T>, "as: only what can be copied byte by byte");
	if (payload.size() != sizeof(T))
		return std::nullopt;
	T object;
	std::memcpy(static_cast<void *>(&object), payload.data(), sizeof object);
	return object;
}

inline std::optional<std::chrono::system_clock::time_point> time_of(std::uint16_t flags, std::uint64_t ns) noexcept
{
	using std::chrono::system_clock;
	if ((flags & RC_MESSAGE_FLAG_TIMESTAMPED) == 0)
		return std::nullopt;
	return system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(std::chrono::nanoseconds(ns)));
}

} // namespace detail

// A copy of a message, which stays. A value.
struct owned_message {
	std::vector<std::byte> payload;
	std::string topic;
	address source;
	std::uint64_t sequence = 0;
	std::uint64_t position = 0;
	std::optional<std::chrono::system_clock::time_point> time;
	ringcast::content content = ringcast::content::raw;
	std::uint32_t schema = 0;
	bool remote = false;

	std::string_view text() const noexcept { return bytes_view(payload).text(); }
	template <class T>
	std::optional<T> as() const noexcept
	{
		return detail::copy_as<T>(payload);
	}
};

// A message that a subscription has lent. It lies in the ring, or in memory of the subscription if it came in
// pieces or was copied. It is valid until the next call of that subscription (poll, wait, read, release, a turn
// of a loop over it, its end); clone() keeps it. Checked builds (RINGCAST_CHECKED: without NDEBUG) end the
// program when an older message is used; they cannot see what payload() returned before. It is small and may be
// copied freely. Nothing here blocks, and only clone allocates. For the thread that uses the subscription.
class message {
public:
	// Its bytes. Do not write to them: others see the same.
	bytes_view payload() const noexcept { return {raw().data, raw().size}; }
	// The bytes as text.
	std::string_view text() const noexcept { return payload().text(); }
	std::size_t size() const noexcept { return raw().size; }
	// A copy of the object that was published by as_bytes; nothing if its size is different.
	template <class T>
	std::optional<T> as() const noexcept
	{
		return detail::copy_as<T>(payload());
	}
	// Its topic, even if a pattern was subscribed to; valid as long as the subscription.
	std::string_view topic() const noexcept { return raw().topic; }
	// Who published it.
	address source() const noexcept { return address(raw().source); }
	// The number that its publisher gave it: from 1, without a gap.
	std::uint64_t sequence() const noexcept { return raw().sequence; }
	// Its position in the ring.
	std::uint64_t position() const noexcept { return raw().position; }
	// The publisher's wall clock, if it says (publisher_config::timestamps).
	std::optional<std::chrono::system_clock::time_point> time() const noexcept { return detail::time_of(raw().flags, raw().timestamp_ns); }
	ringcast::content content() const noexcept { return static_cast<ringcast::content>(raw().content); }
	// Low half of the schema's hash; 0: unknown.
	std::uint32_t schema() const noexcept { return raw().schema; }
	// RC_MESSAGE_KIND_*: data, or a request, reply or error where those are sent by topic.
	std::uint8_t kind() const noexcept { return raw().kind; }
	// Whether it came from another node.
	bool remote() const noexcept { return (raw().flags & RC_MESSAGE_FLAG_REMOTE) != 0; }

	// A copy that stays. Allocates.
	owned_message clone() const
	{
		const bytes_view b = payload();
		return {std::vector<std::byte>(b.begin(), b.end()), std::string(topic()), source(), sequence(), position(), time(), content(), schema(), remote()};
	}

	// Whether it is still lent.
	bool valid() const noexcept { return lease_->turn == turn_; }

	// Everything that ringcast.h says of it.
	const rc_received &raw() const noexcept
	{
#if RINGCAST_CHECKED
		if (__builtin_expect(!valid(), 0))
			detail::misuse("a message was used that is not lent any more: clone it, or use it before the next call of its subscription");
#endif
		return lease_->received;
	}

private:
	friend class subscription;
	explicit message(const detail::lease *l) noexcept : lease_(l), turn_(l->turn) {}

	const detail::lease *lease_;
	std::uint64_t turn_;
};

// A message that stays where it lies beyond the next call of its subscription; see subscription::keep. When it
// ends, the message is given back. Moved, not copied. It keeps its domain open, and may outlive its
// subscription. For the subscription's thread.
class kept_message {
public:
	bytes_view payload() const noexcept { return kept_ ? bytes_view(received_.data, received_.size) : bytes_view(); }
	std::string_view text() const noexcept { return payload().text(); }
	address source() const noexcept { return address(received_.source); }
	std::uint64_t sequence() const noexcept { return received_.sequence; }
	std::uint64_t position() const noexcept { return received_.position; }
	// Gives the message back before the end.
	void drop() noexcept
	{
		kept_.reset();
		domain_.reset();
	}

	kept_message(kept_message &&) noexcept = default;
	kept_message &operator=(kept_message &&other) noexcept
	{
		if (this != &other) {
			drop(); // before its domain
			domain_ = std::move(other.domain_);
			received_ = other.received_;
			kept_ = std::move(other.kept_);
		}
		return *this;
	}
	kept_message(const kept_message &) = delete;
	kept_message &operator=(const kept_message &) = delete;
	~kept_message() = default;

private:
	friend class subscription;
	struct dropped {
		void operator()(rc_kept *k) const noexcept { rc_kept_drop(k); }
	};
	kept_message(std::shared_ptr<detail::open_domain> d, const rc_received &r, rc_kept *k) noexcept : domain_(std::move(d)), received_(r), kept_(k) {}

	std::shared_ptr<detail::open_domain> domain_; // ends last
	rc_received received_;
	std::unique_ptr<rc_kept, dropped> kept_;
};

} // namespace ringcast

#endif
