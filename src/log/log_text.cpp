#include "src/log/log_text.hpp"

#include <cstdint>

#include "starling/limits.hpp"

namespace starling {
namespace {

struct Scalar {
  std::uint32_t value = 0;
  std::size_t size = 0;  // bytes; 0: the text does not begin with one
};

/// The first character of a text that is not empty, if it is written as UTF-8 wants it [RFC 3629].
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

/// May stand in a line: moves no cursor, ends no line, turns no text around.
bool is_harmless(std::uint32_t value) {
  if (value < 0x20 || (value >= 0x7F && value <= 0x9F)) return false;
  if (value == 0x061C || value == 0x200E || value == 0x200F) return false;  // direction marks
  if (value >= 0x2028 && value <= 0x202E) return false;  // separators, embeddings, overrides
  if (value >= 0x2066 && value <= 0x2069) return false;  // isolates
  return value != 0xFEFF;
}

void append_hex(std::string& line, char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto value = static_cast<std::uint8_t>(byte);
  line.append("\\x").append({digits[value >> 4U], digits[value & 0x0FU]});
}

enum class Quoting : bool { none, backslash };

void append_escaped(std::string& line, std::string_view text, Quoting quoting) {
  std::size_t left = limits::log_value_bytes_max;
  while (!text.empty()) {
    const Scalar scalar = first_scalar(text);
    const std::size_t size = scalar.size == 0 ? 1 : scalar.size;
    if (size > left) {
      line.append("...");
      return;
    }
    const std::string_view bytes = text.substr(0, size);
    if (scalar.size == 0 || !is_harmless(scalar.value)) {
      for (const char c : bytes) append_hex(line, c);
    } else {
      if (quoting == Quoting::backslash && (bytes == "\"" || bytes == "\\")) line.push_back('\\');
      line.append(bytes);
    }
    text.remove_prefix(size);
    left -= size;
  }
}

/// A value that could be taken for something else if it stood there as it is.
bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  while (!value.empty()) {
    const Scalar scalar = first_scalar(value);
    if (scalar.size == 0 || !is_harmless(scalar.value)) return true;
    if (std::string_view(" \"=\\").find(value.front()) != std::string_view::npos) return true;
    value.remove_prefix(scalar.size);
  }
  return false;
}

}  // namespace

void append_printable(std::string& line, std::string_view text) {
  append_escaped(line, text, Quoting::none);
}

void append_logfmt_value(std::string& line, std::string_view value) {
  if (!needs_quotes(value)) return append_escaped(line, value, Quoting::none);
  line.push_back('"');
  append_escaped(line, value, Quoting::backslash);
  line.push_back('"');
}

std::string format_log_line(std::string_view event, std::initializer_list<LogField> fields) {
  std::string line(event);
  for (char& c : line)
    if (c == '_') c = ' ';
  for (const LogField& field : fields) {
    line.append(" ").append(field.name).append("=");
    append_logfmt_value(line, field.value);
  }
  return line;
}

}  // namespace starling
