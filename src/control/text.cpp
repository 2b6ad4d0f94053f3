#include "src/control/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace starling::control {
namespace {

constexpr std::size_t printable_bytes_max = 400;

struct Scalar {
  std::uint32_t value = 0;
  std::size_t size = 0;  // bytes; 0: no UTF-8
};

/// The first character of a text that is not empty [RFC 3629].
Scalar first_scalar(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return {};
  std::uint32_t value = first & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {};
    value = (value << 6U) | (byte(i) & 0x3FU);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x1'0000);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (overlong || surrogate || value > 0x10'FFFF) return {};
  return {value, size};
}

bool turns_text(std::uint32_t value) {
  return value == 0x061C || value == 0x200E || value == 0x200F
         || (value >= 0x2028 && value <= 0x202E) || (value >= 0x2066 && value <= 0x2069)
         || value == 0xFEFF;
}

/// Characters, not bytes: what a column needs. (Ours are all one cell wide.)
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<std::uint8_t>(c) & 0xC0U) != 0x80; }));
}

std::string one_decimal(double value, const char* unit) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), value < 9.95 ? "%.1f%s" : "%.0f%s", value, unit);
  return text.data();
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Scalar scalar = first_scalar(text);
    const std::size_t size = std::max<std::size_t>(scalar.size, 1);
    if (result.size() + size > printable_bytes_max) return result + "...";
    if (scalar.size == 0 || turns_text(scalar.value))
      result.push_back('?');
    else if (scalar.value < 0x20 || (scalar.value >= 0x7F && scalar.value <= 0x9F))
      result.push_back(' ');
    else
      result.append(text.substr(0, size));
    text.remove_prefix(size);
  }
  return result;
}

std::string duration_text(Duration span) {
  constexpr std::array<std::pair<std::int64_t, char>, 4> units{
      {{86'400, 'd'}, {3'600, 'h'}, {60, 'm'}, {1, 's'}}};
  std::int64_t left =
      std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(span).count(), 0);
  std::string text;
  for (std::size_t i = 0, told = 0; i < units.size() && told < 2; ++i) {
    const std::int64_t count = left / units.at(i).first;
    if (count == 0) {
      if (told > 0) break;  // "3d", not "3d12m"
      continue;
    }
    left %= units.at(i).first;
    text += std::to_string(count) + units.at(i).second;
    ++told;
  }
  return text.empty() ? "0s" : text;
}

std::string latency_text(Duration span) {
  const double ms = std::chrono::duration<double, std::milli>(span).count();
  return ms < 1'000 ? one_decimal(ms, " ms") : one_decimal(ms / 1'000, " s");
}

std::string count_text(std::uint64_t count) {
  if (count < 1'000) return std::to_string(count);
  auto value = static_cast<double>(count);
  for (const char* unit : {"k", "M", "G"}) {
    value /= 1'000;
    if (value < 999.5) return one_decimal(value, unit);
  }
  return one_decimal(value / 1'000, "T");
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1'024) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes);
  for (const char* unit : {" KiB", " MiB", " GiB"}) {
    value /= 1'024;
    if (value < 1'023.5) return one_decimal(value, unit);
  }
  return one_decimal(value / 1'024, " TiB");
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  std::string text = count == 0 ? "no" : std::to_string(count);
  text.append(" ");
  if (count == 1 || many.empty()) text.append(one);
  if (count != 1) text.append(many.empty() ? "s" : many);
  return text;
}

void Columns::add_row(std::vector<std::string> cells) {
  rows_.push_back({std::move(cells), false});
}

void Columns::add_note(std::string text) {
  rows_.push_back({{std::move(text)}, true});
}

std::string Columns::text() const {
  std::vector<std::size_t> widths;
  for (const Row& row : rows_) {
    if (row.is_note) continue;
    widths.resize(std::max(widths.size(), row.cells.size()));
    for (std::size_t i = 0; i < row.cells.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row.cells[i]));
  }
  std::string text;
  for (const Row& row : rows_) {
    std::string line;
    if (row.is_note) {
      line = std::string(widths.empty() ? 0 : widths.front() + 2, ' ') + row.cells.front();
    } else {
      for (std::size_t i = 0; i < row.cells.size(); ++i) {
        line += row.cells[i];
        line.append(widths[i] - width_of(row.cells[i]) + 2, ' ');
      }
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace starling::control
