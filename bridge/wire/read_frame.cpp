#include "bridge/wire/read_frame.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "starling/limits.hpp"

#include "bridge/wire/frame_parts.hpp"
#include "bridge/wire/msgpack_reader.hpp"
#include "bridge/wire/publications_reader.hpp"

namespace starling::wire {
namespace {

constexpr std::size_t interest_size_min = 5;  // array, a filter of one character, no group, flags
constexpr std::size_t peer_size_min = 37;
constexpr std::uint64_t mesh_max = limits::link_meshes_max - 1;

std::optional<Lane> read_lane_or_unknown(MsgpackReader& in) {
  const std::uint64_t lane = in.read_uint();
  if (lane < 1 || lane > lanes_count) return std::nullopt;
  return static_cast<Lane>(lane);
}

Lane read_lane(MsgpackReader& in) {
  const auto lane = read_lane_or_unknown(in);
  if (!lane) in.fail(Errc::malformed, "a lane that was not agreed");
  return lane.value_or(Lane::best_effort);
}

std::uint32_t read_mesh(MsgpackReader& in) {
  return static_cast<std::uint32_t>(in.read_uint(mesh_max));
}

Hello read_hello(MsgpackReader& in) {
  Hello hello;
  hello.version = static_cast<std::uint32_t>(in.read_uint(UINT32_MAX));
  hello.version_oldest = static_cast<std::uint32_t>(in.read_uint(UINT32_MAX));
  hello.software = in.read_text(limits::link_software_max);
  hello.node = read_node(in);
  hello.epoch = in.read_uint();
  read_each(in, limits::link_meshes_max, sizeof(MeshTag),
            [&] { hello.meshes.push_back(in.read_array_of_bytes<16>()); });
  hello.endpoints = read_endpoints(in);
  if (!in.take_nil()) hello.observed = read_endpoint(in);
  hello.frame_max = in.read_uint();
  read_each(in, 16, 4, [&] {
    in.enter_array(elements_max);
    const auto lane = read_lane_or_unknown(in);
    const std::uint64_t messages = in.read_uint();
    const std::uint64_t bytes = in.read_uint();
    in.leave_array();
    if (!lane) return;  // of a later version
    if (std::any_of(hello.windows.begin(), hello.windows.end(),
                    [&](const LaneWindow& window) { return window.lane == *lane; }))
      in.fail(Errc::malformed, "a lane named twice");
    hello.windows.push_back({*lane, messages, bytes});
  });
  hello.ordinal = in.read_uint();
  hello.holds_other = in.read_bool();
  hello.topic_numbers = static_cast<std::uint32_t>(in.read_uint(UINT32_MAX));
  if (in.elements_left() > 0) hello.offers_relay = in.read_bool();
  return hello;
}

Proof read_proof(MsgpackReader& in) {
  Proof proof;
  read_each(in, limits::link_meshes_max, sizeof(Proof::Entry), [&] {
    in.enter_array(elements_max);
    Proof::Entry entry;
    entry.mesh = in.read_array_of_bytes<16>();
    entry.proof = in.read_array_of_bytes<32>();
    in.leave_array();
    proof.entries.push_back(entry);
  });
  return proof;
}

Bye read_bye(MsgpackReader& in) {
  Bye bye;
  const std::uint64_t reason = in.read_uint();
  if (reason <= static_cast<std::uint64_t>(CloseReason::dialled_back))
    bye.reason = static_cast<CloseReason>(reason);
  bye.text = in.read_text(limits::link_reason_text_max);
  return bye;
}

void read_interest(MsgpackReader& in, Interests& into) {
  in.enter_array(elements_max);
  const std::string_view filter_text = in.read_text(limits::topic_size_max);
  const std::string_view group = in.read_text(limits::topic_size_max);
  const std::uint64_t flags = in.read_uint();
  in.leave_array();
  const auto qos = static_cast<std::uint8_t>(flags & 3U);
  const bool withdrawn = (flags & 8U) != 0;
  if (qos > 2) in.fail(Errc::malformed, "an interest with QoS 3");
  if (withdrawn && into.part != InterestsPart::change)
    in.fail(Errc::malformed, "a withdrawn interest in a full set");
  if (group.find_first_of("/+#") != std::string_view::npos)
    in.fail(Errc::malformed, "a share name with '/', '+' or '#' [MQTT5-4.8.2-2]");
  if (!in.ok()) return;
  auto filter = TopicFilter::parse(filter_text);
  if (!filter) return in.fail(Errc::malformed, "an interest whose filter is none");
  into.changes.push_back(
      {{*std::move(filter), std::string(group), static_cast<QoS>(qos), (flags & 4U) != 0},
       !withdrawn});
}

Interests read_interests(MsgpackReader& in) {
  Interests interests;
  interests.mesh = read_mesh(in);
  interests.sequence = in.read_uint();
  interests.part = static_cast<InterestsPart>(in.read_uint(2));
  const std::size_t count = in.enter_array(limits::frame_interests_max, interest_size_min);
  interests.changes.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) read_interest(in, interests);
  in.leave_array();
  return interests;
}

Acknowledgement read_acknowledgement(MsgpackReader& in) {
  const Lane lane = read_lane(in);
  return {lane, in.read_uint()};
}

Credit read_credit(MsgpackReader& in) {
  Credit credit;
  credit.lane = read_lane(in);
  credit.number_limit = in.read_uint();
  credit.bytes_limit = in.read_uint();
  return credit;
}

DialMe read_dial_me(MsgpackReader& in) {
  DialMe dial_me;
  dial_me.mesh = read_mesh(in);
  dial_me.asked = read_node(in);
  dial_me.asker = read_node(in);
  dial_me.endpoints = read_endpoints(in);
  return dial_me;
}

Peers read_peers(MsgpackReader& in) {
  Peers peers;
  peers.mesh = read_mesh(in);
  const std::size_t count = in.enter_array(limits::frame_peers_max, peer_size_min);
  peers.entries.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    in.enter_array(elements_max);
    Peers::Entry entry;
    entry.node = read_node(in);
    entry.endpoints = read_endpoints(in);
    entry.linked = in.read_bool();
    in.leave_array();
    peers.entries.push_back(std::move(entry));
  }
  in.leave_array();
  return peers;
}

