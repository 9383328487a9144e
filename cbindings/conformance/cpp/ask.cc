// The client of the request cells.
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "asked.h"

using namespace std::chrono_literals;
using ringcast::errc;

namespace {

constexpr auto patience = 30s;

ringcast::ask_options patient(ringcast::timeout wait = patience)
{
	ringcast::ask_options options;
	options.wait = wait;
	return options;
}

// The word of doc/errors.md.
std::string word(const ringcast::failure &f)
{
	static const std::map<errc, std::string> words = {{errc::ok, "ok"}, {errc::timed_out, "timed_out"}, {errc::too_large, "too_large"},
		{errc::no_service, "no_service"}, {errc::overloaded, "overloaded"}, {errc::instance_died, "instance_died"}, {errc::gone, "gone"},
		{errc::no_inbox, "no_inbox"}, {errc::node_down, "node_down"}, {errc::no_reply, "no_reply"}, {errc::reply_too_large, "reply_too_large"},
		{errc::canceled, "canceled"}};
	if (f == errc::reply)
		return "reply " + std::to_string(f.reply_code()) + " " + f.detail();
	const auto at = words.find(f.code());
	return at != words.end() ? at->second : to_string(f);
}

void say(const char *what, const ringcast::failure &f) { std::cout << what << ' ' << word(f) << std::endl; }

const ringcast::failure another(errc::invalid, "another answer");

// Why it is not the answer that was to come; ok if it is.
ringcast::failure want(const ringcast::result<ringcast::reply> &r, std::string_view text)
{
	if (!r)
		return r.error();
	return r->text() == text ? ringcast::failure() : another;
}

struct client {
	const ringcast::domain &domain;
	ringcast::address server;

	ringcast::failure echo(std::size_t size) const
	{
		const std::string bytes(size, 'e');
		return want(ringcast::request(domain, service_name, bytes, patient()), bytes);
	}
	ringcast::failure request(const char *service, const char *text) const { return ringcast::request(domain, service, text, patient()).error(); }

	void simple() const
	{
		say("empty", echo(0));
		say("small", echo(10));
		say("slot", echo(2048));
		say("too-large", echo(2049));
		say("error", request(service_name, "f"));
		say("no-reply", request(service_name, "n"));
		say("reply-too-large", request(service_name, "l"));
		say("no-service", request("nobody", "e"));
		say("deadline", ringcast::request(domain, service_name, "w", patient(50ms)).error());
	}
	ringcast::failure cancel() const
	{
		auto f = ringcast::start(domain, service_name, "w", patient());
		if (!f)
			return f.error();
		std::this_thread::sleep_for(20ms);
		(void)f->cancel();
		return f->wait(patience).error();
	}
	ringcast::failure stream(int count, int take) const
	{
		auto f = ringcast::stream(domain, service_name, "s" + std::to_string(count), patient());
		if (!f)
			return f.error();
		int n = 0;
		auto answers = f->answers();
		for (const ringcast::reply &r : answers) {
			if (r.text() != (n < count ? std::to_string(n) : "end"))
				return another;
			if (++n == take && take < count)
				return {};
		}
		return answers.error() || n == count + 1 ? answers.error() : another;
	}
	ringcast::failure many() const
	{
		std::vector<ringcast::future> open;
		std::size_t taken = 0;
		while (taken < 300) {
			auto f = open.size() < 300 ? ringcast::start(domain, service_name, "e" + std::to_string(open.size()), patient()) : ringcast::failure(errc::full);
			if (f) {
				open.push_back(std::move(*f));
				continue;
			}
			if (f.error() != errc::full)
				return f.error();
			if (const auto wrong = want(open[taken].wait(patience), "e" + std::to_string(taken)))
				return wrong;
			open[taken++].close();
		}
		return {};
	}
	void addresses(bool away) const
	{
		rc_address gone = server.raw(), far = server.raw();
		gone.generation++;
		far.node++;
		say("send", ringcast::send(domain, server, "mail").error());
		say("request-to", want(ringcast::request(domain, server, "question", patient()), "question"));
		say("error-from", ringcast::request(domain, server, "error", patient()).error());
		say("gone", away ? ringcast::request(domain, ringcast::address(gone), "", patient()).error() : ringcast::send(domain, ringcast::address(gone), "").error());
		say("no-inbox", ringcast::send(domain, domain.address().value(), "").error());
		say("node-down", ringcast::send(domain, ringcast::address(far), "").error());
	}
	ringcast::failure survey() const
	{
		auto f = ringcast::survey(domain, survey_topic, "who?", patient());
		if (!f)
			return f.error();
		int n = 0;
		auto answers = f->answers();
		for (const ringcast::reply &r : answers)
			n += r.text() == "here" && r.source() == server ? 1 : 100;
		return answers.error() || n == 1 ? answers.error() : another;
	}
	// The next event, which has to be of the server.
	ringcast::failure seen(ringcast::watch &w, bool up) const
	{
		const auto e = w.wait(patience);
		if (!e)
			return e.error();
		return e->up == up && e->name == service_name && e->address == server ? ringcast::failure() : another;
	}
	// Waits until the server is known to serve, and to take questions.
	ringcast::failure known() const
	{
		ringcast::watch_config all;
		all.kinds = {ringcast::presence::instance, ringcast::presence::subscriber};
		ringcast::watch w = ringcast::watch::open(domain, all).value();
		for (bool serves = false, subscribes = false; !serves || !subscribes;) {
			const auto e = w.wait(patience);
			if (!e)
				return e.error();
			serves |= e->up && e->address == server && e->name == service_name;
			subscribes |= e->up && e->address == server && e->name == survey_topic;
		}
		return ringcast::wait_for_subscribers(domain, survey_topic, 1, patience).error();
	}
	// Sees a server die that holds a request; one on this node with its queue full.
	void death(bool away) const
	{
		ringcast::watch_config instances;
		instances.kinds = {ringcast::presence::instance};
		instances.name = service_name;
		ringcast::watch w = ringcast::watch::open(domain, instances).value();
		say("presence", seen(w, true));
		auto f = ringcast::stream(domain, service_name, "h", patient()).value();
		ringcast::failure e = want(f.wait(patience), "holding");
		while (!away && !e)
			e = ringcast::send(domain, service_name, "e").error();
		say(away ? "holding" : "overloaded", e);
		say("instance-died", f.wait(patience).error());
		say("presence-died", seen(w, false));
		say("after-death", request(service_name, "e"));
	}
};

int ask(ringcast::domain &domain, const char *address, bool away)
{
	const client c{domain, ringcast::address::parse(address).value()};
	if (away)
		say("known", c.known());
	c.simple();
	say("cancel", c.cancel());
	say("stream", c.stream(100, 100));
	say("stream-left", c.stream(1000, 5));
	say("many", c.many());
	c.addresses(away);
	say("survey", c.survey());
	c.death(away);
	return 0;
}

} // namespace

int ask_all(ringcast::domain &domain, char **args) { return ask(domain, args[0], false); }
int ask_away(ringcast::domain &domain, char **args) { return ask(domain, args[0], true); }

int ask_again(ringcast::domain &domain, char **args)
{
	const client c{domain, ringcast::address::parse(args[0]).value()};
	const ringcast::failure unknown = c.known();
	ringcast::ask_options twice = patient();
	twice.idempotent = true;
	say("again", unknown ? unknown : ringcast::request(domain, service_name, "w", twice).error());
	return 0;
}

int drop_request(ringcast::domain &domain, char **)
{
	const auto f = ringcast::start(domain, service_name, "w", patient()).value();
	std::this_thread::sleep_for(30s);
	return 1;
}
