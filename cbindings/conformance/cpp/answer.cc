// The server of the request cells: one loop for a service, the inbox and surveys.
#include <poll.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <thread>

#include "asked.h"

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 30s;

void answer_many(ringcast::task &t, int count)
{
	for (int i = 0; i < count; i++)
		if (!t.more(std::to_string(i), patience))
			return;
	(void)t.reply("end");
}

void wait_for_the_end(ringcast::task &t)
{
	std::cout << "waiting" << std::endl;
	while (t.wanted())
		std::this_thread::sleep_for(1ms);
	std::cout << "given up" << std::endl;
}

// Does what a request's first byte says; a task that is not answered ends without.
void answer_one(ringcast::task t)
{
	const std::string text(t.text());
	switch (text.empty() ? 'e' : text.front()) {
	case 'f': (void)t.fail(7, "no"); break;
	case 'n': break;
	case 'l': (void)t.reply(std::string(4096, 'l')); break;
	case 's': answer_many(t, std::stoi(text.substr(1))); break;
	case 'w': wait_for_the_end(t); break;
	case 'h':
		(void)t.more("holding", patience);
		std::this_thread::sleep_for(30s);
		break;
	default: (void)t.reply(t.payload());
	}
}

} // namespace

int answer_all(ringcast::domain &domain, char **)
{
	ringcast::service service = ringcast::service::open(domain, service_name).value();
	ringcast::subscription inbox = ringcast::subscription::inbox(domain).value();
	ringcast::subscription questions = ringcast::subscription::open(domain, survey_topic).value();
	pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {service.fd().value(), POLLIN, 0}, {inbox.fd().value(), POLLIN, 0}, {questions.fd().value(), POLLIN, 0}};
	std::cout << "ready " << domain.address().value() << std::endl;
	while (fds[0].revents == 0) {
		(void)inbox.dispatch(100, [&](const ringcast::message &m) {
			const auto q = ringcast::question::of(m); // without one it is mail, for the client that asks next
			if (q && m.text() == "error")
				q->refuse(domain, 3, "away").value();
			else if (q)
				q->answer(domain, m.payload()).value();
		}, [](const auto &) {});
		(void)questions.dispatch(100, [&](const ringcast::message &m) {
			if (const auto q = ringcast::question::of(m))
				q->answer(domain, "here").value();
		}, [](const auto &) {});
		while (auto t = service.poll())
			answer_one(std::move(*t));
		(void)poll(fds, 4, -1);
	}
	service.stop().value();
	while (auto t = service.wait(patience))
		answer_one(std::move(*t));
	return 0;
}