Frame read_fields(MsgpackReader& in, std::uint64_t type) {
  switch (type) {
    case static_cast<std::uint64_t>(FrameType::hello):
      return read_hello(in);
    case static_cast<std::uint64_t>(FrameType::proof):
      return read_proof(in);
    case static_cast<std::uint64_t>(FrameType::ping):
      return Ping{in.read_uint()};
    case static_cast<std::uint64_t>(FrameType::pong):
      return Pong{in.read_uint()};
    case static_cast<std::uint64_t>(FrameType::bye):
      return read_bye(in);
    case static_cast<std::uint64_t>(FrameType::interests):
      return read_interests(in);
    case static_cast<std::uint64_t>(FrameType::acknowledgement):
      return read_acknowledgement(in);
    case static_cast<std::uint64_t>(FrameType::credit):
      return read_credit(in);
    case static_cast<std::uint64_t>(FrameType::dial_me):
      return read_dial_me(in);
    case static_cast<std::uint64_t>(FrameType::peers):
      return read_peers(in);
    default:
      return read_reach_fields(in, type).value_or(UnknownFrame{type});
  }
}

Result<Frame> read_publications(ByteView body) {
  PublicationsReader in(body);
  Publications publications;
  publications.head = in.head();
  publications.entries.reserve(in.count());
  PublicationEntry entry;
  while (in.next(entry)) publications.entries.push_back(entry);
  if (auto finished = in.finish(); !finished) return finished.error();
  return Frame{std::move(publications)};
}

/// Whether a body begins as a publications frame does: a short array, then the type [MESH-3.1-3].
bool begins_as_publications(ByteView body) {
  return (body[0] & 0xF0U) == 0x90 && body[1] == static_cast<std::uint8_t>(FrameType::publications);
}

}  // namespace

Result<std::optional<ByteView>> cut_frame(ByteView received, const FrameBounds& bounds) {
  if (received.size() < frame_prefix_size) return std::optional<ByteView>{};
  const std::size_t size = ByteReader(received).read_u32();
  const ByteView body = received.subspan(frame_prefix_size);
  if (size == 0) return Error{Errc::malformed, "an empty frame [MESH-3.1-2]"};
  if (size > bounds.body_max) {
    const bool type_is_known = body.size() >= 2;
    if (size > bounds.publications_max || (type_is_known && !begins_as_publications(body)))
      return Error{Errc::too_large, "a frame of " + std::to_string(size) + " bytes [MESH-3.1-3]"};
  }
  if (body.size() < size) return std::optional<ByteView>{};
  return std::optional<ByteView>{body.first(size)};
}

std::optional<std::uint64_t> peek_type(ByteView body) {
  MsgpackReader in(body);
  in.enter_array(elements_max);
  const std::uint64_t type = in.read_uint();
  return in.ok() ? std::optional{type} : std::nullopt;
}

Result<Frame> read_frame(ByteView body) {
  if (peek_type(body) == static_cast<std::uint64_t>(FrameType::publications))
    return read_publications(body);
  MsgpackReader in(body);
  in.enter_array(elements_max);
  const std::uint64_t type = in.read_uint();
  Frame frame = in.ok() ? read_fields(in, type) : UnknownFrame{};
  in.leave_array();
  if (in.ok() && in.remaining() > 0) in.fail(Errc::malformed, "bytes behind the frame's array");
  if (in.ok()) return frame;
  Error error = in.error();
  error.what = std::string(name_of(frame)) + " frame: " + error.what;
  return error;
}

}  // namespace starling::wire
