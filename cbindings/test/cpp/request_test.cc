// Requests, services, streams, surveys, inboxes, and who is there.
#include <poll.h>

#include <atomic>
#include <fstream>

#include "domain_fixture.h"

using ringcast::errc;

namespace {

std::string doubled(std::string_view text) { return std::string(text) + std::string(text); }

ringcast::service serve(const ringcast::domain &d, const char *name, std::uint32_t concurrency = 1)
{
	ringcast::service_config config;
	config.concurrency = concurrency;
	return ringcast::service::open(d, name, config).value();
}

ringcast::ask_options patient()
{
	ringcast::ask_options options;
	options.wait = patience;
	return options;
}

// Mappings of files of this process whose path has both texts.
int mapped(const std::string &a, const std::string &b)
{
	std::ifstream maps("/proc/self/maps");
	int n = 0;
	for (std::string line; std::getline(maps, line);)
		n += line.find(a) != std::string::npos && line.find(b) != std::string::npos;
	return n;
}

} // namespace

TEST_F(DomainTest, RequestsAreAnsweredByAFunction)
{
	const ringcast::domain other = open_domain(dir.path());
	const ringcast::server server(serve(other, "double", 2), [](ringcast::task &t) { return doubled(t.text()); });
	for (int i = 0; i < 100; i++) {
		const auto r = ringcast::request(domain, "double", std::to_string(i), patient());
		ASSERT_TRUE(r) << r.error();
		EXPECT_EQ(r->text(), doubled(std::to_string(i)));
		EXPECT_EQ(r->source(), other.address().value());
	}
	EXPECT_EQ(ringcast::request(domain, "nobody", "x").error(), errc::no_service);
	EXPECT_EQ(ringcast::request(domain, "a..b", "x").error(), errc::name);
	EXPECT_EQ(ringcast::request(domain, std::string_view("a\0b", 3), "x").error(), errc::name);
	EXPECT_EQ(ringcast::request(domain, "double", std::string(2049, 'x')).error(), errc::too_large);
	EXPECT_EQ(ringcast::request(domain, "double", std::string(2048, 'x'), patient()).error(), errc::reply_too_large);
}

TEST_F(DomainTest, AHandlersErrorIsTheAnswer)
{
	const ringcast::server server(serve(domain, "fails"), [](ringcast::task &t) {
		if (t.text() == "throw")
			throw std::runtime_error("thrown");
		if (t.text() == "fail")
			(void)t.fail(7, "seven");
	});
	const auto failed = ringcast::request(domain, "fails", "fail", patient());
	EXPECT_EQ(failed.error(), errc::reply);
	EXPECT_EQ(failed.error().reply_code(), 7u);
	EXPECT_EQ(failed.error().detail(), "seven");
	EXPECT_EQ(ringcast::request(domain, "fails", "throw", patient()).error().detail(), "thrown");
	EXPECT_EQ(ringcast::request(domain, "fails", "nothing", patient()).error(), errc::no_reply);
}

TEST_F(DomainTest, FuturesAndCallbacks)
{
	const ringcast::server server(serve(domain, "double"), [](ringcast::task &t) { return doubled(t.text()); });
	auto f = ringcast::start(domain, "double", "a", patient()).value();
	EXPECT_EQ(f.wait().value().text(), "aa");
	EXPECT_EQ(f.wait().error(), errc::end);
	std::size_t good = 0, sent = 0;
	const int fd = ringcast::replies_fd(domain).value();
	while (good < 500) {
		ringcast::result<void> result;
		while (sent < 500 && result) {
			result = ringcast::start(domain, "double", "b", [&](ringcast::result<ringcast::reply> r) { good += r && r->text() == "bb"; }, patient());
			sent += result.has_value();
		}
		ASSERT_TRUE(result || result.error() == errc::full || result.error() == errc::overloaded) << result.error();
		pollfd p{fd, POLLIN, 0};
		ASSERT_EQ(poll(&p, 1, 60000), 1);
		ASSERT_TRUE(ringcast::dispatch(domain));
	}
	EXPECT_EQ(domain.close().error(), errc::busy) << "futures and servers keep it open";
}

// A name for each order: the 256 that were called last are kept open, with three mappings each, and what is in use.
TEST_F(DomainTest, NamesThatWereCalledAreForgotten)
{
	const ringcast::domain other = open_domain(dir.path());
	ringcast::service_config config;
	config.queue = 64;
	config.slot_size = 64;
	ringcast::service used = ringcast::service::open(other, "used", config).value();
	auto open = ringcast::start(domain, "used", "x", patient()).value();
	for (int i = 0; i < 400; i++) {
		const std::string name = "order." + std::to_string(i);
		ringcast::service s = ringcast::service::open(other, name, config).value();
		auto f = ringcast::start(domain, name, "x", patient()).value();
		ASSERT_TRUE(s.wait(patience).value().reply(name));
		EXPECT_EQ(f.wait().value().text(), name);
	}
	EXPECT_LE(mapped(dir.path(), "/services/order."), 3 * 256);
	EXPECT_EQ(mapped(dir.path(), "/services/order.0."), 0);
	EXPECT_EQ(mapped(dir.path(), "/services/order.399."), 3);
	ASSERT_TRUE(used.wait(patience).value().reply("y"));
	EXPECT_EQ(open.wait().value().text(), "y");
}

