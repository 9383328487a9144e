// Serving a name.
//
//	ringcast::server squares(ringcast::service::open(domain, "squares").value(), [](ringcast::task &t) { return square(t.text()); });
//
// Part of ringcast.hpp.
#ifndef RINGCAST_SERVICE_HPP
#define RINGCAST_SERVICE_HPP

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "domain.hpp"
#include "message.hpp"
#include "timeout.hpp"

namespace ringcast {

// How to serve. 0 or empty asks for nothing: the queue is taken as it is, or made with the default.
struct service_config {
	std::uint32_t concurrency = 1; // requests in hand at a time, at most 1024
	std::uint32_t queue = 0;       // requests that may wait, for all instances: a power of two; default 256
	std::uint32_t slot_size = 0;   // bytes of the largest request; default 2048
	std::uint32_t file_mode = 0;   // who may call (write) and see (read) the service
	std::string owner, group;      // of the service, by name or number
};

// A request in hand. It is answered once; if it ends without an answer, the asker gets errc::no_reply. Moved,
// not copied. It must end before its service. For one thread at a time.
class task {
public:
	// Its bytes; valid until it is answered.
	bytes_view payload() const noexcept { return handle_ ? bytes_view(handle_->data, handle_->size) : bytes_view(); }
	std::string_view text() const noexcept { return payload().text(); }
	template <class T>
	std::optional<T> as() const noexcept
	{
		return detail::copy_as<T>(payload());
	}
	// The address of whoever asks.
	address source() const noexcept { return handle_ ? address(handle_->source) : address(); }
	ringcast::content content() const noexcept { return handle_ ? static_cast<ringcast::content>(handle_->content) : ringcast::content::raw; }
	std::uint32_t schema() const noexcept { return handle_ ? handle_->schema : 0; }
	// Whether nobody waits for an answer, and whether the asker takes many.
	bool one_way() const noexcept { return handle_ && handle_->one_way; }
	bool streams() const noexcept { return handle_ && handle_->streams; }
	bool is_open() const noexcept { return handle_ != nullptr; }

	// Sends the last answer, or an error of the handler. Either ends the task. Never waits. errc::too_large: it
	// does not fit the inbox of the asker, who is told.
	result<void> reply(bytes_view payload) { return ended([&](rc_task *t) { return rc_task_reply(t, payload.data(), payload.size()); }); }
	result<void> fail(std::uint32_t code, const std::string &text) { return ended([&](rc_task *t) { return rc_task_fail(t, code, text.c_str()); }); }
	// Sends one of many answers. Waits while the asker has not taken the last 15. errc::canceled: nobody wants
	// more.
	result<void> more(bytes_view payload, timeout wait = forever)
	{
		if (!handle_)
			return detail::closed("the task");
		const int code = rc_task_more(handle_.get(), payload.data(), payload.size(), wait.ns());
		if (code != RC_OK)
			return detail::failure_of(code);
		return {};
	}
	// Whether the answer is still wanted; if not, errc::timed_out or errc::canceled. Ask now and then in long
	// work.
	result<void> wanted() const
	{
		const int code = handle_ ? rc_task_wanted(handle_.get()) : RC_ERROR_CANCELED;
		if (!handle_)
			return detail::closed("the task");
		if (code != RC_OK)
			return detail::failure_of(code);
		return {};
	}
	std::chrono::nanoseconds time_left() const noexcept { return std::chrono::nanoseconds(handle_ ? rc_task_time_left(handle_.get()) : 0); }
	// Sets content and schema of its further answers.
	void mark(ringcast::content c, std::uint32_t schema) noexcept
	{
		if (handle_)
			rc_task_mark(handle_.get(), static_cast<std::uint8_t>(c), schema);
	}

	task(task &&) noexcept = default;
	task &operator=(task &&) noexcept = default;
	task(const task &) = delete;
	task &operator=(const task &) = delete;
	~task() = default;

private:
	friend class service;
	struct dropped {
		void operator()(rc_task *t) const noexcept { rc_task_drop(t); }
	};
	explicit task(rc_task *t) noexcept : handle_(t) {}
	template <class F>
	result<void> ended(F &&end)
	{
		if (!handle_)
			return detail::closed("the task");
		const int code = end(handle_.release());
		if (code != RC_OK)
			return detail::failure_of(code);
		return {};
	}

	std::unique_ptr<rc_task, dropped> handle_;
};

// One instance of a service. Instances of one name share its requests: each takes the next when it asks for
// one. Several threads may take and stop; only one closes. It keeps its domain open.
class service {
public:
	// Begins to serve. errc::name, errc::name_kind (the name is a topic here), errc::shape, errc::permission.
	static result<service> open(const domain &d, std::string_view name, const service_config &config = {})
	{
		if (!d.is_open())
			return detail::closed("the domain");
		if (!detail::is_whole(name) || !detail::is_whole(config.owner) || !detail::is_whole(config.group))
			return detail::not_a_name();
		rc_service_config c{};
		c.concurrency = config.concurrency;
		c.queue = config.queue;
		c.slot_size = config.slot_size;
		c.file_mode = config.file_mode;
		c.owner = detail::or_null(config.owner);
		c.group = detail::or_null(config.group);
		rc_service *s = nullptr;
		const int code = rc_service_open(d.native_handle(), std::string(name).c_str(), &c, &s);
		if (code != RC_OK)
			return detail::failure_of(code);
		return service(detail::held(d), s, config.concurrency != 0 ? config.concurrency : 1);
	}

