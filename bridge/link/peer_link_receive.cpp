// What comes in on a link, frame by frame, and what the peer must not do.
#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "starling/limits.hpp"

#include "bridge/link/peer_link.hpp"
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

}  // namespace

void PeerLink::on_bytes(ByteView bytes, TimePoint now, LinkEvents& events, OutputBuffer& out) {
  if (phase_ == Phase::created || phase_ == Phase::ended) return;
  last_heard_ = now;
  const Turn turn{now, events, out};
  if (incoming_.empty()) {
    append(incoming_, bytes.subspan(take_frames(bytes, turn)));
  } else {
    append(incoming_, bytes);
    const std::size_t taken = take_frames(incoming_, turn);
    incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  if (incoming_.empty() || has_ended()) incoming_ = Bytes{};  // an idle link owns no buffer
}

// Returns how many bytes the whole frames took, of which there may be none.
std::size_t PeerLink::take_frames(ByteView bytes, const Turn& turn) {
  std::size_t taken = 0;
  while (!has_ended()) {
    const wire::FrameBounds bounds =
        is_ready() ? wire::FrameBounds{limits::link_frame_max, settings_->frame_max}
                   : wire::FrameBounds{limits::hello_frame_max, limits::hello_frame_max};
    const auto body = wire::cut_frame(bytes.subspan(taken), bounds);
    if (!body) {
      fail({reason_for(body.error()), body.error()}, turn.events, turn.out);
      break;
    }
    if (!*body) break;
    taken += wire::frame_prefix_size + (*body)->size();
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
    end();
    turn.events.emplace_back(LinkClosed{bye->reason, std::move(bye->text)});
    return {};
  }
  if (is_ready()) return on_linked_frame(frame, turn);
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
  for (const wire::LaneWindow& window : hello.windows) sending(window.lane).open(window);

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
  if (auto* it = std::get_if<wire::Publications>(&frame)) return on_publications(*it, turn);
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

PeerLink::Verdict PeerLink::on_publications(wire::Publications& frame, const Turn& turn) {
  ReceivingLane& lane = receiving(frame.lane);
  if (frame.first_number != lane.last() + 1)
    return Trouble{CloseReason::protocol_error,
                   protocol_error("publication " + std::to_string(frame.first_number) + " after "
                                  + std::to_string(lane.last()) + " [MESH-5.1-3]")};
  PublicationsArrived arrived;
  arrived.lane = frame.lane;
  arrived.floor = frame.floor;
  if (arrived.floor && arrived.floor->origin.is_zero()) arrived.floor->origin = peer();
  arrived.publications.reserve(frame.entries.size());
  for (wire::PublicationEntry& entry : frame.entries) {
    Publication& message = entry.publication;
    const auto mesh = shared_mesh(entry.mesh);
    if (!mesh)
      return Trouble{CloseReason::protocol_error,
                     protocol_error("a publication in a mesh that is not shared [MESH-4.2-6]")};
    if (wire::lane_of(message.qos) != frame.lane)
      return Trouble{CloseReason::protocol_error,
                     protocol_error("a publication on the lane of another QoS [MESH-5.1-2]")};
    if (message.id.origin.is_zero()) message.id.origin = peer();
    if (message.id.origin != peer())
      return Trouble{CloseReason::protocol_error,
                     protocol_error("a publication of another origin than its sender"
                                    " [MESH-5.4-2]")};
    if (auto taken = lane.on_message(entry.cost); !taken)
      return Trouble{reason_for(taken.error()), taken.error()};
    if (entry.expires_in) message.expires_at = turn.now + *entry.expires_in;
    arrived.publications.push_back(
        {*mesh, lane.last(), entry.hops, std::make_shared<const Publication>(std::move(message))});
  }
  counters_.received += arrived.publications.size();
  turn.events.emplace_back(std::move(arrived));
  if (frame.lane == wire::Lane::best_effort) {
    lane.release(lane.last());  // nobody answers for QoS 0: it has left our hands
    grant_credit(frame.lane, turn.out);
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
  if (frame.stamp == ping_stamp_) round_trip_ = turn.now - last_ping_;
}

}  // namespace starling