TEST_F(DomainTest, StreamsOfAnswers)
{
	std::atomic<int> given_up{0};
	const ringcast::server server(serve(domain, "count"), [&](ringcast::task &t) {
		for (int i = 0; i < 1000; i++) {
			if (!t.more(std::to_string(i))) {
				given_up++;
				return;
			}
			if (i == 99 && t.text() == "hundred")
				break;
		}
		(void)t.reply("end");
	});
	auto all = ringcast::stream(domain, "count", "hundred", patient()).value();
	int n = 0;
	auto answers = all.answers();
	for (const ringcast::reply &r : answers) {
		EXPECT_EQ(r.text(), n < 100 ? std::to_string(n) : "end");
		n++;
	}
	EXPECT_EQ(n, 101);
	EXPECT_FALSE(answers.error()) << answers.error();
	{
		auto some = ringcast::stream(domain, "count", "all", patient()).value();
		EXPECT_EQ(some.wait().value().text(), "0");
	}
	while (given_up == 0) // who leaves ends the handler
		std::this_thread::sleep_for(1ms);
}

TEST_F(DomainTest, TasksAreAnsweredLater)
{
	ringcast::service s = serve(domain, "later", 2);
	auto a = ringcast::start(domain, "later", "a", patient()).value(), b = ringcast::start(domain, "later", "b", patient()).value();
	ringcast::task first = s.wait(patience).value(), second = s.wait(patience).value();
	EXPECT_EQ(s.poll().error(), errc::nothing) << "both hands are full";
	EXPECT_TRUE(second.wanted());
	EXPECT_GT(second.time_left().count(), 0);
	EXPECT_FALSE(first.one_way() || first.streams());
	ASSERT_TRUE(second.reply("B"));
	EXPECT_EQ(second.reply("again").error(), errc::closed);
	ASSERT_TRUE(a.cancel());
	EXPECT_EQ(first.wanted().error(), errc::canceled);
	EXPECT_EQ(first.more("x").error(), errc::one_reply);
	EXPECT_EQ(a.wait().error(), errc::canceled);
	EXPECT_EQ(b.wait().value().text(), "B");
	ASSERT_TRUE(ringcast::send(domain, "later", "one way"));
	{
		const ringcast::task t = s.wait(patience).value();
		EXPECT_TRUE(t.one_way());
	}
	ASSERT_TRUE(first.reply("late"));
	ASSERT_TRUE(s.stop());
	EXPECT_EQ(s.wait(patience).error(), errc::end);
}

TEST_F(DomainTest, InboxesAndAddresses)
{
	const ringcast::domain other = open_domain(dir.path());
	const ringcast::address to = domain.address().value();
	EXPECT_EQ(ringcast::send(other, to, "x").error(), errc::no_inbox);
	ringcast::subscription inbox = ringcast::subscription::inbox(domain).value();
	EXPECT_EQ(ringcast::subscription::inbox(domain).error(), errc::busy);
	ASSERT_TRUE(ringcast::send(other, to, "hello"));
	{
		const auto e = inbox.wait(patience);
		const ringcast::message m = expect_message(e);
		EXPECT_EQ(m.text(), "hello");
		EXPECT_EQ(ringcast::sender(m), other.address().value());
		EXPECT_FALSE(ringcast::question::of(m));
	}
	auto f = ringcast::start(other, to, "question", patient()).value();
	const auto e = inbox.wait(patience);
	const auto question = ringcast::question::of(expect_message(e));
	ASSERT_TRUE(question);
	inbox.release(); // it is answered later
	ASSERT_TRUE(question->answer(domain, "answer"));
	EXPECT_EQ(f.wait().value().text(), "answer");
	auto g = ringcast::start(other, to, "question", patient()).value();
	const auto again = inbox.wait(patience);
	ASSERT_TRUE(ringcast::question::of(expect_message(again))->refuse(domain, 3, "no"));
	EXPECT_EQ(g.wait().error().reply_code(), 3u);
}

TEST_F(DomainTest, SurveysAndPresence)
{
	ringcast::watch_config config;
	config.kinds = {ringcast::presence::subscriber};
	config.name = "who";
	ringcast::watch w = ringcast::watch::open(domain, config).value();
	EXPECT_EQ(w.poll().error(), errc::nothing);
	const ringcast::domain other = open_domain(dir.path(), "other");
	{
		ringcast::subscription s = ringcast::subscription::open(other, "who").value();
		const ringcast::presence_event up = w.wait(patience).value();
		EXPECT_TRUE(up.up && up.name == "who" && up.program == "other" && up.address == other.address().value());
		EXPECT_EQ(ringcast::wait_for_subscribers(domain, "who", 1, patience).value(), 1u);
		auto f = ringcast::survey(domain, "who", "?", patient()).value();
		const auto e = s.wait(patience);
		ASSERT_TRUE(ringcast::question::of(expect_message(e))->answer(other, "here"));
		int n = 0;
		for (const ringcast::reply &r : f.answers())
			n += r.text() == "here" ? 1 : 100;
		EXPECT_EQ(n, 1);
	}
	const ringcast::presence_event down = w.wait(patience).value();
	EXPECT_TRUE(!down.up && down.reason == ringcast::presence_reason::left);
	config.once = true;
	config.name.clear();
	config.kinds = {ringcast::presence::participant};
	ringcast::watch listing = ringcast::watch::open(domain, config).value();
	int n = 0;
	auto events = listing.events();
	for (const ringcast::presence_event &e : events)
		n += e.up && e.first;
	EXPECT_EQ(n, 2);
	EXPECT_FALSE(events.error());
}
