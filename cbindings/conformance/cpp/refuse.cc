// What the C++ layer refuses, and why. See doc.go; the list is that of refusals.go.
#include "refuse.h"

#include <functional>
#include <iostream>
#include <list>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using ringcast::errc;

namespace {

// What was opened stays open.
std::list<ringcast::publisher> publishers;
std::list<ringcast::subscription> subscriptions;

ringcast::publisher_config small()
{
	ringcast::publisher_config c;
	c.slots = 64;
	c.slot_size = 64;
	return c;
}

template <class Change> ringcast::publisher_config with(Change change)
{
	ringcast::publisher_config c;
	change(c);
	return c;
}

ringcast::subscription_config member(const char *group = "g", std::uint64_t history = 0)
{
	ringcast::subscription_config c;
	c.reading = ringcast::reading::group;
	c.group = group;
	c.history = history;
	return c;
}

ringcast::publisher &opened(const ringcast::domain &d, const std::string &topic, const ringcast::publisher_config &c = small())
{
	publishers.push_back(ringcast::publisher::open(d, topic, c).value());
	return publishers.back();
}

ringcast::subscription &joined(const ringcast::domain &d, const std::string &topic, const ringcast::subscription_config &c = {})
{
	subscriptions.push_back(ringcast::subscription::open(d, topic, c).value());
	return subscriptions.back();
}

using provocation = std::function<errc(const ringcast::domain &, const std::string &)>;

provocation asks(ringcast::publisher_config c, std::string name = {})
{
	return [=](const ringcast::domain &d, const std::string &t) { return ringcast::publisher::open(d, name.empty() ? t : name, c).error().code(); };
}

provocation joins(ringcast::subscription_config c, std::string name = {})
{
	return [=](const ringcast::domain &d, const std::string &t) { return ringcast::subscription::open(d, name.empty() ? t : name, c).error().code(); };
}

// Writes a topic and asks for it in another way.
provocation asks_again(ringcast::publisher_config c)
{
	return [=](const ringcast::domain &d, const std::string &t) {
		opened(d, t).try_publish("x").value();
		return ringcast::publisher::open(d, t, c).error().code();
	};
}

template <class Change> provocation domain_with(Change change)
{
	return [=](const ringcast::domain &, const std::string &) {
		ringcast::domain_config c;
		change(c);
		return ringcast::domain::open(c).error().code();
	};
}

// One more than there is room for, with a reader who takes nothing.
provocation one_more(ringcast::timeout wait)
{
	return [=](const ringcast::domain &d, const std::string &t) {
		ringcast::publisher &p = opened(d, t);
		joined(d, t);
		for (int i = 0; i < 64; i++)
			p.try_publish("x").value();
		return p.publish("x", wait).error().code();
	};
}

// Subscribes until that is refused.
provocation crowd(ringcast::subscription_config c)
{
	return [=](const ringcast::domain &d, const std::string &t) {
		for (int i = 0; i < 1000; i++) {
			auto s = ringcast::subscription::open(d, t, c);
			if (!s)
				return s.error().code();
			subscriptions.push_back(std::move(*s));
		}
		return errc::ok;
	};
}

errc claim_taken(const ringcast::domain &d, const std::string &t)
{
	ringcast::publisher &p = opened(d, t), &other = opened(d, t);
	ringcast::subscription &s = joined(d, t);
	ringcast::claim c = p.claim(1).value();
	other.publish("x").value();
	s.wait(30s).value();
	return c.commit().error().code();
}

errc second_claim(const ringcast::domain &d, const std::string &t)
{
	ringcast::publisher &p = opened(d, t);
	const ringcast::claim c = p.claim(1).value();
	return p.claim(1).error().code();
}

errc claim_ended(const ringcast::domain &d, const std::string &t)
{
	ringcast::claim c = opened(d, t).claim(1).value();
	c.commit().value();
	return c.commit().error().code();
}

errc closed(const ringcast::domain &d, const std::string &t)
{
	ringcast::publisher &p = opened(d, t);
	const ringcast::publisher other = std::move(p);
	return p.try_publish("x").error().code();
}

errc owned(const ringcast::domain &d, const std::string &t)
{
	opened(d, t, with([](auto &c) { c.kind = ringcast::ring_kind::exclusive; }));
	return ringcast::publisher::open(d, t).error().code();
}

errc group_of_latest(const ringcast::domain &d, const std::string &t)
{
	opened(d, t, with([](auto &c) { c.mode = ringcast::ring_mode::latest; }));
	return ringcast::subscription::open(d, t, member()).error().code();
}

errc group_fragments(const ringcast::domain &d, const std::string &t)
{
	ringcast::publisher &p = opened(d, t);
	joined(d, t, member());
	return p.try_publish(std::string(65, 'x')).error().code();
}

const std::vector<std::pair<const char *, provocation>> &all()
{
	static const std::vector<std::pair<const char *, provocation>> list = {
		{"domain-name", domain_with([](auto &c) { c.domain = "a/b"; })},
		{"participant-name", domain_with([](auto &c) { c.name = std::string(65, 'x'); })},
		{"domain-mode", domain_with([](auto &c) { c.domain = "other", c.mode = 0007; })},
		{"domain-rights", domain_with([](auto &c) { c.mode = 0660; })},
		{"domain-node", domain_with([](auto &c) { c.node = 8; })},
		{"topic-name", asks({}, "a..b")},
		{"topic-pattern", asks({}, "a.*")},
		{"bad-pattern", joins({}, "a.>.b")},
		{"slots", asks(with([](auto &c) { c.slots = 100; }))},
		{"few-slots", asks(with([](auto &c) { c.slots = 2; }))},
		{"slot-size", asks(with([](auto &c) { c.slot_size = (16 << 20) + 1; }))},
		{"history", asks(with([](auto &c) { c.slots = 64, c.history = 33; }))},
		{"other-shape", asks_again(with([](auto &c) { c.slots = 128; }))},
		{"other-kind", asks_again(with([](auto &c) { c.kind = ringcast::ring_kind::exclusive; }))},
		{"topic-mode", asks(with([](auto &c) { c.file_mode = 0007; }))},
		{"topic-owner", asks(with([](auto &c) { c.owner = "no-such-user"; }))},
		{"topic-group", asks(with([](auto &c) { c.group = "no-such-group"; }))},
		{"topic-rights", asks_again(with([](auto &c) { c.file_mode = 0640; }))},
		{"owned", owned},
		{"too-large", [](const auto &d, const auto &t) { return opened(d, t).try_publish(std::string(2049, 'x')).error().code(); }},
		{"claim-too-large", [](const auto &d, const auto &t) { return opened(d, t).claim(65).error().code(); }},
		{"full", one_more(ringcast::no_wait)},
		{"no-room-in-time", one_more(5ms)},
		{"empty", [](const auto &d, const auto &t) { return joined(d, t).poll().error().code(); }},
		{"none-in-time", [](const auto &d, const auto &t) { return joined(d, t).wait(5ms).error().code(); }},
		{"claim-taken", claim_taken},
		{"second-claim", second_claim},
		{"claim-ended", claim_ended},
		{"closed", closed},
		{"not-ours", asks({})},
		{"other-version", asks({})},
		{"damaged", asks({})},
		{"broken-of-pattern", [](const auto &d, const auto &) { return joined(d, "spoiled.*").poll().error().code(); }},
		{"readers-full", crowd({})},
		{"group-name", joins(member("a b"))},
		{"group-of-pattern", joins(member(), "t.*")},
		{"group-history", joins(member("g", 1))},
		{"group-of-latest", group_of_latest},
		{"group-fragments", group_fragments},
		{"group-crowd", crowd(member())},
	};
	return list;
}

std::string word(errc code)
{
	switch (code) {
	case errc::ok: return "accepted";
	case errc::nothing: return "nothing";
	case errc::full: return "full";
	case errc::timed_out: return "timed_out";
	case errc::invalid: return "invalid";
	case errc::name: return "name";
	case errc::permission: return "permission";
	case errc::not_ours: return "not_ours";
	case errc::other_version: return "other_version";
	case errc::damaged: return "damaged";
	case errc::readers_full: return "readers_full";
	case errc::shape: return "shape";
	case errc::not_exclusive: return "not_exclusive";
	case errc::too_large: return "too_large";
	case errc::fenced: return "fenced";
	case errc::busy: return "busy";
	case errc::mode: return "mode";
	case errc::group_full: return "group_full";
	case errc::closed: return "closed";
	default: return text(code);
	}
}

} // namespace

void refuse_all(const ringcast::domain &domain)
{
	for (const auto &[what, provoke] : all())
		std::cout << what << ' ' << word(provoke(domain, what)) << std::endl;
	publishers.clear();
	subscriptions.clear();
}
