// Publishers and claims.
#include <cstring>
#include <thread>

#include "domain_fixture.h"

using ringcast::errc;

TEST_F(DomainTest, PublishesWhateverHoldsBytes)
{
	auto s = subscribe("a");
	auto p = publish("a", small());
	struct point {
		int x, y;
	};
	const point at = {3, 4};
	const std::vector<std::byte> bytes = {std::byte{'x'}, std::byte{'y'}};
	ASSERT_TRUE(p.publish("text"));
	ASSERT_TRUE(p.publish(std::string("string")));
	ASSERT_TRUE(p.publish(bytes));
	ASSERT_TRUE(p.publish(ringcast::as_bytes(at)));
	ASSERT_TRUE(p.publish({}));
	ASSERT_TRUE(p.publish(std::string(1000, 'z'))) << "in several slots";
	EXPECT_EQ(expect_message(s.poll()).text(), "text");
	EXPECT_EQ(expect_message(s.poll()).text(), "string");
	EXPECT_EQ(expect_message(s.poll()).text(), "xy");
	const auto e = s.poll();
	const ringcast::message m = expect_message(e);
	ASSERT_TRUE(m.as<point>());
	EXPECT_EQ(m.as<point>()->y, 4);
	EXPECT_FALSE(m.as<char>()) << "another size";
	EXPECT_EQ(expect_message(s.poll()).size(), 0u);
	EXPECT_EQ(expect_message(s.poll()).text(), std::string(1000, 'z'));
	EXPECT_EQ(s.poll().error(), errc::nothing);
}

TEST_F(DomainTest, ATopicHasTheStallBudgetAskedFor)
{
	auto config = small();
	config.slots = 4;
	for (const auto wrong : {std::chrono::milliseconds(-1), std::chrono::milliseconds(99), std::chrono::milliseconds(1h) + 1ms}) {
		config.stall_budget = wrong;
		EXPECT_EQ(ringcast::publisher::open(domain, "a", config).error(), errc::invalid);
	}
	config.stall_budget = 100ms;
	auto p = publish("a", config);
	auto s = subscribe("a");
	for (int i = 0; i < 5; i++)
		ASSERT_TRUE(p.publish("1", 1min));
}

TEST_F(DomainTest, MessagesBearTheirMarks)
{
	auto config = small();
	config.timestamps = true;
	config.schema = 5;
	auto s = subscribe("a");
	auto p = publish("a", config);
	const auto before = std::chrono::system_clock::now();
	ASSERT_TRUE(p.publish("1"));
	ringcast::marks marks;
	marks.content = ringcast::content::fields;
	marks.schema = 9;
	marks.time = std::chrono::system_clock::time_point(1234567890s);
	ASSERT_TRUE(p.publish("2", marks));
	{
		const ringcast::message m = expect_message(s.poll());
		ASSERT_TRUE(m.time());
		EXPECT_LE(*m.time() - before, 1h);
		EXPECT_GE(*m.time() - before, -1s);
		EXPECT_EQ(m.schema(), 5u);
		EXPECT_EQ(m.content(), ringcast::content::raw);
		EXPECT_EQ(m.kind(), RC_MESSAGE_KIND_DATA);
		EXPECT_FALSE(m.remote());
		EXPECT_EQ(m.source(), p.source());
		EXPECT_EQ(m.sequence(), 1u);
		EXPECT_EQ(m.topic(), "a");
	}
	const ringcast::message m = expect_message(s.poll());
	EXPECT_EQ(m.time(), marks.time);
	EXPECT_EQ(m.schema(), 9u);
	EXPECT_EQ(m.content(), ringcast::content::fields);
	EXPECT_EQ(m.position(), 1u);
	EXPECT_EQ(p.sequence(), 2u);
}

TEST_F(DomainTest, WithoutTimestampsThereIsNoTime)
{
	auto s = subscribe("a");
	auto p = publish("a");
	ASSERT_TRUE(p.publish("1"));
	EXPECT_FALSE(expect_message(s.poll()).time());
}

