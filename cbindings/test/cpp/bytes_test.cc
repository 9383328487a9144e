// Spans of bytes, timeouts, and addresses.
#include <array>
#include <limits>
#include <sstream>
#include <unordered_set>

#include "domain_fixture.h"

using ringcast::address;
using ringcast::bytes;
using ringcast::bytes_view;
using ringcast::timeout;

TEST(Bytes, AreMadeFromWhatHoldsBytes)
{
	const std::string text = "abc";
	const std::vector<unsigned char> numbers = {'a', 'b', 'c'};
	const std::array<std::byte, 3> real = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
	const unsigned char array[] = {'a', 'b', 'c'};
	const char *pointer = "abc";
	for (bytes_view b : {bytes_view(text), bytes_view(numbers), bytes_view(real), bytes_view(array), bytes_view(pointer), bytes_view("abc"),
			bytes_view(std::string_view("abc")), bytes_view("abcd", 3)})
		EXPECT_EQ(b.text(), "abc");
	EXPECT_TRUE(bytes_view().empty());
	EXPECT_EQ(bytes_view("").size(), 0u);
	EXPECT_TRUE(ringcast::equal(text, numbers));
	EXPECT_FALSE(ringcast::equal(text, "abd"));
}

TEST(Bytes, KeepConst)
{
	static_assert(std::is_convertible_v<bytes, bytes_view>);
	static_assert(!std::is_constructible_v<bytes, bytes_view>);
	static_assert(!std::is_constructible_v<bytes, const std::string &>);
	static_assert(!std::is_constructible_v<bytes, const char *>);
	static_assert(!std::is_constructible_v<bytes_view, std::vector<int> &>);
	static_assert(!std::is_constructible_v<bytes_view, std::nullptr_t>);
	std::string text = "abc";
	bytes b = text;
	b[1] = std::byte{'x'};
	EXPECT_EQ(text, "axc");
}

TEST(Bytes, HaveParts)
{
	const bytes_view b = "abcdef";
	EXPECT_EQ(b.first(2).text(), "ab");
	EXPECT_EQ(b.last(2).text(), "ef");
	EXPECT_EQ(b.subspan(2).text(), "cdef");
	EXPECT_EQ(b.subspan(1, 3).text(), "bcd");
	EXPECT_EQ(b.subspan(6).size(), 0u);
	EXPECT_EQ(b[5], std::byte{'f'});
	std::string all;
	for (std::byte one : b)
		all += static_cast<char>(one);
	EXPECT_EQ(all, "abcdef");
}

TEST(BytesDeathTest, EndInCheckedBuilds)
{
	const bytes_view b = "abc";
	EXPECT_DEATH((void)b[3], "outside");
	EXPECT_DEATH((void)b.first(4), "outside");
	EXPECT_DEATH((void)b.last(4), "outside");
	EXPECT_DEATH((void)b.subspan(2, 2), "outside");
	EXPECT_DEATH((void)b.subspan(4), "outside");
}

TEST(Bytes, OfObjects)
{
	struct point {
		int x, y;
	};
	const point p = {1, 2};
	const bytes_view b = ringcast::as_bytes(p);
	EXPECT_EQ(b.size(), sizeof p);
	EXPECT_EQ(static_cast<const void *>(b.data()), &p);
}

#ifdef __cpp_lib_span
TEST(Bytes, AreSpans)
{
	std::string text = "abc";
	std::span<const std::byte> view = bytes_view(text);
	std::span<std::byte> room = bytes(text);
	const bytes_view back = view;
	EXPECT_EQ(view.size(), 3u);
	EXPECT_EQ(room.data(), view.data());
	EXPECT_EQ(back.text(), "abc");
}
#endif

TEST(Timeout, FromDurations)
{
	EXPECT_EQ(timeout(0s).ns(), 0);
	EXPECT_EQ(timeout(-1s).ns(), 0);
	EXPECT_EQ(timeout(1ns).ns(), 1);
	EXPECT_EQ(timeout(1500ms).ns(), 1500000000);
	EXPECT_EQ(timeout(std::chrono::duration<double>(0.25)).ns(), 250000000);
	EXPECT_EQ(timeout(std::chrono::duration<double, std::pico>(300)).ns(), 1) << "a little is not nothing";
	EXPECT_EQ(timeout(std::chrono::hours::max()).ns(), RC_FOREVER);
	EXPECT_EQ(timeout(std::chrono::nanoseconds::max()).ns(), RC_FOREVER);
	EXPECT_EQ(timeout(std::chrono::duration<double>(std::numeric_limits<double>::infinity())).ns(), RC_FOREVER);
	EXPECT_EQ(timeout(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())).ns(), 0);
	EXPECT_EQ(ringcast::forever.ns(), RC_FOREVER);
	static_assert(timeout(2s).ns() == 2000000000);
}

TEST(Timeout, FromTimePoints)
{
	const auto now = std::chrono::steady_clock::now();
	EXPECT_EQ(timeout(now - 1s).ns(), 0);
	const auto left = timeout(now + 1h).ns();
	EXPECT_LE(left, 3600000000000);
	EXPECT_GT(left, 3000000000000);
	EXPECT_GT(timeout(std::chrono::system_clock::now() + 1h).ns(), 3000000000000);
}

TEST(Address, IsAValue)
{
	const address a(rc_address{7, 0x1f03, 5, 12, 1}), b(rc_address{7, 0x1f03, 5, 12, 2});
	EXPECT_EQ(a, a);
	EXPECT_NE(a, b);
	EXPECT_LT(a, b);
	EXPECT_GT(b, a);
	EXPECT_LE(a, b);
	EXPECT_GE(b, a);
	EXPECT_EQ(a.node(), 7u);
	EXPECT_EQ(a.epoch(), 0x1f03u);
	EXPECT_EQ(a.generation(), 5u);
	EXPECT_EQ(a.index(), 12u);
	EXPECT_EQ(a.handle(), 1u);
	std::unordered_set<address> set = {a, b, a};
	EXPECT_EQ(set.size(), 2u);
	EXPECT_NE(std::hash<address>()(a), std::hash<address>()(b));
}

TEST(Address, HasAText)
{
	const address a(rc_address{7, 0x1f03, 5, 12, 1});
	EXPECT_EQ(to_string(a), "n7-1f03.12.5:1");
	std::ostringstream out;
	out << a;
	EXPECT_EQ(out.str(), to_string(a));
	EXPECT_EQ(address::parse("n7-1f03.12.5:1").value(), a);
	for (std::string_view bad : {"", "n7", "n7-1f03.12.5:01", "n7-1f03.12.5:1 ", "x"}) {
		const auto r = address::parse(bad);
		EXPECT_FALSE(r) << bad;
		EXPECT_EQ(r.error(), ringcast::errc::invalid) << bad;
	}
	EXPECT_FALSE(address::parse(std::string(200, '1')));
	EXPECT_FALSE(address::parse(std::string_view("n7-1f03.12.5:1\0", 15)));
}
