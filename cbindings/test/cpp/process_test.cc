// Two processes: a second program of the same suite plays a role, and may be killed in it.
#include <csignal>
#include <cstdio>
#include <sys/wait.h>
#include <unistd.h>

#include "domain_fixture.h"

using ringcast::errc;

namespace {

constexpr int messages = 2000;

// A program that plays a role; its first line on the standard output is awaited.
class second {
public:
	second(const std::string &dir, const char *role)
	{
		int ends[2];
		if (pipe(ends) != 0)
			throw std::runtime_error("pipe");
		pid_ = fork();
		if (pid_ == 0) {
			(void)dup2(ends[1], STDOUT_FILENO);
			execl("/proc/self/exe", "test-cpp", "role", role, dir.c_str(), static_cast<char *>(nullptr));
			_exit(127);
		}
		(void)close(ends[1]);
		out_ = ends[0];
		char c = 0;
		while (read(out_, &c, 1) == 1 && c != '\n')
			line_ += c;
	}
	second(const second &) = delete;
	second &operator=(const second &) = delete;
	~second()
	{
		kill();
		(void)close(out_);
	}
	const std::string &line() const { return line_; }
	void kill()
	{
		if (pid_ > 0)
			(void)::kill(pid_, SIGKILL);
		(void)wait();
	}
	// Its exit code; -1 if it was killed.
	int wait()
	{
		int status = -1;
		if (pid_ > 0)
			(void)waitpid(pid_, &status, 0);
		pid_ = -1;
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}

private:
	pid_t pid_ = -1;
	int out_ = -1;
	std::string line_;
};

int publish_many(ringcast::domain &d)
{
	auto p = ringcast::publisher::open(d, "t").value();
	std::printf("open\n");
	(void)std::fflush(stdout);
	for (int i = 0; i < messages; i++)
		p.publish(std::string(static_cast<std::size_t>(i % 5000), 'x'), patience).value();
	return 0;
}

int hold_claim(ringcast::domain &d)
{
	auto p = ringcast::publisher::open(d, "t").value();
	auto c = p.claim(1).value();
	std::printf("claimed\n");
	(void)std::fflush(stdout);
	std::this_thread::sleep_for(patience);
	return 1;
}

} // namespace

int play(int count, char **arguments)
{
	if (count != 2)
		return 2;
	ringcast::domain d = open_domain(arguments[1], arguments[0]);
	return std::string(arguments[0]) == "publish" ? publish_many(d) : hold_claim(d);
}

TEST_F(DomainTest, AnotherProcessIsHeard)
{
	auto s = subscribe("t");
	second other(dir.path(), "publish");
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
	second victim(dir.path(), "claim");
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
