// Who is there on other nodes: watch, and subscribers.
#include <iostream>

#include "asked.h"

using namespace std::chrono_literals;

namespace {

constexpr const char *kinds[] = {"", "node", "participant", "publisher", "subscriber", "instance"};
constexpr const char *reasons[] = {"", "left", "died", "node-down", "no-forwarder", "node-left"};

} // namespace

int watch_others(ringcast::domain &domain, char **)
{
	using ringcast::presence;
	ringcast::watch_config config;
	config.kinds = {presence::node, presence::publisher, presence::subscriber, presence::instance};
	ringcast::watch w = ringcast::watch::open(domain, config).value();
	std::cout << "ready" << std::endl;
	for (;;) {
		const ringcast::presence_event e = w.wait(30s).value();
		std::cout << (e.up ? "up " : "down ") << kinds[static_cast<int>(e.kind)] << ' ' << e.name << ' ' << e.address << (e.up ? "" : " ") << reasons[static_cast<int>(e.reason)] << std::endl;
	}
}

int count_subscribers(ringcast::domain &domain, char **args)
{
	std::cout << ringcast::wait_for_subscribers(domain, args[0], 0, 0s).value() << std::endl;
	return 0;
}
