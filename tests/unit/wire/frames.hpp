// One of each frame, with every field set to something that can be told from the default.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "starling/output_buffer.hpp"

#include "bridge/wire/frame.hpp"
#include "bridge/wire/read_frame.hpp"
#include "bridge/wire/write_frame.hpp"

namespace starling::wire_test {

inline NodeId node(std::uint8_t number) {
  NodeId id;
  id.bytes.fill(number);
  return id;
}
inline TopicName name(std::string_view text) {
  return TopicName::parse(text).value();
}
inline Interest interest(std::string_view filter, QoS qos = QoS::at_most_once) {
  return {TopicFilter::parse(filter).value(), "", qos, false};
}
inline wire::PublicationEntry publication(std::string_view topic, std::string_view payload,
                                          QoS qos = QoS::at_most_once) {
  wire::PublicationEntry entry;
  entry.topic.text = topic;
  entry.qos = qos;
  entry.payload = SharedBytes(as_bytes(payload));
  return entry;
}

inline Bytes all_of(const OutputBuffer& buffer) {
  std::vector<ByteView> views(4096);
  Bytes bytes;
  const std::size_t count = buffer.gather(views);
  for (std::size_t i = 0; i < count; ++i) append(bytes, views[i]);
  return bytes;
}
/// The frame with its length.
inline Bytes written(const wire::Frame& frame) {
  OutputBuffer out;
  wire::write_frame(frame, out);
  return all_of(out);
}
/// The frame without its length.
inline Bytes body_of(const wire::Frame& frame) {
  Bytes bytes = written(frame);
  bytes.erase(bytes.begin(), bytes.begin() + wire::frame_prefix_size);
  return bytes;
}

inline std::vector<wire::Frame> one_of_each() {
  using namespace std::chrono_literals;
  const Endpoint v4 = Endpoint::v4({192, 0, 2, 7}, 21883);
  const Endpoint v6 = *Endpoint::parse("[2001:db8::1]:21883");
  wire::Hello hello;
  hello.version = 3;
  hello.version_oldest = 1;
  hello.software = "starling 0.1";
  hello.node = node(7);
  hello.epoch = 41;
  hello.meshes = {{1, 2, 3}, {4, 5, 6}};
  hello.endpoints = {v4, v6};
  hello.observed = v6;
  hello.frame_max = 1U << 20U;
  hello.windows = {{wire::Lane::best_effort, 10, 1000}, {wire::Lane::guaranteed, 20, 2000}};
  hello.ordinal = 9;
  hello.holds_other = true;
  hello.topic_numbers = 4'096;

  MessageProperties properties;
  properties.payload_format_indicator = 1;
  properties.content_type = "text/plain";
  properties.response_topic = "answers/here";
  properties.correlation_data = Bytes{0, 1, 2};
  properties.user_properties = {{"a", "1"}, {"a", "2"}, {"", ""}};
  wire::PublicationEntry full = publication("home/kitchen", "on", QoS::exactly_once);
  full.topic.mesh = 2;
  full.topic.number = 70'000;
  full.retain = true;
  full.hops = 24;
  full.step = 1ULL << 40U;
  full.expires_in = 90s;
  full.properties = std::make_shared<const MessageProperties>(properties);
  wire::PublicationEntry large = publication("", "", QoS::at_least_once);
  large.topic.number = 65'535;
  large.payload = SharedBytes(Bytes(70'000, 0x55));
  wire::PublicationEntry mortal = publication("a", "x", QoS::exactly_once);
  mortal.expires_in = 1ms;
  wire::PublicationEntry plain = publication("", std::string(255, 'x'), QoS::at_least_once);
  plain.topic.number = 0x8000;
  plain.step = 0x7F;

  wire::Interests interests;
  interests.mesh = 3;
  interests.sequence = 17;
  interests.changes = {{interest("a/+/#", QoS::exactly_once), true}, {interest("b"), false}};
  interests.changes[0].interest.durable = true;
  interests.changes[0].interest.share_group = "workers";

  return {hello,
          wire::Proof{{{{1, 2}, {3, 4}}, {{5}, {6}}}},
          wire::Ping{1ULL << 63U},
          wire::Pong{77},
          wire::Bye{wire::CloseReason::duplicate_link, "another link stays"},
          interests,
          wire::Interests{1, 1, wire::InterestsPart::set_last, {}},
          wire::Publications{
              {wire::Lane::guaranteed, 300, MessageId{node(8), 5, 6}, {node(8), 5, 1ULL << 40U}},
              {full, plain, mortal}},
          wire::Publications{{wire::Lane::guaranteed, 1, {}, {NodeId{}, 5, 0}}, {large, large}},
          wire::Acknowledgement{wire::Lane::guaranteed, 65'536},
          wire::Credit{wire::Lane::best_effort, 4'096, 1ULL << 33U},
          wire::DialMe{1, node(1), node(2), {v4}},
          wire::Peers{0, {{node(3), {v6, v4}, true}, {node(4), {}, false}}},
          wire::DialBack{{1, 2, 3}, v6},
          wire::DialBackFailed{{4, 5}, "connection refused"},
          wire::Meet{node(1), node(2), wire::Meet::Step::now, v4},
          wire::RelayReserve{false},
          wire::RelayReserved{true, ""},
          wire::RelayOpen{0x80000001U, node(5), node(6), 1ULL << 20U},
          wire::RelayOpened{3, 65'536},
          wire::RelayData{2, Bytes(wire::relay_data_max, 0x16)},
          wire::RelayCredit{2, 1ULL << 40U},
          wire::RelayClose{7, "no reservation"}};
}

}  // namespace starling::wire_test
