#include "starling/ids.hpp"

#include <cctype>

namespace starling {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";  // RFC 4648 base32
constexpr std::size_t data_characters = 52;  // 256 bits in base32, without padding
constexpr std::size_t group_size = 13;       // data characters before each check character

int digit(char c) {
  const auto at = alphabet.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

/// The Luhn mod N algorithm with N = 32 over one group, weights from the left as Syncthing has
/// them.
char check_character(std::string_view group) {
  int factor = 1;
  int sum = 0;
  for (const char c : group) {
    const int addend = factor * digit(c);
    factor = factor == 2 ? 1 : 2;
    sum += addend / 32 + addend % 32;
  }
  return alphabet[static_cast<std::size_t>((32 - sum % 32) % 32)];
}

std::string encode_base32(ByteView bytes) {
  std::string text;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    buffer = buffer << 8U | byte;
    for (bits += 8; bits >= 5; bits -= 5) text.push_back(alphabet[buffer >> (bits - 5) & 31U]);
    buffer &= (1U << bits) - 1;
  }
  if (bits > 0) text.push_back(alphabet[buffer << (5 - bits) & 31U]);
  return text;
}

}  // namespace

std::string NodeId::to_text() const {
  const std::string data = encode_base32(bytes);
  std::string checked;
  for (std::size_t at = 0; at < data_characters; at += group_size) {
    const std::string_view group = std::string_view(data).substr(at, group_size);
    checked.append(group);
    checked.push_back(check_character(group));
  }
  std::string text;
  for (std::size_t at = 0; at < checked.size(); at += 7) {
    if (at > 0) text.push_back('-');
    text.append(checked, at, 7);
  }
  return text;
}

std::optional<NodeId> NodeId::parse(std::string_view text) {
  std::string characters;
  for (const char c : text) {
    if (c == '-' || c == ' ') continue;
    const char upper = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (digit(upper) < 0 || characters.size() > data_characters + 4) return std::nullopt;
    characters.push_back(upper);
  }
  if (characters.size() != data_characters + 4) return std::nullopt;

  NodeId id;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  std::size_t filled = 0;
  for (std::size_t at = 0; at < characters.size(); at += group_size + 1) {
    const std::string_view group = std::string_view(characters).substr(at, group_size);
    if (characters[at + group_size] != check_character(group)) return std::nullopt;
    for (const char c : group) {
      buffer = buffer << 5U | static_cast<std::uint32_t>(digit(c));
      bits += 5;
      if (bits < 8) continue;
      bits -= 8;
      id.bytes[filled++] = static_cast<std::uint8_t>(buffer >> bits);
      buffer &= (1U << bits) - 1;
    }
  }
  if (buffer != 0) return std::nullopt;  // the four spare bits of the last character
  return id;
}

}  // namespace starling
