// Runs the suite, and prints `ok NAME` or `not ok NAME: reason` a test. The roles that tests give to a second
// process are commands of the same program.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "domain_fixture.h"

namespace {

class lines final : public testing::EmptyTestEventListener {
	void OnTestPartResult(const testing::TestPartResult &r) override
	{
		if (r.failed())
			std::printf("# %s:%d: %s\n", r.file_name() != nullptr ? r.file_name() : "?", r.line_number(), r.message());
	}
	void OnTestEnd(const testing::TestInfo &t) override
	{
		const char *suite = std::getenv("RC_TEST_SUITE");
		const bool good = t.result()->Passed();
		std::printf("%sok %s/%s.%s%s\n", good ? "" : "not ", suite != nullptr ? suite : "cpp", t.test_suite_name(), t.name(),
			good ? "" : ": see above");
		(void)std::fflush(stdout);
	}
};

} // namespace

int main(int argc, char **argv)
{
	if (argc > 1 && std::string(argv[1]) == "role")
		return play(argc - 2, argv + 2);
	testing::InitGoogleTest(&argc, argv);
	testing::FLAGS_gtest_death_test_style = "threadsafe";
	testing::TestEventListeners &all = testing::UnitTest::GetInstance()->listeners();
	delete all.Release(all.default_result_printer());
	all.Append(new lines);
	return RUN_ALL_TESTS();
}
