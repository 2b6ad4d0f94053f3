#include "src/config/quantity.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace starling::config {
namespace {

using Factor = std::pair<std::string_view, std::uint64_t>;

constexpr std::array<Factor, 9> byte_units = {{{"", 1},
                                               {"B", 1},
                                               {"kB", 1'000},
                                               {"KB", 1'000},
                                               {"KiB", 1U << 10U},
                                               {"MB", 1'000'000},
                                               {"MiB", 1U << 20U},
                                               {"GB", 1'000'000'000},
                                               {"GiB", 1U << 30U}}};
constexpr std::array<Factor, 6> second_units = {
    {{"", 1}, {"s", 1}, {"min", 60}, {"h", 3'600}, {"d", 86'400}, {"w", 604'800}}};

template <std::size_t Count>
std::optional<std::uint64_t> factor_of(std::string_view name,
                                       const std::array<Factor, Count>& units) {
  for (const Factor& unit : units)
    if (unit.first == name) return unit.second;
  return std::nullopt;
}

std::optional<std::uint64_t> factor_of(std::string_view name, Unit unit) {
  constexpr std::string_view per_second = "/s";
  switch (unit) {
    case Unit::bytes:
      return factor_of(name, byte_units);
    case Unit::bytes_per_s:
      if (name.ends_with(per_second)) name.remove_suffix(per_second.size());
      return factor_of(name, byte_units);
    case Unit::seconds:
      return factor_of(name, second_units);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::uint64_t> parse_quantity(std::string_view text, Unit unit) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  if (name.starts_with(' ')) name.remove_prefix(1);
  const auto factor = factor_of(name, unit);
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!factor || number > most / *factor) return std::nullopt;
  return number * *factor;
}

std::string_view quantity_wanted(Unit unit) {
  switch (unit) {
    case Unit::bytes:
      return "a whole number of bytes, or one with a unit such as \"4 MiB\"";
    case Unit::bytes_per_s:
      return "a whole number of bytes a second, or one with a unit such as \"4 MiB/s\"";
    case Unit::seconds:
      return "a whole number of seconds, or one with a unit such as \"10 min\"";
    default:
      return "a whole number";
  }
}

}  // namespace starling::config
