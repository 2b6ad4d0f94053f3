// What comes in on a link, frame by frame, and what the peer must not do.
#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "starling/limits.hpp"

#include "bridge/link/peer_link.hpp"
#include "bridge/wire/publications_reader.hpp"
#include "bridge/wire/read_frame.hpp"

namespace starling {
namespace {

using wire::CloseReason;

CloseReason reason_for(const Error& error) {
  switch (error.code) {
    case Errc::malformed:
      return CloseReason::malformed;
    case Errc::too_large:
      return CloseReason::too_large;
    case Errc::quota_exceeded:
      return CloseReason::quota_exceeded;
    default:
      return CloseReason::protocol_error;
  }
}

Error protocol_error(std::string what) {
  return {Errc::protocol_error, std::move(what)};
}

/// How many bytes the frame that begins in `begun` lacks, or its length does.
std::size_t bytes_missing(ByteView begun) {
  if (begun.size() < wire::frame_prefix_size) return wire::frame_prefix_size - begun.size();
  return wire::frame_prefix_size + ByteReader(begun).read_u32() - begun.size();
}

}  // namespace

void PeerLink::on_bytes(ByteView bytes, TimePoint now, LinkEvents& events, OutputBuffer& out) {
  if (phase_ == Phase::created || phase_ == Phase::ended) return;
  last_heard_ = now;
  const Turn turn{now, events, out};
  // Only what completes the first frame is copied; the others are read where they lie.
  while (!incoming_.empty() && !bytes.empty() && !has_ended()) {
    const ByteView part = bytes.first(std::min(bytes_missing(incoming_), bytes.size()));
    bytes = bytes.subspan(part.size());
    append(incoming_, part);
    const std::size_t taken = take_frames(incoming_, turn);
    incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  if (!has_ended()) append(incoming_, bytes.subspan(take_frames(bytes, turn)));
  if (incoming_.empty() || has_ended()) incoming_ = Bytes{};  // an idle link owns no buffer
}

// Returns how many bytes the whole frames took, of which there may be none.
std::size_t PeerLink::take_frames(ByteView bytes, const Turn& turn) {
  std::size_t taken = 0;
  while (!has_ended()) {
    const wire::FrameBounds bounds =
        takes_frames() ? wire::FrameBounds{limits::link_frame_max, settings_->frame_max}
                       : wire::FrameBounds{limits::hello_frame_max, limits::hello_frame_max};
    const auto body = wire::cut_frame(bytes.subspan(taken), bounds);
    if (!body) {
      fail({reason_for(body.error()), body.error()}, turn.events, turn.out);
      break;
    }
    if (!*body) break;
    taken += wire::frame_prefix_size + (*body)->size();
    // Messages, of which there are many, are not made into a Frame first.
    if (takes_frames()
        && wire::peek_type(**body) == static_cast<std::uint64_t>(wire::FrameType::publications)) {
      if (auto trouble = on_publications(**body, turn))
        fail(*std::move(trouble), turn.events, turn.out);
      continue;
    }
    auto frame = wire::read_frame(**body);
    if (!frame) {
      fail({reason_for(frame.error()), frame.error()}, turn.events, turn.out);
      break;
    }
    if (auto trouble = on_frame(*frame, turn)) fail(*std::move(trouble), turn.events, turn.out);
  }
  return taken;
}

PeerLink::Verdict PeerLink::on_frame(wire::Frame& frame, const Turn& turn) {
  if (std::holds_alternative<wire::UnknownFrame>(frame)) return {};
  if (auto* bye = std::get_if<wire::Bye>(&frame)) {
    // Who is superseded says its last word too: what it sent before is then not lost.
    if (is_ready() && bye->reason == CloseReason::duplicate_link) {
      flush(turn.out);
      write_bye(CloseReason::duplicate_link, "another link stays", turn.out);
    }
    end();
    turn.events.emplace_back(LinkClosed{bye->reason, std::move(bye->text)});
    return {};
  }
  if (is_ready()) return on_linked_frame(frame, turn);
  if (is_draining()) return {};
  if (auto* hello = std::get_if<wire::Hello>(&frame); hello && phase_ == Phase::awaits_hello)
    return on_hello(*hello, turn);
  if (auto* proof = std::get_if<wire::Proof>(&frame); proof && phase_ == Phase::awaits_proof)
    return on_proof(*proof, turn);
  return Trouble{
      CloseReason::protocol_error,
      protocol_error(std::string(wire::name_of(frame)) + " frame instead of "
                     + (phase_ == Phase::awaits_hello ? "hello" : "proof") + " [MESH-4.3-2]")};
}

// --- Until the link is ready.

PeerLink::Verdict PeerLink::on_hello(wire::Hello& hello, const Turn& turn) {
  if (hello.node != peer())
    return Trouble{
        CloseReason::bad_identity,
        {Errc::bad_identity, "hello of " + hello.node.to_short_text() + " over a channel of "
                                 + peer().to_short_text() + " [MESH-4.1-2]"}};
  const std::uint32_t version = std::min(hello.version, wire::protocol_version);
  if (version < hello.version_oldest || version < wire::protocol_version_oldest)
    return Trouble{
        CloseReason::version,
        {Errc::unsupported, "peer speaks link protocol " + std::to_string(hello.version_oldest)
                                + " to " + std::to_string(hello.version) + ", this node "
                                + std::to_string(wire::protocol_version_oldest) + " to "
                                + std::to_string(wire::protocol_version) + " [MESH-4.1-3]"}};
  if (hello.frame_max < limits::link_frame_max)
    return Trouble{CloseReason::protocol_error,
                   protocol_error("hello that takes frames of " + std::to_string(hello.frame_max)
                                  + " bytes only [MESH-4.1-5]")};

  theirs_ = {hello.node, hello.epoch, hello.ordinal, hello.holds_other};
  frame_max_theirs_ = static_cast<std::size_t>(hello.frame_max);
  const std::size_t topic_numbers = std::min(hello.topic_numbers, limits::link_topic_numbers);
  for (const wire::LaneWindow& window : hello.windows)
    sending(window.lane).open(window, topic_numbers);

  ours_of_.assign(hello.meshes.size(), std::nullopt);
  wire::Proof proof;
  for (std::size_t mesh = 0; mesh < settings_->meshes.size(); ++mesh) {
    const crypto::Key& key = settings_->meshes[mesh];
    const auto at =
        std::find(hello.meshes.begin(), hello.meshes.end(), mesh_tag(key, channel_, other(role())));
    if (at == hello.meshes.end()) continue;
    auto& ours = ours_of_[static_cast<std::size_t>(at - hello.meshes.begin())];
    if (ours) continue;  // the same secret under two names
    ours = mesh;
    proof.entries.push_back({mesh_tag(key, channel_, role()), member_proof(key, channel_, role())});
  }
  if (proof.entries.empty())
    return Trouble{CloseReason::no_shared_mesh,
                   {Errc::not_authorized, "no mesh in common with " + peer().to_short_text()
                                              + ": it holds other mesh secrets, or none"
                                                " [MESH-4.2-3]"}};
  wire::write_frame(proof, turn.out);
  hello_ = std::move(hello);
  phase_ = Phase::awaits_proof;
  return {};
}

PeerLink::Verdict PeerLink::on_proof(const wire::Proof& proof, const Turn& turn) {
  std::vector<std::size_t> proved;
  for (const wire::Proof::Entry& entry : proof.entries) {
    const auto at = std::find(hello_.meshes.begin(), hello_.meshes.end(), entry.mesh);
    if (at == hello_.meshes.end()) continue;
    const auto mesh = ours_of_[static_cast<std::size_t>(at - hello_.meshes.begin())];
    if (!mesh) continue;
    if (!member_proof_holds(entry.proof, settings_->meshes[*mesh], channel_, other(role())))
      return Trouble{CloseReason::bad_proof,
                     {Errc::bad_identity, "membership proof of " + peer().to_short_text()
                                              + " does not hold [MESH-4.2-5]"}};
    proved.push_back(*mesh);
  }
  for (auto& ours : ours_of_)
    if (ours && std::find(proved.begin(), proved.end(), *ours) == proved.end()) ours.reset();
  std::sort(proved.begin(), proved.end());
  proved.erase(std::unique(proved.begin(), proved.end()), proved.end());
  if (proved.empty())
    return Trouble{CloseReason::no_shared_mesh,
                   {Errc::not_authorized, peer().to_short_text()
                                              + " has proved membership of no mesh of ours"
                                                " [MESH-4.2-5]"}};
  shared_ = std::move(proved);
  become_ready(turn);
  return {};
}

void PeerLink::become_ready(const Turn& turn) {
  phase_ = Phase::ready;
  turn.events.emplace_back(LinkReady{peer(), shared_, std::exchange(hello_, {})});
  send_ping(turn.now, turn.out);
}

// --- Once it is.

PeerLink::Verdict PeerLink::on_linked_frame(wire::Frame& frame, const Turn& turn) {
  if (auto* it = std::get_if<wire::Acknowledgement>(&frame)) return on_acknowledgement(*it, turn);
  if (auto* it = std::get_if<wire::Credit>(&frame)) return on_credit(*it, turn);
  if (auto* it = std::get_if<wire::Interests>(&frame)) return on_interests(*it, turn);
  if (auto* it = std::get_if<wire::Ping>(&frame)) return on_ping(*it, turn), Verdict{};
  if (auto* it = std::get_if<wire::Pong>(&frame)) return on_pong(*it, turn), Verdict{};

  const Trouble foreign{CloseReason::protocol_error,
                        protocol_error(std::string(wire::name_of(frame))
                                       + " frame for a mesh that is not shared [MESH-4.2-6]")};
  if (auto* it = std::get_if<wire::DialMe>(&frame)) {
    const auto mesh = shared_mesh(it->mesh);
    if (!mesh) return foreign;
    turn.events.emplace_back(DialMeArrived{*mesh, it->asked, it->asker, std::move(it->endpoints)});
    return {};
  }
  if (auto* it = std::get_if<wire::Peers>(&frame)) {
    const auto mesh = shared_mesh(it->mesh);
    if (!mesh) return foreign;
    turn.events.emplace_back(PeersTold{*mesh, std::move(it->entries)});
    return {};
  }
  if (auto reach = wire::take_reach(frame)) {
    turn.events.emplace_back(ReachArrived{*std::move(reach)});
    return {};
  }
  return Trouble{
      CloseReason::protocol_error,
      protocol_error("a second " + std::string(wire::name_of(frame)) + " frame [MESH-4.3-2]")};
}

std::optional<std::size_t> PeerLink::shared_mesh(std::uint32_t position) const {
  return position < ours_of_.size() ? ours_of_[position] : std::nullopt;
}

PeerLink::Verdict PeerLink::on_interests(wire::Interests& frame, const Turn& turn) {
  const auto mesh = shared_mesh(frame.mesh);
  if (!mesh)
    return Trouble{CloseReason::protocol_error,
                   protocol_error("interests in a mesh that is not shared [MESH-4.2-6]")};
  auto complete = intake_.take(*mesh, std::move(frame));
  if (!complete) return Trouble{reason_for(complete.error()), complete.error()};
  if (*complete) turn.events.push_back(std::move(**complete));
  return {};
}

PeerLink::Verdict PeerLink::check_head(const wire::PublicationsHead& head) {
  const std::uint64_t last = receiving(head.lane).last();
  if (head.first_number != last + 1)
    return Trouble{CloseReason::protocol_error,
                   protocol_error("publication " + std::to_string(head.first_number) + " after "
                                  + std::to_string(last) + " [MESH-5.1-3]")};
  if (!head.first_id.origin.is_zero() && head.first_id.origin != peer())
    return Trouble{CloseReason::protocol_error,
                   protocol_error("a publication of another origin than its sender"
                                  " [MESH-5.4-2]")};
  return {};
}

const KeptTopicNumbers::Topic* PeerLink::topic_of(const wire::TopicMention& mention,
                                                  wire::Lane lane,
                                                  KeptTopicNumbers::Topic& spelt_out,
                                                  Verdict& verdict) {
  KeptTopicNumbers& kept = topics_[index_of(lane)];
  const KeptTopicNumbers::Topic* topic = nullptr;
  if (mention.text.empty()) {
    topic = kept.find(*mention.number);
  } else {
    const auto mesh = shared_mesh(mention.mesh);
    if (!mesh) {
      verdict = Trouble{CloseReason::protocol_error,
                        protocol_error("a publication in a mesh that is not shared [MESH-4.2-6]")};
      return nullptr;
    }
    TopicName name = TopicName::parse(mention.text).value();  // the reader has looked
    if (mention.number) {
      topic = kept.keep(*mention.number, std::move(name), *mesh);
    } else {
      spelt_out = {std::move(name), *mesh, 0};
      topic = &spelt_out;
    }
  }
  if (topic == nullptr)
    verdict =
        Trouble{CloseReason::protocol_error,
                protocol_error("topic number " + std::to_string(*mention.number)
                               + (mention.text.empty() ? ", which stands for none [MESH-5.1-5]"
                                                       : ", beyond the bound [MESH-5.1-6]"))};
  return topic;
}

PeerLink::Verdict PeerLink::on_publications(ByteView body, const Turn& turn) {
  wire::PublicationsReader in(body);
  const wire::PublicationsHead& head = in.head();
  if (in.count() > 0)
    if (auto trouble = check_head(head)) return trouble;
  ReceivingLane& lane = receiving(head.lane);
  PublicationsArrived arrived;
  arrived.lane = head.lane;
  arrived.floor = head.floor;
  if (arrived.floor && arrived.floor->origin.is_zero()) arrived.floor->origin = peer();
  arrived.publications.reserve(in.count());

  MessageId id{peer(), head.first_id.epoch, head.first_id.sequence};
  wire::PublicationEntry entry;
  KeptTopicNumbers::Topic spelt_out;
  Verdict verdict;
  while (in.next(entry)) {
    const KeptTopicNumbers::Topic* topic = topic_of(entry.topic, head.lane, spelt_out, verdict);
    if (topic == nullptr) return verdict;
    if (wire::lane_of(entry.qos) != head.lane)
      return Trouble{CloseReason::protocol_error,
                     protocol_error("a publication on the lane of another QoS [MESH-5.1-2]")};
    if (entry.step > UINT64_MAX - id.sequence)
      return Trouble{CloseReason::malformed,
                     {Errc::malformed, "an id beyond all numbers [MESH-5.4-1]"}};
    id.sequence += entry.step;
    if (auto taken = lane.on_message(entry.cost); !taken)
      return Trouble{reason_for(taken.error()), taken.error()};
    std::optional<TimePoint> expires_at;
    if (entry.expires_in) expires_at = turn.now + *entry.expires_in;
    arrived.publications.push_back({.mesh = topic->mesh,
                                    .number = lane.last(),
                                    .hops = entry.hops,
                                    .topic_number = entry.topic.number.value_or(0),
                                    .topic_version = topic->version,
                                    .message = {.topic = *topic->name,
                                                .payload = std::move(entry.payload),
                                                .qos = entry.qos,
                                                .retain = entry.retain,
                                                .expires_at = expires_at,
                                                .properties = std::move(entry.properties),
                                                .id = id}});
  }
  if (auto finished = in.finish(); !finished)
    return Trouble{reason_for(finished.error()), finished.error()};
  counters_.received += arrived.publications.size();
  turn.events.emplace_back(std::move(arrived));
  if (head.lane == wire::Lane::best_effort) {
    lane.release_all();  // nobody answers for QoS 0: it has left our hands
    if (is_ready()) grant_credit(head.lane, turn.out);
  }
  return {};
}

PeerLink::Verdict PeerLink::on_acknowledgement(const wire::Acknowledgement& frame,
                                               const Turn& turn) {
  if (frame.lane != wire::Lane::guaranteed)
    return Trouble{CloseReason::protocol_error,
                   protocol_error("acknowledgement of QoS 0 [MESH-5.3-1]")};
  if (auto taken = sending(frame.lane).on_acknowledged(frame.up_to); !taken)
    return Trouble{reason_for(taken.error()), taken.error()};
  turn.events.emplace_back(Acknowledged{frame.up_to});
  return {};
}

PeerLink::Verdict PeerLink::on_credit(const wire::Credit& frame, const Turn& turn) {
  SendingLane& lane = sending(frame.lane);
  const bool was_spent = !lane.has_credit();
  if (auto taken = lane.on_credit(frame); !taken)
    return Trouble{reason_for(taken.error()), taken.error()};
  if (was_spent && lane.has_credit()) turn.events.emplace_back(CreditGranted{frame.lane});
  return {};
}

void PeerLink::on_ping(const wire::Ping& frame, const Turn& turn) {
  // A peer that pings without end and never reads must not fill our output.
  if (last_pong_ && turn.now < *last_pong_ + limits::pong_interval_min) return;
  last_pong_ = turn.now;
  wire::write_frame(wire::Pong{frame.stamp}, turn.out);
}

void PeerLink::on_pong(const wire::Pong& frame, const Turn& turn) {
  if (frame.stamp == ping_stamp_) {
    round_trip_ = turn.now - last_ping_;
    unanswered_since_.reset();
  }
}

}  // namespace starling
