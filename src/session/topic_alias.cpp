#include "src/session/topic_alias.hpp"

#include <algorithm>

#include "starling/limits.hpp"

namespace starling {

using mqtt::PacketError;
using mqtt::ReasonCode;

mqtt::Decoded<TopicName> TopicAliases::name_of(std::string_view text) {
  if (last_ && last_->text() == text) return *last_;
  const auto separators = std::count(text.begin(), text.end(), '/');
  if (static_cast<std::size_t>(separators) >= limits::topic_levels_max)
    return PacketError{{Errc::too_large, "PUBLISH to a topic with too many levels"},
                       ReasonCode::topic_name_invalid};
  auto parsed = TopicName::parse(text);
  if (!parsed) return PacketError{parsed.error(), ReasonCode::malformed_packet};
  last_ = *parsed;
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

}  // namespace starling
