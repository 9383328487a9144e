// Messages to one process, requests, streams and surveys: the caller's side.
//
//	auto answer = ringcast::request(domain, "pricing", "17", {.wait = 1s});
//	if (answer)
//		std::cout << answer->text() << '\n';
//	else if (answer.error() == ringcast::errc::reply)
//		std::cerr << "refused: " << answer.error().reply_code() << '\n';
//
// No thread is started: whoever waits reads for all waiters of this process. dispatch calls the callbacks of
// what was started with one.
//
// Part of ringcast.hpp.
#ifndef RINGCAST_REQUEST_HPP
#define RINGCAST_REQUEST_HPP

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "domain.hpp"
#include "message.hpp"
#include "subscription.hpp"
#include "timeout.hpp"

namespace ringcast {

// How to ask.
struct ask_options {
	timeout wait = std::chrono::seconds(10); // the request's time, which travels with it; at most 30 min
	bool idempotent = false;                 // it may run twice: sent again if its instance or node died (request only)
	ringcast::content content = ringcast::content::raw;
	std::uint32_t schema = 0; // low half of the schema's hash
	std::uint32_t quorum = 0; // of a survey: how many answers are enough; 0: all who are asked
};

// An answer, in memory of its own. Moved, not copied.
class reply {
public:
	reply() noexcept = default;
	// Its bytes, aligned to 8: a FlatBuffer may be read where it lies. Valid as long as the reply.
	bytes_view payload() const noexcept { return raw_.data != nullptr ? bytes_view(raw_.data, raw_.size) : bytes_view(); }
	std::string_view text() const noexcept { return payload().text(); }
	std::size_t size() const noexcept { return raw_.size; }
	// A copy of the object that was sent by as_bytes; nothing if its size is different.
	template <class T>
	std::optional<T> as() const noexcept
	{
		return detail::copy_as<T>(payload());
	}
	// Who answered.
	address source() const noexcept { return address(raw_.source); }
	ringcast::content content() const noexcept { return static_cast<ringcast::content>(raw_.content); }
	std::uint32_t schema() const noexcept { return raw_.schema; }
	// The reply for calls of ringcast.h that fill it.
	rc_reply &raw() noexcept { return raw_; }

	reply(reply &&other) noexcept { std::swap(raw_, other.raw_); }
	reply &operator=(reply &&other) noexcept
	{
		std::swap(raw_, other.raw_);
		return *this;
	}
	reply(const reply &) = delete;
	reply &operator=(const reply &) = delete;
	~reply() { rc_reply_clear(&raw_); }

private:
	rc_reply raw_{};
};

namespace detail {

inline rc_ask ask_of(const ask_options &o) noexcept
{
	rc_ask a{};
	a.timeout = o.wait.ns() == 0 ? 1 : o.wait.ns();
	a.idempotent = o.idempotent;
	a.content = static_cast<std::uint8_t>(o.content);
	a.schema = o.schema;
	a.quorum = o.quorum;
	return a;
}

// The answer that a call has filled, or the failure that took its place.
inline result<reply> answered(int code, reply &&r)
{
	if (code == RC_OK)
		return result<reply>(std::move(r));
	if (code == RC_ERROR_REPLY)
		return failure(errc::reply, std::string(r.text()), r.raw().code);
	return failure_of(code);
}

inline result<void> done(int code)
{
	if (code != RC_OK)
		return failure_of(code);
	return {};
}

} // namespace detail

// Asks any one instance of a service, and waits for the answer. errc::no_service and errc::overloaded come at
// once, and it did not run. errc::reply is the handler's own error; errc::no_reply; errc::reply_too_large.
// After errc::instance_died and errc::timed_out nobody knows whether it ran. For any thread. Allocates the
// reply.
inline result<reply> request(const domain &d, std::string_view service, bytes_view payload, const ask_options &options = {})
{
	if (!d.is_open())
		return detail::closed("the domain");
	if (!detail::is_whole(service))
		return detail::not_a_name();
	const rc_ask ask = detail::ask_of(options);
	reply r;
	const int code = rc_request(d.native_handle(), std::string(service).c_str(), payload.data(), payload.size(), &ask, &r.raw());
	return detail::answered(code, std::move(r));
}

// Does the same with the inbox of a participant. Also errc::gone, errc::no_inbox, errc::node_down.
inline result<reply> request(const domain &d, const address &to, bytes_view payload, const ask_options &options = {})
{
	if (!d.is_open())
		return detail::closed("the domain");
	const rc_ask ask = detail::ask_of(options);
	reply r;
	const int code = rc_request_to(d.native_handle(), &to.raw(), payload.data(), payload.size(), &ask, &r.raw());
	return detail::answered(code, std::move(r));
}

// Sends a message to the inbox of a participant. Never waits. errc::gone, errc::no_inbox, errc::node_down,
// errc::overloaded, errc::too_large: nothing was sent.
inline result<void> send(const domain &d, const address &to, bytes_view payload)
{
	if (!d.is_open())
		return detail::closed("the domain");
	return detail::done(rc_send(d.native_handle(), &to.raw(), payload.data(), payload.size()));
}

// Does the same to any one instance of a service; no answer comes. errc::no_service, errc::overloaded,
// errc::too_large.
inline result<void> send(const domain &d, std::string_view service, bytes_view payload)
{
	if (!d.is_open())
		return detail::closed("the domain");
	if (!detail::is_whole(service))
		return detail::not_a_name();
	return detail::done(rc_send_service(d.native_handle(), std::string(service).c_str(), payload.data(), payload.size()));
}

class future;

// The answers of a stream or a survey, for `for`, as they come. The loop ends after the last answer, or with
// error().
class answer_range {
public:
	class iterator {
	public:
		const reply &operator*() const noexcept { return *range_->now_; }
		const reply *operator->() const noexcept { return &*range_->now_; }
		iterator &operator++()
		{
			if (!range_->next())
				range_ = nullptr;
			return *this;
		}
		friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.range_ == b.range_; }
		friend bool operator!=(const iterator &a, const iterator &b) noexcept { return a.range_ != b.range_; }

