// Addresses of participants and publishers.
//
// Part of ringcast.hpp.
#ifndef RINGCAST_ADDRESS_HPP
#define RINGCAST_ADDRESS_HPP

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>

#include "error.hpp"

namespace ringcast {

// Names a participant of the domain, or one of its publishers. It is valid on every node and never used again.
// Its text is n7-1f03.12.5:1. A value: comparable, ordered, hashable.
class address {
public:
	address() noexcept = default;
	explicit address(const rc_address &raw) noexcept : raw_(raw) {}

	std::uint32_t node() const noexcept { return raw_.node; }
	std::uint32_t epoch() const noexcept { return raw_.epoch; }           // of the node; changes with its boot
	std::uint32_t generation() const noexcept { return raw_.generation; } // of the participant's record
	std::uint16_t index() const noexcept { return raw_.index; }           // of the participant's record
	std::uint16_t handle() const noexcept { return raw_.handle; }         // which publisher; 0: the participant itself
	const rc_address &raw() const noexcept { return raw_; }

	// Parses the text of an address; errc::invalid for anything that would not be written so. Allocates only
	// for an error.
	static result<address> parse(std::string_view text)
	{
		char copy[RC_ADDRESS_TEXT];
		rc_address raw;
		if (text.size() >= sizeof copy || text.find('\0') != std::string_view::npos)
			return failure(errc::invalid, "address: longer than any, or with a zero in it");
		text.copy(copy, text.size());
		copy[text.size()] = '\0';
		const int code = rc_address_parse(copy, &raw);
		if (code != RC_OK)
			return detail::failure_of(code);
		return address(raw);
	}

	friend bool operator==(const address &a, const address &b) noexcept { return a.key() == b.key(); }
	friend bool operator!=(const address &a, const address &b) noexcept { return a.key() != b.key(); }
	friend bool operator<(const address &a, const address &b) noexcept { return a.key() < b.key(); }
	friend bool operator>(const address &a, const address &b) noexcept { return b < a; }
	friend bool operator<=(const address &a, const address &b) noexcept { return !(b < a); }
	friend bool operator>=(const address &a, const address &b) noexcept { return !(a < b); }

private:
	std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint16_t, std::uint16_t> key() const noexcept
	{
		return {raw_.node, raw_.epoch, raw_.generation, raw_.index, raw_.handle};
	}

	rc_address raw_{};
};

// Returns the address as text. Allocates.
inline std::string to_string(const address &a)
{
	char text[RC_ADDRESS_TEXT];
	return rc_address_format(&a.raw(), text, sizeof text) == RC_OK ? text : "";
}

template <class Char, class Traits>
std::basic_ostream<Char, Traits> &operator<<(std::basic_ostream<Char, Traits> &out, const address &a)
{
	return out << to_string(a).c_str();
}

} // namespace ringcast

template <>
struct std::hash<ringcast::address> {
	std::size_t operator()(const ringcast::address &a) const noexcept
	{
		const std::uint64_t words[2] = {a.node() | std::uint64_t{a.epoch()} << 32,
			a.generation() | std::uint64_t{a.index()} << 32 | std::uint64_t{a.handle()} << 48};
		std::uint64_t h = 0;
		for (std::uint64_t w : words) {
			h = (h ^ w) * 0x9e3779b97f4a7c15u;
			h ^= h >> 32;
		}
		return static_cast<std::size_t>(h);
	}
};

#endif
