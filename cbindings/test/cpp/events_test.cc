// Events that only another node, or damage, brings: written into the ring by hand.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "domain_fixture.h"

namespace {

// The slots of a topic, as anybody sees them who may write the ring.
class scribble {
public:
	scribble(const std::string &topics, const std::string &topic)
	{
		for (const auto &file : std::filesystem::directory_iterator(topics)) {
			const std::string name = file.path().filename();
			if (name.rfind(topic + ".", 0) == 0 && file.path().extension() == ".dat")
				map(file.path());
		}
		if (base_ == nullptr)
			throw std::runtime_error("no slots of " + topic);
	}
	scribble(const scribble &) = delete;
	scribble &operator=(const scribble &) = delete;
	~scribble() { (void)munmap(base_, size_); }

	// The header of the slot with this payload.
	rc_slot_header &header_of(ringcast::bytes_view payload)
	{
		auto *at = static_cast<unsigned char *>(memmem(base_, size_, payload.data(), payload.size()));
		if (at == nullptr)
			throw std::runtime_error("the message is not in the ring");
		return *reinterpret_cast<rc_slot_header *>(at - RC_SLOT_HEADER_SIZE);
	}

private:
	void map(const std::string &path)
	{
		const int fd = open(path.c_str(), O_RDWR);
		size_ = std::filesystem::file_size(path);
		void *at = fd < 0 ? MAP_FAILED : mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		(void)close(fd);
		if (at == MAP_FAILED)
			throw std::runtime_error("map " + path);
		base_ = at;
	}

	void *base_ = nullptr;
	std::size_t size_ = 0;
};

} // namespace

TEST_F(DomainTest, DamageIsToldAndReadingGoesOn)
{
	auto s = subscribe("a");
	auto p = publish("a", small());
	ASSERT_TRUE(p.publish("this will be damaged"));
	ASSERT_TRUE(p.publish("the next"));
	scribble(dir.path() + "/default/topics", "a").header_of("this will be damaged").payload_length = 0xffffff;
	const auto e = s.wait(patience);
	ASSERT_TRUE(e) << e.error();
	const auto *bad = std::get_if<ringcast::damaged>(&*e);
	ASSERT_NE(bad, nullptr) << *e;
	EXPECT_EQ(bad->position, 0u);
	EXPECT_EQ(bad->topic, "a");
	EXPECT_EQ(expect_message(s.wait(patience)).text(), "the next");
}

TEST_F(DomainTest, LossOfAnotherNodeIsTold)
{
	auto s = subscribe("a");
	auto p = publish("a", small());
	rc_event_record record{};
	record.source = rc_address{9, 0x77, 1, 2, 3};
	record.code = RC_EVENT_CODE_LOSS;
	record.reason = RC_LOSS_REASON_TRAIL;
	record.first = 11;
	record.last = 14;
	record.count = 4;
	ASSERT_TRUE(p.publish(ringcast::as_bytes(record)));
	scribble(dir.path() + "/default/topics", "a").header_of(ringcast::as_bytes(record)).kind = RC_MESSAGE_KIND_EVENT;
	const auto e = s.wait(patience);
	ASSERT_TRUE(e) << e.error();
	const auto *lost = std::get_if<ringcast::loss>(&*e);
	ASSERT_NE(lost, nullptr) << *e;
	EXPECT_EQ(lost->source, ringcast::address(record.source));
	EXPECT_EQ(lost->first, 11u);
	EXPECT_EQ(lost->last, 14u);
	EXPECT_EQ(lost->count, 4u);
	EXPECT_EQ(lost->reason, RC_LOSS_REASON_TRAIL);
}

TEST_F(DomainTest, EventsToComeArePassedOn)
{
	auto s = subscribe("a");
	auto p = publish("a", small());
	rc_event_record record{};
	record.source = rc_address{9, 0x77, 1, 2, 0};
	record.code = RC_EVENT_CODE_DOWN;
	ASSERT_TRUE(p.publish(ringcast::as_bytes(record)));
	scribble(dir.path() + "/default/topics", "a").header_of(ringcast::as_bytes(record)).kind = RC_MESSAGE_KIND_EVENT;
	const auto e = s.wait(patience);
	ASSERT_TRUE(e) << e.error();
	const auto *other = std::get_if<ringcast::other_event>(&*e);
	ASSERT_NE(other, nullptr) << *e;
	EXPECT_EQ(other->type, static_cast<std::uint32_t>(RC_TYPE_DOWN));
	EXPECT_EQ(other->source, ringcast::address(record.source));
}