TEST_F(DomainTest, FullIsNoError)
{
	auto s = subscribe("a");
	auto p = publish("a", small());
	std::uint64_t sent = 0;
	while (p.try_publish("x"))
		ASSERT_LT(++sent, 1000u);
	EXPECT_EQ(sent, 64u);
	EXPECT_EQ(p.try_publish("x").error(), errc::full);
	EXPECT_EQ(p.publish("x", 1ms).error(), errc::timed_out);
	EXPECT_TRUE(p.try_publish("x").error().detail().empty());
	EXPECT_EQ(p.claim(1, ringcast::no_wait).error(), errc::full);
	EXPECT_EQ(p.sequence(), 64u) << "what was not sent has no sequence";
	EXPECT_EQ(expect_message(s.poll()).text(), "x");
	s.release();
	EXPECT_TRUE(p.publish("x", patience));
}

TEST_F(DomainTest, TooLargeNamesAShape)
{
	auto p = publish("a", small());
	const auto r = p.publish(std::string(10000, 'x'));
	EXPECT_EQ(r.error(), errc::too_large);
	EXPECT_NE(r.error().detail().find("ask for a slot size of"), std::string::npos) << r.error();
	EXPECT_EQ(p.claim(129).error(), errc::too_large);
	EXPECT_TRUE(p.publish("then a small one"));
}

TEST_F(DomainTest, ShapeAndInfo)
{
	auto config = small();
	config.kind = ringcast::ring_kind::exclusive;
	config.mode = ringcast::ring_mode::reliable;
	config.history = 8;
	auto p = publish("a", config);
	ASSERT_TRUE(p.publish("x"));
	const auto info = p.info();
	ASSERT_TRUE(info) << info.error();
	EXPECT_EQ(info->slots, 64u);
	EXPECT_EQ(info->slot_size, 128u);
	EXPECT_EQ(info->kind, ringcast::ring_kind::exclusive);
	EXPECT_EQ(info->mode, ringcast::ring_mode::reliable);
	EXPECT_EQ(info->history, 8u);
	EXPECT_EQ(info->tail, 1u);
	EXPECT_EQ(ringcast::publisher::open(domain, "a", config).error(), errc::not_exclusive);
	config.kind = ringcast::ring_kind::shared;
	const auto other = ringcast::publisher::open(domain, "a", config);
	EXPECT_EQ(other.error(), errc::shape);
	EXPECT_FALSE(other.error().detail().empty());
}

TEST_F(DomainTest, ClaimsAreWrittenInPlace)
{
	auto s = subscribe("a");
	auto p = publish("a", small());
	auto c = p.claim(3);
	ASSERT_TRUE(c) << c.error();
	EXPECT_EQ(c->bytes().size(), 3u);
	EXPECT_EQ(c->slot().size(), 128u);
	EXPECT_EQ(reinterpret_cast<std::uintptr_t>(c->bytes().data()) % 64, 0u);
	EXPECT_EQ(c->owner(), &p);
	std::memcpy(c->bytes().data(), "abc", 3);
	EXPECT_EQ(s.poll().error(), errc::nothing) << "not before commit";
	ASSERT_TRUE(c->commit());
	EXPECT_FALSE(c->is_open());
	EXPECT_EQ(c->commit().error(), errc::invalid) << "twice";
	const ringcast::message m = expect_message(s.poll());
	EXPECT_EQ(m.text(), "abc");
}

TEST_F(DomainTest, CommitTakesAPart)
{
	auto s = subscribe("a");
	auto p = publish("a", small());
	{
		auto c = p.claim_slot();
		EXPECT_EQ(c->bytes().size(), 128u);
		std::memcpy(c->bytes().data(), "abcdef", 6);
		EXPECT_EQ(c->commit(129).error(), errc::invalid);
		EXPECT_TRUE(c->is_open()) << "nothing happened";
		ASSERT_TRUE(c->commit(2));
	}
	EXPECT_EQ(expect_message(s.poll()).text(), "ab");
	{
		auto c = p.claim_slot();
		const ringcast::bytes end = c->slot().last(4);
		std::memcpy(end.data(), "tail", 4);
		ringcast::marks marks;
		marks.content = ringcast::content::fields;
		EXPECT_EQ(c->commit("elsewhere").error(), errc::invalid) << "not in the slot";
		ASSERT_TRUE(c->commit(end, marks));
	}
	const ringcast::message m = expect_message(s.poll());
	EXPECT_EQ(m.text(), "tail");
	EXPECT_EQ(m.content(), ringcast::content::fields);
}

