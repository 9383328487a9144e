// How long a call may wait.
//
// Part of ringcast.hpp.
#ifndef RINGCAST_TIMEOUT_HPP
#define RINGCAST_TIMEOUT_HPP

#include <chrono>
#include <cstdint>

#include "../ringcast.h"

namespace ringcast {

// How long a call may wait: any std::chrono duration, or a time point of any clock, which is read when the
// timeout is made. A time in the past does not wait. More than a century is for ever.
class timeout {
public:
	template <class Rep, class Period>
	constexpr timeout(std::chrono::duration<Rep, Period> d) noexcept : ns_(nanoseconds_of(d))
	{
	}
	template <class Clock, class Duration>
	timeout(std::chrono::time_point<Clock, Duration> deadline) noexcept : timeout(deadline - Clock::now())
	{
	}
	// The timeout in nanoseconds, as ringcast.h takes it: 0 does not wait, RC_FOREVER waits without end.
	constexpr std::int64_t ns() const noexcept { return ns_; }

	static constexpr timeout without_end() noexcept { return timeout(0, RC_FOREVER); }

private:
	constexpr timeout(int, std::int64_t ns) noexcept : ns_(ns) {}
	template <class Duration>
	static constexpr std::int64_t nanoseconds_of(Duration d) noexcept
	{
		using seconds = std::chrono::duration<double>;
		const double s = seconds(d).count();
		if (!(s > 0)) // not a number included
			return 0;
		if (s > 3.2e9)
			return RC_FOREVER;
		const std::int64_t ns = std::chrono::duration_cast<std::chrono::duration<std::int64_t, std::nano>>(d).count();
		return ns > 0 ? ns : 1;
	}

	std::int64_t ns_;
};

// Waits without end.
inline constexpr timeout forever = timeout::without_end();
// Does not wait.
inline constexpr timeout no_wait = timeout(std::chrono::seconds(0));

} // namespace ringcast

#endif
