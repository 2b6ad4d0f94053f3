#include "src/session/message_text.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

namespace starling {
namespace {

template <class Properties>
bool has_any(const Properties& from) {
  return from.payload_format_indicator || from.content_type || from.response_topic
         || from.correlation_data || !from.user_properties.empty();
}

template <class Properties>
std::shared_ptr<const MessageProperties> keep(const Properties& from) {
  if (!has_any(from)) return nullptr;
  auto kept = std::make_shared<MessageProperties>();
  kept->payload_format_indicator = from.payload_format_indicator;
  if (from.content_type) kept->content_type.emplace(*from.content_type);
  if (from.response_topic) kept->response_topic.emplace(*from.response_topic);
  if (from.correlation_data)
    kept->correlation_data.emplace(from.correlation_data->begin(), from.correlation_data->end());
  kept->user_properties.reserve(from.user_properties.size());
  for (const mqtt::UserProperty& property : from.user_properties)
    kept->user_properties.emplace_back(property.name, property.value);
  return kept;
}

std::uint32_t seconds_left(TimePoint expires_at, TimePoint now) {
  if (expires_at <= now) return 0;
  const std::int64_t left = std::chrono::ceil<std::chrono::seconds>(expires_at - now).count();
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(left, most));
}

}  // namespace

std::shared_ptr<const MessageProperties> keep_properties(
    const mqtt::PublishProperties& properties) {
  return keep(properties);
}

std::shared_ptr<const MessageProperties> keep_properties(const mqtt::WillProperties& properties) {
  return keep(properties);
}

mqtt::Publish make_publish(const Publication& message, std::string_view topic,
                           std::span<const std::uint32_t> subscription_ids, TimePoint now) {
  mqtt::Publish packet;
  packet.topic = topic;
  packet.payload = message.payload.view();
  if (message.expires_at)
    packet.properties.message_expiry_interval_s = seconds_left(*message.expires_at, now);
  packet.properties.subscription_identifiers.assign(subscription_ids.begin(),
                                                    subscription_ids.end());
  if (message.properties) {
    const MessageProperties& kept = *message.properties;
    packet.properties.payload_format_indicator = kept.payload_format_indicator;
    if (kept.content_type) packet.properties.content_type = *kept.content_type;
    if (kept.response_topic) packet.properties.response_topic = *kept.response_topic;
    if (kept.correlation_data)
      packet.properties.correlation_data = mqtt::BinaryView(ByteView(*kept.correlation_data));
    packet.properties.user_properties.reserve(kept.user_properties.size());
    for (const auto& property : kept.user_properties)
      packet.properties.user_properties.push_back({property.first, property.second});
  }
  return packet;
}

}  // namespace starling