	// Takes the next request: errc::nothing, errc::timed_out, or errc::end if the service was stopped and
	// nothing is left.
	result<task> poll() { return take([&](rc_task **t) { return rc_service_poll(handle_.get(), t); }); }
	result<task> wait(timeout wait = forever) { return take([&](rc_task **t) { return rc_service_wait(handle_.get(), wait.ns(), t); }); }
	// A descriptor that is readable when poll should be called, until errc::nothing; see subscription::fd.
	result<int> fd()
	{
		int descriptor = -1;
		if (!handle_)
			return detail::closed("the service");
		const int code = rc_service_fd(handle_.get(), &descriptor);
		if (code != RC_OK)
			return detail::failure_of(code);
		return descriptor;
	}
	// Tells callers at once that this instance is going. Go on taking until errc::end, and nothing is lost.
	result<void> stop()
	{
		if (!handle_)
			return detail::closed("the service");
		const int code = rc_service_stop(handle_.get());
		if (code != RC_OK)
			return detail::failure_of(code);
		return {};
	}
	// Hands each request to the handler until the service was stopped and nothing is left. The handler answers
	// it, or returns something from which a bytes_view can be made, which is the answer. What it throws is an
	// error of the handler, code 0.
	template <class F>
	result<void> run(F &&handler)
	{
		for (;;) {
			result<task> t = wait();
			if (!t && t.error() == errc::end)
				return {};
			if (!t)
				return t.error();
			hand(*t, handler);
		}
	}
	// Ends the service: waiting requests are refused if there is no other instance.
	void close() noexcept
	{
		handle_.reset();
		domain_.reset();
	}
	bool is_open() const noexcept { return handle_ != nullptr; }
	std::uint32_t concurrency() const noexcept { return concurrency_; }

	service(service &&) noexcept = default;
	service &operator=(service &&other) noexcept
	{
		if (this != &other) {
			close();
			domain_ = std::move(other.domain_);
			handle_ = std::move(other.handle_);
			concurrency_ = other.concurrency_;
		}
		return *this;
	}
	service(const service &) = delete;
	service &operator=(const service &) = delete;
	~service() = default;

private:
	struct closed {
		void operator()(rc_service *s) const noexcept { rc_service_close(s); }
	};
	service(std::shared_ptr<detail::open_domain> d, rc_service *s, std::uint32_t concurrency) noexcept
		: domain_(std::move(d)), handle_(s), concurrency_(concurrency)
	{
	}
	template <class F>
	result<task> take(F &&call)
	{
		rc_task *t = nullptr;
		if (!handle_)
			return detail::closed("the service");
		const int code = call(&t);
		if (code != RC_OK)
			return detail::failure_of(code);
		return task(t);
	}
	template <class F>
	static void answer(task &t, F &handler)
	{
		if constexpr (std::is_constructible_v<bytes_view, std::invoke_result_t<F &, task &>>) {
			const auto &payload = handler(t);
			(void)t.reply(bytes_view(payload));
		} else {
			handler(t);
		}
	}
	template <class F>
	static void hand(task &t, F &handler)
	{
#ifdef __cpp_exceptions
		try {
			answer(t, handler);
		} catch (const std::exception &e) {
			(void)t.fail(0, e.what());
		}
#else
		answer(t, handler);
#endif
	}

	std::shared_ptr<detail::open_domain> domain_; // ends last
	std::unique_ptr<rc_service, closed> handle_;
	std::uint32_t concurrency_ = 1;
};

// A service with threads of its own, as many as its concurrency. Its end stops it without losing a request, and
// joins them. All of them call the handler at once.
class server {
public:
	template <class F>
	server(service s, F handler) : service_(std::make_unique<service>(std::move(s)))
	{
		auto shared = std::make_shared<F>(std::move(handler));
		for (std::uint32_t i = 0; i < service_->concurrency(); i++)
			threads_.emplace_back([one = service_.get(), shared] { (void)one->run(*shared); });
	}
	void stop() noexcept
	{
		if (service_ && service_->is_open())
			(void)service_->stop();
		for (std::thread &t : threads_)
			t.join();
		threads_.clear();
	}
	server(server &&) noexcept = default;
	server(const server &) = delete;
	server &operator=(const server &) = delete;
	~server() { stop(); }

private:
	std::unique_ptr<service> service_;
	std::vector<std::thread> threads_;
};

} // namespace ringcast

#endif
