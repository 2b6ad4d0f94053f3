// How a report words numbers for people. The page's script has the same rules in format.js.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulations/report/report.hpp"

namespace starling::sim {

/// "12 345 678": digits in groups of three.
std::string grouped(std::uint64_t number);
/// As grouped(), with up to two decimals where the number is small enough for them to matter.
std::string in_number(double number);
/// "0.82 ms", "812 ms", "1.24 s", "2.1 min": three digits that matter.
std::string in_milliseconds(double ms);
/// "12.5 s", "10 min", "2 h 5 min".
std::string in_seconds(double seconds);
/// "312 MB": powers of 1000.
std::string in_bytes(double bytes);

/// A sentence that says at once whether the run was good.
std::string verdict(const Report& report);

/// How many columns `text` takes: one for each code point. (Wide characters take two; a table that
/// holds some is a little crooked.)
std::size_t columns(std::string_view text);
/// `text` in at most `width` columns; "..." stands for what is left out. Control characters become
/// spaces, so that no name tells a terminal what to do.
std::string shortened(std::string_view text, std::size_t width);
/// Lines of at most `width` columns, broken at spaces where there are some; the last of
/// `lines_max` is shortened if that does not suffice.
std::vector<std::string> folded(std::string_view text, std::size_t width, std::size_t lines_max);

}  // namespace starling::sim