	private:
		friend class answer_range;
		explicit iterator(answer_range *r) noexcept : range_(r) {}
		answer_range *range_; // NULL: the end
	};

	iterator begin() { return iterator(next() ? this : nullptr); }
	iterator end() noexcept { return iterator(nullptr); }
	// Why the loop ended; errc::ok if all answers have come.
	const failure &error() const noexcept
	{
		static const failure none;
		return now_.error() == errc::end ? none : now_.error();
	}
	answer_range(const answer_range &) = delete;
	answer_range &operator=(const answer_range &) = delete;
	~answer_range() = default;

private:
	friend class future;
	explicit answer_range(future &f) : future_(&f), now_(failure()) {}
	inline bool next();

	future *future_;
	result<reply> now_;
};

// A request whose outcome is still to come, or one that takes many answers. Its end gives up what is open. It
// keeps its domain open. For one thread at a time.
class future {
public:
	// Takes the next answer; for a request that is the only one, then errc::end. errc::nothing: none came
	// within that time; errc::timed_out is the request's time. Other errors are those of request.
	result<reply> wait(timeout wait = forever)
	{
		if (!handle_)
			return detail::closed("the future");
		reply r;
		const int code = rc_future_wait(handle_.get(), wait.ns(), &r.raw());
		return detail::answered(code, std::move(r));
	}
	result<reply> poll() { return wait(no_wait); }
	// All answers as they come.
	answer_range answers() { return answer_range(*this); }
	// Gives the request up: its outcome is errc::canceled, unless it already has one.
	result<void> cancel() { return handle_ ? detail::done(rc_future_cancel(handle_.get())) : detail::closed("the future"); }
	void close() noexcept
	{
		handle_.reset();
		domain_.reset();
	}
	bool is_open() const noexcept { return handle_ != nullptr; }

	future(future &&) noexcept = default;
	future &operator=(future &&other) noexcept
	{
		if (this != &other) {
			close();
			domain_ = std::move(other.domain_);
			handle_ = std::move(other.handle_);
		}
		return *this;
	}
	future(const future &) = delete;
	future &operator=(const future &) = delete;
	~future() = default;

private:
	friend struct future_maker;
	struct closed {
		void operator()(rc_future *f) const noexcept { rc_future_close(f); }
	};
	future(std::shared_ptr<detail::open_domain> d, rc_future *f) noexcept : domain_(std::move(d)), handle_(f) {}

	std::shared_ptr<detail::open_domain> domain_; // ends last
	std::unique_ptr<rc_future, closed> handle_;
};

inline bool answer_range::next()
{
	now_ = future_->wait();
	return now_.has_value();
}

// Makes futures of what the C library has begun.
struct future_maker {
	using begin = int(rc_domain *, const char *, const void *, std::size_t, const rc_ask *, rc_future **);

	static result<future> named(begin *call, const domain &d, std::string_view name, bytes_view payload, const rc_ask &ask)
	{
		if (!d.is_open())
			return detail::closed("the domain");
		if (!detail::is_whole(name))
			return detail::not_a_name();
		rc_future *f = nullptr;
		const int code = call(d.native_handle(), std::string(name).c_str(), payload.data(), payload.size(), &ask, &f);
		if (code != RC_OK)
			return detail::failure_of(code);
		return future(detail::held(d), f);
	}
	static result<future> addressed(const domain &d, const address &to, bytes_view payload, const rc_ask &ask)
	{
		if (!d.is_open())
			return detail::closed("the domain");
		rc_future *f = nullptr;
		const int code = rc_request_start_to(d.native_handle(), &to.raw(), payload.data(), payload.size(), &ask, &f);
		if (code != RC_OK)
			return detail::failure_of(code);
		return future(detail::held(d), f);
	}
};

