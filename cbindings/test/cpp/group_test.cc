// Queue groups, and rights of topics.
#include <sys/stat.h>

#include <set>

#include "domain_fixture.h"
#include "second_process.h"

using ringcast::errc;

namespace {

ringcast::subscription_config member_of(const char *group)
{
	ringcast::subscription_config config;
	config.reading = ringcast::reading::group;
	config.group = group;
	return config;
}

} // namespace

TEST_F(DomainTest, GroupsShareTheWork)
{
	auto a = subscribe("jobs", member_of("workers")), b = subscribe("jobs", member_of("workers"));
	auto everything = subscribe("jobs");
	auto p = publish("jobs");
	for (int i = 0; i < 40; i++)
		ASSERT_TRUE(p.publish("job"));
	std::set<std::uint64_t> seen;
	int by_a = 0;
	for (int i = 0; i < 40; i++) {
		auto &member = i % 2 == 0 ? a : b;
		const auto e = member.wait(patience);
		EXPECT_TRUE(seen.insert(expect_message(e).sequence()).second) << "to one member only";
		by_a += i % 2 == 0 ? 1 : 0;
		member.release(); // it was handled
	}
	EXPECT_EQ(by_a, 20);
	EXPECT_EQ(a.poll().error(), errc::nothing);
	EXPECT_EQ(b.poll().error(), errc::nothing);
	EXPECT_EQ(everything.dispatch(100, [](const auto &) {}).value(), 40u) << "others get all of them";
}

TEST_F(DomainTest, GroupsRefuseWhatTheyCanNotHave)
{
	EXPECT_EQ(ringcast::subscription::open(domain, "jobs.*", member_of("workers")).error(), errc::invalid);
	EXPECT_EQ(ringcast::subscription::open(domain, "jobs", member_of("")).error(), errc::invalid);
	EXPECT_EQ(ringcast::subscription::open(domain, "jobs", member_of("not a name")).error().try_again(), false);
	auto history = member_of("workers");
	history.history = 3;
	EXPECT_EQ(ringcast::subscription::open(domain, "jobs", history).error(), errc::invalid);
	history.history = 0;
	history.group = std::string("a\0b", 3);
	EXPECT_EQ(ringcast::subscription::open(domain, "jobs", history).error(), errc::name);
	auto latest = small();
	latest.mode = ringcast::ring_mode::latest;
	auto p = publish("prices", latest);
	ASSERT_TRUE(p.publish("x"));
	EXPECT_EQ(ringcast::subscription::open(domain, "prices", member_of("workers")).error(), errc::mode);
}

TEST_F(DomainTest, WhatAKilledMemberHadIsTold)
{
	second_process victim(dir.path(), "member");
	ASSERT_EQ(victim.line(), "joined");
	auto p = publish("jobs");
	ASSERT_TRUE(p.publish("job"));
	ASSERT_EQ(victim.next_line(), "in hand");
	auto s = subscribe("jobs", member_of("workers"));
	victim.kill();
	const auto e = s.wait(patience);
	ASSERT_TRUE(e) << e.error();
	const auto *left = std::get_if<ringcast::abandoned>(&*e);
	ASSERT_NE(left, nullptr) << *e;
	EXPECT_EQ(left->sequence, 1u);
	EXPECT_EQ(left->source, p.source());
	EXPECT_NE(left->taker.index(), domain.address().value().index());
	EXPECT_EQ(left->topic, "jobs");
	ASSERT_TRUE(p.publish("next"));
	EXPECT_EQ(expect_message(s.wait(patience)).text(), "next");
}

TEST_F(DomainTest, TopicsHaveRightsOfTheirOwn)
{
	auto config = small();
	config.file_mode = 0640;
	auto p = publish("mine", config);
	ASSERT_TRUE(p.publish("x"));
	struct stat st;
	ASSERT_EQ(stat((dir.path() + "/default/topics/mine.ctl").c_str(), &st), 0);
	EXPECT_EQ(st.st_mode & 0707, 0600u) << "nothing for others";
	config.file_mode = 0600;
	EXPECT_EQ(ringcast::publisher::open(domain, "mine", config).error(), errc::permission);
	config.owner = std::string("a\0b", 3);
	EXPECT_EQ(ringcast::publisher::open(domain, "mine", config).error(), errc::name);
}
