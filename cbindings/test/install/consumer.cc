// A program that uses the installed headers of C and C++ in one.
#include <ringcast.hpp>

#include <cstring>

int main()
{
	rc_domain *domain = nullptr;
	rc_publisher *publisher = nullptr;
	rc_subscription *subscription = nullptr;
	rc_received r{};
	bool good = rc_domain_open(nullptr, &domain) == RC_OK && rc_subscription_open(domain, "greetings", nullptr, &subscription) == RC_OK &&
		rc_publisher_open(domain, "greetings", nullptr, &publisher) == RC_OK;
	for (int i = 0; i < 100 && good; i++)
		good = rc_publisher_publish(publisher, "hello", 5, RC_FOREVER) == RC_OK && rc_subscription_wait(subscription, RC_FOREVER, &r) == RC_OK &&
			r.size == 5 && std::memcmp(r.data, "hello", 5) == 0;
	rc_publisher_close(publisher);
	rc_subscription_close(subscription);
	return rc_domain_close(domain) == RC_OK && good ? 0 : 1;
}