// Asks without waiting. errc::full: domain_config::in_flight are open; take some outcomes first.
inline result<future> start(const domain &d, std::string_view service, bytes_view payload, const ask_options &options = {})
{
	return future_maker::named(rc_request_start, d, service, payload, detail::ask_of(options));
}
inline result<future> start(const domain &d, const address &to, bytes_view payload, const ask_options &options = {})
{
	return future_maker::addressed(d, to, payload, detail::ask_of(options));
}

// Asks for many answers (future::answers). Holds 16 of domain_config::in_flight.
inline result<future> stream(const domain &d, std::string_view service, bytes_view payload, const ask_options &options = {})
{
	return future_maker::named(rc_stream_start, d, service, payload, detail::ask_of(options));
}

// Asks all who subscribe to a topic. future::answers ends when all have answered or are gone, with the quorum,
// or with errc::timed_out.
inline result<future> survey(const domain &d, std::string_view topic, bytes_view payload, const ask_options &options = {})
{
	return future_maker::named(rc_survey_start, d, topic, payload, detail::ask_of(options));
}

namespace detail {

// A callback that waits for its answer; it keeps the domain open until it has been called.
template <class F>
struct waiting {
	F call;
	std::optional<std::shared_ptr<open_domain>> domain;

	static void ready(void *argument, rc_future *f)
	{
		const std::unique_ptr<waiting> self(static_cast<waiting *>(argument));
		reply r;
		const int code = rc_future_wait(f, 0, &r.raw());
		result<reply> outcome = answered(code, std::move(r));
		rc_future_close(f);
		self->call(std::move(outcome));
	}
};

} // namespace detail

// Does the same with a callback of result<reply>, which dispatch calls, once. If this returns an error, it is
// never called.
template <class F, class = std::enable_if_t<std::is_invocable_v<F, result<reply>>>>
result<void> start(const domain &d, std::string_view service, bytes_view payload, F callback, const ask_options &options = {})
{
	if (!d.is_open())
		return detail::closed("the domain");
	if (!detail::is_whole(service))
		return detail::not_a_name();
	using waiting = detail::waiting<F>;
	auto held = std::unique_ptr<waiting>(new waiting{std::move(callback), detail::held(d)});
	rc_ask ask = detail::ask_of(options);
	ask.ready = waiting::ready;
	ask.argument = held.get();
	rc_future *f = nullptr;
	const int code = rc_request_start(d.native_handle(), std::string(service).c_str(), payload.data(), payload.size(), &ask, &f);
	if (code != RC_OK)
		return detail::failure_of(code);
	(void)held.release(); // the call owns it now
	return {};
}

// Reads what has come, and calls the callbacks that it is for; waits up to the given time for the first.
// Returns how many were called. One thread at a time: errc::busy. A callback that throws ends it; the next
// dispatch calls the others.
inline result<std::size_t> dispatch(const domain &d, timeout wait = no_wait)
{
	std::size_t called = 0;
	if (!d.is_open())
		return detail::closed("the domain");
	const int code = rc_replies_dispatch(d.native_handle(), wait.ns(), &called);
	if (code != RC_OK && code != RC_NOTHING)
		return detail::failure_of(code);
	return called;
}

// A descriptor that is readable when dispatch should be called; see subscription::fd.
inline result<int> replies_fd(const domain &d)
{
	int fd = -1;
	if (!d.is_open())
		return detail::closed("the domain");
	const int code = rc_replies_fd(d.native_handle(), &fd);
	if (code != RC_OK)
		return detail::failure_of(code);
	return fd;
}

// A request that came to the inbox, or a survey: what one needs to answer it, now or later. A value.
class question {
public:
	explicit question(const rc_address_block &block) noexcept : block_(block) {}
	// Returns the question in a message, if it is one.
	static std::optional<question> of(const message &m) noexcept
	{
		if (m.raw().kind != RC_MESSAGE_KIND_REQUEST || m.raw().block == nullptr)
			return std::nullopt;
		return question(*m.raw().block);
	}
	// The address of whoever asks.
	address source() const noexcept { return address(block_.source); }
	std::chrono::nanoseconds time_left() const noexcept { return std::chrono::nanoseconds(rc_time_left(&block_)); }
	// Answers the question. It is no error if the asker is gone or has given up. errc::too_large: it does not
	// fit the inbox of the asker, who is told.
	result<void> answer(const domain &d, bytes_view payload) const
	{
		return d.is_open() ? detail::done(rc_answer(d.native_handle(), &block_, payload.data(), payload.size())) : detail::closed("the domain");
	}
	// Answers with an error: the asker gets errc::reply.
	result<void> refuse(const domain &d, std::uint32_t code, const std::string &text) const
	{
		return d.is_open() ? detail::done(rc_answer_error(d.native_handle(), &block_, code, text.c_str())) : detail::closed("the domain");
	}

private:
	rc_address_block block_;
};

// Returns who sent a direct message, a request or a survey; nobody for a published message.
inline std::optional<address> sender(const message &m) noexcept
{
	return m.raw().block != nullptr ? std::optional<address>(address(m.raw().block->source)) : std::nullopt;
}

} // namespace ringcast

#endif
