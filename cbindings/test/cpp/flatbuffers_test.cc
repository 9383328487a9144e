// FlatBuffers built in the slot, and read where they lie.
#include "order_generated.h"
#include "ringcast/flatbuffers.hpp"

#include "domain_fixture.h"

using ringcast::errc;

namespace {

// An order with a number of lines.
flatbuffers::Offset<orders::Order> build(flatbuffers::FlatBufferBuilder &b, std::uint64_t number, std::size_t lines)
{
	std::vector<flatbuffers::Offset<orders::Line>> all;
	for (std::size_t i = 0; i < lines; i++)
		all.push_back(orders::CreateLine(b, b.CreateString("tea"), 2, 300));
	return orders::CreateOrder(b, number, b.CreateString("ada"), b.CreateVector(all));
}

} // namespace

TEST_F(DomainTest, TablesAreBuiltInPlace)
{
	auto s = subscribe("orders");
	auto p = publish("orders");
	auto slot = p.claim_slot();
	ASSERT_TRUE(slot) << slot.error();
	const std::byte *begin = slot->slot().begin(), *end = slot->slot().end();
	ringcast::table_builder b(std::move(*slot));
	EXPECT_FALSE(slot->is_open());
	b.Finish(build(b, 7, 3));
	const auto *start = reinterpret_cast<const std::byte *>(b.GetBufferPointer());
	EXPECT_TRUE(start > begin && start + b.GetSize() == end) << "it ends with the slot";
	EXPECT_TRUE(b.in_place());
	ASSERT_TRUE(b.commit());
	EXPECT_EQ(b.commit().error(), errc::invalid) << "twice";

	const auto e = s.poll();
	const ringcast::message m = expect_message(e);
	EXPECT_EQ(m.content(), ringcast::content::flat_buffer);
	const auto order = ringcast::table<orders::Order>(m);
	ASSERT_TRUE(order) << order.error();
	EXPECT_EQ((*order)->number(), 7u);
	EXPECT_EQ((*order)->customer()->string_view(), "ada");
	EXPECT_EQ((*order)->lines()->size(), 3u);
	EXPECT_EQ(ringcast::unverified_table<orders::Order>(m), *order);
	EXPECT_GT(static_cast<const void *>(*order), static_cast<const void *>(m.payload().begin()));
	EXPECT_LT(static_cast<const void *>(*order), static_cast<const void *>(m.payload().end())) << "where it lies";
}

TEST_F(DomainTest, TablesOneAfterTheOther)
{
	auto s = subscribe("orders");
	auto p = publish("orders", small());
	for (std::uint64_t n = 1; n <= 200; n++) {
		ringcast::table_builder b(p.claim_slot(patience).value());
		b.Finish(build(b, n, n % 2));
		ASSERT_TRUE(b.commit(ringcast::outgrown::refuse, 99));
		const auto e = s.poll();
		const ringcast::message m = expect_message(e);
		EXPECT_EQ(m.schema(), 99u);
		EXPECT_EQ(ringcast::table<orders::Order>(m).value()->number(), n);
	}
}

TEST_F(DomainTest, TablesThatOutgrowTheSlotAreRefused)
{
	auto s = subscribe("orders");
	auto p = publish("orders", small());
	ringcast::table_builder b(p.claim_slot().value());
	b.Finish(build(b, 7, 20));
	EXPECT_FALSE(b.in_place());
	const std::string size = std::to_string(b.GetSize()), slots = std::to_string((b.GetSize() + 63) / 64 * 64);
	const auto r = b.commit();
	EXPECT_EQ(r.error(), errc::too_large);
	EXPECT_NE(r.error().detail().find("a table of " + size + " bytes"), std::string::npos) << r.error();
	EXPECT_NE(r.error().detail().find("ask for a slot size of " + slots), std::string::npos) << r.error();
	EXPECT_EQ(s.poll().error(), errc::nothing);
	EXPECT_TRUE(p.publish("the claim has ended"));
}

TEST_F(DomainTest, TablesThatOutgrowTheSlotAreCopied)
{
	auto s = subscribe("orders");
	auto p = publish("orders", small());
	ringcast::table_builder b(p.claim_slot().value());
	b.Finish(build(b, 7, 20));
	ASSERT_GT(b.GetSize(), 128u);
	ASSERT_TRUE(b.commit(ringcast::outgrown::copy));
	const auto e = s.poll();
	const auto order = ringcast::table<orders::Order>(expect_message(e));
	ASSERT_TRUE(order) << order.error();
	EXPECT_EQ((*order)->lines()->size(), 20u);
	EXPECT_EQ(expect_message(e).content(), ringcast::content::flat_buffer);
}

TEST_F(DomainTest, UnfinishedTablesStayOpen)
{
	auto s = subscribe("orders");
	auto p = publish("orders");
	{
		ringcast::table_builder b(p.claim_slot().value());
		const auto order = build(b, 7, 1);
		EXPECT_EQ(b.commit().error(), errc::invalid);
		b.Finish(order);
		EXPECT_TRUE(b.commit());
	}
	{
		ringcast::table_builder left(p.claim_slot().value());
		left.Finish(build(left, 8, 1));
	}
	{
		ringcast::table_builder given_up(p.claim_slot().value());
		given_up.abort();
		given_up.Finish(build(given_up, 9, 1)); // in the heap: the slot is not its own any more
		EXPECT_FALSE(given_up.in_place());
		EXPECT_EQ(given_up.commit().error(), errc::invalid);
	}
	EXPECT_EQ(ringcast::table<orders::Order>(expect_message(s.poll())).value()->number(), 7u);
	EXPECT_EQ(s.poll().error(), errc::nothing) << "what was not committed";
}

// Every message with one byte changed, or cut off, is refused or has no offset that leads out of it.
TEST_F(DomainTest, DamagedTablesAreRefused)
{
	auto s = subscribe("orders");
	auto p = publish("orders");
	flatbuffers::FlatBufferBuilder b;
	b.Finish(build(b, 7, 2));
	const std::vector<std::uint8_t> good(b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize());
	unsigned refused = 0;
	for (std::size_t i = 0; i < good.size(); i++) {
		std::vector<std::uint8_t> bad = good;
		bad[i] = static_cast<std::uint8_t>(bad[i] ^ 0xff);
		ASSERT_TRUE(p.publish(bad, patience));
		ASSERT_TRUE(p.publish(ringcast::bytes_view(good).first(i), patience));
		const auto changed = s.poll();
		const auto order = ringcast::table<orders::Order>(expect_message(changed));
		if (!order) {
			refused++;
			EXPECT_EQ(order.error(), errc::bad_table);
		} else if ((*order)->lines() != nullptr) {
			for (const orders::Line *line : *(*order)->lines())
				(void)(line->item() != nullptr && line->item()->str().empty());
		}
		const auto cut = s.poll();
		EXPECT_EQ(ringcast::table<orders::Order>(expect_message(cut)).error(), errc::bad_table) << i << " bytes";
	}
	EXPECT_GT(refused, 20u);
	ASSERT_TRUE(p.publish(good));
	EXPECT_EQ(ringcast::table<orders::Order>(expect_message(s.poll()), "NONE").error(), errc::bad_table) << "another identifier";
}
