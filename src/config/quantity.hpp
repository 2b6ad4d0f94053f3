// Numbers as people write them, with a unit: "4 MiB", "30s".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "src/config/schema.hpp"

namespace starling::config {

/// A whole number and a unit that suits `unit`, with or without a space between: bytes (B, kB, KiB,
/// MB, MiB, GB, GiB), bytes per second ("4 MiB/s"), seconds (s, min, h, d, w). A number alone is in
/// bytes or seconds. Nothing: not such a text, or more than 2^63 - 1.
std::optional<std::uint64_t> parse_quantity(std::string_view text, Unit unit);

/// How it may be written, for messages: "a whole number, or one with a unit such as \"4 MiB\"".
std::string_view quantity_wanted(Unit unit);

}  // namespace starling::config
