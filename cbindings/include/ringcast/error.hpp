// What can go wrong: errc, failure, and result<T>, a value or a failure.
//
// Part of ringcast.hpp. Only value() and maybe() throw, and only if exceptions are enabled; without them they
// print the failure and abort.
#ifndef RINGCAST_ERROR_HPP
#define RINGCAST_ERROR_HPP

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iosfwd>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "../ringcast.h"

// Checks that find mistakes of the program (a message used too late): on unless NDEBUG is defined. May be set
// by hand, to 1 or 0; it changes no type.
#ifndef RINGCAST_CHECKED
#ifdef NDEBUG
#define RINGCAST_CHECKED 0
#else
#define RINGCAST_CHECKED 1
#endif
#endif

namespace ringcast {

// The codes of ringcast.h. Positive codes are no errors: ask again.
enum class errc : int {
	ok = RC_OK,
	nothing = RC_NOTHING,                   // no message is there
	full = RC_FULL,                         // no room in the ring, and no time to wait
	timed_out = RC_TIMED_OUT,               // the time was up
	end = RC_END,                           // nothing more will come
	invalid = RC_ERROR_INVALID,             // an argument that makes no sense
	name = RC_ERROR_NAME,                   // not a name, or not a pattern
	system = RC_ERROR_SYSTEM,               // a system call failed
	permission = RC_ERROR_PERMISSION,       // no rights to a file
	no_space = RC_ERROR_NO_SPACE,           // the file system is full
	no_memory = RC_ERROR_NO_MEMORY,         // malloc failed
	not_found = RC_ERROR_NOT_FOUND,         // there is no such file
	not_ours = RC_ERROR_NOT_OURS,           // a file that is not Ringcast's
	other_version = RC_ERROR_OTHER_VERSION, // another version uses this directory
	damaged = RC_ERROR_DAMAGED,             // a file, or a ring, with impossible content
	in_use = RC_ERROR_IN_USE,               // somebody holds the file
	domain_full = RC_ERROR_DOMAIN_FULL,     // no participant record is free
	readers_full = RC_ERROR_READERS_FULL,   // no entry of the ring is free
	shape = RC_ERROR_SHAPE,                 // the topic was written in another shape
	not_exclusive = RC_ERROR_NOT_EXCLUSIVE, // another publisher owns the topic
	too_large = RC_ERROR_TOO_LARGE,         // larger than the topic takes
	fenced = RC_ERROR_FENCED,               // the claim was held for too long: nothing was sent
	stalled = RC_ERROR_STALLED,             // every slot is held by somebody who does not move
	busy = RC_ERROR_BUSY,                   // a claim is open, or handles are
	buffer = RC_ERROR_BUFFER,               // the message does not fit into the buffer
	forked = RC_ERROR_FORKED,               // the handle is the parent process's
	unsupported = RC_ERROR_UNSUPPORTED,     // known, but not built yet
	mode = RC_ERROR_MODE,                   // a queue group needs a reliable topic; this is latest
	group_full = RC_ERROR_GROUP_FULL,       // the group has as many members as it can have
	no_service = RC_ERROR_NO_SERVICE,       // no instance answers to the name: the request did not run
	overloaded = RC_ERROR_OVERLOADED,       // a queue is full: the request did not run
	instance_died = RC_ERROR_INSTANCE_DIED, // whoever had the request in hand is gone: nobody knows whether it ran
	gone = RC_ERROR_GONE,                   // nobody has the address any more, or ever had
	no_inbox = RC_ERROR_NO_INBOX,           // the participant has not asked for messages
	node_down = RC_ERROR_NODE_DOWN,         // there is no way to the node
	no_reply = RC_ERROR_NO_REPLY,           // the handler ended without an answer
	reply_too_large = RC_ERROR_REPLY_TOO_LARGE, // the answer does not fit the caller's inbox
	one_reply = RC_ERROR_ONE_REPLY,         // the caller takes one answer
	not_addressed = RC_ERROR_NOT_ADDRESSED, // the message is no request
	reply = RC_ERROR_REPLY,                 // the handler's own error: failure::reply_code, and detail is its text
	canceled = RC_ERROR_CANCELED,           // given up
	name_kind = RC_ERROR_NAME_KIND,         // the name is a topic here where a service is asked for, or the other way round

