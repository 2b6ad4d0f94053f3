// A keyed hash for tables that strangers fill: whoever does not know the seed cannot choose texts
// that fall on one slot. SipHash (Aumasson, Bernstein 2012), 1-3 for speed as Python and Rust have
// it.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "starling/port/entropy.hpp"

namespace starling {

struct HashSeed {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;

  static HashSeed from(Entropy& entropy) {
    const std::uint64_t first = entropy.next_u64();
    return HashSeed{first, entropy.next_u64()};
  }
};

namespace detail {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  explicit SipState(HashSeed seed)
      : v0(seed.k0 ^ 0x736f6d6570736575U),
        v1(seed.k1 ^ 0x646f72616e646f6dU),
        v2(seed.k0 ^ 0x6c7967656e657261U),
        v3(seed.k1 ^ 0x7465646279746573U) {}

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
};

}  // namespace detail

/// SipHash with `compression` rounds per eight bytes and `finish` at the end, of the words in `front`
/// and then `text`. Reads words in the byte order of the machine: the results never leave the
/// process.
template <int compression, int finish, std::same_as<std::uint64_t>... Words>
std::uint64_t siphash(HashSeed seed, std::string_view text, Words... front) {
  detail::SipState state(seed);
  const auto absorb = [&](std::uint64_t word) {
    state.v3 ^= word;
    for (int i = 0; i < compression; ++i) state.round();
    state.v0 ^= word;
  };
  (absorb(front), ...);
  std::string_view rest = text;
  for (; rest.size() >= 8; rest.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, rest.data(), 8);
    absorb(word);
  }
  std::uint64_t last = static_cast<std::uint64_t>(text.size() + 8 * sizeof...(front)) << 56U;
  for (std::size_t i = 0; i < rest.size(); ++i)
    last |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(rest[i])) << (8 * i);
  absorb(last);
  state.v2 ^= 0xFF;
  for (int i = 0; i < finish; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

inline std::uint64_t keyed_hash(HashSeed seed, std::string_view text) {
  return siphash<1, 3>(seed, text);
}

/// The same for a text below something that has a number.
inline std::uint64_t keyed_hash(HashSeed seed, std::uint32_t number, std::string_view text) {
  return siphash<1, 3>(seed, text, std::uint64_t{number});
}

}  // namespace starling
