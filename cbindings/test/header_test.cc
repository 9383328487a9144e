// The public header in C++17, and a message through the library.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "place.h"
#include "ringcast.h"

static bool one_message()
{
	rc_domain *domain = nullptr;
	rc_publisher *publisher = nullptr;
	rc_subscription *subscription = nullptr;
	rc_received received{};
	bool good = rc_domain_open(nullptr, &domain) == RC_OK && rc_subscription_open(domain, "a", nullptr, &subscription) == RC_OK &&
		rc_publisher_open(domain, "a", nullptr, &publisher) == RC_OK && rc_publisher_publish(publisher, "x", 1, RC_FOREVER) == RC_OK &&
		rc_subscription_wait(subscription, 1000000000, &received) == RC_OK && received.size == 1 && std::memcmp(received.data, "x", 1) == 0;
	if (!good)
		std::printf("# %s\n", rc_error_detail());
	rc_publisher_close(publisher);
	rc_subscription_close(subscription);
	return rc_domain_close(domain) == RC_OK && good;
}

int main()
{
	test_place base;
	if (!place_make(&base) || setenv("RINGCAST_SHM_DIR", base.path, 1) != 0)
		return 2;
	bool good = one_message();
	const char *suite = std::getenv("RC_TEST_SUITE");
	std::printf("%sok %s/header_in_cpp%s\n", good ? "" : "not ", suite != nullptr ? suite : "c", good ? "" : ": see above");
	place_end(&base);
	return good ? 0 : 1;
}