	closed = -1001,   // of this layer: the handle was closed, or moved from
	bad_table = -1000 // of this layer: the payload is not a FlatBuffer of the type asked for
};

// Returns one sentence for a code. Does not allocate.
inline const char *text(errc code) noexcept
{
	switch (code) {
	case errc::bad_table: return "not a FlatBuffer of this type";
	case errc::closed: return "the handle was closed, or moved from";
	default: return rc_error_text(static_cast<int>(code));
	}
}

namespace detail {

class error_category final : public std::error_category {
public:
	const char *name() const noexcept override { return "ringcast"; }
	std::string message(int code) const override { return text(static_cast<errc>(code)); }
	std::error_condition default_error_condition(int code) const noexcept override
	{
		switch (static_cast<errc>(code)) {
		case errc::invalid:
		case errc::closed:
		case errc::name: return std::errc::invalid_argument;
		case errc::permission: return std::errc::permission_denied;
		case errc::no_space: return std::errc::no_space_on_device;
		case errc::no_memory: return std::errc::not_enough_memory;
		case errc::not_found: return std::errc::no_such_file_or_directory;
		case errc::busy:
		case errc::in_use: return std::errc::device_or_resource_busy;
		case errc::nothing:
		case errc::full: return std::errc::resource_unavailable_try_again;
		case errc::timed_out: return std::errc::timed_out;
		case errc::too_large: return std::errc::message_size;
		case errc::buffer: return std::errc::no_buffer_space;
		case errc::unsupported: return std::errc::not_supported;
		case errc::canceled: return std::errc::operation_canceled;
		default: return std::error_condition(code, *this);
		}
	}
};

} // namespace detail

// The category of the codes, for std::error_code.
inline const std::error_category &category() noexcept
{
	static const detail::error_category one;
	return one;
}

inline std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), category()}; }

// What went wrong: a code, and a text that says what happened and what to do. Codes that are no errors have no
// text, and making such a failure allocates nothing. Converts to true if there is a failure.
class failure {
public:
	failure() noexcept = default;
	explicit failure(errc code) noexcept : code_(code) {}
	failure(errc code, std::string detail) noexcept : code_(code), detail_(std::move(detail)) {}
	failure(errc code, std::string detail, std::uint32_t reply_code) noexcept : code_(code), reply_code_(reply_code), detail_(std::move(detail)) {}

	errc code() const noexcept { return code_; }
	std::error_code error_code() const noexcept { return make_error_code(code_); }
	// What happened, and to what; empty for what is not an error.
	const std::string &detail() const noexcept { return detail_; }
	// Of errc::reply: the code that the handler gave.
	std::uint32_t reply_code() const noexcept { return reply_code_; }
	// Whether it is no error: nothing there, no room, or the time was up.
	bool try_again() const noexcept { return static_cast<int>(code_) > 0; }
	explicit operator bool() const noexcept { return code_ != errc::ok; }

	friend bool operator==(const failure &a, errc b) noexcept { return a.code_ == b; }
	friend bool operator!=(const failure &a, errc b) noexcept { return a.code_ != b; }
	friend bool operator==(errc a, const failure &b) noexcept { return a == b.code_; }
	friend bool operator!=(errc a, const failure &b) noexcept { return a != b.code_; }

private:
	errc code_ = errc::ok;
	std::uint32_t reply_code_ = 0;
	std::string detail_;
};

// The code's sentence, and the detail.
inline std::string to_string(const failure &f)
{
	std::string all = text(f.code());
	if (!f.detail().empty())
		all += ": " + f.detail();
	return all;
}

template <class Char, class Traits>
std::basic_ostream<Char, Traits> &operator<<(std::basic_ostream<Char, Traits> &out, const failure &f)
{
	return out << to_string(f).c_str();
}

template <class Char, class Traits>
std::basic_ostream<Char, Traits> &operator<<(std::basic_ostream<Char, Traits> &out, errc code)
{
	return out << text(code);
}

namespace detail {

// Ends a program that does something wrong.
[[noreturn, gnu::cold, gnu::noinline]] inline void misuse(const char *what) noexcept
{
	std::fprintf(stderr, "ringcast: %s\n", what);
	std::abort();
}

[[noreturn, gnu::cold, gnu::noinline]] inline void raise(const failure &f)
{
#ifdef __cpp_exceptions
	throw std::system_error(f.error_code(), f.detail());
#else
	misuse(to_string(f).c_str());
#endif
}

[[noreturn, gnu::cold, gnu::noinline]] inline void no_value(const failure &f) noexcept
{
	misuse(("a result without a value was used: " + to_string(f)).c_str());
}

// The failure of the call that has just returned `code` in this thread.
[[gnu::cold, gnu::noinline]] inline failure error_of(int code)
{
	return code < 0 ? failure(static_cast<errc>(code), rc_error_detail()) : failure(static_cast<errc>(code));
}

// Codes of the hot path that are no errors are made inline.
inline failure failure_of(int code) { return code > 0 ? failure(static_cast<errc>(code)) : error_of(code); }

[[gnu::cold, gnu::noinline]] inline failure closed(const char *what)
{
	return failure(errc::closed, std::string(what) + " was closed, or moved from");
}

} // namespace detail

