// Two processes: a second program of the same suite plays a role, and may be killed in it.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "domain_fixture.h"
#include "second_process.h"

using ringcast::errc;

namespace {

constexpr int messages = 2000;

int publish_many(ringcast::domain &d)
{
	auto p = ringcast::publisher::open(d, "t").value();
	std::printf("open\n");
	(void)std::fflush(stdout);
	for (int i = 0; i < messages; i++)
		p.publish(std::string(static_cast<std::size_t>(i % 5000), 'x'), patience).value();
	return 0;
}

// Says what it has, and waits to be killed.
int hold(const char *what)
{
	std::printf("%s\n", what);
	(void)std::fflush(stdout);
	std::this_thread::sleep_for(patience);
	return 1;
}

int hold_claim(ringcast::domain &d)
{
	auto p = ringcast::publisher::open(d, "t").value();
	auto c = p.claim(1).value();
	return hold("claimed");
}

int hold_message(ringcast::domain &d)
{
	ringcast::subscription_config config;
	config.reading = ringcast::reading::group;
	config.group = "workers";
	auto s = ringcast::subscription::open(d, "jobs", config).value();
	std::printf("joined\n");
	(void)std::fflush(stdout);
	(void)expect_message(s.wait(patience));
	return hold("in hand");
}

} // namespace

int play(int count, char **arguments)
{
	if (count != 2)
		return 2;
	ringcast::domain d = open_domain(arguments[1], arguments[0]);
	const std::string role = arguments[0];
	return role == "publish" ? publish_many(d) : role == "member" ? hold_message(d) : hold_claim(d);
}

TEST_F(DomainTest, AnotherProcessIsHeard)
{
	auto s = subscribe("t");
	second_process other(dir.path(), "publish");
	ASSERT_EQ(other.line(), "open");
	ringcast::address source;
	for (int i = 0; i < messages; i++) {
		const auto e = s.wait(patience);
		const ringcast::message m = expect_message(e);
		ASSERT_EQ(m.size(), static_cast<std::size_t>(i % 5000));
		ASSERT_EQ(m.sequence(), static_cast<std::uint64_t>(i + 1));
		source = m.source();
	}
	EXPECT_EQ(other.wait(), 0);
	EXPECT_NE(source.index(), domain.address().value().index());
}

TEST_F(DomainTest, AKilledWriterStopsNobody)
{
	auto s = subscribe("t");
	second_process victim(dir.path(), "claim");
	ASSERT_EQ(victim.line(), "claimed");
	victim.kill();
	auto p = publish("t");
	ASSERT_TRUE(p.publish("x", patience));
	EXPECT_EQ(expect_message(s.wait(patience)).text(), "x");
}

// A child that goes on without exec is told that the handles are not its own.
TEST_F(DomainTest, ForkedChildrenAreTold)
{
	auto s = subscribe("t");
	auto p = publish("t");
	const pid_t child = fork();
	if (child == 0) {
		const bool told = p.publish("x").error() == errc::forked && s.poll().error() == errc::forked && p.claim(1).error() == errc::forked &&
			ringcast::publisher::open(domain, "t").error() == errc::forked && !domain.address();
		{
			ringcast::publisher gone = std::move(p);
			ringcast::subscription gone_too = std::move(s);
		}
		_exit(told ? 0 : 1);
	}
	int status = -1;
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
	ASSERT_TRUE(p.publish("the parent goes on"));
	EXPECT_EQ(expect_message(s.poll()).text(), "the parent goes on");
}
