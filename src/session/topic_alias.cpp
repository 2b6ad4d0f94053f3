#include "src/session/topic_alias.hpp"

#include <algorithm>

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/session/topic_mount.hpp"

namespace starling {

using mqtt::PacketError;
using mqtt::ReasonCode;

mqtt::Decoded<TopicName> TopicAliases::name_of(std::string_view text) {
  if (last_ && last_->text().substr(last_is_mounted_ ? mount_.size() : 0) == text) return *last_;
  const bool mounts = is_mounted(mount_, text);
  const auto levels = std::count(text.begin(), text.end(), '/') + 1
                      + (mounts ? std::count(mount_.begin(), mount_.end(), '/') : 0);
  if (static_cast<std::size_t>(levels) > levels_max_)
    return PacketError{{Errc::too_large, "PUBLISH to a topic with too many levels"},
                       ReasonCode::topic_name_invalid};
  auto parsed = TopicName::parse(text);
  if (!parsed) return PacketError{parsed.error(), ReasonCode::malformed_packet};
  if (mounts) {
    parsed = TopicName::parse(mounted(mount_, text));
    if (!parsed) return PacketError{parsed.error(), ReasonCode::topic_name_invalid};
  }
  last_ = *parsed;
  last_is_mounted_ = mounts;
  return *std::move(parsed);
}

mqtt::Decoded<TopicName> TopicAliases::resolve(std::string_view text,
                                               std::optional<std::uint16_t> alias) {
  if (!alias) {
    if (text.empty())
      return PacketError{
          {Errc::protocol_error, "PUBLISH with neither topic name nor alias (3.3.2.1)"},
          ReasonCode::protocol_error};
    return name_of(text);
  }
  if (*alias == 0 || *alias > alias_max_)
    return PacketError{
        {Errc::protocol_error, "PUBLISH with a topic alias out of range [MQTT5-3.3.2-9]"},
        ReasonCode::topic_alias_invalid};
  const std::size_t index = *alias - 1U;
  if (text.empty()) {
    if (index < names_.size() && names_[index]) return *names_[index];
    return PacketError{
        {Errc::protocol_error, "PUBLISH with a topic alias that was never set (3.3.2.3.4)"},
        ReasonCode::protocol_error};
  }
  auto name = name_of(text);
  if (!name) return name;
  if (names_.size() <= index) names_.resize(index + 1);
  names_[index] = *name;
  return name;
}

namespace {

/// FNV-1a, folded; never 0. Collisions cost an alias that was not worth it, nothing else.
std::uint16_t short_hash(std::string_view text) {
  std::uint32_t hash = 2'166'136'261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
  const auto folded = static_cast<std::uint16_t>(hash >> 16U ^ hash);
  return folded == 0 ? std::uint16_t{1} : folded;
}

}  // namespace

OutboundAliases::Choice OutboundAliases::choose(const TopicName& topic) {
  const std::string_view text = topic.text();
  if (alias_max_ == 0 || text.size() < limits::alias_name_min) return {};
  ++uses_;
  std::size_t oldest = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].topic.text() == text) {
      entries_[i].last_used = uses_;
      return {static_cast<std::uint16_t>(i + 1), true};
    }
    if (entries_[i].last_used < entries_[oldest].last_used) oldest = i;
  }
  if (entries_.size() < alias_max_) return {static_cast<std::uint16_t>(entries_.size() + 1), false};
  const std::uint16_t hash = short_hash(text);
  std::uint16_t& slot = seen_once_[hash % seen_once_.size()];
  if (slot != hash) {
    slot = hash;
    return {};
  }
  slot = 0;
  return {static_cast<std::uint16_t>(oldest + 1), false};
}

void OutboundAliases::bind(std::uint16_t alias, const TopicName& topic) {
  const std::size_t index = alias - 1U;
  STARLING_CHECK(alias > 0 && index <= entries_.size() && index < alias_max_);
  if (index == entries_.size()) entries_.push_back({topic, uses_});
  entries_[index] = {topic, uses_};
}

}  // namespace starling
