// Domains: opening, closing, counters, rights.
#include <sys/stat.h>

#include <thread>

#include "domain_fixture.h"

using ringcast::errc;

TEST_F(DomainTest, KnowsWhoAndWhereItIs)
{
	const auto a = domain.address();
	ASSERT_TRUE(a) << a.error();
	EXPECT_EQ(a->handle(), 0);
	EXPECT_EQ(std::string(domain.directory()), dir.path() + "/default");
	ringcast::domain second = open_domain(dir.path());
	EXPECT_NE(second.address().value(), *a);
	EXPECT_EQ(second.address().value().node(), a->node());
}

TEST_F(DomainTest, HearsMemorySettings)
{
	ringcast::domain_config config;
	config.dir = dir.path();
	config.memory = "fast";
	const auto refused = ringcast::domain::open(config);
	EXPECT_EQ(refused.error(), errc::invalid);
	EXPECT_NE(refused.error().detail().find("want prefault, huge"), std::string::npos) << refused.error();
	config.memory = "prefault";
	const auto set = ringcast::domain::open(config);
	ASSERT_TRUE(set) << set.error();
	EXPECT_TRUE(ringcast::publisher::open(*set, "a"));
}

TEST_F(DomainTest, IsMoveOnly)
{
	static_assert(!std::is_copy_constructible_v<ringcast::domain> && !std::is_copy_assignable_v<ringcast::domain>);
	static_assert(std::is_nothrow_move_constructible_v<ringcast::domain>);
	const auto a = domain.address().value();
	ringcast::domain moved = std::move(domain);
	EXPECT_FALSE(domain.is_open());
	EXPECT_EQ(moved.address().value(), a);
	EXPECT_EQ(domain.address().error(), errc::closed);
	EXPECT_EQ(domain.close().error(), errc::closed);
	EXPECT_EQ(domain.counter("a.b: things").error(), errc::closed);
	EXPECT_EQ(ringcast::publisher::open(domain, "a").error(), errc::closed);
	EXPECT_EQ(ringcast::subscription::open(domain, "a").error(), errc::closed);
	EXPECT_TRUE(domain.directory().empty());
	EXPECT_EQ(domain.native_handle(), nullptr);
}

TEST_F(DomainTest, StaysOpenForItsHandles)
{
	auto s = subscribe("a");
	auto p = publish("a");
	EXPECT_EQ(domain.close().error(), errc::busy);
	{
		ringcast::domain gone = std::move(domain);
	}
	ASSERT_TRUE(p.publish("still here"));
	EXPECT_EQ(expect_message(s.wait(patience)).text(), "still here");
}

TEST_F(DomainTest, ClosesOnce)
{
	{
		auto p = publish("a");
		EXPECT_FALSE(domain.close());
	}
	EXPECT_TRUE(domain.close());
	EXPECT_FALSE(domain.is_open());
	EXPECT_EQ(domain.close().error(), errc::closed);
}

TEST_F(DomainTest, ErrorsSayWhatHappened)
{
	const auto bad_name = ringcast::publisher::open(domain, "not a name");
	EXPECT_EQ(bad_name.error(), errc::name);
	EXPECT_NE(bad_name.error().detail().find("not a name"), std::string::npos) << bad_name.error();
	EXPECT_EQ(ringcast::publisher::open(domain, std::string_view("a\0b", 3)).error(), errc::name);
	EXPECT_EQ(ringcast::subscription::open(domain, std::string_view("a\0b", 3)).error(), errc::name);
	EXPECT_EQ(ringcast::publisher::open(domain, "a.*").error(), errc::name);
	ringcast::domain_config config;
	config.dir = dir.path() + "/file";
	FILE *file = std::fopen(config.dir.c_str(), "w");
	ASSERT_NE(file, nullptr);
	(void)std::fclose(file);
	const auto r = ringcast::domain::open(config);
	ASSERT_FALSE(r);
	EXPECT_NE(r.error().detail().find(config.dir), std::string::npos) << r.error();
	config.dir = std::string("a\0b", 3);
	EXPECT_EQ(ringcast::domain::open(config).error(), errc::name);
}

TEST(Domain, IsMadeWithTheModeAskedFor)
{
	directory dir;
	ASSERT_EQ(chmod(dir.path().c_str(), 0711), 0) << "others may pass through";
	ringcast::domain_config config;
	config.dir = dir.path();
	config.domain = "open";
	config.mode = 0666;
	config.wait = ringcast::wait_style::yield;
	ringcast::domain d = ringcast::domain::open(config).value();
	struct stat st;
	ASSERT_EQ(stat((dir.path() + "/open/participants").c_str(), &st), 0);
	EXPECT_EQ(st.st_mode & 0777, 0666u);
}

TEST_F(DomainTest, CountersAreShared)
{
	ringcast::counter c = domain.counter("test.orders: orders taken").value();
	const ringcast::counter same = c;
	std::thread other([same] {
		for (int i = 0; i < 1000; i++)
			same.add();
	});
	for (int i = 0; i < 1000; i++)
		++c;
	other.join();
	c += 5;
	EXPECT_EQ(c.value(), 2005u);
	EXPECT_EQ(same.value(), 2005u);
	EXPECT_EQ(domain.counter("test.orders: orders taken").value().value(), 2005u) << "opened again, it is the same";
	EXPECT_EQ(domain.counter("test.orders: orders").value().value(), 0u) << "another";
	EXPECT_EQ(domain.close().error(), errc::busy) << "a counter keeps it open";
	EXPECT_EQ(domain.counter(std::string("a\0b", 3)).error(), errc::name);
	EXPECT_EQ(domain.counter("").error(), errc::invalid);
	EXPECT_EQ(domain.counter(std::string(49, 'x')).error(), errc::invalid);
}

TEST(Domain, NamesMatchPatterns)
{
	EXPECT_TRUE(ringcast::name_matches("orders.*", "orders.eu"));
	EXPECT_TRUE(ringcast::name_matches("orders.>", "orders.eu.1"));
	EXPECT_FALSE(ringcast::name_matches("orders.*", "orders"));
	EXPECT_FALSE(ringcast::name_matches("orders.*", "orders.*"));
	EXPECT_FALSE(ringcast::name_matches("a", std::string("a\0b", 3)));
}
