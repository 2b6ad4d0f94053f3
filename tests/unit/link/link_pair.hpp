// Two PeerLinks that talk in memory, in pieces of any size, on virtual time.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "starling/output_buffer.hpp"

#include "bridge/link/peer_link.hpp"
#include "bridge/wire/read_frame.hpp"
#include "bridge/wire/write_frame.hpp"

namespace starling::link_test {

using namespace std::chrono_literals;

inline NodeId node(std::uint8_t number) {
  NodeId id;
  id.bytes.fill(number);
  return id;
}
inline crypto::Key key(std::uint8_t number) {
  crypto::Key key{};
  key.fill(number);
  return key;
}
inline Interest interest(std::string_view filter, QoS qos = QoS::at_least_once) {
  return {TopicFilter::parse(filter).value(), "", qos, false};
}

/// Takes what has been written so far out of the buffer.
inline Bytes drain(OutputBuffer& buffer) {
  std::vector<ByteView> views(64);
  Bytes bytes;
  while (!buffer.empty()) {
    std::size_t size = 0;
    const std::size_t count = buffer.gather(views);
    for (std::size_t i = 0; i < count; ++i) {
      append(bytes, views[i]);
      size += views[i].size();
    }
    buffer.consume(size);
  }
  return bytes;
}
inline Bytes written(const wire::Frame& frame) {
  OutputBuffer out;
  wire::write_frame(frame, out);
  return drain(out);
}
/// All frames in `bytes`, which must be whole.
inline std::vector<wire::Frame> frames_of(ByteView bytes) {
  std::vector<wire::Frame> frames;
  while (!bytes.empty()) {
    const auto body = wire::cut_frame(bytes, {1U << 30U, 1U << 30U}).value().value();
    frames.push_back(wire::read_frame(body).value());
    bytes = bytes.subspan(wire::frame_prefix_size + body.size());
  }
  return frames;
}

/// One end with what it has told and written.
struct End {
  explicit End(std::uint8_t number) {
    settings.self = node(number);
    settings.meshes = {key(1)};
  }
  void open(LinkOpening opening, TimePoint now) {
    events.clear();
    out.clear();
    link = std::make_unique<PeerLink>(settings, std::move(opening), now);
    link->start(events, out);
  }
  template <class Event>
  [[nodiscard]] std::vector<Event> told() const {
    std::vector<Event> found;
    for (const LinkEvent& event : events)
      if (const auto* it = std::get_if<Event>(&event)) found.push_back(*it);
    return found;
  }
  template <class Event>
  [[nodiscard]] const Event& last() const {
    return std::get<Event>(events.back());
  }
  [[nodiscard]] bool has_failed() const {
    return !events.empty() && std::holds_alternative<LinkFailed>(events.back());
  }
  [[nodiscard]] std::string why() const {
    return has_failed() ? last<LinkFailed>().error.what : "";
  }
  /// The reason of the bye that was written last.
  wire::CloseReason said_bye() {
    const auto frames = frames_of(drain(out));
    return std::get<wire::Bye>(frames.back()).reason;
  }

  PeerLinkSettings settings;
  std::unique_ptr<PeerLink> link;
  LinkEvents events;
  OutputBuffer out;
};

struct Pair {
  End a{1};  // dials
  End b{2};
  TimePoint now = TimePoint{} + 1h;
  ChannelSecret secret = key(99);

  [[nodiscard]] LinkOpening opening_of(bool of_a) const {
    LinkOpening opening;
    opening.peer = of_a ? b.settings.self : a.settings.self;
    opening.secret = secret;
    opening.role = of_a ? LinkRole::dialler : LinkRole::listener;
    opening.remote = Endpoint::v4({127, 0, 0, of_a ? std::uint8_t{2} : std::uint8_t{1}}, 4000);
    return opening;
  }
  void open() {
    a.open(opening_of(true), now);
    b.open(opening_of(false), now);
  }
  /// Carries bytes both ways until nobody has any, in pieces of `piece` bytes.
  void talk(std::size_t piece = 1U << 20U) {
    while (!a.out.empty() || !b.out.empty()) {
      carry(a, b, piece);
      carry(b, a, piece);
    }
  }
  void carry(End& from, End& to, std::size_t piece = 1U << 20U) {
    const Bytes bytes = drain(from.out);
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      to.link->on_bytes(ByteView(bytes).subspan(at, std::min(piece, bytes.size() - at)), now,
                        to.events, to.out);
  }
  /// Hello, proofs, and no events left over.
  void link_up() {
    open();
    talk();
    a.events.clear();
    b.events.clear();
  }
  /// The bytes of one frame, as if they came from a.
  void inject(const wire::Frame& frame) { inject(written(frame)); }
  void inject(const Bytes& bytes) { b.link->on_bytes(bytes, now, b.events, b.out); }
};

/// A message with all that send() points to.
struct TestMessage {
  Publication publication;
  std::uint8_t hops = 0;
  std::optional<Duration> expires_in = {};
  operator OutgoingPublication() const {  // NOLINT: for the length of a call of send()
    return {.message = publication,
            .topic = publication.topic,
            .mesh = 0,
            .qos = publication.qos,
            .hops = hops,
            .expires_in = expires_in};
  }
};

inline TestMessage message(std::string_view topic, std::string_view payload,
                           QoS qos = QoS::at_least_once, std::uint64_t sequence = 1) {
  return {.publication = {.topic = TopicName::parse(topic).value(),
                          .payload = SharedBytes(as_bytes(payload)),
                          .qos = qos,
                          .retain = false,
                          .expires_at = std::nullopt,
                          .properties = nullptr,
                          .id = {node(1), 1, sequence}}};
}

}  // namespace starling::link_test
