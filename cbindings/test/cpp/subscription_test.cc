// Subscriptions: the ways to read, what stands in the stream, lifetimes.
#include <poll.h>

#include <sstream>
#include <thread>

#include "domain_fixture.h"

using ringcast::errc;

template <class Event>
static void pass_over(const Event &)
{
}

TEST_F(DomainTest, PollNeverWaitsAndWaitEnds)
{
	auto s = subscribe("a");
	EXPECT_EQ(s.poll().error(), errc::nothing);
	const auto start = std::chrono::steady_clock::now();
	EXPECT_EQ(s.wait(20ms).error(), errc::timed_out);
	EXPECT_EQ(s.wait(start + 40ms).error(), errc::timed_out);
	EXPECT_GE(std::chrono::steady_clock::now() - start, 40ms);
	EXPECT_FALSE(s.wait(ringcast::no_wait));
}

TEST_F(DomainTest, WaitWakes)
{
	auto s = subscribe("a");
	std::thread other([this] {
		auto p = publish("a");
		std::this_thread::sleep_for(20ms);
		p.publish("late").value();
	});
	EXPECT_EQ(expect_message(s.wait(patience)).text(), "late");
	other.join();
}

TEST_F(DomainTest, RangesEnd)
{
	auto s = subscribe("a");
	auto p = publish("a");
	for (const char *text : {"1", "2", "3"})
		ASSERT_TRUE(p.publish(text));
	std::string all;
	auto there = s.events(ringcast::no_wait);
	for (const ringcast::event &e : there)
		all += message_of(e)->text();
	EXPECT_EQ(all, "123");
	EXPECT_FALSE(there.error()) << there.error();
	for (const ringcast::event &e : s.events(1ms))
		FAIL() << e;
	s.close();
	auto none = s.events();
	for (const ringcast::event &e : none)
		FAIL() << e;
	EXPECT_EQ(none.error(), errc::closed);
}

TEST_F(DomainTest, RangesHaveIterators)
{
	auto s = subscribe("a");
	auto p = publish("a");
	ASSERT_TRUE(p.publish("1"));
	auto range = s.events(ringcast::no_wait);
	auto i = range.begin();
	static_assert(std::is_same_v<std::iterator_traits<decltype(i)>::iterator_category, std::input_iterator_tag>);
	ASSERT_NE(i, range.end());
	EXPECT_EQ(std::get_if<ringcast::message>(&*i)->text(), "1");
	EXPECT_EQ(i->index(), 0u);
	i++;
	EXPECT_EQ(i, range.end());
}

TEST_F(DomainTest, DispatchTakesWhatIsThere)
{
	auto s = subscribe("a");
	auto p = publish("a");
	for (int i = 0; i < 5; i++)
		ASSERT_TRUE(p.publish("x"));
	int messages = 0;
	auto count = [&](const ringcast::message &) { messages++; };
	auto others = [](const auto &e) { ADD_FAILURE() << e; };
	EXPECT_EQ(s.dispatch(3, count, others).value(), 3u);
	EXPECT_EQ(s.dispatch(3, count, others).value(), 2u);
	EXPECT_EQ(s.dispatch(3, count, others).value(), 0u);
	EXPECT_EQ(messages, 5);
	for (int i = 0; i < 3; i++)
		ASSERT_TRUE(p.publish("x"));
	EXPECT_EQ(s.dispatch(9, [](const auto &) { return false; }).value(), 1u) << "ended by the handler";
	EXPECT_EQ(s.dispatch(9, [](const auto &) { return true; }).value(), 2u);
	ASSERT_TRUE(p.publish("x"));
	auto once = [left = 1](const ringcast::message &) mutable { return --left > 0; };
	EXPECT_EQ(s.dispatch(9, once, others).value(), 1u) << "handlers are not copied";
	ASSERT_TRUE(p.publish("x"));
	EXPECT_EQ(s.dispatch(9, pass_over<ringcast::message>, others).value(), 1u) << "functions are handlers";
	s.close();
	EXPECT_EQ(s.dispatch(9, [](const auto &) {}).error(), errc::closed);
}

TEST_F(DomainTest, RunWaits)
{
	auto s = subscribe("a");
	std::thread other([this] {
		auto p = publish("a");
		for (const char *text : {"1", "2", "end"})
			p.publish(text).value();
	});
	std::string all;
	const auto done = s.run(patience, [&](const ringcast::message &m) {
		all += m.text();
		return m.text() != "end";
	}, [](const auto &) { return true; });
	other.join();
	EXPECT_TRUE(done) << done.error();
	EXPECT_EQ(all, "12end");
	EXPECT_EQ(s.run(1ms, [](const auto &) {}).error(), errc::timed_out);
}

