// Base64 [RFC 4648 §4], strict: one text for each value, no white space, nothing after the padding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "starling/bytes.hpp"

namespace starling::crypto {

enum class Base64Padding : std::uint8_t {
  required,  ///< "YQ=="
  absent     ///< "YQ", as the text form of Argon2 hashes has it
};

std::string to_base64(ByteView bytes, Base64Padding padding = Base64Padding::required);

/// nullopt: not what to_base64() writes. Bits that belong to no byte must be zero.
std::optional<Bytes> from_base64(std::string_view text,
                                 Base64Padding padding = Base64Padding::required);

}  // namespace starling::crypto
