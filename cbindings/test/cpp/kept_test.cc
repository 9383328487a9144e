// Messages that are kept beyond the next call.
#include "domain_fixture.h"

using ringcast::errc;

TEST_F(DomainTest, KeptMessagesStayWhereTheyLie)
{
	auto s = subscribe("a");
	auto other = subscribe("b");
	auto p = publish("a", small());
	ASSERT_TRUE(p.publish("first"));
	ASSERT_TRUE(p.publish("second"));
	const ringcast::message m = expect_message(s.poll());
	const void *where = m.payload().data();
	EXPECT_EQ(other.keep(m).error(), errc::invalid) << "of another subscription";
	auto kept = s.keep(m);
	ASSERT_TRUE(kept) << kept.error();
	EXPECT_EQ(expect_message(s.poll()).text(), "second");
	EXPECT_EQ(s.keep(m).error(), errc::invalid) << "not lent any more";
	EXPECT_EQ(kept->text(), "first");
	EXPECT_EQ(kept->payload().data(), where) << "not copied";
	EXPECT_EQ(kept->sequence(), 1u);
	EXPECT_EQ(kept->source(), p.source());
	ringcast::kept_message moved = *std::move(kept);
	ASSERT_TRUE(p.publish("third"));
	{
		auto third = s.keep(expect_message(s.poll()));
		ASSERT_TRUE(third);
		std::swap(moved, *third);
		EXPECT_EQ(moved.text(), "third");
		std::swap(moved, *third);
	}
	s.close();
	p.close();
	other.close();
	EXPECT_EQ(moved.text(), "first") << "after its subscription";
	EXPECT_EQ(domain.close().error(), errc::busy);
	moved.drop();
	EXPECT_TRUE(moved.payload().empty());
	moved.drop();
	EXPECT_TRUE(domain.close());
}