TEST_F(DomainTest, ReadCopiesOut)
{
	auto s = subscribe("a");
	auto p = publish("a", small());
	ASSERT_TRUE(p.publish("0123456789"));
	std::vector<std::byte> buffer(4);
	EXPECT_EQ(s.read(buffer).error(), errc::buffer);
	EXPECT_EQ(s.size_needed(), 10u);
	buffer.resize(s.size_needed());
	const auto e = s.read(buffer, patience);
	const ringcast::message m = expect_message(e);
	EXPECT_EQ(static_cast<const void *>(m.payload().data()), buffer.data());
	EXPECT_EQ(m.text(), "0123456789");
	EXPECT_EQ(s.read(buffer, ringcast::no_wait).error(), errc::nothing);
	EXPECT_EQ(s.read(buffer, 1ms).error(), errc::timed_out);
}

TEST_F(DomainTest, ClonesStay)
{
	ringcast::owned_message copy;
	{
		auto s = subscribe("a");
		auto config = small();
		config.timestamps = true;
		auto p = publish("a", config);
		ASSERT_TRUE(p.publish("kept"));
		copy = expect_message(s.poll()).clone();
		EXPECT_EQ(copy.source, p.source());
	}
	EXPECT_EQ(copy.text(), "kept");
	EXPECT_EQ(copy.topic, "a");
	EXPECT_EQ(copy.sequence, 1u);
	EXPECT_TRUE(copy.time);
	EXPECT_EQ((*copy.as<std::array<char, 4>>())[0], 'k');
}

TEST_F(DomainTest, MessagesKnowTheirEnd)
{
	auto s = subscribe("a");
	auto p = publish("a");
	for (int i = 0; i < 4; i++)
		ASSERT_TRUE(p.publish("x"));
	ringcast::message m = expect_message(s.poll());
	EXPECT_TRUE(m.valid());
	ringcast::subscription moved = std::move(s);
	EXPECT_TRUE(m.valid()) << "moving gives nothing back";
	(void)moved.poll();
	EXPECT_FALSE(m.valid());
	m = expect_message(moved.poll());
	moved.release();
	EXPECT_FALSE(m.valid());
	m = expect_message(moved.poll());
	moved.close();
	EXPECT_FALSE(m.valid());
	EXPECT_EQ(moved.poll().error(), errc::closed);
	EXPECT_EQ(moved.wait().error(), errc::closed);
	EXPECT_EQ(moved.read({}).error(), errc::closed);
	EXPECT_EQ(moved.fd().error(), errc::closed);
	EXPECT_EQ(moved.info().error(), errc::closed);
	moved.release();
	for (int i = 0; i < 3; i++) { // the memory of its lease is used again
		auto other = subscribe("b");
		(void)other.poll();
		EXPECT_FALSE(m.valid());
	}
}

using SubscriptionDeathTest = DomainTest;

TEST_F(SubscriptionDeathTest, OldMessagesEndTheProgram)
{
	auto s = subscribe("a");
	auto p = publish("a");
	ASSERT_TRUE(p.publish("x"));
	const ringcast::message m = expect_message(s.poll());
	(void)s.poll();
	EXPECT_DEATH((void)m.payload(), "a message was used that is not lent any more");
	EXPECT_DEATH((void)m.clone(), "not lent");
	ASSERT_TRUE(p.publish("y"));
	const ringcast::message n = expect_message(s.poll());
	s.close();
	EXPECT_DEATH((void)n.sequence(), "not lent");
}

TEST_F(DomainTest, SlowReadersOfLatestAreToldWhatTheyMissed)
{
	auto config = small();
	config.mode = ringcast::ring_mode::latest;
	auto s = subscribe("a");
	auto p = publish("a", config);
	for (int i = 0; i < 1000; i++)
		ASSERT_TRUE(p.publish("x", patience));
	const auto e = s.poll();
	ASSERT_TRUE(e) << e.error();
	const auto *lag = std::get_if<ringcast::lagged>(&*e);
	ASSERT_NE(lag, nullptr) << *e;
	EXPECT_EQ(message_of(*e), nullptr);
	EXPECT_EQ(lag->topic, "a");
	EXPECT_EQ(lag->first, 0u);
	const std::uint64_t missed = lag->count;
	EXPECT_GT(missed, 900u);
	std::ostringstream out;
	out << *e << *lag;
	EXPECT_NE(out.str().find("a: missed at most " + std::to_string(missed)), std::string::npos) << out.str();
	EXPECT_EQ(expect_message(s.poll()).sequence(), missed + 1);
}

TEST_F(DomainTest, LatestReadersMayBeAskedFor)
{
	ringcast::subscription_config latest;
	latest.reading = ringcast::reading::latest;
	auto s = subscribe("a", latest);
	auto p = publish("a", small());
	for (int i = 0; i < 100; i++)
		ASSERT_TRUE(p.try_publish("x")) << "it holds nobody up";
	const auto e = s.poll();
	ASSERT_TRUE(e) << e.error();
	EXPECT_NE(std::get_if<ringcast::lagged>(&*e), nullptr) << *e;
}

TEST_F(DomainTest, HistoryIsThere)
{
	auto config = small();
	config.history = 16;
	auto p = publish("a", config);
	for (const char *text : {"1", "2", "3"})
		ASSERT_TRUE(p.publish(text));
	ringcast::subscription_config two;
	two.history = 2;
	two.local_only = true;
	auto s = subscribe("a", two);
	EXPECT_EQ(expect_message(s.poll()).text(), "2");
	EXPECT_EQ(expect_message(s.poll()).text(), "3");
	EXPECT_EQ(s.poll().error(), errc::nothing);
}

