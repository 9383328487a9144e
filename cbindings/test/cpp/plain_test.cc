// The layer without exceptions and without type information, and without the checks of checked builds: prints
// `ok NAME` or `not ok NAME: reason` a test.
#ifdef __cpp_exceptions
#error "this is compiled with -fno-exceptions"
#endif
#ifdef __GXX_RTTI
#error "this is compiled with -fno-rtti"
#endif
#define RINGCAST_CHECKED 0

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "../place.h"
#include "order_generated.h"
#include "ringcast/flatbuffers.hpp"

using namespace std::chrono_literals;

namespace {

int failed = 0;

void report(const char *name, const std::string &reason)
{
	const char *suite = std::getenv("RC_TEST_SUITE");
	failed += reason.empty() ? 0 : 1;
	std::printf("%sok %s/plain.%s%s%s\n", reason.empty() ? "" : "not ", suite != nullptr ? suite : "cpp", name, reason.empty() ? "" : ": ", reason.c_str());
	(void)std::fflush(stdout);
}

std::string one_message(const ringcast::domain &domain)
{
	auto s = ringcast::subscription::open(domain, "a");
	auto p = ringcast::publisher::open(domain, "a");
	if (!s || !p)
		return to_string(s ? p.error() : s.error());
	if (auto sent = p->publish("x"); !sent)
		return to_string(sent.error());
	auto e = s->wait(10s);
	if (!e)
		return to_string(e.error());
	return ringcast::match(*e, [](const ringcast::message &m) { return m.text() == "x" ? "" : "other bytes"; }, [](const auto &) { return "no message"; });
}

std::string one_table(const ringcast::domain &domain)
{
	auto s = ringcast::subscription::open(domain, "b");
	auto p = ringcast::publisher::open(domain, "b");
	if (!s || !p)
		return to_string(s ? p.error() : s.error());
	auto slot = p->claim_slot();
	if (!slot)
		return to_string(slot.error());
	ringcast::table_builder b(std::move(*slot));
	b.Finish(orders::CreateOrder(b, 7, b.CreateString("ada")));
	if (auto sent = b.commit(); !sent)
		return to_string(sent.error());
	auto e = s->poll();
	const ringcast::message *m = e ? message_of(*e) : nullptr;
	if (m == nullptr)
		return "no message";
	auto order = ringcast::table<orders::Order>(*m);
	return order && (*order)->number() == 7 ? "" : "another table";
}

// Without exceptions value() ends the program, with the text of the failure.
std::string value_ends(const ringcast::domain &domain)
{
	int ends[2];
	if (pipe(ends) != 0)
		return "pipe";
	auto r = ringcast::publisher::open(domain, "not a name");
	const pid_t child = fork();
	if (child == 0) {
		(void)dup2(ends[1], STDERR_FILENO);
		(void)r.value();
		_exit(0);
	}
	(void)close(ends[1]);
	char text[512] = "";
	const ssize_t n = read(ends[0], text, sizeof text - 1);
	(void)close(ends[0]);
	int status = 0;
	(void)waitpid(child, &status, 0);
	if (!WIFSIGNALED(status))
		return "the program went on";
	return n > 0 && std::string(text).find("not a name") != std::string::npos ? "" : std::string("it says ") + text;
}

} // namespace

int main()
{
	test_place base;
	if (!place_make(&base))
		return 2;
	{
		ringcast::domain_config config;
		config.dir = base.path;
		auto domain = ringcast::domain::open(config);
		if (domain) {
			report("one_message", one_message(*domain));
			report("one_table", one_table(*domain));
			report("value_ends", value_ends(*domain));
		} else {
			report("open", to_string(domain.error()));
		}
	}
	place_end(&base);
	return failed == 0 ? 0 : 1;
}
