#include "src/session/will.hpp"

#include <algorithm>

#include "src/session/message_text.hpp"
#include "src/session/topic_mount.hpp"

namespace starling {

Result<Will> Will::from(const mqtt::Will& will, std::size_t levels_max, std::string_view mount) {
  const std::string name = mounted(mount, will.topic);
  if (static_cast<std::size_t>(std::count(name.begin(), name.end(), '/')) >= levels_max)
    return Error{Errc::too_large, "will for a topic with too many levels"};
  auto topic = TopicName::parse(will.topic);
  if (topic) topic = TopicName::parse(name);
  if (!topic) return topic.error();
  Will kept(*std::move(topic));
  kept.payload_ = SharedBytes(will.payload);
  kept.properties_ = keep_properties(will.properties);
  kept.delay_s_ = will.properties.will_delay_interval_s.value_or(0);
  kept.expiry_s_ = will.properties.message_expiry_interval_s;
  kept.qos_ = will.qos;
  kept.retain_ = will.retain;
  return kept;
}

Will Will::from(const StoredWill& will) {
  Will kept(will.message->topic);
  kept.payload_ = will.message->payload;
  kept.properties_ = will.message->properties;
  kept.delay_s_ = will.delay_s;
  kept.expiry_s_ = will.expiry_s;
  kept.qos_ = will.message->qos;
  kept.retain_ = will.message->retain;
  return kept;
}

StoredWill Will::stored() const {
  Publication message{topic_, payload_, qos_, retain_, std::nullopt, properties_, {}};
  return {std::make_shared<const Publication>(std::move(message)), delay_s_, expiry_s_};
}

TimePoint Will::due_at(TimePoint closed_at, std::optional<Duration> session_left) const {
  const Duration after = session_left ? std::min<Duration>(delay(), *session_left) : delay();
  return closed_at + after;
}

Publication Will::publication(TimePoint now) const {
  Publication message{topic_, payload_, qos_, retain_, std::nullopt, properties_, {}};
  if (expiry_s_) message.expires_at = now + std::chrono::seconds{*expiry_s_};
  return message;
}

}  // namespace starling
