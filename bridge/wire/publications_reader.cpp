#include "bridge/wire/publications_reader.hpp"

#include <memory>
#include <utility>

#include "starling/limits.hpp"
#include "starling/link_limits.hpp"
#include "starling/topic.hpp"

namespace starling::wire {
namespace {

constexpr std::size_t elements_max = 64;  // of an array that is a structure
constexpr std::size_t entry_size_min = 6;
constexpr std::size_t property_size_max = 65'535;  // bytes, as in MQTT (1.5.4, 1.5.6)
constexpr std::uint64_t expiry_ms_max =
    std::uint64_t{UINT32_MAX} * 1'000;  // MQTT counts seconds in 32 bits

std::shared_ptr<const MessageProperties> read_properties(MsgpackReader& in) {
  auto properties = std::make_shared<MessageProperties>();
  in.enter_array(elements_max);
  if (!in.take_nil())
    properties->payload_format_indicator = static_cast<std::uint8_t>(in.read_uint(255));
  if (!in.take_nil()) properties->content_type = in.read_text(property_size_max);
  if (!in.take_nil()) {
    const std::string_view topic = in.read_text(property_size_max);
    if (in.ok() && !TopicName::parse(topic))
      in.fail(Errc::malformed, "a response topic that is no topic name [MQTT5-3.3.2-14]");
    properties->response_topic = topic;
  }
  if (!in.take_nil()) {
    const ByteView data = in.read_binary(property_size_max);
    properties->correlation_data = Bytes(data.begin(), data.end());
  }
  const std::size_t texts = in.enter_array(2 * limits::user_properties_max);
  if (texts % 2 != 0) in.fail(Errc::malformed, "a user property without a value");
  if (in.ok()) properties->user_properties.reserve(texts / 2);
  for (std::size_t i = 0; i < texts && in.ok(); i += 2) {
    const std::string_view name = in.read_text(property_size_max);
    const std::string_view value = in.read_text(property_size_max);
    properties->user_properties.emplace_back(name, value);
  }
  in.leave_array();
  in.leave_array();
  return properties;
}

MessageId read_message_id(MsgpackReader& in) {
  MessageId id;
  if (!in.take_nil()) {
    id.origin = NodeId{in.read_array_of_bytes<32>()};
    if (in.ok() && id.origin.is_zero()) in.fail(Errc::malformed, "an origin of zeros");
  }
  id.epoch = in.read_uint();
  id.sequence = in.read_uint();
  return id;
}

}  // namespace

PublicationsReader::PublicationsReader(ByteView body) : in_(body) {
  in_.enter_array(elements_max);
  in_.read_uint();  // the type
  const std::uint64_t lane = in_.read_uint();
  if (lane < 1 || lane > lanes_count)
    in_.fail(Errc::malformed, "a lane that was not agreed");
  else
    head_.lane = static_cast<Lane>(lane);
  head_.first_number = in_.read_uint();
  if (!in_.take_nil()) {
    in_.enter_array(elements_max);
    head_.floor = read_message_id(in_);
    in_.leave_array();
  }
  head_.first_id = read_message_id(in_);
  count_ = left_ = in_.enter_array(limits::frame_publications_max, entry_size_min);
  if (in_.ok() && count_ == 0) in_.fail(Errc::malformed, "a batch without publications");
}

bool PublicationsReader::next(PublicationEntry& entry) {
  if (left_ == 0 || !in_.ok()) return false;
  --left_;
  const std::size_t begin = in_.position();
  in_.enter_array(elements_max);
  read_topic(entry.topic);
  const std::uint64_t flags = in_.read_uint(0xFF);
  if ((flags & 3U) == 3) in_.fail(Errc::malformed, "a publication with QoS 3");
  entry.qos = static_cast<QoS>(flags & 3U);
  entry.retain = (flags & 4U) != 0;
  entry.hops = static_cast<std::uint8_t>(flags >> 3U);
  if (entry.hops > limits::hops_max) in_.fail(Errc::malformed, "a number out of its range");
  entry.step = in_.read_uint();
  const ByteView payload = in_.read_binary(limits::mesh_payload_max);
  entry.expires_in.reset();
  entry.properties.reset();
  if (in_.elements_left() > 0 && !in_.take_nil())
    entry.expires_in = std::chrono::milliseconds(in_.read_uint(expiry_ms_max));
  if (in_.elements_left() > 0 && !in_.take_nil()) entry.properties = read_properties(in_);
  in_.leave_array();
  if (!in_.ok()) return false;
  entry.payload = SharedBytes(payload);
  entry.cost = in_.position() - begin;
  return true;
}

void PublicationsReader::read_topic(TopicMention& topic) {
  topic.text.clear();
  topic.number.reset();
  topic.mesh = 0;
  if (!in_.next_is_array()) {
    topic.number = static_cast<std::uint32_t>(in_.read_uint(UINT32_MAX));
    return;
  }
  in_.enter_array(elements_max);
  topic.mesh = static_cast<std::uint32_t>(in_.read_uint(limits::link_meshes_max - 1));
  const std::string_view text = in_.read_text(limits::topic_size_max);
  if (in_.elements_left() > 0) {
    topic.number = static_cast<std::uint32_t>(in_.read_uint(UINT32_MAX));
    if (text.size() > limits::link_topic_bytes_max)
      in_.fail(Errc::malformed, "a number for a topic that is too long for one [MESH-5.1-6]");
  }
  in_.leave_array();
  if (!in_.ok()) return;
  if (!TopicName::parse(text))
    return in_.fail(Errc::malformed, "a publication whose topic is none");
  topic.text = text;
}

Result<void> PublicationsReader::finish() {
  in_.leave_array();
  in_.leave_array();
  if (in_.ok() && in_.remaining() > 0) in_.fail(Errc::malformed, "bytes behind the frame's array");
  if (in_.ok()) return {};
  Error error = in_.error();
  error.what = "publications frame: " + error.what;
  return error;
}

}  // namespace starling::wire
