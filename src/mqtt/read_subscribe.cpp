// SUBSCRIBE (3.8).
#include "starling/limits.hpp"
#include "starling/topic.hpp"

#include "src/mqtt/body_reader.hpp"

namespace starling::mqtt {
namespace {

// Subscription Options (3.8.3.1).
constexpr unsigned qos_bits = 0x03;
constexpr unsigned no_local_bit = 0x04;
constexpr unsigned retain_as_published_bit = 0x08;
constexpr unsigned retain_handling_shift = 4;
constexpr unsigned reserved_bits = 0xC0;

constexpr std::string_view share_prefix = "$share/";

constexpr auto malformed = ReasonCode::malformed_packet;
constexpr auto protocol_error = ReasonCode::protocol_error;

void read_options(BodyReader& in, Subscription& subscription, ProtocolVersion version) {
  const unsigned options = in.read_u8("subscription options");
  const unsigned reserved = version == ProtocolVersion::v5 ? reserved_bits : 0xFFU & ~qos_bits;
  if ((options & reserved) != 0)
    in.fail(malformed, "subscription options", "use reserved bits (3.8.3) [MQTT5-3.8.3-5]");
  if ((options & qos_bits) == 3)
    in.fail(version == ProtocolVersion::v5 ? protocol_error : malformed, "requested QoS",
            "is 3 (3.8.3.1)");
  const unsigned retain_handling = options >> retain_handling_shift & 3U;
  if (retain_handling == 3) in.fail(protocol_error, "retain handling", "is 3 (3.8.3.1)");
  subscription.qos = static_cast<QoS>(options & qos_bits);
  subscription.no_local = (options & no_local_bit) != 0;
  subscription.retain_as_published = (options & retain_as_published_bit) != 0;
  subscription.retain_handling = static_cast<RetainHandling>(retain_handling);
}

void check_filter(BodyReader& in, const Subscription& subscription, ProtocolVersion version) {
  if (version != ProtocolVersion::v5) {
    if (!TopicFilter::parse(subscription.filter))
      in.fail(malformed, "topic filter",
              "is empty or has a misplaced wildcard [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.3-1]");
    return;
  }
  const auto name = SubscriptionName::parse(subscription.filter);
  if (!name && subscription.filter.substr(0, share_prefix.size()) == share_prefix)
    return;  // the broker's SUBACK says 0x8F: others in this packet may be good
  if (!name)
    in.fail(malformed, "topic filter",
            "is empty or has a misplaced wildcard [MQTT5-4.7.1-1] [MQTT5-4.7.1-2] "
            "[MQTT5-4.7.3-1]");
  else if (subscription.no_local && !name->share_group.empty())
    in.fail(protocol_error, "no local", "is set on a shared subscription [MQTT5-3.8.3-4]");
}

}  // namespace

Decoded<Subscribe> read_subscribe(const Frame& frame, ReadContext context) {
  BodyReader in(frame, context);
  Subscribe packet;
  packet.packet_id = in.read_packet_id(ReasonCode::malformed_packet);
  if (context.version == ProtocolVersion::v5) in.read_properties(packet.properties);
  if (in.ok() && in.remaining() == 0)
    in.fail(protocol_error, "payload", "has no topic filter [MQTT-3.8.3-3] [MQTT5-3.8.3-2]");
  while (in.remaining() > 0) {
    if (packet.subscriptions.size() >= limits::filters_per_packet_max) {
      in.fail(ReasonCode::quota_exceeded, "payload", "has too many topic filters");
      break;
    }
    Subscription subscription;
    subscription.filter = in.read_text("topic filter");
    read_options(in, subscription, context.version);
    if (in.ok()) check_filter(in, subscription, context.version);
    packet.subscriptions.push_back(subscription);
  }
  return in.finish(std::move(packet));
}

}  // namespace starling::mqtt
