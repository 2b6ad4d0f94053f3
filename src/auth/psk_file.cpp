#include "src/auth/psk_file.hpp"

#include <utility>

#include "starling/limits.hpp"

#include "src/auth/user_lines.hpp"

namespace starling {
namespace {

/// Mosquitto reads the key as one big number behind its leading "00" bytes: a number of an odd
/// count of digits has a zero in front, and "0abcd" is two bytes.
std::optional<Bytes> read_key(std::string_view hex) {
  Bytes key;
  while (hex.starts_with("00")) {
    key.push_back(0);
    hex.remove_prefix(2);
  }
  if (hex == "0") hex = {};
  if (hex.size() % 2 == 1 && hex.front() == '0') hex.remove_prefix(1);
  const std::string even = (hex.size() % 2 == 1 ? "0" : "") + std::string(hex);
  const auto rest = from_hex(even);
  if (!rest) return std::nullopt;
  append(key, *rest);
  return key;
}

}  // namespace

PskFile parse_psk_file(std::string_view text) {
  PskFile file;
  for_each_user_line(text, [&](const UserLine& line) {
    const auto report = [&](std::uint32_t column, std::string what) {
      if (file.problems.size() < file_problems_max)
        file.problems.push_back(FileProblem{line.line, column, std::move(what)});
    };
    if (line.user.empty()) return report(line.column, "an identity is missing");
    const std::string identity = "identity " + quoted_for_problem(line.user);
    if (line.user.size() > limits::psk_identity_max)
      return report(line.column, identity + " is longer than "
                                     + std::to_string(limits::psk_identity_max) + " bytes");
    if (line.value.empty()) return report(line.value_column, identity + " has no key");
    auto key = read_key(line.value);
    if (!key) return report(line.value_column, "the key of " + identity + " is not hexadecimal");
    if (key->empty() || key->size() > limits::psk_key_max)
      return report(line.value_column, "the key of " + identity + " is not 1 to "
                                           + std::to_string(limits::psk_key_max) + " bytes long");
    file.keys.insert_or_assign(std::string(line.user), *std::move(key));
  });
  return file;
}

}  // namespace starling
