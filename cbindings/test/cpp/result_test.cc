// failure, errc and result<T>.
#include <memory>
#include <sstream>
#include <system_error>

#include "domain_fixture.h"

using ringcast::errc;
using ringcast::failure;
using ringcast::result;

TEST(Failure, HasCodeCategoryAndText)
{
	const failure f(errc::too_large, "publish a: 9 bytes");
	EXPECT_TRUE(f);
	EXPECT_FALSE(failure());
	EXPECT_EQ(f, errc::too_large);
	EXPECT_NE(f, errc::full);
	EXPECT_EQ(f.error_code(), errc::too_large);
	EXPECT_EQ(f.error_code(), std::errc::message_size);
	EXPECT_STREQ(f.error_code().category().name(), "ringcast");
	EXPECT_EQ(to_string(f), "message too large for the topic's shape: publish a: 9 bytes");
	std::ostringstream out;
	out << f << ", " << errc::timed_out;
	EXPECT_EQ(out.str(), to_string(f) + ", the time is up");
}

TEST(Failure, KnowsWhatIsNoError)
{
	for (errc code : {errc::nothing, errc::full, errc::timed_out})
		EXPECT_TRUE(failure(code).try_again()) << code;
	for (errc code : {errc::ok, errc::invalid, errc::forked, errc::bad_table})
		EXPECT_FALSE(failure(code).try_again()) << code;
}

TEST(Failure, EveryCodeHasAText)
{
	for (int code = RC_ERROR_GROUP_FULL; code <= RC_TIMED_OUT; code++) {
		EXPECT_STRNE(ringcast::text(static_cast<errc>(code)), "unknown code") << code;
		EXPECT_EQ(ringcast::category().message(code), rc_error_text(code));
	}
	EXPECT_STREQ(ringcast::text(errc::bad_table), "not a FlatBuffer of this type");
}

TEST(Failure, EquivalentsInTheStandardLibrary)
{
	const std::pair<errc, std::errc> pairs[] = {{errc::invalid, std::errc::invalid_argument}, {errc::name, std::errc::invalid_argument},
		{errc::permission, std::errc::permission_denied}, {errc::no_space, std::errc::no_space_on_device},
		{errc::no_memory, std::errc::not_enough_memory}, {errc::not_found, std::errc::no_such_file_or_directory},
		{errc::busy, std::errc::device_or_resource_busy}, {errc::in_use, std::errc::device_or_resource_busy},
		{errc::nothing, std::errc::resource_unavailable_try_again}, {errc::full, std::errc::resource_unavailable_try_again},
		{errc::timed_out, std::errc::timed_out}, {errc::buffer, std::errc::no_buffer_space}, {errc::unsupported, std::errc::not_supported}};
	for (const auto &[ours, theirs] : pairs)
		EXPECT_EQ(make_error_code(ours), theirs) << ours;
	EXPECT_EQ(make_error_code(errc::fenced).default_error_condition().category(), ringcast::category());
}

namespace {

// Counts those that live.
struct counted {
	static inline int living = 0;
	int value;
	explicit counted(int v) : value(v) { living++; }
	counted(counted &&other) noexcept : value(other.value) { living++; }
	~counted() { living--; }
};

result<counted> make(int value)
{
	if (value < 0)
		return failure(errc::invalid, "negative");
	return counted(value);
}

} // namespace

TEST(Result, HoldsAValueOrAFailure)
{
	{
		result<counted> good = make(7), bad = make(-1);
		ASSERT_TRUE(good);
		EXPECT_EQ(good->value, 7);
		EXPECT_EQ((*good).value, 7);
		EXPECT_EQ(good.error(), errc::ok);
		ASSERT_FALSE(bad);
		EXPECT_EQ(bad.error(), errc::invalid);
		EXPECT_EQ(bad.error().detail(), "negative");

		result<counted> moved = std::move(good);
		EXPECT_EQ(moved->value, 7);
		moved = std::move(bad);
		EXPECT_FALSE(moved);
		moved = make(9);
		EXPECT_EQ(moved.value().value, 9);
		EXPECT_EQ(std::move(moved).value_or(counted(1)).value, 9);
		EXPECT_EQ(make(-1).value_or(counted(1)).value, 1);
	}
	EXPECT_EQ(counted::living, 0);
}

TEST(Result, MovesWhatCanOnlyBeMoved)
{
	result<std::unique_ptr<int>> r = std::make_unique<int>(3);
	std::unique_ptr<int> taken = *std::move(r);
	EXPECT_EQ(*taken, 3);
	static_assert(!std::is_copy_constructible_v<result<std::unique_ptr<int>>>);
	static_assert(std::is_nothrow_move_constructible_v<result<std::unique_ptr<int>>>);
}

TEST(Result, ValueThrows)
{
	EXPECT_EQ(make(2).value().value, 2);
	try {
		(void)make(-1).value();
		FAIL() << "value did not throw";
	} catch (const std::system_error &e) {
		EXPECT_EQ(e.code(), errc::invalid);
		EXPECT_NE(std::string(e.what()).find("negative"), std::string::npos) << e.what();
	}
	EXPECT_THROW(result<void>(failure(errc::full)).value(), std::system_error);
	EXPECT_NO_THROW(result<void>().value());
}

TEST(Result, MaybeThrowsErrorsOnly)
{
	EXPECT_EQ(make(2).maybe()->value, 2);
	EXPECT_FALSE(result<int>(failure(errc::timed_out)).maybe());
	EXPECT_THROW((void)make(-1).maybe(), std::system_error);
	EXPECT_TRUE(result<void>().maybe());
	EXPECT_FALSE(result<void>(failure(errc::full)).maybe());
	EXPECT_THROW((void)result<void>(failure(errc::fenced)).maybe(), std::system_error);
}

TEST(ResultDeathTest, ValueOfNoneEndsTheProgram)
{
	EXPECT_DEATH((void)*make(-1), "a result without a value was used: .*negative");
	EXPECT_DEATH((void)make(-1)->value, "negative");
}
