// A script against one link: bytes in any pieces, well-formed frames' bodies, time, and commands of
// our own, before and after the link is up. No crash; after the last event nothing is told or
// written; whatever is written can be read; time never stands still.
#include <chrono>
#include <string>
#include <utility>

#include "starling/check.hpp"

#include "bridge/link/peer_link.hpp"
#include "bridge/wire/read_frame.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

NodeId node(std::uint8_t number) {
  NodeId id;
  id.bytes.fill(number);
  return id;
}
crypto::Key key(std::uint8_t number) {
  crypto::Key key{};
  key.fill(number);
  return key;
}

class Script {
 public:
  explicit Script(ByteView input) : input_(input) {
    settings_.self = node(2);
    settings_.meshes = {key(1), key(3)};
    settings_.lane_messages = settings_.best_effort_messages = 16;
    settings_.lane_bytes = settings_.best_effort_bytes = 4'096;
    settings_.topic_numbers = 8;
  }

  void run() {
    LinkOpening opening;
    opening.peer = node(1);
    opening.secret = key(99);
    opening.role = LinkRole::listener;
    PeerLink link(settings_, opening, now_);
    link.start(events_, out_);
    after(link);
    if (input_.read_u8() % 4 != 0) shake_hands(link);
    while (input_.remaining() > 0) step(link);
    check_output();
  }

 private:
  void shake_hands(PeerLink& link) {
    const ChannelIdentity channel{key(99), node(1), node(2)};
    wire::Hello hello;
    hello.node = node(1);
    hello.frame_max = limits::link_frame_max;
    hello.topic_numbers = 4;
    hello.windows = {{wire::Lane::best_effort, 16, 4'096}, {wire::Lane::guaranteed, 16, 4'096}};
    wire::Proof proof;
    for (const crypto::Key& member_key : settings_.meshes) {
      hello.meshes.push_back(mesh_tag(member_key, channel, LinkRole::dialler));
      proof.entries.push_back(
          {hello.meshes.back(), member_proof(member_key, channel, LinkRole::dialler)});
    }
    feed(link, hello);
    feed(link, proof);
    STARLING_CHECK(link.is_ready());
  }

  void step(PeerLink& link) {
    const std::uint8_t what = input_.read_u8();
    switch (what % 10) {
      case 0:
      case 1:  // bytes as they are
        link.on_bytes(take(), now_, events_, out_);
        break;
      case 2:
      case 3:
      case 4: {  // a body, which gets the length it has
        Bytes frame;
        const ByteView body = take();
        ByteWriter(frame).write_u32(static_cast<std::uint32_t>(body.size()));
        append(frame, body);
        link.on_bytes(frame, now_, events_, out_);
        break;
      }
      case 5: {
        now_ += std::chrono::milliseconds(100) * input_.read_u8();
        const auto due = link.next_deadline();
        link.on_timer(now_, events_, out_);
        STARLING_CHECK(!due || link.has_ended() || link.next_deadline() > now_);
        break;
      }
      case 6:
        send(link, what);
        break;
      case 7:
        link.acknowledge(arrived_ < what ? arrived_ : what, out_);
        break;
      case 8:
        link.hold_credit(wire::Lane::guaranteed, what > 100, out_);
        link.hold_credit(wire::Lane::best_effort, what > 200, out_);
        break;
      default:
        link.flush(out_);
        if (what > 250) link.close(wire::CloseReason::not_needed, "over", out_);
    }
    after(link);
  }

  void send(PeerLink& link, std::uint8_t what) {
    const QoS qos = what > 128 ? QoS::at_most_once : QoS::at_least_once;
    const std::string topic(1, static_cast<char>('a' + what % 20));
    const Publication message{.topic = TopicName::parse(topic).value(),
                              .payload = SharedBytes(take()),
                              .qos = qos,
                              .retain = false,
                              .expires_at = std::nullopt,
                              .properties = nullptr,
                              .id = {node(2), 1, ++sequence_ / 3 * 2 % 5}};
    link.send({.message = message, .topic = message.topic, .mesh = 1, .qos = qos}, out_);
  }

  void feed(PeerLink& link, const wire::Frame& frame) {
    OutputBuffer wire;
    wire::write_frame(frame, wire);
    std::vector<ByteView> views(4);
    const std::size_t count = wire.gather(views);
    for (std::size_t i = 0; i < count; ++i) link.on_bytes(views[i], now_, events_, out_);
    after(link);
  }

  ByteView take() {
    return input_.read_bytes(std::min<std::size_t>(input_.read_u8(), input_.remaining()));
  }

  void after(const PeerLink& link) {
    if (has_ended_) STARLING_CHECK(events_.empty() && out_.size() == written_);
    written_ = out_.size();
    has_ended_ = link.has_ended();
    if (has_ended_) STARLING_CHECK(!link.next_deadline());
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (const auto* batch = std::get_if<PublicationsArrived>(&events_[i]);
          batch && batch->lane == wire::Lane::guaranteed)
        arrived_ = batch->publications.back().number;
      const bool is_end = std::holds_alternative<LinkFailed>(events_[i])
                          || std::holds_alternative<LinkClosed>(events_[i]);
      STARLING_CHECK(!is_end || (has_ended_ && i + 1 == events_.size()));
    }
    events_.clear();
  }

  void check_output() {
    Bytes bytes;
    std::vector<ByteView> views(1'024);
    while (!out_.empty()) {
      std::size_t size = 0;
      const std::size_t count = out_.gather(views);
      for (std::size_t i = 0; i < count; ++i) {
        append(bytes, views[i]);
        size += views[i].size();
      }
      out_.consume(size);
    }
    for (ByteView rest = bytes; !rest.empty();) {
      const auto body = wire::cut_frame(rest, {limits::link_frame_max, limits::link_frame_max});
      STARLING_CHECK(body.ok() && body->has_value() && wire::read_frame(**body).ok());
      rest = rest.subspan(wire::frame_prefix_size + (*body)->size());
    }
  }

  ByteReader input_;
  PeerLinkSettings settings_;
  TimePoint now_ = TimePoint{} + 1h;
  LinkEvents events_;
  OutputBuffer out_;
  std::size_t written_ = 0;
  std::uint64_t arrived_ = 0;  // on the guaranteed lane
  std::uint64_t sequence_ = 0;
  bool has_ended_ = false;
};

}  // namespace
}  // namespace starling

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  starling::Script({data, size}).run();
  return 0;
}
