#include "bridge/wire/write_frame.hpp"

#include <algorithm>
#include <array>
#include <variant>

#include "starling/limits.hpp"

#include "bridge/wire/frame_packer.hpp"
#include "bridge/wire/read_frame.hpp"

namespace starling::wire {
namespace {

/// Origin (nil: `self`), epoch, sequence: three elements of the array around them.
void pack_message_id(Packer& packer, const MessageId& id, const NodeId& self) {
  id.origin == self ? packer.nil() : packer.binary(id.origin.view());
  packer.number(id.epoch).number(id.sequence);
}

void pack_properties(Packer& packer, const MessageProperties* properties) {
  if (properties == nullptr || *properties == MessageProperties{}) {
    packer.nil();
    return;
  }
  const MessageProperties& p = *properties;
  STARLING_CHECK(p.user_properties.size() <= limits::user_properties_max);
  packer.array(5);
  p.payload_format_indicator ? packer.number(*p.payload_format_indicator) : packer.nil();
  p.content_type ? packer.text(*p.content_type) : packer.nil();
  p.response_topic ? packer.text(*p.response_topic) : packer.nil();
  p.correlation_data ? packer.binary(*p.correlation_data) : packer.nil();
  packer.array(2 * p.user_properties.size());
  for (const auto& property : p.user_properties) packer.text(property.first).text(property.second);
}

/// Array, topic, flags, step: what stands before the payload.
void pack_entry_front(Packer& packer, const OutgoingEntry& entry) {
  STARLING_CHECK(entry.hops <= limits::hops_max);
  const bool has_extras = entry.expires_in || entry.properties != nullptr;
  packer.array(has_extras ? 6 : 4);
  if (entry.topic_text.empty()) {
    packer.number(*entry.topic_number);
  } else {
    STARLING_CHECK(entry.mesh < limits::link_meshes_max);
    packer.array(entry.topic_number ? 3 : 2).number(entry.mesh).text(entry.topic_text);
    if (entry.topic_number) packer.number(*entry.topic_number);
  }
  packer.number(static_cast<std::uint64_t>(entry.qos) | (entry.retain ? 4U : 0U)
                | static_cast<std::uint64_t>(entry.hops) << 3U);
  packer.number(entry.step);
}

/// What stands behind it.
void pack_entry_back(Packer& packer, const OutgoingEntry& entry) {
  if (!entry.expires_in && entry.properties == nullptr) return;
  entry.expires_in ? packer.number(static_cast<std::uint64_t>(entry.expires_in->count()))
                   : packer.nil();
  pack_properties(packer, entry.properties);
}

/// The general way below can write all of them; this one only does it with fewer questions.
/// Without it a message costs 25 ns more to write.
bool write_plain_entry(const OutgoingEntry& entry, ByteView payload, Bytes& batch) {
  if (!entry.topic_text.empty() || entry.expires_in || entry.properties != nullptr
      || entry.hops != 0 || entry.step >= 0x80 || payload.size() > 0xFF
      || *entry.topic_number > 0xFFFF)
    return false;
  std::array<std::uint8_t, 8> front{};
  std::size_t size = 0;
  const std::uint32_t topic = *entry.topic_number;
  front[size++] = 0x94;
  if (topic >= 0x80) {
    const bool is_wide = topic > 0xFF;
    front[size++] = is_wide ? 0xCD : 0xCC;
    if (is_wide) front[size++] = static_cast<std::uint8_t>(topic >> 8U);
  }
  front[size++] = static_cast<std::uint8_t>(topic);
  front[size++] =
      static_cast<std::uint8_t>(static_cast<unsigned>(entry.qos) | (entry.retain ? 4U : 0U));
  front[size++] = static_cast<std::uint8_t>(entry.step);
  front[size++] = 0xC4;
  front[size++] = static_cast<std::uint8_t>(payload.size());
  append(batch, ByteView(front).first(size));
  append(batch, payload);
  return true;
}

void pack_batch_head(Packer& packer, const PublicationsHead& head, const NodeId& self,
                     std::size_t count) {
  STARLING_CHECK(count > 0 && count <= limits::frame_publications_max);
  packer.type(FrameType::publications, 7).enumerator(head.lane).number(head.first_number);
  if (head.floor) {
    packer.array(3);
    pack_message_id(packer, *head.floor, self);
  } else {
    packer.nil();
  }
  pack_message_id(packer, head.first_id, self);
  packer.array(count);
}

// --- One function per frame, as in read_frame.cpp.

void pack(Packer& packer, const UnknownFrame& frame) {
  packer.array(1).number(frame.type);
}

void pack(Packer& packer, const Hello& hello) {
  STARLING_CHECK(hello.software.size() <= limits::link_software_max);
  STARLING_CHECK(hello.meshes.size() <= limits::link_meshes_max);
  packer.type(FrameType::hello, 14).number(hello.version).number(hello.version_oldest);
  packer.text(hello.software).binary(hello.node.view()).number(hello.epoch);
  packer.array(hello.meshes.size());
  for (const MeshTag& tag : hello.meshes) packer.binary(tag);
  pack_endpoints(packer, hello.endpoints);
  hello.observed ? pack_endpoint(packer, *hello.observed) : static_cast<void>(packer.nil());
  packer.number(hello.frame_max).array(hello.windows.size());
  for (const LaneWindow& window : hello.windows)
    packer.array(3).enumerator(window.lane).number(window.messages).number(window.bytes);
  packer.number(hello.ordinal).boolean(hello.holds_other).number(hello.topic_numbers);
  packer.boolean(hello.offers_relay);
}

void pack(Packer& packer, const Proof& proof) {
  STARLING_CHECK(proof.entries.size() <= limits::link_meshes_max);
  packer.type(FrameType::proof, 1).array(proof.entries.size());
  for (const Proof::Entry& entry : proof.entries)
    packer.array(2).binary(entry.mesh).binary(entry.proof);
}

void pack(Packer& packer, const Ping& ping) {
  packer.type(FrameType::ping, 1).number(ping.stamp);
}

void pack(Packer& packer, const Pong& pong) {
  packer.type(FrameType::pong, 1).number(pong.stamp);
}

void pack(Packer& packer, const Bye& bye) {
  STARLING_CHECK(bye.text.size() <= limits::link_reason_text_max);
  packer.type(FrameType::bye, 2).enumerator(bye.reason).text(bye.text);
}

void pack(Packer& packer, const Interests& interests) {
  STARLING_CHECK(interests.changes.size() <= limits::frame_interests_max);
  packer.type(FrameType::interests, 4).number(interests.mesh).number(interests.sequence);
  packer.enumerator(interests.part).array(interests.changes.size());
  for (const InterestChange& change : interests.changes) {
    STARLING_CHECK(change.wanted || interests.part == InterestsPart::change);
    const std::uint64_t flags = static_cast<std::uint64_t>(change.interest.qos_max)
                                | (change.interest.durable ? 4U : 0U) | (change.wanted ? 0U : 8U);
    packer.array(3)
        .text(change.interest.filter.text())
        .text(change.interest.share_group)
        .number(flags);
  }
}

void pack(Packer& packer, const Acknowledgement& acknowledgement) {
  packer.type(FrameType::acknowledgement, 2).enumerator(acknowledgement.lane);
  packer.number(acknowledgement.up_to);
}

void pack(Packer& packer, const Credit& credit) {
  packer.type(FrameType::credit, 3).enumerator(credit.lane);
  packer.number(credit.number_limit).number(credit.bytes_limit);
}

void pack(Packer& packer, const DialMe& dial_me) {
  packer.type(FrameType::dial_me, 4).number(dial_me.mesh).binary(dial_me.asked.view());
  packer.binary(dial_me.asker.view());
  pack_endpoints(packer, dial_me.endpoints);
}

void pack(Packer& packer, const Peers& peers) {
  STARLING_CHECK(peers.entries.size() <= limits::frame_peers_max);
  packer.type(FrameType::peers, 2).number(peers.mesh).array(peers.entries.size());
  for (const Peers::Entry& entry : peers.entries) {
    packer.array(3).binary(entry.node.view());
    pack_endpoints(packer, entry.endpoints);
    packer.boolean(entry.linked);
  }
}

template <class Kind>
void write_one(const Kind& frame, OutputBuffer& out) {
  Bytes& tail = out.tail();
  const std::size_t begin = tail.size();
  tail.resize(begin + frame_prefix_size);
  Packer packer(tail);
  pack(packer, frame);
  const std::size_t body = tail.size() - begin - frame_prefix_size;
  for (std::size_t i = 0; i < frame_prefix_size; ++i)
    tail[begin + i] = static_cast<std::uint8_t>(body >> (8 * (frame_prefix_size - 1 - i)));
}

void write_one(const Publications& frame, OutputBuffer& out) {
  Bytes batch;
  for (const PublicationEntry& entry : frame.entries) {
    const OutgoingEntry outgoing{.topic_number = entry.topic.number,
                                 .topic_text = entry.topic.text,
                                 .mesh = entry.topic.mesh,
                                 .qos = entry.qos,
                                 .retain = entry.retain,
                                 .hops = entry.hops,
                                 .step = entry.step,
                                 .expires_in = entry.expires_in,
                                 .properties = entry.properties.get()};
    write_entry(outgoing, entry.payload.view(), batch);
  }
  write_batch(frame.head, NodeId{}, frame.entries.size(), batch, out);
}

}  // namespace

void write_frame(const Frame& frame, OutputBuffer& out) {
  std::visit([&](const auto& kind) { write_one(kind, out); }, frame);
}

std::size_t properties_size_max(const MessageProperties* properties) {
  if (properties == nullptr) return 0;
  std::size_t size = 32;  // headers, and the number
  if (properties->content_type) size += properties->content_type->size();
  if (properties->response_topic) size += properties->response_topic->size();
  if (properties->correlation_data) size += properties->correlation_data->size();
  for (const auto& [name, value] : properties->user_properties)
    size += name.size() + value.size() + 10;
  return size;
}

void write_entry(const OutgoingEntry& entry, ByteView payload, Bytes& batch) {
  if (write_plain_entry(entry, payload, batch)) return;
  Packer packer(batch);
  pack_entry_front(packer, entry);
  packer.binary(payload);
  pack_entry_back(packer, entry);
}

void write_batch(const PublicationsHead& head, const NodeId& self, std::size_t count,
                 ByteView batch, OutputBuffer& out) {
  Bytes front;
  front.reserve(batch_overhead_max);
  Packer packer(front);
  pack_batch_head(packer, head, self, count);
  STARLING_CHECK(frame_prefix_size + front.size() <= batch_overhead_max);
  STARLING_CHECK(front.size() + batch.size() <= UINT32_MAX);
  Bytes& tail = out.tail();
  ByteWriter(tail).write_u32(static_cast<std::uint32_t>(front.size() + batch.size()));
  append(tail, front);
  append(tail, batch);
}

std::size_t write_single(const PublicationsHead& head, const NodeId& self,
                         const OutgoingEntry& entry, const SharedBytes& payload,
                         OutputBuffer& out) {
  Bytes front;
  Packer packer(front);
  pack_batch_head(packer, head, self, 1);
  const std::size_t entry_begin = front.size();
  pack_entry_front(packer, entry);
  packer.binary_head(payload.size());
  Bytes back;
  Packer back_packer(back);
  pack_entry_back(back_packer, entry);
  const std::size_t body = front.size() + payload.size() + back.size();
  STARLING_CHECK(body <= UINT32_MAX);
  ByteWriter(out.tail()).write_u32(static_cast<std::uint32_t>(body));
  out.append(ByteView(front));
  out.append(payload);
  out.append(ByteView(back));
  return body - entry_begin;
}

}  // namespace starling::wire