TEST_F(DomainTest, PatternsReadWhatMatches)
{
	auto s = subscribe("orders.>");
	auto eu = publish("orders.eu"), us = publish("orders.us"), no = publish("other");
	ASSERT_TRUE(eu.publish("e"));
	ASSERT_TRUE(us.publish("u"));
	ASSERT_TRUE(no.publish("n"));
	std::string topics;
	for (int i = 0; i < 2; i++) {
		const ringcast::message m = expect_message(s.wait(patience));
		EXPECT_EQ(m.topic(), m.text() == "e" ? "orders.eu" : "orders.us");
		topics += m.text();
	}
	EXPECT_TRUE(topics == "eu" || topics == "ue") << topics;
	EXPECT_EQ(s.wait(1ms).error(), errc::timed_out);
	EXPECT_EQ(s.topic(), "orders.>");
	EXPECT_EQ(s.info().error(), errc::invalid);
}

TEST_F(DomainTest, DescriptorsFitEventLoops)
{
	auto s = subscribe("a");
	auto p = publish("a");
	const auto fd = s.fd();
	ASSERT_TRUE(fd) << fd.error();
	EXPECT_EQ(s.fd().value(), *fd);
	struct pollfd one = {*fd, POLLIN, 0};
	const auto end = std::chrono::steady_clock::now() + patience;
	do { // a bell that rings for something else makes it readable once
		while (s.poll()) {
		}
	} while (::poll(&one, 1, 0) != 0 && std::chrono::steady_clock::now() < end);
	EXPECT_EQ(::poll(&one, 1, 0), 0) << "armed, and nothing there";
	int got = 0;
	for (int round = 0; round < 20; round++) {
		ASSERT_TRUE(p.publish("x"));
		for (int seen = got; got == seen;) {
			ASSERT_EQ(::poll(&one, 1, 30000), 1) << "round " << round;
			(void)s.dispatch(100, [&](const ringcast::message &) { got++; }, [](const auto &e) { ADD_FAILURE() << e; }).value();
		}
	}
	EXPECT_EQ(got, 20);
}

TEST_F(DomainTest, SeveralAtOnce)
{
	auto a = subscribe("a"), b = subscribe("b");
	auto to_a = publish("a"), to_b = publish("b");
	EXPECT_EQ(ringcast::wait_any(1ms, a, b).error(), errc::timed_out);
	ASSERT_TRUE(to_b.publish("x"));
	EXPECT_EQ(ringcast::wait_any(patience, a, b).value(), 1u);
	ASSERT_TRUE(to_a.publish("y"));
	EXPECT_EQ(ringcast::wait_any(patience, a, b).value(), 0u) << "in turn";
	EXPECT_EQ(expect_message(a.poll()).text(), "y");
	EXPECT_EQ(expect_message(b.poll()).text(), "x");

	ringcast::wait_set set;
	ASSERT_TRUE(set.add(a));
	ASSERT_TRUE(set.add(b));
	EXPECT_EQ(set.size(), 2u);
	ringcast::subscription moved = std::move(b);
	EXPECT_EQ(set.add(b).error(), errc::closed);
	EXPECT_EQ(ringcast::wait_any(1ms, a, b).error(), errc::closed);
	ASSERT_TRUE(to_b.publish("z"));
	EXPECT_EQ(set.wait(patience).value(), 1u);
	set.remove(a);
	EXPECT_EQ(set.wait(patience).value(), 0u);
	EXPECT_EQ(expect_message(moved.poll()).text(), "z");
	set.remove(moved);
	set.remove(moved);
	EXPECT_EQ(set.size(), 0u);
}

TEST(Event, EveryOneIsPrinted)
{
	using ringcast::address;
	const address a(rc_address{7, 0x1f03, 5, 12, 1});
	std::ostringstream out;
	out << ringcast::event(ringcast::loss{"t", a, 3, 5, 3, RC_LOSS_REASON_TRAIL}) << '\n' << ringcast::damaged{"t", 9} << '\n'
	    << ringcast::other_event{"t", RC_TYPE_DOWN, a} << '\n' << ringcast::abandoned{"t", address(rc_address{7, 0x1f03, 6, 13, 0}), a, 4, 9};
	EXPECT_EQ(out.str(), "t: lost 3 messages of n7-1f03.12.5:1, 3 to 5, reason 1\nt: damaged bytes at position 9\nt: event 5 of n7-1f03.12.5:1\n"
		"t: message 4 of n7-1f03.12.5:1 was in the hand of n7-1f03.13.6, which is gone");
}

TEST_F(DomainTest, MessagesArePrintedWithoutTheirBytes)
{
	auto s = subscribe("a");
	auto p = publish("a");
	ASSERT_TRUE(p.publish("secret"));
	const auto e = s.poll();
	EXPECT_EQ(to_string(*e), "a: message 1 of " + to_string(p.source()) + ", 6 bytes");
}
