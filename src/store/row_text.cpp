#include "src/store/row_text.hpp"

#include <charconv>

#include "starling/limits.hpp"

namespace starling {
namespace {

constexpr std::uint32_t identifier_max = 268'435'455;  // a variable byte integer (1.5.5)

void append_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80U | ((point >> shift) & 0x3fU));
  };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0U | (point >> 6U));
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0U | (point >> 12U));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0U | (point >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

/// Walks over one JSON text; each step tells whether what it expects was there.
class JsonWalk {
 public:
  explicit JsonWalk(std::string_view text) : rest_(text) {}

  bool take(char wanted) {
    skip_spaces();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool at_end() {
    skip_spaces();
    return rest_.empty();
  }
  bool take_string(std::string& out) {
    if (!take('"')) return false;
    while (!rest_.empty()) {
      const char c = next();
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out += c;
      } else if (!take_escape(out)) {
        return false;
      }
    }
    return false;
  }
  bool take_number(std::uint32_t& out) {
    skip_spaces();
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
    if (error != std::errc{}) return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return true;
  }

 private:
  void skip_spaces() {
    while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_.front()) != rest_.npos)
      rest_.remove_prefix(1);
  }
  char next() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  bool take_hex4(std::uint32_t& out) {
    if (rest_.size() < 4) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + 4, out, 16);
    if (error != std::errc{} || end != rest_.data() + 4) return false;
    rest_.remove_prefix(4);
    return true;
  }
  bool take_escape(std::string& out) {
    constexpr std::string_view names = "\"\\/bfnrt";
    constexpr std::string_view values = "\"\\/\b\f\n\r\t";
    if (rest_.empty()) return false;
    const char c = next();
    if (const auto at = names.find(c); at != names.npos) {
      out += values[at];
      return true;
    }
    std::uint32_t point = 0;
    if (c != 'u' || !take_hex4(point)) return false;
    if (point >= 0xd800 && point < 0xe000) {  // half of a pair
      std::uint32_t low = 0;
      if (point >= 0xdc00 || rest_.substr(0, 2) != "\\u") return false;
      rest_.remove_prefix(2);
      if (!take_hex4(low) || low < 0xdc00 || low >= 0xe000) return false;
      point = 0x10000 + ((point - 0xd800) << 10U) + (low - 0xdc00);
    }
    append_utf8(out, point);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::string write_user_properties(const UserProperties& properties) {
  std::string out = "[";
  for (const auto& [name, value] : properties) {
    out += out.size() == 1 ? "[" : ",[";
    append_string(out, name);
    out += ',';
    append_string(out, value);
    out += ']';
  }
  return out + ']';
}

std::optional<UserProperties> read_user_properties(std::string_view text) {
  JsonWalk walk(text);
  UserProperties found;
  if (!walk.take('[')) return std::nullopt;
  if (!walk.take(']')) {
    do {
      auto& [name, value] = found.emplace_back();
      if (!walk.take('[') || !walk.take_string(name) || !walk.take(',') || !walk.take_string(value)
          || !walk.take(']') || found.size() > limits::user_properties_max)
        return std::nullopt;
    } while (walk.take(','));
    if (!walk.take(']')) return std::nullopt;
  }
  if (!walk.at_end()) return std::nullopt;
  return found;
}

std::string write_identifiers(const std::vector<std::uint32_t>& identifiers) {
  std::string out = "[";
  for (const std::uint32_t identifier : identifiers) {
    if (out.size() > 1) out += ',';
    out += std::to_string(identifier);
  }
  return out + ']';
}

std::optional<std::vector<std::uint32_t>> read_identifiers(std::string_view text) {
  JsonWalk walk(text);
  std::vector<std::uint32_t> found;
  if (!walk.take('[')) return std::nullopt;
  if (!walk.take(']')) {
    do {
      std::uint32_t identifier = 0;
      if (!walk.take_number(identifier) || identifier == 0 || identifier > identifier_max
          || found.size() >= limits::subscriptions_per_session_max)
        return std::nullopt;
      found.push_back(identifier);
    } while (walk.take(','));
    if (!walk.take(']')) return std::nullopt;
  }
  if (!walk.at_end()) return std::nullopt;
  return found;
}

}  // namespace starling
