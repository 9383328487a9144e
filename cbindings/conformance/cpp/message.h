// What message n is, and whether one is right. See doc.go.
#ifndef MESSAGE_H
#define MESSAGE_H

#include <array>
#include <string>
#include <vector>

#include "order_generated.h"
#include "ringcast/flatbuffers.hpp"

constexpr std::uint32_t slot_size = 256;
constexpr std::uint32_t order_schema = 0x4f524445;
constexpr std::uint64_t order = 6; // which of eight messages has an Order

using size_list = std::array<std::size_t, 8>;
constexpr size_list sizes = {0, 1, 63, slot_size, slot_size + 1, 800, 0, 17};
constexpr size_list whole_sizes = {0, 1, 63, slot_size, slot_size, slot_size - 1, 0, 17};
constexpr size_list half_sizes = {0, 1, 63, slot_size, slot_size + 1, slot_size - 1, 0, 17};

inline std::vector<unsigned char> bytes_of(std::uint64_t n, std::size_t size)
{
	std::vector<unsigned char> all(size);
	for (std::size_t i = 0; i < size; i++)
		all[i] = static_cast<unsigned char>(n * 31 + i * 7);
	return all;
}

inline flatbuffers::Offset<orders::Order> order_of(flatbuffers::FlatBufferBuilder &b, std::uint64_t n)
{
	const auto line = orders::CreateLine(b, b.CreateString("tea"), static_cast<std::uint32_t>(n % 7 + 1), n * 100);
	const auto lines = b.CreateVector(&line, 1);
	return orders::CreateOrder(b, n, b.CreateString("c" + std::to_string(n)), lines);
}

inline std::string wrong_order(const ringcast::message &m, std::uint64_t n)
{
	if (m.content() != ringcast::content::flat_buffer || m.schema() != order_schema)
		return "want an order";
	const auto read = ringcast::table<orders::Order>(m);
	if (!read)
		return to_string(read.error());
	const orders::Order &o = **read;
	if (o.number() != n || o.customer() == nullptr || o.customer()->str() != "c" + std::to_string(n) || o.lines() == nullptr || o.lines()->size() != 1)
		return "another order";
	const orders::Line &line = *o.lines()->Get(0);
	const bool right = line.item() != nullptr && line.item()->str() == "tea" && line.quantity() == n % 7 + 1 && line.cents() == n * 100;
	return right ? "" : "another line";
}

// What is wrong with a message; "": nothing.
inline std::string wrong(const ringcast::message &m)
{
	const std::uint64_t n = m.sequence();
	if (n % 8 == order)
		return wrong_order(m, n);
	if (m.size() != sizes[n % 8] && m.size() != whole_sizes[n % 8])
		return "wrong size";
	if (!ringcast::equal(m.payload(), bytes_of(n, m.size())))
		return "wrong bytes";
	return m.content() == ringcast::content::raw ? "" : "content is not raw";
}

#endif
