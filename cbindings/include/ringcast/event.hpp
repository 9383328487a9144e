// What a stream contains: messages, and events that happened to it.
//
// Part of ringcast.hpp.
#ifndef RINGCAST_EVENT_HPP
#define RINGCAST_EVENT_HPP

#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "message.hpp"

namespace ringcast {

// This reader was too slow: count positions of the ring, from first on, passed it by. That is an upper bound of
// messages.
struct lagged {
	std::string_view topic; // of all events: valid as long as the subscription
	std::uint64_t first = 0, count = 0;
};

// Sequences first to last of a source, count of them, will not come: the network lost them on the way from
// another node.
struct loss {
	std::string_view topic;
	address source;
	std::uint64_t first = 0, last = 0, count = 0;
	std::uint32_t reason = 0; // RC_LOSS_REASON_*
};

// The slot at a position has impossible bytes. Reading goes on after it.
struct damaged {
	std::string_view topic;
	std::uint64_t position = 0;
};

// Of a queue group: taker had message `sequence` of source in hand, and is gone. Nobody knows whether it was
// handled; it is not handed out again.
struct abandoned {
	std::string_view topic;
	address taker;
	address source;
	std::uint64_t sequence = 0, position = 0;
};

// What a later version of Ringcast may tell. Skip it.
struct other_event {
	std::string_view topic;
	std::uint32_t type = 0; // rc_type
	address source;
};

// One thing that a subscription took from its stream.
using event = std::variant<message, lagged, loss, damaged, abandoned, other_event>;

// Returns the message in an event; NULL if it is something else.
inline const message *message_of(const event &e) noexcept { return std::get_if<message>(&e); }

namespace detail {

// Calls the first handler that takes an event of this type.
template <class E, class F, class... Rest>
decltype(auto) call_first(const E &one, F &handler, Rest &...rest)
{
	if constexpr (std::is_invocable_v<F &, const E &>) {
		return handler(one);
	} else {
		static_assert(sizeof...(Rest) > 0, "no handler takes this event: add one for the rest, [](const auto &) { ... }");
		return call_first(one, rest...);
	}
}

// Does the same for handlers that return nothing, or whether to go on.
template <class E, class... F>
bool goes_on_after(const E &one, F &...handlers)
{
	if constexpr (std::is_void_v<decltype(call_first(one, handlers...))>) {
		call_first(one, handlers...);
		return true;
	} else {
		return static_cast<bool>(call_first(one, handlers...));
	}
}

inline std::string event_text(const char *what, std::string_view topic) { return std::string(topic) + ": " + what; }

} // namespace detail

// Calls the first handler that takes the event. Each alternative needs one; the last may be for all the rest:
//
//	match(e, [](const message &m) { ... }, [](const auto &other) { std::cerr << other; });
template <class... F>
decltype(auto) match(const event &e, F &&...handlers)
{
	return std::visit([&](const auto &one) -> decltype(auto) { return detail::call_first(one, handlers...); }, e);
}

inline std::string to_string(const message &m)
{
	return detail::event_text("message ", m.topic()) + std::to_string(m.sequence()) + " of " + to_string(m.source()) + ", " + std::to_string(m.size()) + " bytes";
}
inline std::string to_string(const lagged &e)
{
	return detail::event_text("missed at most ", e.topic) + std::to_string(e.count) + " messages from position " + std::to_string(e.first) + " on: this reader is too slow";
}
inline std::string to_string(const loss &e)
{
	return detail::event_text("lost ", e.topic) + std::to_string(e.count) + " messages of " + to_string(e.source) + ", " + std::to_string(e.first) + " to " +
		std::to_string(e.last) + ", reason " + std::to_string(e.reason);
}
inline std::string to_string(const damaged &e) { return detail::event_text("damaged bytes at position ", e.topic) + std::to_string(e.position); }
inline std::string to_string(const abandoned &e)
{
	return detail::event_text("message ", e.topic) + std::to_string(e.sequence) + " of " + to_string(e.source) + " was in the hand of " + to_string(e.taker) +
		", which is gone";
}
inline std::string to_string(const other_event &e) { return detail::event_text("event ", e.topic) + std::to_string(e.type) + " of " + to_string(e.source); }
inline std::string to_string(const event &e)
{
	return std::visit([](const auto &one) { return to_string(one); }, e);
}

namespace detail {

template <class T>
inline constexpr bool is_event = std::is_same_v<T, message> || std::is_same_v<T, lagged> || std::is_same_v<T, loss> || std::is_same_v<T, damaged> ||
	std::is_same_v<T, abandoned> || std::is_same_v<T, other_event> || std::is_same_v<T, event>;

} // namespace detail

// Prints any event, or message, in one line without its payload.
template <class Char, class Traits, class T, std::enable_if_t<detail::is_event<T>, int> = 0>
std::basic_ostream<Char, Traits> &operator<<(std::basic_ostream<Char, Traits> &out, const T &one)
{
	return out << to_string(one).c_str();
}

} // namespace ringcast

#endif