// A T, or the failure that took its place. Moved, not copied. Look first: `if (r) use(*r);`. * and -> of a
// result without a value end the program with the failure's text, in every build.
//
// To use exceptions, call value(), or maybe() where nothing, full and timed_out are expected.
template <class T>
class [[nodiscard]] result {
public:
	using value_type = T;

	result(T &&value) : good_(true) { ::new (static_cast<void *>(&value_)) T(std::move(value)); }
	result(failure f) noexcept : good_(false) { ::new (static_cast<void *>(&failure_)) failure(std::move(f)); }
	template <class... Args>
	explicit result(std::in_place_t, Args &&...args) : good_(true)
	{
		::new (static_cast<void *>(&value_)) T(std::forward<Args>(args)...);
	}
	result(result &&other) noexcept : good_(other.good_) { take(std::move(other)); }
	result &operator=(result &&other) noexcept
	{
		if (this != &other) {
			destroy();
			good_ = other.good_;
			take(std::move(other));
		}
		return *this;
	}
	~result() { destroy(); }

	bool has_value() const noexcept { return good_; }
	explicit operator bool() const noexcept { return good_; }

	T &operator*() & noexcept { return get(); }
	const T &operator*() const & noexcept { return const_cast<result *>(this)->get(); }
	T &&operator*() && noexcept { return std::move(get()); }
	T *operator->() noexcept { return &get(); }
	const T *operator->() const noexcept { return &const_cast<result *>(this)->get(); }

	// Returns the value; without one, throws std::system_error with the failure's code and detail.
	T &value() & { return good_ ? value_ : (detail::raise(failure_), value_); }
	const T &value() const & { return good_ ? value_ : (detail::raise(failure_), value_); }
	T &&value() && { return std::move(good_ ? value_ : (detail::raise(failure_), value_)); }

	// Returns the value, or nothing if the failure is no error: nothing, full, timed_out. Throws as value()
	// does for errors.
	std::optional<T> maybe() &&
	{
		if (good_)
			return std::optional<T>(std::move(value_));
		return failure_.try_again() ? std::nullopt : (detail::raise(failure_), std::nullopt);
	}

	template <class U>
	T value_or(U &&other) &&
	{
		return good_ ? std::move(value_) : static_cast<T>(std::forward<U>(other));
	}

	// Returns why there is no value; errc::ok if there is one.
	const failure &error() const noexcept
	{
		static const failure none;
		return good_ ? none : failure_;
	}

private:
	T &get() noexcept { return good_ ? value_ : (detail::no_value(failure_), value_); }
	void take(result &&other) noexcept
	{
		static_assert(std::is_nothrow_move_constructible_v<T>, "a result's value moves without exceptions");
		if (good_)
			::new (static_cast<void *>(&value_)) T(std::move(other.value_));
		else
			::new (static_cast<void *>(&failure_)) failure(std::move(other.failure_));
	}
	void destroy() noexcept
	{
		if (good_)
			value_.~T();
		else
			failure_.~failure();
	}

	bool good_;
	union {
		T value_;
		failure failure_;
	};
};

// Done, or the failure.
template <>
class [[nodiscard]] result<void> {
public:
	using value_type = void;

	result() noexcept = default;
	result(failure f) noexcept : failure_(std::move(f)) {}

	bool has_value() const noexcept { return !failure_; }
	explicit operator bool() const noexcept { return !failure_; }

	// Throws std::system_error if it was not done.
	void value() const
	{
		if (failure_)
			detail::raise(*failure_);
	}
	// Returns whether it was done; false if it failed with full or timed_out. Throws as value() does for
	// errors.
	bool maybe() const
	{
		if (failure_ && !failure_->try_again())
			detail::raise(*failure_);
		return !failure_;
	}
	const failure &error() const noexcept
	{
		static const failure none;
		return failure_ ? *failure_ : none;
	}

private:
	std::optional<failure> failure_;
};

} // namespace ringcast

template <>
struct std::is_error_code_enum<ringcast::errc> : std::true_type {};

#endif