TEST_F(DomainTest, ClaimsEndWithoutSending)
{
	auto s = subscribe("a");
	auto p = publish("a", small());
	{
		auto c = p.claim(1);
		ASSERT_TRUE(c);
	}
	{
		auto c = p.claim(1);
		ASSERT_TRUE(c);
		c->abort();
		c->abort();
		EXPECT_EQ(c->commit().error(), errc::invalid);
	}
	EXPECT_EQ(s.poll().error(), errc::nothing);
	ASSERT_TRUE(p.publish("x"));
	EXPECT_EQ(expect_message(s.poll()).sequence(), 1u);
}

TEST_F(DomainTest, OneClaimAtATime)
{
	auto p = publish("a", small());
	auto c = p.claim(1);
	ASSERT_TRUE(c);
	EXPECT_EQ(p.claim(1).error(), errc::busy);
	EXPECT_EQ(p.publish("x").error(), errc::busy);
	ASSERT_TRUE(c->commit());
	EXPECT_TRUE(p.publish("x"));
}

TEST_F(DomainTest, ClaimsAndPublishersMove)
{
	auto s = subscribe("a");
	auto p = publish("a", small());
	ringcast::claim first = std::move(*p.claim(1));
	first.bytes()[0] = std::byte{'1'};
	ringcast::publisher q = std::move(p);
	EXPECT_EQ(first.owner(), &q);
	EXPECT_EQ(p.publish("x").error(), errc::closed);
	EXPECT_EQ(p.claim(1).error(), errc::closed);
	EXPECT_EQ(p.info().error(), errc::closed);
	EXPECT_EQ(p.sequence(), 0u);
	EXPECT_EQ(p.source(), ringcast::address());
	ringcast::claim second = std::move(first);
	EXPECT_FALSE(first.is_open());
	ASSERT_TRUE(second.commit());
	EXPECT_EQ(expect_message(s.poll()).text(), "1");
	second = std::move(*q.claim(1));
	auto other = publish("b", small());
	second = std::move(*other.claim(1)); // the one before is aborted
	EXPECT_TRUE(q.publish("2"));
	EXPECT_EQ(expect_message(s.poll()).sequence(), 2u);
	q = std::move(other);
	EXPECT_EQ(second.owner(), &q);
	EXPECT_TRUE(second.commit());
}

TEST_F(DomainTest, PublishersMayEndBeforeTheirClaims)
{
	auto s = subscribe("a");
	auto p = publish("a", small());
	auto c = p.claim(1);
	p.close();
	p.close();
	EXPECT_FALSE(p.is_open());
	EXPECT_FALSE(c->is_open());
	EXPECT_EQ(c->commit().error(), errc::invalid);
	EXPECT_EQ(s.poll().error(), errc::nothing);
}

// A claim that is held while somebody waits behind it is taken, and commit says so.
TEST_F(DomainTest, SlowClaimsAreFenced)
{
	auto s = subscribe("a");
	auto slow = publish("a", small());
	auto fast = publish("a", small());
	auto c = slow.claim(1);
	ASSERT_TRUE(c);
	for (int i = 0; i < 63; i++)
		ASSERT_TRUE(fast.publish("x", patience));
	std::thread reader([&] {
		for (int i = 0; i < 64; i++)
			(void)expect_message(s.wait(patience));
	});
	ASSERT_TRUE(fast.publish("x", patience));
	reader.join();
	const auto late = c->commit();
	EXPECT_EQ(late.error(), errc::fenced) << late.error();
	EXPECT_FALSE(c->is_open());
	EXPECT_EQ(slow.info().value().quarantined, 1u);
	ASSERT_TRUE(slow.publish("again", patience));
	EXPECT_EQ(expect_message(s.wait(patience)).text(), "again");
}
