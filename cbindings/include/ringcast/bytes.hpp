// Bytes that lie somewhere: a pointer and a size, as std::span has them from C++20 on.
//
// Part of ringcast.hpp.
#ifndef RINGCAST_BYTES_HPP
#define RINGCAST_BYTES_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#if __cplusplus >= 202002L
#include <span>
#endif

#include "error.hpp"

namespace ringcast {

namespace detail {

template <class T>
inline constexpr bool is_byte = std::is_same_v<T, char> || std::is_same_v<T, unsigned char> || std::is_same_v<T, std::byte>
#ifdef __cpp_char8_t
	|| std::is_same_v<T, char8_t>
#endif
	;

// Whether C has data() and size(), of bytes that may be read as Byte.
template <class C, class Byte, class = void>
inline constexpr bool holds_bytes = false;
template <class C, class Byte>
inline constexpr bool holds_bytes<C, Byte, std::void_t<decltype(std::declval<C &>().size()), decltype(*std::declval<C &>().data())>> =
	is_byte<std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<C &>().data())>>> &&
	(std::is_const_v<Byte> || !std::is_const_v<std::remove_pointer_t<decltype(std::declval<C &>().data())>>);

} // namespace detail

// A view of bytes that belong to somebody else. Byte is std::byte or const std::byte: see bytes_view and bytes.
// It is made from anything that has data() and size() of char, unsigned char or std::byte (std::string,
// std::vector, std::array, std::span), from a text up to its final zero, or from pointer and size. It converts
// to std::span in C++20. Copying it copies no byte.
template <class Byte>
class basic_bytes {
	static_assert(std::is_same_v<std::remove_const_t<Byte>, std::byte>);
	using pointer_to_any = std::conditional_t<std::is_const_v<Byte>, const void *, void *>;

public:
	using element_type = Byte;
	using value_type = std::byte;
	using size_type = std::size_t;
	using iterator = Byte *;

	constexpr basic_bytes() noexcept = default;
	basic_bytes(pointer_to_any data, std::size_t size) noexcept : data_(static_cast<Byte *>(data)), size_(size) {}
	constexpr basic_bytes(Byte *data, std::size_t size) noexcept : data_(data), size_(size) {}
	template <class C, std::enable_if_t<!std::is_same_v<std::decay_t<C>, basic_bytes> && detail::holds_bytes<C, Byte>, int> = 0>
	basic_bytes(C &&holder) noexcept : basic_bytes(static_cast<pointer_to_any>(holder.data()), static_cast<std::size_t>(holder.size()))
	{
	}
	template <class T, std::size_t N, std::enable_if_t<detail::is_byte<std::remove_cv_t<T>> && !std::is_same_v<std::remove_cv_t<T>, char> &&
		(std::is_const_v<Byte> || !std::is_const_v<T>), int> = 0>
	basic_bytes(T (&array)[N]) noexcept : basic_bytes(static_cast<pointer_to_any>(array), N)
	{
	}
	// A text, without its final zero.
	template <class C, std::enable_if_t<std::is_const_v<Byte> && std::is_same_v<C, char>, int> = 0>
	basic_bytes(const C *text) noexcept : basic_bytes(std::string_view(text))
	{
	}
	basic_bytes(std::nullptr_t) = delete;

	constexpr Byte *data() const noexcept { return data_; }
	constexpr std::size_t size() const noexcept { return size_; }
	constexpr std::size_t size_bytes() const noexcept { return size_; }
	constexpr bool empty() const noexcept { return size_ == 0; }
	constexpr Byte *begin() const noexcept { return data_; }
	constexpr Byte *end() const noexcept { return data_ + size_; }

	// The i-th byte. Checked builds end the program if it lies outside of the bytes.
	Byte &operator[](std::size_t i) const noexcept
	{
		check(i < size_);
		return data_[i];
	}
	// The first n bytes, the last n, and n from an offset on (without n, all that follow). Checked builds end
	// the program if there are fewer.
	basic_bytes first(std::size_t n) const noexcept { return subspan(0, n); }
	basic_bytes last(std::size_t n) const noexcept
	{
		check(n <= size_);
		return subspan(size_ - n, n);
	}
	basic_bytes subspan(std::size_t offset) const noexcept
	{
		check(offset <= size_);
		return subspan(offset, size_ - offset);
	}
	basic_bytes subspan(std::size_t offset, std::size_t n) const noexcept
	{
		check(offset <= size_ && n <= size_ - offset);
		return {data_ + offset, n};
	}
	// The same bytes as text.
	std::string_view text() const noexcept { return {reinterpret_cast<const char *>(data_), size_}; }

private:
	static void check(bool inside) noexcept
	{
#if RINGCAST_CHECKED
		if (!inside)
			detail::misuse("bytes: outside of what is there");
#else
		(void)inside;
#endif
	}

	Byte *data_ = nullptr;
	std::size_t size_ = 0;
};

// Bytes to be read, and bytes to be written.
using bytes_view = basic_bytes<const std::byte>;
using bytes = basic_bytes<std::byte>;

// The bytes of an object, to be published as they are. Padding is published too: give it a value.
template <class T>
bytes_view as_bytes(const T &object) noexcept
{
	static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>, "as_bytes: only what can be copied byte by byte");
	return {static_cast<const void *>(&object), sizeof object};
}

// Whether two views have the same bytes.
inline bool equal(bytes_view a, bytes_view b) noexcept { return a.text() == b.text(); }

} // namespace ringcast

#ifdef __cpp_lib_span
template <class Byte>
inline constexpr bool std::ranges::enable_borrowed_range<ringcast::basic_bytes<Byte>> = true;
#endif

#endif
