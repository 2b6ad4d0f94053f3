// Between the PUBLISH of the wire, which points into a frame, and the Publication that the rooms
// share.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "starling/publication.hpp"

#include "src/mqtt/packet.hpp"

namespace starling {

/// Copies what travels with a message from publisher to subscriber; null when there is nothing.
std::shared_ptr<const MessageProperties> keep_properties(const mqtt::PublishProperties& properties);
std::shared_ptr<const MessageProperties> keep_properties(const mqtt::WillProperties& properties);

/// A PUBLISH of `message` under `topic`, its name or what is left of it behind a mount point. The
/// fields point into both, which must outlive the result. Packet id, DUP, QoS and RETAIN are the
/// caller's to set. The Message Expiry Interval is what is left at
/// `now`, in whole seconds rounded up, 0 when nothing is [MQTT5-3.3.2-6].
mqtt::Publish make_publish(const Publication& message, std::string_view topic,
                           std::span<const std::uint32_t> subscription_ids, TimePoint now);

}  // namespace starling
