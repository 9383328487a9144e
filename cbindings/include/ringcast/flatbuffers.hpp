// FlatBuffers that are built in the slot in which they will be read, and read where they lie.
//
//	auto slot = publisher.claim_slot();
//	ringcast::table_builder table(std::move(*slot));
//	table.Finish(orders::CreateOrder(table, 7, table.CreateString("ada")));
//	table.commit();
//
//	if (auto order = ringcast::table<orders::Order>(message))
//		use((*order)->customer());
//
// Include it beside ringcast.hpp if flatbuffers/flatbuffers.h is available, in the version of the generated
// code.
#ifndef RINGCAST_FLATBUFFERS_HPP
#define RINGCAST_FLATBUFFERS_HPP

#include <flatbuffers/flatbuffers.h>

#include <functional>
#include <string>
#include <utility>

#include "../ringcast.hpp"

namespace ringcast {

namespace detail {

// Gives the slot to a builder, once. Anything larger, and anything later, comes from the heap.
class slot_allocator final : public flatbuffers::Allocator {
public:
	explicit slot_allocator(bytes slot) noexcept : slot_(slot) {}

	std::uint8_t *allocate(std::size_t size) override
	{
		if (!taken_ && size <= slot_.size()) {
			taken_ = true;
			return start() + (slot_.size() - size); // so that the table ends with the slot
		}
		return new std::uint8_t[size];
	}
	void deallocate(std::uint8_t *p, std::size_t) override
	{
		if (!is_in_slot(p))
			delete[] p;
	}
	bool is_in_slot(const std::uint8_t *p) const noexcept
	{
		return std::less_equal<const std::uint8_t *>()(start(), p) && std::less<const std::uint8_t *>()(p, start() + slot_.size());
	}

	// The slot is no longer ours.
	void forget() noexcept { slot_ = bytes(); }

private:
	std::uint8_t *start() const noexcept { return reinterpret_cast<std::uint8_t *>(slot_.data()); }

	bytes slot_;
	bool taken_ = false;
};

// Stands before the builder, because it has to be made first.
struct builder_slot {
	explicit builder_slot(claim &&c) noexcept : claimed(std::move(c)), allocator(claimed.slot()) {}
	claim claimed;
	slot_allocator allocator;
};

} // namespace detail

// What commit does with a table that outgrew its slot.
enum class outgrown {
	refuse, // errc::too_large, which names the slots to ask for; nothing is sent
	copy    // copies it into several slots, as publish does
};

// A FlatBufferBuilder that works in the whole of a claimed slot, from its end: hand it to the generated
// functions. It allocates nothing as long as the table fits; a larger table moves to the heap. It can be
// neither copied nor moved. Its end aborts what was not committed. It belongs to the thread that uses the
// publisher.
class table_builder : private detail::builder_slot, public flatbuffers::FlatBufferBuilder {
public:
	explicit table_builder(claim &&slot) noexcept
		: detail::builder_slot(std::move(slot)), flatbuffers::FlatBufferBuilder(claimed.slot().size(), &allocator)
	{
	}

	// Sends the finished table, with the low half of its schema's hash (0: the publisher's). It copies nothing,
	// unless the table outgrew the slot and `copy` is asked for, which waits for room for as long as given.
	// errc::invalid before Finish, and nothing else happens; errc::too_large; errc::fenced: the claim was held
	// for too long, and nothing was sent.
	result<void> commit(outgrown how = outgrown::refuse, std::uint32_t schema = 0, timeout wait = forever)
	{
		if (!claimed.is_open())
			return failure(errc::invalid, "commit: the claim has ended");
		if (!finished)
			return failure(errc::invalid, "commit: the table is not finished: call Finish before");
		const bytes_view table(GetBufferPointer(), GetSize());
		marks m;
		m.content = content::flat_buffer;
		m.schema = schema;
		result<void> sent = allocator.is_in_slot(GetBufferPointer()) ? claimed.commit(table, m) : send_outgrown(table, m, how, wait);
		forget();
		return sent;
	}
	// Gives the slot up and sends nothing.
	void abort() noexcept
	{
		claimed.abort();
		forget();
	}
	// Whether the table is still where it will be read.
	bool in_place() const noexcept { return claimed.is_open() && buf_.capacity() <= claimed.slot().size(); }

	table_builder(const table_builder &) = delete;
	table_builder &operator=(const table_builder &) = delete;
	~table_builder() = default;

private:
	// The builder is empty; from now on it works in the heap.
	void forget() noexcept
	{
		Reset();
		allocator.forget();
	}
	[[gnu::cold]] result<void> send_outgrown(bytes_view table, const marks &m, outgrown how, timeout wait)
	{
		publisher &p = *claimed.owner();
		const std::size_t room = claimed.slot().size();
		claimed.abort(); // a publisher has one claim at a time
		if (how == outgrown::copy)
			return p.publish(table, m, wait);
		return failure(errc::too_large, "publish " + p.topic() + ": a table of " + std::to_string(table.size()) + " bytes does not fit into a slot of " +
			std::to_string(room) + ": ask for a slot size of " + std::to_string((table.size() + 63) / 64 * 64) + ", or commit with outgrown::copy");
	}
};

// The root table of a message, where it lies; valid as long as the message. It is verified first, so that no
// offset leads out of the message; errc::bad_table if it does not verify. identifier is the file's, four
// letters. It costs a pass over the table's offsets, and allocates only for an error.
template <class T>
result<const T *> table(const message &m, const char *identifier = nullptr)
{
	const bytes_view b = m.payload();
	const auto *start = reinterpret_cast<const std::uint8_t *>(b.data());
	flatbuffers::Verifier verifier(start, b.size());
	if (!verifier.VerifyBuffer<T>(identifier))
		return failure(errc::bad_table, to_string(m));
	return flatbuffers::GetRoot<T>(start);
}

// Does the same with an answer, or a request in hand; valid as long as that.
template <class T, class Holder, class = std::enable_if_t<std::is_same_v<Holder, reply> || std::is_same_v<Holder, task>>>
result<const T *> table(const Holder &holder, const char *identifier = nullptr)
{
	const bytes_view b = holder.payload();
	const auto *start = reinterpret_cast<const std::uint8_t *>(b.data());
	flatbuffers::Verifier verifier(start, b.size());
	if (!verifier.VerifyBuffer<T>(identifier))
		return failure(errc::bad_table, "a payload of " + std::to_string(b.size()) + " bytes");
	return flatbuffers::GetRoot<T>(start);
}

// Does the same without verifying: only for publishers that you trust. Bytes that are no such table may lead
// anywhere.
template <class T>
const T *unverified_table(const message &m) noexcept
{
	return flatbuffers::GetRoot<T>(m.payload().data());
}

} // namespace ringcast

#endif
