#include "starling/topic.hpp"

#include <cstdint>
#include <cstring>

namespace starling {
namespace {

constexpr std::size_t text_size_max = 65'535;  // bytes; the length prefix has 16 bits

// Decodes one code point at `at` and moves past it; false for overlong forms, surrogates, values
// above U+10FFFF and truncated sequences [RFC 3629 §4], and for U+0000.
bool skip_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(at);
  if (lead == 0) return false;
  if (lead < 0x80) {
    ++at;
    return true;
  }
  const std::size_t length = lead >= 0xF0 ? 4U : lead >= 0xE0 ? 3U : 2U;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - at < length) return false;
  const std::uint8_t second = byte(at + 1);
  const std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (second < low || second > high) return false;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(at + i) & 0xC0U) != 0x80U) return false;
  at += length;
  return true;
}

Result<void> check_text(std::string_view text, const char* what) {
  if (text.empty()) return Error{Errc::malformed, std::string("empty ") + what + " [MQTT-4.7.3-1]"};
  if (text.size() > text_size_max)
    return Error{Errc::malformed, std::string(what) + " longer than 65535 bytes [MQTT-4.7.3-3]"};
  if (!is_mqtt_text(text))
    return Error{Errc::malformed,
                 std::string(what) + " is not UTF-8 without U+0000 [MQTT-1.5.3-1] [MQTT-4.7.3-2]"};
  return {};
}

/// Calls visit(level, is_last) for each level of `text` until it returns false.
template <class Visit>
void for_each_level(std::string_view text, Visit visit) {
  std::size_t begin = 0;
  while (true) {
    const std::size_t slash = text.find('/', begin);
    const bool last = slash == std::string_view::npos;
    if (!visit(text.substr(begin, last ? slash : slash - begin), last) || last) return;
    begin = slash + 1;
  }
}

}  // namespace

bool is_mqtt_text(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    // Nearly all text is ASCII: eight bytes at a time, as long as none has its top bit set or is
    // zero.
    for (std::uint64_t word = 0; text.size() - at >= sizeof word; at += sizeof word) {
      std::memcpy(&word, text.data() + at, sizeof word);
      constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
      constexpr std::uint64_t tops = ones << 7U;
      if (((word | (word - ones)) & tops) != 0) break;
    }
    if (at < text.size() && !skip_code_point(text, at)) return false;
  }
  return true;
}

std::vector<std::string_view> split_levels(std::string_view text) {
  std::vector<std::string_view> levels;
  for_each_level(text, [&](std::string_view level, bool) {
    levels.push_back(level);
    return true;
  });
  return levels;
}

Result<TopicName> TopicName::parse(std::string_view text) {
  if (auto checked = check_text(text, "topic name"); !checked) return checked.error();
  // Two searches for one character are several times faster than one for either.
  if (text.find('+') != std::string_view::npos || text.find('#') != std::string_view::npos)
    return Error{Errc::malformed, "topic name with a wildcard [MQTT-3.3.2-2]"};
  return TopicName(text);
}

Result<TopicFilter> TopicFilter::parse(std::string_view text) {
  if (auto checked = check_text(text, "topic filter"); !checked) return checked.error();
  const char* trouble = nullptr;
  for_each_level(text, [&](std::string_view level, bool last) {
    if (level == "#" && !last) trouble = "'#' before the last level of a filter [MQTT-4.7.1-2]";
    if (level.size() > 1 && level.find('#') != std::string_view::npos)
      trouble = "'#' beside other characters in a level of a filter [MQTT-4.7.1-2]";
    if (level.size() > 1 && level.find('+') != std::string_view::npos)
      trouble = "'+' beside other characters in a level of a filter [MQTT-4.7.1-3]";
    return trouble == nullptr;
  });
  if (trouble) return Error{Errc::malformed, trouble};
  return TopicFilter(text);
}

bool TopicFilter::has_wildcard() const {
  return text().find_first_of("+#") != std::string_view::npos;
}

bool TopicFilter::matches(std::string_view name) const {
  std::string_view filter = text();
  if (starts_with_wildcard() && name.front() == '$') return false;
  while (true) {
    const std::size_t filter_slash = filter.find('/');
    const std::string_view level = filter.substr(0, filter_slash);
    if (level == "#") return true;
    const std::size_t name_slash = name.find('/');
    if (level != "+" && level != name.substr(0, name_slash)) return false;
    const bool filter_ends = filter_slash == std::string_view::npos;
    const bool name_ends = name_slash == std::string_view::npos;
    if (filter_ends || name_ends)
      // "sport/#" also matches "sport": '#' includes the parent level (4.7.1.2).
      return filter_ends == name_ends || (name_ends && filter.substr(filter_slash + 1) == "#");
    filter.remove_prefix(filter_slash + 1);
    name.remove_prefix(name_slash + 1);
  }
}

Result<SubscriptionName> SubscriptionName::parse(std::string_view text) {
  constexpr std::string_view prefix = "$share/";
  std::string_view group;
  std::string_view rest = text;
  if (text.substr(0, prefix.size()) == prefix) {
    rest.remove_prefix(prefix.size());
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos || slash == 0)
      return Error{Errc::malformed,
                   "shared subscription without share name or filter [MQTT5-4.8.2-1]"};
    group = rest.substr(0, slash);
    if (group.find_first_of("+#") != std::string_view::npos)
      return Error{Errc::malformed, "share name with a wildcard [MQTT5-4.8.2-2]"};
    rest.remove_prefix(slash + 1);
  }
  auto filter = TopicFilter::parse(rest);
  if (!filter) return filter.error();
  return SubscriptionName{std::string(group), std::move(filter).value()};
}

}  // namespace starling
